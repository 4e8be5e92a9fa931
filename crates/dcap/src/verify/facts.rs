//! What may be said after verification.

use avouch_pki::Root;
use avouch_wire::{Hex, UnixTime};

use super::{CollateralFacts, VerifiedQuote};
use crate::exception::AcceptedException;
use crate::header::{QuoteVersion, TeeType};
use crate::pck_extension::PckExtension;
use crate::quote::Body;
use crate::report_body::EnclaveReport;
use crate::tcb::TcbVerdict;
use crate::td_report::TdReport;

impl VerifiedQuote {
    /// SGX or TDX.
    #[must_use]
    pub const fn tee(&self) -> TeeType {
        self.tee
    }

    /// Version of the quote.
    #[must_use]
    pub const fn quote_version(&self) -> QuoteVersion {
        self.quote_version
    }

    /// What the quote speaks of.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// The enclave, if it is one.
    #[must_use]
    pub const fn enclave(&self) -> Option<&EnclaveReport> {
        match &self.body {
            Body::Enclave(report) => Some(report),
            Body::Td(_) => None,
        }
    }

    /// The trust domain, if it is one.
    #[must_use]
    pub const fn td(&self) -> Option<&TdReport> {
        match &self.body {
            Body::Enclave(_) => None,
            Body::Td(report) => Some(report),
        }
    }

    /// The 64 bytes that the enclave or TD chose.
    #[must_use]
    pub const fn report_data(&self) -> &Hex<64> {
        match &self.body {
            Body::Enclave(report) => &report.report_data,
            Body::Td(report) => &report.report_data,
        }
    }

    /// Whether its memory is open to the host: DEBUG of an enclave, any bit of the "TD under debug"
    /// byte of a TD.
    #[must_use]
    pub const fn is_debuggable(&self) -> bool {
        self.debuggable
    }

    /// What Intel says of the TCB.
    #[must_use]
    pub const fn tcb(&self) -> &TcbVerdict {
        &self.tcb
    }

    /// By which exception of the operator's its platform is accepted, which no level of Intel's fits.
    #[must_use]
    pub const fn platform_exception(&self) -> Option<&AcceptedException> {
        self.platform_exception.as_ref()
    }

    /// What the PCK certificate says of the platform: FMSPC, PCEID, PPID, instance id, TCB.
    #[must_use]
    pub const fn pck(&self) -> &PckExtension {
        &self.pck
    }

    /// Which collateral the verdict rests on.
    #[must_use]
    pub const fn collateral(&self) -> &CollateralFacts {
        &self.collateral
    }

    /// The root that everything rests on, and whether it is Intel's.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The moment judged at.
    #[must_use]
    pub const fn judged_at(&self) -> UnixTime {
        self.judged_at
    }
}
