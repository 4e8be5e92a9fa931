//! The names of the checks of certificates and CRLs, written once for all that are verified.
//!
//! A name is that of the certificate or CRL, such as `certificate` or `vek`, and behind it what did
//! not hold. A row may name a thing otherwise than the rest does.

use avouch_wire::failed_check;

use crate::{CrlError, OutsideWindow, PathError, PathErrorKind};

/// Names of the checks of a span of validity.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is named as what did not hold")]
pub struct WindowChecks {
    pub not_yet_valid: &'static str,
    pub expired: &'static str,
}

impl WindowChecks {
    /// The name of the check that failed.
    #[must_use]
    pub const fn of(&self, error: &OutsideWindow) -> &'static str {
        match error {
            OutsideWindow::NotYetValid { .. } => self.not_yet_valid,
            OutsideWindow::Expired { .. } => self.expired,
        }
    }

    /// All names.
    #[must_use]
    pub const fn all(&self) -> [&'static str; 2] {
        [self.not_yet_valid, self.expired]
    }
}

/// Names of the checks of one certificate of a path; made by [`path_checks`](crate::path_checks).
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is named as what did not hold")]
pub struct PathChecks {
    pub issuer_name: &'static str,
    pub signature: &'static str,
    pub window: WindowChecks,
    pub issuer_not_ca: &'static str,
    pub not_ca: &'static str,
    pub ca_as_leaf: &'static str,
    pub key_usage: &'static str,
    pub path_length: &'static str,
    pub critical_extension: &'static str,
    pub unsupported_constraint: &'static str,
    pub foreign_root: &'static str,
}

impl PathChecks {
    /// The name of the check that failed.
    #[must_use]
    pub const fn of(&self, error: &PathErrorKind) -> &'static str {
        match error {
            PathErrorKind::IssuerName { .. } => self.issuer_name,
            PathErrorKind::Signature { .. } => self.signature,
            PathErrorKind::OutsideWindow(source) => self.window.of(source),
            PathErrorKind::IssuerNotCa { .. } => self.issuer_not_ca,
            PathErrorKind::NotCa => self.not_ca,
            PathErrorKind::CaAsLeaf => self.ca_as_leaf,
            PathErrorKind::KeyUsage { .. } => self.key_usage,
            PathErrorKind::PathLength => self.path_length,
            PathErrorKind::UnknownCriticalExtension(_) => self.critical_extension,
            PathErrorKind::UnsupportedConstraint(_) => self.unsupported_constraint,
            PathErrorKind::AnchorMismatch { .. } => self.foreign_root,
        }
    }

    /// All names; one may come up twice.
    #[must_use]
    pub const fn all(&self) -> [&'static str; 12] {
        let [not_yet_valid, expired] = self.window.all();
        [
            self.issuer_name,
            self.signature,
            not_yet_valid,
            expired,
            self.issuer_not_ca,
            self.not_ca,
            self.ca_as_leaf,
            self.key_usage,
            self.path_length,
            self.critical_extension,
            self.unsupported_constraint,
            self.foreign_root,
        ]
    }
}

/// Names of the checks of one CRL; made by [`crl_checks`](crate::crl_checks).
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each field is named as what did not hold")]
pub struct CrlChecks {
    pub malformed: &'static str,
    pub extension: &'static str,
    pub issuer_name: &'static str,
    pub issuer_key_usage: &'static str,
    pub signature: &'static str,
    pub next_update: &'static str,
    pub window: WindowChecks,
}

impl CrlChecks {
    /// The name of the check that failed.
    #[must_use]
    pub const fn of(&self, error: &CrlError) -> &'static str {
        match error {
            CrlError::Malformed(_)
            | CrlError::TooLarge { .. }
            | CrlError::UnsupportedAlgorithm(_)
            | CrlError::DuplicateExtension(_) => self.malformed,
            CrlError::Extension(_) => self.extension,
            CrlError::IssuerName { .. } => self.issuer_name,
            CrlError::IssuerKeyUsage { .. } => self.issuer_key_usage,
            CrlError::Signature { .. } => self.signature,
            CrlError::NoNextUpdate { .. } => self.next_update,
            CrlError::OutsideWindow { source, .. } => self.window.of(source),
        }
    }

    /// All names; one may come up twice.
    #[must_use]
    pub const fn all(&self) -> [&'static str; 8] {
        let [not_yet_valid, expired] = self.window.all();
        [
            self.malformed,
            self.extension,
            self.issuer_name,
            self.issuer_key_usage,
            self.signature,
            self.next_update,
            not_yet_valid,
            expired,
        ]
    }
}

/// The [`WindowChecks`] of what is called `$name`.
#[macro_export]
macro_rules! window_checks {
    ($name:literal) => {
        $crate::WindowChecks {
            not_yet_valid: concat!($name, "-not-yet-valid"),
            expired: concat!($name, "-expired"),
        }
    };
}

/// The [`PathChecks`] of the certificate that is called `$name`. A `field: "end"` behind it names the
/// check of that field otherwise: `$name`, a hyphen and that end.
#[macro_export]
macro_rules! path_checks {
    ($name:literal $(, $field:ident: $end:literal)* $(,)?) => {
        $crate::PathChecks {
            $($field: concat!($name, "-", $end),)*
            ..$crate::PathChecks {
                issuer_name: concat!($name, "-issuer-name"),
                signature: concat!($name, "-signature"),
                window: $crate::window_checks!($name),
                issuer_not_ca: concat!($name, "-issuer-not-ca"),
                not_ca: concat!($name, "-not-ca"),
                ca_as_leaf: concat!($name, "-ca-as-leaf"),
                key_usage: concat!($name, "-key-usage"),
                path_length: concat!($name, "-path-length"),
                critical_extension: concat!($name, "-critical-extension"),
                unsupported_constraint: concat!($name, "-unsupported-constraint"),
                foreign_root: concat!($name, "-foreign-root"),
            }
        }
    };
}

/// The [`CrlChecks`] of the CRL that is called `$name`; ends as for
/// [`path_checks`](crate::path_checks).
#[macro_export]
macro_rules! crl_checks {
    ($name:literal $(, $field:ident: $end:literal)* $(,)?) => {
        $crate::CrlChecks {
            $($field: concat!($name, "-", $end),)*
            ..$crate::CrlChecks {
                malformed: concat!($name, "-malformed"),
                extension: concat!($name, "-extension"),
                issuer_name: concat!($name, "-issuer-name"),
                issuer_key_usage: concat!($name, "-issuer-key-usage"),
                signature: concat!($name, "-signature"),
                next_update: concat!($name, "-next-update"),
                window: $crate::window_checks!($name),
            }
        }
    };
}

static CERTIFICATE: PathChecks = path_checks!("certificate");
static CRL: CrlChecks = crl_checks!("crl");

failed_check!(PathError {
    Self { kind, .. } => (CERTIFICATE.of(kind), CERTIFICATE.all()),
});

failed_check!(CrlError {
    error => (CRL.of(error), CRL.all()),
});
