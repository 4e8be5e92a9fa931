//! What the engine's tests share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod attacks;

use std::path::PathBuf;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, Challenged, DataType, Engine, HeldData,
    PolicyInForce, ReferenceValues, TokenForm, Vendor,
};
use avouch_mint::tpm::MintedTpm;
use avouch_mint::{HeldDataType, Minted};
use avouch_pki::digest::sha256;
use avouch_tpm::protocol::{Enroll, Enrolment};
use avouch_tpm::{
    AkRules, EkPrivateKey, EndorsementKey, Public, TrustAnchors, activate_credential,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
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
    let roots: Vec<_> = root_pem.map(|pem| (None, pem)).into_iter().collect();
    engine_of(&roots, endorsements)
}

/// An engine that trusts the root of minted evidence, with the given endorsements.
pub(crate) fn engine_under(minted: &Minted, endorsements: &[&[u8]]) -> Result<Engine, String> {
    let vendor = minted.root_vendor().map(|vendor| vendor.parse().unwrap());
    let others = minted.other_roots().map(|(vendor, _, pem)| {
        (vendor.map(|vendor| vendor.parse().unwrap()), std::str::from_utf8(pem).unwrap())
    });
    let roots: Vec<_> = [(vendor, minted.root_pem.as_str())].into_iter().chain(others).collect();
    engine_of(&roots, endorsements)
}

/// An engine for minted evidence that does not trust its roots of a vendor.
pub(crate) fn engine_without(minted: &Minted, vendor: &str) -> Engine {
    let others =
        minted.other_roots().map(|(vendor, _, pem)| (vendor, std::str::from_utf8(pem).unwrap()));
    let all = [(minted.root_vendor(), minted.root_pem.as_str())].into_iter().chain(others);
    let roots: Vec<_> = all
        .filter(|(of, _)| *of != Some(vendor))
        .map(|(of, pem)| (of.map(|of| of.parse().unwrap()), pem))
        .collect();
    engine_of(&roots, &[&minted.endorsements]).unwrap()
}

fn engine_of(roots: &[(Option<Vendor>, &str)], endorsements: &[&[u8]]) -> Result<Engine, String> {
    let mut anchors = Anchors::built_in();
    for (vendor, pem) in roots {
        anchors = anchors.with_roots(*vendor, pem.as_bytes()).map_err(|error| error.to_string())?;
    }
    let mut set = EndorsementSet::default();
    for bytes in endorsements {
        set.add(bytes).map_err(|error| error.to_string())?;
    }
    Ok(Engine::new(anchors, Arc::new(set)))
}

/// An engine for minted evidence.
pub(crate) fn engine_for(minted: &Minted) -> Engine {
    engine_under(minted, &[&minted.endorsements]).unwrap()
}

/// The same settings with what minted evidence gives as reference values, if it gives some; of a guest with
/// a virtual TPM, as those of a paravisor.
pub(crate) fn vouched_for(
    minted: &Minted,
    settings: AppraisalSettings,
    at: UnixTime,
) -> AppraisalSettings {
    let policy =
        PolicyInForce::from_text("version=1.0; authorizationrules{=> permit();};").unwrap();
    let appraisal = engine_for(minted).appraise(&request(minted), &policy, &settings, at).unwrap();
    let subject = appraisal.facts.reference_subject();
    let Some(sample) = subject.and_then(|subject| subject.sample("minted")) else {
        return settings;
    };
    let sample = if appraisal.facts.rests_on_paravisor() { sample.of_paravisor() } else { sample };
    let values = ReferenceValues::clone(&settings.reference_values).with(sample);
    values.check().unwrap();
    AppraisalSettings { reference_values: Arc::new(values), ..settings }
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
        challenged: minted.challenge.clone().map(|challenge| challenged(minted, challenge)),
        nonce: None,
        token_form: TokenForm::Current,
    }
}

/// What a service gave the minted TPM, for its own attestation key.
fn challenged(minted: &Minted, challenge: Vec<u8>) -> Challenged {
    let public = minted.others.iter().find(|(name, _)| *name == "ak-public.bin");
    let public = public.and_then(|(_, bytes)| avouch_tpm::Public::parse_sized(bytes).ok());
    let aik = public.map(|public| sha256(public.key().spki_der()));
    Challenged { challenge, aik, enrolment: None }
}

/// The enrolment of a minted TPM's key, as its TPM earns it.
pub(crate) fn enrolment(minted: &MintedTpm) -> Enrolment {
    let enroll = Enroll {
        ek_certificate: minted.ek_certificate.clone(),
        ek_chain: minted.ek_intermediates.clone(),
        ek_public: minted.ek_public.clone(),
        ak_public: minted.ak_public.clone(),
    };
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let mut fill = |bytes: &mut [u8]| {
        bytes.fill(7);
        true
    };
    let (credential, pending) =
        enroll.offer(&roots, &[], AkRules::default(), "contoso", minted.at, &mut fill).unwrap();
    let ek = EndorsementKey::untrusted(&Public::parse_sized(&minted.ek_public).unwrap()).unwrap();
    let ak = Public::parse_sized(&minted.ak_public).unwrap();
    let private = EkPrivateKey::Rsa(minted.ek_private.to_vec());
    let secret = activate_credential(&ek, &private, ak.name(), &credential).unwrap();
    pending.activate(&secret, minted.at).unwrap()
}

/// The policy that evidence of a kind is judged by where none was set; of a kind that has none, one that
/// permits whatever verifies.
pub(crate) fn policy_of(kind: EvidenceKind) -> PolicyInForce {
    let permissive = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    // The default one for guests wants Microsoft's keys in the firmware, which nobody can mint.
    PolicyInForce::default_for(kind)
        .filter(|_| kind != EvidenceKind::AzureGuest)
        .unwrap_or_else(|| PolicyInForce::from_text(permissive).unwrap())
}

/// The evidence as the engine takes it, from the minted request body.
pub(crate) fn minted_evidence(minted: &Minted) -> Vec<u8> {
    if minted.kind.answers_challenge() {
        return minted.evidence.clone();
    }
    let body: Value = serde_json::from_str(&minted.request).unwrap();
    let member = minted.kind.evidence_member();
    base64url::decode(body[member].as_str().unwrap()).unwrap()
}
