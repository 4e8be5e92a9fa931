//! What a published thing says of itself: what it is for, when it is valid, which version it is.

use avouch_dcap::{
    DocumentError, EnclaveId, EnclaveIdentity, INTEL_SGX_ROOT_LABEL, SignedDocument, TcbInfo,
    TeeType,
};
use avouch_pki::pem::{self, PemError};
use avouch_pki::{Certificate, CertificateError, Crl, CrlError, Window};
use avouch_snp::{Product, VekExtensionError, VekExtensions, VekKind};
use avouch_wire::{Hex, encode_hex};
use thiserror::Error;

use crate::{EndorsementName, Published, TcbEvaluation, VcekId};

/// What a thing says of itself. **Nothing of it is proven**: it is for showing, sorting and
/// comparing, and agrees with the name it was published under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// When it is valid; of a chain, when every certificate in it is.
    pub window: Window,
    /// Which version it is, where it is numbered.
    pub version: Option<Version>,
}

/// The number of a version; a higher one is newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// TCB evaluation data number of a document of Intel's.
    Evaluation(u32),
    /// CRL number, big-endian without leading zeros.
    Crl(Vec<u8>),
}

/// Why a thing is not what its name says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatedError {
    /// A document of Intel's that does not read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A CRL that does not read.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A certificate that does not read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A chain that is no PEM text.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A VCEK without the extensions that say what it is for.
    #[error(transparent)]
    Vcek(#[from] VekExtensionError),
    /// A CRL that never ends.
    #[error("CRL of {issuer:?} has no nextUpdate")]
    NoNextUpdate {
        /// Who issued it.
        issuer: String,
    },
    /// It is for something else than its name says.
    #[error("it is for {found}, not for {expected}")]
    Other {
        /// What the name says.
        expected: String,
        /// What it says itself.
        found: String,
    },
}

/// Most certificates of a chain: an intermediate and the root above it.
const CHAIN_CERTIFICATES_MAX: usize = 4;

impl Version {
    /// The CRL number in hex, at least one byte.
    #[must_use]
    pub fn crl_number(&self) -> Option<String> {
        match self {
            Self::Crl(number) => Some(encode_hex(number)),
            Self::Evaluation(_) => None,
        }
    }

    /// The TCB evaluation data number.
    #[must_use]
    pub const fn evaluation_data_number(&self) -> Option<u32> {
        match self {
            Self::Evaluation(number) => Some(*number),
            Self::Crl(_) => None,
        }
    }
}

impl Published {
    /// What it says of itself.
    ///
    /// # Errors
    /// [`StatedError`] if it does not read, or is for something else than its name says.
    pub fn stated(&self) -> Result<Stated, StatedError> {
        match self.name {
            EndorsementName::TcbInfo { tee, fmspc, evaluation } => {
                of_tcb_info(&self.body, tee, fmspc, evaluation)
            }
            EndorsementName::QeIdentity { tee, evaluation } => {
                of_qe_identity(&self.body, tee, evaluation)
            }
            EndorsementName::PckCrl(ca) => of_crl(&self.body, ca.common_name()),
            EndorsementName::RootCaCrl => of_crl(&self.body, INTEL_SGX_ROOT_LABEL),
            EndorsementName::AmdCrl(product, _) => of_crl(&self.body, &format!("ARK-{product}")),
            EndorsementName::VekChain(product, kind) => of_chain(&self.body, product, kind),
            EndorsementName::Vcek(product, id) => of_vcek(&self.body, product, &id),
            EndorsementName::TpmCa(sha256) => of_tpm_ca(&self.body, sha256),
        }
    }
}

fn of_tcb_info(
    body: &[u8],
    tee: TeeType,
    fmspc: Hex<6>,
    evaluation: TcbEvaluation,
) -> Result<Stated, StatedError> {
    let document = SignedDocument::from_tcb_info_body(body)?;
    let info = TcbInfo::parse(document.text())?;
    is_for(format!("{tee} {fmspc}"), format!("{} {}", info.tee, info.fmspc))?;
    of_document(info.window, info.evaluation_data_number, evaluation)
}

