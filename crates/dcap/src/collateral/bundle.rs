//! The common exchange shape of one set of collateral: one JSON object with nine texts.

use avouch_wire::Hex;
use serde::Deserialize;

use super::document::{SignedDocument, checked_text};
use super::{Collateral, CollateralError, crl_text};
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
    Ok(Collateral {
        tcb_info,
        tcb_info_issuer_chain: bundle.tcb_info_issuer_chain.into_bytes(),
        qe_identity,
        qe_identity_issuer_chain: bundle.qe_identity_issuer_chain.into_bytes(),
        root_ca_crl: crl_text::decode(CrlName::RootCa, bundle.root_ca_crl.as_bytes())?,
        pck_crl: crl_text::decode(CrlName::Pck, bundle.pck_crl.as_bytes())?,
        pck_crl_issuer_chain: bundle.pck_crl_issuer_chain.into_bytes(),
    })
}
