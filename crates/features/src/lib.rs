//! Nothing: this crate is its list of dependencies (`Cargo.toml` says why).
