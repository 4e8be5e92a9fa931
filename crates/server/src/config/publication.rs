//! `[publication]`: what the publisher of the service's code says, which the service only hands out.

use std::path::PathBuf;

use serde::Deserialize;

/// `[publication]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublicationConfig {
    /// The list of measurements, signed by its publisher (`avouch measurements sign`).
    pub measurements: Option<PathBuf>,
    /// The publisher's statement over it, with receipts of ledgers (`avouch measurements attach`).
    pub statement: Option<PathBuf>,
}

impl PublicationConfig {
    /// Relative paths start from the folder of the configuration.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.measurements.iter_mut().chain(&mut self.statement)
    }
}
