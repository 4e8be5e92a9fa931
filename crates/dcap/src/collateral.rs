//! Collateral: what Intel publishes about platforms and quoting enclaves, before and after its
//! signatures are checked.

mod alone;
mod bundle;
mod crl_text;
mod document;
mod enclave_identity;
mod levels;
mod tcb_info;
mod verified;

use std::sync::Arc;

use avouch_wire::failed_check;
use serde::Serialize;
use thiserror::Error;

pub use alone::{
    VerifiedDocument, crl_der, verify_pck_crl, verify_qe_identity, verify_root_ca_crl,
    verify_tcb_info,
};
pub use document::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, SignedDocument};
pub use enclave_identity::{EnclaveId, EnclaveIdentity};
pub use levels::ComponentLevel;
pub(crate) use levels::{level_of, lowest};
pub use tcb_info::{PlatformLevel, TcbInfo, TdxModule, TdxModuleIdentity};
pub(crate) use verified::check_not_revoked;
pub use verified::{
    CollateralHashes, CollateralRequirements, EvaluationDataNumbers, VerifiedCollateral,
};

use crate::error::{CrlName, DocumentError, DocumentName, VerifyError};

/// One set of collateral, as it came. **Nothing in it is trusted**; see [`Collateral::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collateral {
    parts: SharedParts,
}

/// The parts of a set, each read as far as it must be to be one. Sets of many platforms share CRLs
/// and chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedParts {
    /// The TCB info with its signature.
    pub tcb_info: Arc<SignedDocument>,
    /// Its issuer chain, PEM.
    pub tcb_info_issuer_chain: Arc<[u8]>,
    /// The identity with its signature.
    pub qe_identity: Arc<SignedDocument>,
    /// Its issuer chain, PEM.
    pub qe_identity_issuer_chain: Arc<[u8]>,
    /// DER of the root CA's CRL.
    pub root_ca_crl: Arc<[u8]>,
    /// DER of the Processor or Platform CA's CRL.
    pub pck_crl: Arc<[u8]>,
    /// Issuer chain of the PCK CRL, PEM.
    pub pck_crl_issuer_chain: Arc<[u8]>,
}

/// The seven answers of Intel's service (or a cache of it) that make one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollateralParts<'a> {
    /// Body of the TCB info: `{"tcbInfo":{…},"signature":"…"}`.
    pub tcb_info: &'a [u8],
    /// Its issuer chain, PEM (not percent-encoded).
    pub tcb_info_issuer_chain: &'a [u8],
    /// Body of the identity: `{"enclaveIdentity":{…},"signature":"…"}`.
    pub qe_identity: &'a [u8],
    /// Its issuer chain, PEM.
    pub qe_identity_issuer_chain: &'a [u8],
    /// CRL of the root CA: DER, PEM or hex of DER.
    pub root_ca_crl: &'a [u8],
    /// CRL of the Processor or Platform CA: DER, PEM or hex of DER.
    pub pck_crl: &'a [u8],
    /// Issuer chain of the PCK CRL, PEM.
    pub pck_crl_issuer_chain: &'a [u8],
}

/// Why bytes are no set of collateral.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CollateralError {
    /// The bundle is not the expected JSON.
    #[error("collateral bundle is malformed: {0}")]
    Bundle(DocumentError),
    /// A document's envelope is malformed.
    #[error("{document} is malformed: {source}")]
    Document {
        /// Which document.
        document: DocumentName,
        /// What is wrong.
        source: DocumentError,
    },
    /// A CRL is neither DER nor PEM nor hex.
    #[error("{0} is neither DER nor PEM nor hex, or is empty")]
    CrlEncoding(CrlName),
}

impl CollateralError {
    const fn document(document: DocumentName, source: DocumentError) -> Self {
        Self::Document { document, source }
    }
}

failed_check!(CollateralError {
    Self::Bundle(_) => "collateral-malformed",
    Self::Document { document: DocumentName::TcbInfo, .. } => "tcb-info-malformed",
    Self::Document { document: DocumentName::QeIdentity, .. } => "qe-identity-malformed",
    Self::CrlEncoding(CrlName::RootCa) => "root-ca-crl-malformed",
    Self::CrlEncoding(CrlName::Pck) => "pck-crl-malformed",
});

