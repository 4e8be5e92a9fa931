//! Collateral whose signatures, chains, CRLs and dates held.

use std::sync::Arc;

use avouch_pki::{
    Certificate, Crl, Root, VerifiedCertificate, VerifiedCrl, Window, digest, pem, verify_crl,
};
use avouch_wire::{Hex, UnixTime};
use serde::Serialize;

use super::{Collateral, EnclaveIdentity, SignedDocument, TcbInfo};
use crate::anchors::{Anchor, TrustAnchors};
use crate::chain::{Chain, verify_pck_ca, verify_tcb_signer};
use crate::error::{CertificateRole, ChainName, CrlName, Dated, DocumentName, VerifyError};

/// What the caller demands of collateral beyond being genuine and in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollateralRequirements {
    /// Both documents must be of this TCB recovery. Without it, a mix is accepted and both numbers
    /// are reported.
    pub evaluation_data_number: Option<u32>,
    /// SHA-256 of the exact texts of archived documents (inner objects, as signed) whose
    /// `nextUpdate` may have passed. Everything else about them is checked, under the signing
    /// certificate given with them, which must be in force; CRLs are never exempt.
    pub archived_sha256: Vec<Hex<32>>,
}

/// Evaluation data numbers of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EvaluationDataNumbers {
    /// Of the TCB info.
    pub tcb_info: u32,
    /// Of the QE identity.
    pub qe_identity: u32,
}

impl EvaluationDataNumbers {
    /// The lower one: what a verdict may be said to rest on.
    #[must_use]
    pub fn lowest(self) -> u32 {
        self.tcb_info.min(self.qe_identity)
    }
}

/// SHA-256 values as MAA's collateral claim has them: PEM with LF line ends, bodies with their
/// signatures, CRLs in DER, each followed by one NUL, which Azure's client adds to what it hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CollateralHashes {
    /// Issuer chain of the TCB info, signer first.
    pub tcb_info_certs: Hex<32>,
    /// Body of the TCB info.
    pub tcb_info: Hex<32>,
    /// CRL that covers its signer: the root CA's.
    pub tcb_info_crl: Hex<32>,
    /// Issuer chain of the QE identity, signer first.
    pub qe_identity_certs: Hex<32>,
    /// Body of the QE identity.
    pub qe_identity: Hex<32>,
    /// CRL that covers its signer: the root CA's.
    pub qe_identity_crl: Hex<32>,
    /// CRL of the PCK CA. Not part of MAA's claim.
    pub pck_crl: Hex<32>,
}

/// A PCK CA that was verified, with the anchor it rests on: saves checking it again for every
/// platform below it.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedPckCa {
    pub(crate) certificate: VerifiedCertificate,
    pub(crate) anchor: Arc<Anchor>,
    pub(crate) root: Certificate,
}

/// Collateral that is genuine and was in force at the moment it was judged at.
///
/// Proven: TCB info and QE identity were signed by an unrevoked TCB signing certificate of a trust
/// anchor; the CRLs by that anchor and by a PCK CA of it that is itself unrevoked; all dates held.
/// Not proven: that it is for a certain platform ([`crate::verify_quote`] does that), or the
/// latest.
///
/// Only [`Collateral::verify`] makes one. It can be kept: [`crate::verify_quote`] asks all its
/// windows again.
#[derive(Debug, Clone)]
pub struct VerifiedCollateral {
    pub(crate) tcb_info: TcbInfo,
    pub(crate) qe_identity: EnclaveIdentity,
    pub(crate) pck_ca: VerifiedPckCa,
    pub(crate) root_ca_crl: VerifiedCrl,
    pub(crate) pck_crl: VerifiedCrl,
    windows: Vec<(Dated, Window)>,
    window: Window,
    hashes: CollateralHashes,
}

impl Collateral {
    /// Verifies with no further demands; see [`Self::verify_with`].
    ///
    /// # Errors
    /// [`VerifyError`] naming the check.
    pub fn verify(
        &self,
        anchors: &TrustAnchors,
        at: UnixTime,
    ) -> Result<VerifiedCollateral, VerifyError> {
        self.verify_with(anchors, at, &CollateralRequirements::default())
    }

