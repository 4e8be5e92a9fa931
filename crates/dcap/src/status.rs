//! TCB statuses in Intel's words, and how those of several parts become one.

use std::fmt;
use std::str::FromStr;

use avouch_wire::excerpt;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// What Intel says of a TCB: of a platform, a TDX module, a quoting enclave, or all together.
///
/// Spelling is Intel's. The two relaunch statuses are verdicts; no collateral holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcbStatus {
    /// Nothing is known against it.
    UpToDate,
    /// Software inside must be built against known attacks; the platform cannot do more.
    SWHardeningNeeded,
    /// The platform's configuration may expose it.
    ConfigurationNeeded,
    /// Both of the above.
    ConfigurationAndSWHardeningNeeded,
    /// The TD was launched under an old TDX module; the one that runs now is good.
    TDRelaunchAdvised,
    /// As above, and the configuration may expose it.
    TDRelaunchAdvisedConfigurationNeeded,
    /// Updates are missing.
    OutOfDate,
    /// Updates are missing and the configuration may expose it.
    OutOfDateConfigurationNeeded,
    /// No level of Intel's fits the platform: Intel's library says `TCB_NOT_SUPPORTED`. Accepted by a
    /// [`crate::PlatformException`] alone.
    NotSupported,
    /// Keys of it are known to be in wrong hands. Never accepted.
    Revoked,
}

impl TcbStatus {
    /// Every status that Intel gives, best first.
    pub const ALL: [Self; 9] = [
        Self::UpToDate,
        Self::SWHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSWHardeningNeeded,
        Self::TDRelaunchAdvised,
        Self::TDRelaunchAdvisedConfigurationNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::Revoked,
    ];

    /// Intel's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SWHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::TDRelaunchAdvised => "TDRelaunchAdvised",
            Self::TDRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::NotSupported => "NotSupported",
            Self::Revoked => "Revoked",
        }
    }

    /// Whether a change of configuration (BIOS settings such as hyper-threading) is called for.
    #[must_use]
    pub const fn needs_configuration(self) -> bool {
        match self {
            Self::ConfigurationNeeded
            | Self::ConfigurationAndSWHardeningNeeded
            | Self::TDRelaunchAdvisedConfigurationNeeded
            | Self::OutOfDateConfigurationNeeded => true,
            Self::UpToDate
            | Self::SWHardeningNeeded
            | Self::TDRelaunchAdvised
            | Self::OutOfDate
            | Self::NotSupported
            | Self::Revoked => false,
        }
    }

    /// Whether updates are missing.
    #[must_use]
    pub const fn is_out_of_date(self) -> bool {
        matches!(self, Self::OutOfDate | Self::OutOfDateConfigurationNeeded)
    }
}

impl fmt::Display for TcbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for TcbStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A word that is no TCB status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} is not a TCB status, expected one of {}", excerpt(.found), names(&TcbStatus::ALL))]
pub struct UnknownTcbStatus {
    /// The word as it came, of any length.
    pub found: String,
}

/// Intel's names of `statuses`, separated by commas.
pub(crate) fn names(statuses: &[TcbStatus]) -> String {
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for TcbStatus {
    type Err = UnknownTcbStatus;

    fn from_str(text: &str) -> Result<Self, UnknownTcbStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownTcbStatus { found: text.to_owned() })
    }
}

/// The status of a TDX module or a quoting enclave: the three that Intel gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentStatus {
    /// Nothing is known against it.
    UpToDate,
    /// A newer one exists.
    OutOfDate,
    /// Never accepted.
    Revoked,
}

impl From<ComponentStatus> for TcbStatus {
    fn from(status: ComponentStatus) -> Self {
        match status {
            ComponentStatus::UpToDate => Self::UpToDate,
            ComponentStatus::OutOfDate => Self::OutOfDate,
            ComponentStatus::Revoked => Self::Revoked,
        }
    }
}

/// Merges the status of a component (TDX module, quoting enclave) into that of the platform.
///
/// Source: Intel's quote verification library, convergence of TCB statuses.
#[must_use]
pub const fn converge(platform: TcbStatus, component: ComponentStatus) -> TcbStatus {
    match component {
        ComponentStatus::UpToDate => platform,
        ComponentStatus::Revoked => TcbStatus::Revoked,
        ComponentStatus::OutOfDate => match platform {
            TcbStatus::UpToDate | TcbStatus::SWHardeningNeeded => TcbStatus::OutOfDate,
            TcbStatus::ConfigurationNeeded | TcbStatus::ConfigurationAndSWHardeningNeeded => {
                TcbStatus::OutOfDateConfigurationNeeded
            }
            TcbStatus::TDRelaunchAdvised
            | TcbStatus::TDRelaunchAdvisedConfigurationNeeded
            | TcbStatus::OutOfDate
            | TcbStatus::OutOfDateConfigurationNeeded
            | TcbStatus::NotSupported
            | TcbStatus::Revoked => platform,
        },
    }
}

/// The status of a TD from that of its launch and that of what runs now (TDX 1.5).
///
/// An old launch under a module that has since been updated is a relaunch status. A present status
/// worse than the launch's cannot come from an update, since versions only rise; the worse one
/// is reported.
#[must_use]
pub fn relaunch(launch: TcbStatus, current: TcbStatus) -> TcbStatus {
    let current_is_good = matches!(
        current,
        TcbStatus::UpToDate
            | TcbStatus::SWHardeningNeeded
            | TcbStatus::ConfigurationNeeded
            | TcbStatus::ConfigurationAndSWHardeningNeeded
    );
    if launch.is_out_of_date() && current_is_good {
        return if launch.needs_configuration() || current.needs_configuration() {
            TcbStatus::TDRelaunchAdvisedConfigurationNeeded
        } else {
            TcbStatus::TDRelaunchAdvised
        };
    }
    launch.max(current)
}