/// What a set of collateral says it is for. For finding things, not for trusting them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UntrustedCollateralSummary {
    /// SGX or TDX, by the TCB info's `id`.
    pub tee: crate::header::TeeType,
    /// Family of platforms that the TCB info is for, 6 bytes.
    pub fmspc: avouch_wire::Hex<6>,
    /// Id of their provisioning certification enclave, 2 bytes.
    pub pce_id: avouch_wire::Hex<2>,
    /// Evaluation data number of the TCB info.
    pub evaluation_data_number: u32,
    /// `issueDate` to `nextUpdate` of the TCB info.
    pub window: avouch_pki::Window,
}

impl Collateral {
    /// Parses the common exchange shape: one JSON object with PEM chains, CRLs (hex of DER, or
    /// PEM), the inner documents as texts, and hex signatures.
    ///
    /// # Errors
    /// [`CollateralError`] if the object, a signature or a CRL's encoding is malformed. What the
    /// documents and certificates say is looked at by [`Self::verify`].
    pub fn parse_json(bytes: &[u8]) -> Result<Self, CollateralError> {
        bundle::parse(bytes)
    }

    /// Puts together the answers of a service.
    ///
    /// # Errors
    /// [`CollateralError`] if a body or the encoding of a CRL is malformed.
    pub fn from_parts(parts: &CollateralParts<'_>) -> Result<Self, CollateralError> {
        let tcb_info = SignedDocument::from_tcb_info_body(parts.tcb_info)
            .map_err(|source| CollateralError::document(DocumentName::TcbInfo, source))?;
        let qe_identity = SignedDocument::from_identity_body(parts.qe_identity)
            .map_err(|source| CollateralError::document(DocumentName::QeIdentity, source))?;
        Ok(Self::of(SharedParts {
            tcb_info: Arc::new(tcb_info),
            tcb_info_issuer_chain: parts.tcb_info_issuer_chain.into(),
            qe_identity: Arc::new(qe_identity),
            qe_identity_issuer_chain: parts.qe_identity_issuer_chain.into(),
            root_ca_crl: crl_der(CrlName::RootCa, parts.root_ca_crl)?.into(),
            pck_crl: crl_der(CrlName::Pck, parts.pck_crl)?.into(),
            pck_crl_issuer_chain: parts.pck_crl_issuer_chain.into(),
        }))
    }

    /// The set of these parts.
    #[must_use]
    pub const fn of(parts: SharedParts) -> Self {
        Self { parts }
    }

    /// Its parts.
    #[must_use]
    pub const fn parts(&self) -> &SharedParts {
        &self.parts
    }

    /// The TCB info with its signature.
    #[must_use]
    pub fn tcb_info(&self) -> &SignedDocument {
        &self.parts.tcb_info
    }

    /// The identity with its signature.
    #[must_use]
    pub fn qe_identity(&self) -> &SignedDocument {
        &self.parts.qe_identity
    }

    /// DER of the root CA's CRL.
    #[must_use]
    pub fn root_ca_crl_der(&self) -> &[u8] {
        &self.parts.root_ca_crl
    }

    /// DER of the PCK CA's CRL.
    #[must_use]
    pub fn pck_crl_der(&self) -> &[u8] {
        &self.parts.pck_crl
    }

    /// Bytes of all its parts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let SharedParts { tcb_info, qe_identity, .. } = &self.parts;
        let documents = [tcb_info, qe_identity].map(|document| document.body().len());
        let others = [
            &self.parts.tcb_info_issuer_chain,
            &self.parts.qe_identity_issuer_chain,
            &self.parts.root_ca_crl,
            &self.parts.pck_crl,
            &self.parts.pck_crl_issuer_chain,
        ];
        let others = others.map(|part| part.len());
        documents.into_iter().chain(others).fold(0, usize::saturating_add)
    }

    /// What it says it is for, so that it can be filed before it is verified.
    ///
    /// # Errors
    /// [`VerifyError::Document`] if the TCB info does not parse.
    pub fn untrusted_summary(&self) -> Result<UntrustedCollateralSummary, VerifyError> {
        let document = DocumentName::TcbInfo;
        let info = TcbInfo::parse(self.tcb_info().text())
            .map_err(|source| VerifyError::Document { document, source })?;
        Ok(UntrustedCollateralSummary {
            tee: info.tee,
            fmspc: info.fmspc,
            pce_id: info.pce_id,
            evaluation_data_number: info.evaluation_data_number,
            window: info.window,
        })
    }
}
