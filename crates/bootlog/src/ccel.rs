//! Confidential-computing event logs of trust domains.