    /// Verifies signatures, chains, CRLs and dates of the whole set at `at`.
    ///
    /// # Errors
    /// [`VerifyError`] naming the check: a chain that is malformed, of another shape, not under an
    /// anchor or under different ones; a certificate that is not validly issued, revoked or
    /// outside its dates; a CRL or document whose signature, content or dates do not hold.
    ///
    /// # Source
    /// Intel PCS API v4; the order of checks follows Intel's quote verification library.
    pub fn verify_with(
        &self,
        anchors: &TrustAnchors,
        at: UnixTime,
        requirements: &CollateralRequirements,
    ) -> Result<VerifiedCollateral, VerifyError> {
        // 1. The three chains, all under one anchor.
        let ca_chain = Chain::read(ChainName::PckCrlIssuer, &self.parts.pck_crl_issuer_chain, &[])?;
        let anchor = anchors.find(&ca_chain.root)?;
        let pck_ca = verify_pck_ca(ca_chain.only()?, anchor, at)?;
        let tcb_chain = Chain::read(
            ChainName::TcbInfoIssuer,
            &self.parts.tcb_info_issuer_chain,
            &[&ca_chain.root],
        )?;
        let tcb_signer = verify_signer(&tcb_chain, anchors, anchor, at)?;
        let qe_chain = Chain::read(
            ChainName::QeIdentityIssuer,
            &self.parts.qe_identity_issuer_chain,
            &[&tcb_chain.root, tcb_chain.only()?],
        )?;
        // Intel signs both documents with one certificate, as a rule.
        let qe_signer = if qe_chain.is_same_as(&tcb_chain) {
            tcb_signer.clone()
        } else {
            verify_signer(&qe_chain, anchors, anchor, at)?
        };

        // 2. The CRLs, each by its own issuer, and nobody above on them.
        let root_ca_crl = read_crl(CrlName::RootCa, self.root_ca_crl_der())?;
        let root_ca_crl = verify_crl(&root_ca_crl, &anchor.trust, at)
            .map_err(|source| VerifyError::Crl { crl: CrlName::RootCa, source })?;
        check_not_revoked(CertificateRole::PckCa, pck_ca.certificate(), &root_ca_crl)?;
        for signer in [&tcb_signer, &qe_signer] {
            check_not_revoked(CertificateRole::TcbSigner, signer.certificate(), &root_ca_crl)?;
        }
        let pck_crl = crl_of_pck_ca(self.pck_crl_der(), &pck_ca, at)?;

        // 3. The documents: signature over the exact bytes first, then what they say.
        let tcb_info = signed_tcb_info(self.tcb_info(), &tcb_signer)?;
        let qe_identity = signed_qe_identity(self.qe_identity(), &qe_signer)?;
        check_evaluation_data_number(requirements, &tcb_info, &qe_identity)?;

        // 4. Every window, now and whenever the result is used again.
        let tcb_info_window = requirements.window(self.tcb_info(), tcb_info.window);
        let qe_identity_window = requirements.window(self.qe_identity(), qe_identity.window);
        let windows = vec![
            (Dated::Certificate(CertificateRole::PckCa), pck_ca.window()),
            (Dated::Certificate(CertificateRole::TcbSigner), tcb_signer.window()),
            (Dated::Certificate(CertificateRole::TcbSigner), qe_signer.window()),
            (Dated::Crl(CrlName::RootCa), root_ca_crl.window()),
            (Dated::Crl(CrlName::Pck), pck_crl.window()),
            (Dated::Document(DocumentName::TcbInfo), tcb_info_window),
            (Dated::Document(DocumentName::QeIdentity), qe_identity_window),
        ];
        check_windows(&windows, at)?;

        Ok(VerifiedCollateral {
            window: windows.iter().fold(tcb_info_window, |all, (_, one)| all.intersect(*one)),
            windows,
            hashes: self.hashes(&tcb_chain, &qe_chain)?,
            tcb_info,
            qe_identity,
            pck_ca: VerifiedPckCa {
                certificate: pck_ca,
                anchor: Arc::clone(anchor),
                root: ca_chain.root,
            },
            root_ca_crl,
            pck_crl,
        })
    }

    fn hashes(&self, tcb: &Chain, qe: &Chain) -> Result<CollateralHashes, VerifyError> {
        let root_ca_crl = with_nul(self.root_ca_crl_der());
        Ok(CollateralHashes {
            tcb_info_certs: chain_hash(tcb)?,
            tcb_info: with_nul(self.tcb_info().body()),
            tcb_info_crl: root_ca_crl,
            qe_identity_certs: chain_hash(qe)?,
            qe_identity: with_nul(self.qe_identity().body()),
            qe_identity_crl: root_ca_crl,
            pck_crl: with_nul(self.pck_crl_der()),
        })
    }
}

impl CollateralRequirements {
    /// A document's window; without its end if the operator has pinned these very bytes.
    fn window(&self, document: &SignedDocument, own: Window) -> Window {
        if !self.archived_sha256.contains(&document.text_sha256()) {
            return own;
        }
        Window { not_after: own.not_after.saturating_add_seconds(i64::MAX), ..own }
    }
}

impl VerifiedCollateral {
    /// The TCB info.
    #[must_use]
    pub const fn tcb_info(&self) -> &TcbInfo {
        &self.tcb_info
    }

    /// The identity of the quoting enclave.
    #[must_use]
    pub const fn qe_identity(&self) -> &EnclaveIdentity {
        &self.qe_identity
    }

    /// The CRL of the root CA.
    #[must_use]
    pub const fn root_ca_crl(&self) -> &VerifiedCrl {
        &self.root_ca_crl
    }

    /// The CRL of the PCK CA.
    #[must_use]
    pub const fn pck_crl(&self) -> &VerifiedCrl {
        &self.pck_crl
    }

    /// The span in which all of it is in force.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Hashes of the parts, as MAA's collateral claim has them.
    #[must_use]
    pub const fn hashes(&self) -> &CollateralHashes {
        &self.hashes
    }

