//! Logs as JSON.
