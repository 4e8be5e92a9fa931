//! What the log says about one register whose value was proved.

use super::Chain;
use crate::{Digest, Register};

/// What the log says about one register whose value was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The log's events lead to the proven value: exactly those with a digest in this bank extended
    /// the register, in this order.
    Explained {
        /// The proven value.
        value: Digest,
    },
    /// They lead to another value, or there are none although something extended the register.
    Unexplained {
        /// The proven value.
        proven: Digest,
        /// What the log's events lead to.
        replayed: Digest,
    },
    /// The log has no event of the register, and nothing extended it since it was reset.
    NotLogged {
        /// The proven value.
        value: Digest,
    },
    /// The log does not lead to the proven value, and it could not: some of the register's events have
    /// no digest in this bank, or its algorithm is not computed here (SM3).
    BankMissing {
        /// The proven value.
        proven: Digest,
    },
}

impl Verdict {
    pub(super) fn of(register: Register, proven: Digest, chain: Option<&Chain>) -> Self {
        let reset = register.reset_value(proven.algorithm());
        let Some(chain) = chain else {
            return match proven == reset {
                true => Self::NotLogged { value: proven },
                false => Self::Unexplained { proven, replayed: reset },
            };
        };
        match chain.value {
            _ if chain.extensions == 0 && proven == reset => Self::NotLogged { value: proven },
            Some(replayed) if replayed == proven && chain.extensions > 0 => {
                Self::Explained { value: proven }
            }
            Some(replayed) if !chain.lacks_digests => Self::Unexplained { proven, replayed },
            _ => Self::BankMissing { proven },
        }
    }

    /// The value that was proved.
    #[must_use]
    pub const fn proven(&self) -> &Digest {
        match self {
            Self::Explained { value } | Self::NotLogged { value } => value,
            Self::Unexplained { proven, .. } | Self::BankMissing { proven } => proven,
        }
    }

    /// Its name in what we print.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Explained { .. } => "explained",
            Self::Unexplained { .. } => "unexplained",
            Self::NotLogged { .. } => "not-logged",
            Self::BankMissing { .. } => "bank-missing",
        }
    }
}