    /// Evaluation data numbers of both documents.
    #[must_use]
    pub const fn evaluation_data_numbers(&self) -> EvaluationDataNumbers {
        EvaluationDataNumbers {
            tcb_info: self.tcb_info.evaluation_data_number,
            qe_identity: self.qe_identity.evaluation_data_number,
        }
    }

    /// Common name of the PCK CA whose certificates the PCK CRL covers.
    #[must_use]
    pub fn pck_ca_name(&self) -> &str {
        self.pck_ca.certificate.certificate().subject().label()
    }

    /// The anchor that all of it rests on.
    #[must_use]
    pub fn root(&self) -> &Root {
        self.pck_ca.anchor.trust.root()
    }

    pub(crate) fn check_windows(&self, at: UnixTime) -> Result<(), VerifyError> {
        check_windows(&self.windows, at)
    }
}

fn verify_signer(
    chain: &Chain,
    anchors: &TrustAnchors,
    anchor: &Anchor,
    at: UnixTime,
) -> Result<VerifiedCertificate, VerifyError> {
    let found = anchors.find(&chain.root)?;
    if !found.trust.is_same_as(&anchor.trust) {
        return Err(VerifyError::MixedRoots {
            what: match chain.name {
                ChainName::QeIdentityIssuer => "QE identity issuer chain",
                _ => "TCB info issuer chain",
            },
            expected: anchor.trust.label().to_owned(),
            found: found.trust.label().to_owned(),
        });
    }
    verify_tcb_signer(chain.only()?, anchor, at)
}

pub(super) fn read_crl(name: CrlName, der: &[u8]) -> Result<Crl, VerifyError> {
    Crl::parse(der).map_err(|source| VerifyError::Crl { crl: name, source })
}

pub(super) fn crl_of_pck_ca(
    der: &[u8],
    ca: &VerifiedCertificate,
    at: UnixTime,
) -> Result<VerifiedCrl, VerifyError> {
    let crl = read_crl(CrlName::Pck, der)?;
    verify_crl(&crl, ca, at).map_err(|source| VerifyError::Crl { crl: CrlName::Pck, source })
}

pub(super) fn signed_tcb_info(
    document: &SignedDocument,
    signer: &VerifiedCertificate,
) -> Result<TcbInfo, VerifyError> {
    let name = DocumentName::TcbInfo;
    check_signature(name, document, signer)?;
    TcbInfo::parse(document.text())
        .map_err(|source| VerifyError::Document { document: name, source })
}

pub(super) fn signed_qe_identity(
    document: &SignedDocument,
    signer: &VerifiedCertificate,
) -> Result<EnclaveIdentity, VerifyError> {
    let name = DocumentName::QeIdentity;
    check_signature(name, document, signer)?;
    EnclaveIdentity::parse(document.text())
        .map_err(|source| VerifyError::Document { document: name, source })
}

fn check_signature(
    name: DocumentName,
    document: &SignedDocument,
    signer: &VerifiedCertificate,
) -> Result<(), VerifyError> {
    if document.is_signed_by(signer.certificate().public_key()) {
        return Ok(());
    }
    Err(VerifyError::DocumentSignature(name))
}

fn check_evaluation_data_number(
    requirements: &CollateralRequirements,
    tcb_info: &TcbInfo,
    qe_identity: &EnclaveIdentity,
) -> Result<(), VerifyError> {
    let Some(expected) = requirements.evaluation_data_number else { return Ok(()) };
    let (tcb_info, qe_identity) =
        (tcb_info.evaluation_data_number, qe_identity.evaluation_data_number);
    if tcb_info == expected && qe_identity == expected {
        return Ok(());
    }
    Err(VerifyError::EvaluationDataNumber { expected, tcb_info, qe_identity })
}

fn check_windows(windows: &[(Dated, Window)], at: UnixTime) -> Result<(), VerifyError> {
    windows.iter().try_for_each(|(what, window)| {
        window.check(at).map_err(|source| VerifyError::OutsideWindow { what: *what, source })
    })
}

/// Refuses a certificate whose serial number its issuer's CRL lists, for whatever reason.
pub(crate) fn check_not_revoked(
    role: CertificateRole,
    certificate: &Certificate,
    crl: &VerifiedCrl,
) -> Result<(), VerifyError> {
    if !crl.is_revoked(certificate.serial()) {
        return Ok(());
    }
    let crl = if role == CertificateRole::PckLeaf { CrlName::Pck } else { CrlName::RootCa };
    Err(VerifyError::CertificateRevoked { role, serial: certificate.serial().to_string(), crl })
}

fn chain_hash(chain: &Chain) -> Result<Hex<32>, VerifyError> {
    let mut text = pem::encode("CERTIFICATE", chain.only()?.der());
    text.push_str(&pem::encode("CERTIFICATE", chain.root.der()));
    Ok(with_nul(text.as_bytes()))
}

fn with_nul(bytes: &[u8]) -> Hex<32> {
    digest::sha256_of_parts(&[bytes, &[0]])
}
