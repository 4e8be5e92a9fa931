//! Providers, policies, signers, key records and audit on SQLite or PostgreSQL.
