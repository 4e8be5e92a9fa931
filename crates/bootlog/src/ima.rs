//! IMA: what the Linux kernel measured while it ran.
