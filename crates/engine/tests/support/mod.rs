//! What the engine's tests share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::PathBuf;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, DataType, Engine, HeldData, TokenForm,
};
use avouch_mint::{HeldDataType, Minted};
use avouch_wire::{UnixTime, base64url};
use serde_json::Value;

pub(crate) fn at(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

/// The folder of test vectors, if it is at hand; its absence fails the test if it is required.
pub(crate) fn vectors() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let folder =
        std::env::var_os("AVOUCH_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "{} is required and absent",
        folder.display()
    );
    eprintln!("skipped: no test vectors at {}", folder.display());
    None
}

/// An engine that trusts the built-in roots and the given one, with the given endorsements.
pub(crate) fn engine(root_pem: Option<&str>, endorsements: &[&[u8]]) -> Result<Engine, String> {
    let mut anchors = Anchors::built_in();
    if let Some(pem) = root_pem {
        anchors = anchors.with_pem(pem.as_bytes()).map_err(|error| error.to_string())?;
    }
    let mut set = EndorsementSet::default();
    for bytes in endorsements {
        set.add(bytes).map_err(|error| error.to_string())?;
    }
    Ok(Engine::new(anchors, Arc::new(set)))
}

/// An engine for minted evidence.
pub(crate) fn engine_for(minted: &Minted) -> Engine {
    engine(Some(&minted.root_pem), &[&minted.endorsements]).unwrap()
}

pub(crate) fn accept_any_tcb() -> AppraisalSettings {
    let mut settings = AppraisalSettings::default();
    settings.intel.tcb_statuses = "any".parse().unwrap();
    settings
}

/// The request for minted evidence with its held data.
pub(crate) fn request(minted: &Minted) -> AppraisalRequest {
    let held = |data: &Option<avouch_mint::HeldData>| {
        data.as_ref().map(|data| HeldData {
            bytes: data.bytes.clone(),
            data_type: match data.data_type {
                HeldDataType::Json => DataType::Json,
                HeldDataType::Binary => DataType::Binary,
            },
        })
    };
    AppraisalRequest {
        kind: minted.kind,
        evidence: minted_evidence(minted),
        runtime_data: held(&minted.runtime_data),
        init_time_data: held(&minted.init_time_data),
        event_log: minted.event_log.clone(),
        nonce: None,
        token_form: TokenForm::Current,
    }
}

/// The evidence as the route takes it, from the minted request body.
pub(crate) fn minted_evidence(minted: &Minted) -> Vec<u8> {
    let body: Value = serde_json::from_str(&minted.request).unwrap();
    let member = minted.kind.evidence_member();
    base64url::decode(body[member].as_str().unwrap()).unwrap()
}
