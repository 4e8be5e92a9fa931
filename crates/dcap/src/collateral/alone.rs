//! One thing that Intel publishes, verified by itself: whoever fetches or files it need not have the
//! rest of a set.

use avouch_pki::{Crl, CrlError, VerifiedCrl, Window, verify_crl};
use avouch_wire::UnixTime;

use super::verified::{crl_of_pck_ca, read_crl, signed_qe_identity, signed_tcb_info};
use super::{CollateralError, EnclaveIdentity, SignedDocument, TcbInfo, crl_text};
use crate::anchors::TrustAnchors;
use crate::chain::{Chain, verify_pck_ca, verify_tcb_signer};
use crate::error::{ChainName, CrlName, Dated, DocumentName, VerifyError};

/// A document that a TCB signing certificate of a trust anchor signed, and that was in force.
///
/// Not proven: that the signer is not revoked, which takes the root CA's CRL:
/// [`crate::Collateral::verify`] asks that whenever the document is used.
#[derive(Debug, Clone)]
pub struct VerifiedDocument<T> {
    content: T,
    window: Window,
}

impl<T> VerifiedDocument<T> {
    /// What it says.
    #[must_use]
    pub const fn content(&self) -> &T {
        &self.content
    }

    /// The span in which it and the certificates above it are in force.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }
}

/// Verifies a TCB info under its issuer chain, PEM.
///
/// # Errors
/// [`VerifyError`]: the chain, the signature, what it says, or its dates at `at`.
pub fn verify_tcb_info(
    document: &SignedDocument,
    issuer_chain: &[u8],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedDocument<TcbInfo>, VerifyError> {
    let chain = Chain::read(ChainName::TcbInfoIssuer, issuer_chain, &[])?;
    let signer = verify_tcb_signer(chain.only()?, anchors.find(&chain.root)?, at)?;
    let content = signed_tcb_info(document, &signer)?;
    let own = content.window;
    in_force(content, DocumentName::TcbInfo, own, signer.window(), at)
}

/// Verifies an identity of a quoting enclave under its issuer chain, PEM.
///
/// # Errors
/// [`VerifyError`]: the chain, the signature, what it says, or its dates at `at`.
pub fn verify_qe_identity(
    document: &SignedDocument,
    issuer_chain: &[u8],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedDocument<EnclaveIdentity>, VerifyError> {
    let chain = Chain::read(ChainName::QeIdentityIssuer, issuer_chain, &[])?;
    let signer = verify_tcb_signer(chain.only()?, anchors.find(&chain.root)?, at)?;
    let content = signed_qe_identity(document, &signer)?;
    let own = content.window;
    in_force(content, DocumentName::QeIdentity, own, signer.window(), at)
}

/// Verifies the CRL of a PCK CA, DER, under its issuer chain, PEM. Whose it is: [`VerifiedCrl::issuer`].
///
/// # Errors
/// [`VerifyError`]: the chain, the CRL, or their dates at `at`.
pub fn verify_pck_crl(
    der: &[u8],
    issuer_chain: &[u8],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedCrl, VerifyError> {
    let chain = Chain::read(ChainName::PckCrlIssuer, issuer_chain, &[])?;
    let ca = verify_pck_ca(chain.only()?, anchors.find(&chain.root)?, at)?;
    crl_of_pck_ca(der, &ca, at)
}

/// Verifies the CRL of a root, DER. It comes without a chain: its issuer is a trust anchor.
///
/// # Errors
/// [`VerifyError::Crl`]: no anchor signed it, or it is not in force at `at`.
pub fn verify_root_ca_crl(
    der: &[u8],
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedCrl, VerifyError> {
    let crl = read_crl(CrlName::RootCa, der)?;
    let mut refusal = foreign(&crl, anchors);
    for anchor in anchors.named(crl.issuer()) {
        match verify_crl(&crl, &anchor.trust, at) {
            Ok(verified) => return Ok(verified),
            Err(error) => refusal = error,
        }
    }
    Err(VerifyError::Crl { crl: CrlName::RootCa, source: refusal })
}

/// DER of a CRL as services hand it out: DER, PEM or hex of DER, told apart by content.
///
/// # Errors
/// [`CollateralError::CrlEncoding`] for anything else.
pub fn crl_der(name: CrlName, bytes: &[u8]) -> Result<Vec<u8>, CollateralError> {
    crl_text::decode(name, bytes)
}

fn in_force<T>(
    content: T,
    document: DocumentName,
    own: Window,
    signer: Window,
    at: UnixTime,
) -> Result<VerifiedDocument<T>, VerifyError> {
    own.check(at)
        .map_err(|source| VerifyError::OutsideWindow { what: Dated::Document(document), source })?;
    Ok(VerifiedDocument { content, window: own.intersect(signer) })
}

fn foreign(crl: &Crl, anchors: &TrustAnchors) -> CrlError {
    let trusted: Vec<&str> = anchors.roots().map(|root| root.label.as_str()).collect();
    CrlError::IssuerName { expected: trusted.join(" or "), found: crl.issuer().to_string() }
}