fn of_qe_identity(
    body: &[u8],
    tee: TeeType,
    evaluation: TcbEvaluation,
) -> Result<Stated, StatedError> {
    let document = SignedDocument::from_identity_body(body)?;
    let identity = EnclaveIdentity::parse(document.text())?;
    let expected = match tee {
        TeeType::Sgx => EnclaveId::Qe,
        TeeType::Tdx => EnclaveId::TdQe,
    };
    is_for(expected.as_str().to_owned(), identity.id.as_str().to_owned())?;
    of_document(identity.window, identity.evaluation_data_number, evaluation)
}

fn of_document(
    window: Window,
    number: u32,
    evaluation: TcbEvaluation,
) -> Result<Stated, StatedError> {
    if let TcbEvaluation::Number(expected) = evaluation {
        let text = |number: u32| format!("TCB evaluation data number {number}");
        is_for(text(expected), text(number))?;
    }
    Ok(Stated { window, version: Some(Version::Evaluation(number)) })
}

fn of_crl(body: &[u8], issuer: &str) -> Result<Stated, StatedError> {
    let crl = Crl::parse(body)?;
    is_for(issuer.to_owned(), crl.issuer().label().to_owned())?;
    let not_after =
        crl.next_update().ok_or_else(|| StatedError::NoNextUpdate { issuer: issuer.to_owned() })?;
    let window = Window { not_before: crl.this_update(), not_after };
    Ok(Stated { window, version: crl.untrusted_number().map(|one| Version::Crl(one.to_vec())) })
}

fn of_chain(body: &[u8], product: Product, kind: VekKind) -> Result<Stated, StatedError> {
    let intermediate = match kind {
        VekKind::Vcek => format!("SEV-{product}"),
        VekKind::Vlek => format!("SEV-VLEK-{product}"),
    };
    let certificates = pem::certificates(body, CHAIN_CERTIFICATES_MAX)?
        .iter()
        .map(|der| Certificate::parse(der))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = certificates.iter().map(|one| one.subject().label()).collect();
    let root = format!("ARK-{product}");
    let is_known = |name: &&str| **name == intermediate || **name == root;
    let is_whole = names.contains(&&*intermediate) && names.iter().all(is_known);
    let windows = certificates.iter().map(Certificate::validity);
    match windows.reduce(Window::intersect).filter(|_| is_whole) {
        Some(window) => Ok(Stated { window, version: None }),
        None => Err(StatedError::Other {
            expected: format!("{intermediate} and {root}"),
            found: format!("[{}]", names.join(", ")),
        }),
    }
}

fn of_vcek(body: &[u8], product: Product, id: &VcekId) -> Result<Stated, StatedError> {
    let certificate = Certificate::parse(body)?;
    is_for(VekKind::Vcek.common_name().to_owned(), certificate.subject().label().to_owned())?;
    let extensions = VekExtensions::read(&certificate, VekKind::Vcek, product)?;
    let chip = extensions.hardware_id().unwrap_or_default();
    let mut chip_id = [0; 64];
    for (to, from) in chip_id.iter_mut().zip(chip) {
        *to = *from;
    }
    let text = |chip_id: &Hex<64>, tcb: Hex<8>| format!("chip {chip_id} at TCB {tcb}");
    let tcb = Hex(extensions.certified_tcb().0);
    is_for(text(&id.chip_id, id.tcb), text(&Hex(chip_id), tcb))?;
    Ok(Stated { window: certificate.validity(), version: None })
}

fn of_tpm_ca(body: &[u8], sha256: Hex<32>) -> Result<Stated, StatedError> {
    let certificate = Certificate::parse(body)?;
    let found = crate::tpm::ca_name(&certificate)
        .map_or_else(|| certificate.subject().label().to_owned(), |name| name.to_string());
    is_for(EndorsementName::TpmCa(sha256).to_string(), found)?;
    Ok(Stated { window: certificate.validity(), version: None })
}

fn is_for(expected: String, found: String) -> Result<(), StatedError> {
    if expected == found { Ok(()) } else { Err(StatedError::Other { expected, found }) }
}
