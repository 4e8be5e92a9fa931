//! Unmodified crates against a running Avouch.
//!
//! Environment: `AVOUCH_URL` and `AVOUCH_CA` name a server that judges at the present time,
//! `AVOUCH_MINTED` a folder of minted evidence that it accepts.

mod collateral;
mod data_plane;
mod ear;
mod guest;
mod management;
mod support;
mod tokens;
