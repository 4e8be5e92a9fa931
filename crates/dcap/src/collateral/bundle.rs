//! The common exchange shape of one set of collateral: one JSON object with nine texts.

use std::sync::Arc;

use avouch_wire::Hex;
use serde::Deserialize;

use super::document::{SignedDocument, checked_text};
use super::{Collateral, CollateralError, SharedParts, crl_der};
use crate::error::{CrlName, DocumentName};

/// `pck_certificate_chain` and keys that are not known are ignored: nothing here is trusted.
#[derive(Deserialize)]
struct Bundle {
    pck_crl_issuer_chain: String,
    root_ca_crl: String,
    pck_crl: String,
    tcb_info_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: Hex<64>,
    qe_identity_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: Hex<64>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Collateral, CollateralError> {
    let text = checked_text(bytes).map_err(CollateralError::Bundle)?;
    let bundle: Bundle =
        serde_json::from_str(text).map_err(|error| CollateralError::Bundle(error.into()))?;
    let signature = bundle.tcb_info_signature;
    let tcb_info = SignedDocument::from_tcb_info_parts(&bundle.tcb_info, signature)
        .map_err(|source| CollateralError::document(DocumentName::TcbInfo, source))?;
    let signature = bundle.qe_identity_signature;
    let qe_identity = SignedDocument::from_identity_parts(&bundle.qe_identity, signature)
        .map_err(|source| CollateralError::document(DocumentName::QeIdentity, source))?;
    let shared = |text: String| Arc::from(text.into_bytes());
    Ok(Collateral::of(SharedParts {
        tcb_info: Arc::new(tcb_info),
        tcb_info_issuer_chain: shared(bundle.tcb_info_issuer_chain),
        qe_identity: Arc::new(qe_identity),
        qe_identity_issuer_chain: shared(bundle.qe_identity_issuer_chain),
        root_ca_crl: crl_der(CrlName::RootCa, bundle.root_ca_crl.as_bytes())?.into(),
        pck_crl: crl_der(CrlName::Pck, bundle.pck_crl.as_bytes())?.into(),
        pck_crl_issuer_chain: shared(bundle.pck_crl_issuer_chain),
    }))
}
