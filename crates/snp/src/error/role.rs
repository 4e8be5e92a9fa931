//! Places in AMD's chain, and the names of the checks of a certificate at each.

use avouch_pki::{PathChecks, path_checks};

/// A certificate's place in AMD's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// VCEK or VLEK.
    Vek,
    /// ASK or ASVK.
    Intermediate,
    /// ARK.
    Root,
}

impl std::fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vek => "endorsement key",
            Self::Intermediate => "intermediate",
            Self::Root => "root",
        })
    }
}

/// Names of the checks of the certificate at one place.
pub(super) struct RoleChecks {
    pub(super) path: PathChecks,
    pub(super) signature_algorithm: &'static str,
}

macro_rules! role_checks {
    ($name:literal) => {
        RoleChecks {
            path: path_checks!(
                $name,
                ca_as_leaf: "is-ca",
                unsupported_constraint: "critical-extension",
                foreign_root: "foreign",
            ),
            signature_algorithm: concat!($name, "-signature-algorithm"),
        }
    };
}

pub(super) static VEK: RoleChecks = role_checks!("vek");
static INTERMEDIATE: RoleChecks = role_checks!("intermediate");
static ROOT: RoleChecks = role_checks!("root");

impl CertificateRole {
    const ALL: [Self; 3] = [Self::Vek, Self::Intermediate, Self::Root];

    pub(super) const fn checks(self) -> &'static RoleChecks {
        match self {
            Self::Vek => &VEK,
            Self::Intermediate => &INTERMEDIATE,
            Self::Root => &ROOT,
        }
    }

    pub(super) fn path_checks() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().flat_map(|role| role.checks().path.all())
    }

    pub(super) fn signature_algorithm_checks() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|role| role.checks().signature_algorithm)
    }
}

#[cfg(test)]
mod tests;
