//! VBS enclaves through the whole appraisal: what is proven, every break, settings, roots and policies.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Challenged, Decision,
    Engine, PolicyInForce, TokenForm, Vendor,
};
use avouch_mint::tpm::RequestForm;
use avouch_mint::vbs::{MintedVbs, VbsOptions, VbsReport, breaks, mint};
use avouch_wire::{EvidenceKind, Hex};
use serde_json::{Value, json};
use support::at;

const AT: &str = "2026-01-31T12:00:00Z";
/// What Microsoft's sample policies ask of an enclave, and ours about its boot.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/vbs.md");

fn options() -> VbsOptions {
    VbsOptions::new(at(AT))
}

fn permissive() -> PolicyInForce {
    PolicyInForce::from_text(
        "version=1.0; authorizationrules{=> permit();};
         issuancerules{
            c:[type==\"enclaveSvn\", issuer==\"AttestationService\"] => issue(claim=c);
            d:[type==\"enclaveAuthorId\", issuer==\"AttestationService\"] => issue(claim=d);
         };",
    )
    .unwrap()
}

fn engine(minted: &MintedVbs) -> Engine {
    let roots = [
        (Vendor::Tpm, minted.tpm.aik_root_pem.as_bytes()),
        (Vendor::Windows, minted.windows_ca_pem.as_bytes()),
    ];
    let anchors = roots.into_iter().fold(Anchors::built_in(), |anchors, (vendor, pem)| {
        anchors.with_roots(Some(vendor), pem).unwrap()
    });
    Engine::new(anchors, Arc::new(EndorsementSet::default()))
}

fn request(minted: &MintedVbs) -> AppraisalRequest {
    let challenge = minted.tpm.challenge.to_vec();
    AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence: minted.tpm.request.clone().into_bytes(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: Some(Challenged { challenge, aik: None, enrolment: None }),
        nonce: None,
        token_form: TokenForm::Current,
    }
}

fn appraise(
    minted: &MintedVbs,
    policy: &PolicyInForce,
    settings: &AppraisalSettings,
) -> Result<Appraisal, AppraisalError> {
    engine(minted).appraise(&request(minted), policy, settings, at(AT))
}

fn appraised(minted: &MintedVbs) -> Result<Appraisal, AppraisalError> {
    appraise(minted, &permissive(), &AppraisalSettings::default())
}

fn incoming(appraisal: &Appraisal, name: &str) -> Value {
    let found = appraisal.incoming.iter().find(|claim| &*claim.claim_type == name);
    found.map_or(Value::Null, |claim| claim.value.to_json())
}

#[test]
fn an_enclave_gives_its_claims_and_facts_whatever_the_version_of_the_protocol() {
    for form in [RequestForm::First, RequestForm::Second] {
        let appraisal = appraised(&mint(&options().in_form(form)).unwrap()).unwrap();
        for (name, value) in [
            ("vbsReportPresent", json!(true)),
            ("vsmReportPresent", json!(true)),
            ("enclaveAuthorId", json!("CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo")),
            ("enclaveOwnerId", json!("DQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0")),
            ("avouch-enclave-unique-id", json!("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")),
            ("enclaveFamilyId", json!("-vr6-vr6-vr6-vr6-vr6-g")),
            ("enclaveImageId", json!("GhoaGhoaGhoaGhoaGhoaGg")),
            ("enclaveSvn", json!(7)),
            ("avouch-enclave-secure-kernel-svn", json!(8)),
            ("enclavePlatformSvn", json!(9)),
            ("enclaveFlags", json!(0)),
            ("avouch-enclave-signing-level", json!(12)),
            ("vbsEnabled", json!(true)),
        ] {
            assert_eq!(incoming(&appraisal, name), value, "{name}");
        }
        let modules = incoming(&appraisal, "avouch-enclave-modules");
        let modules: Value = serde_json::from_str(modules.as_str().unwrap()).unwrap();
        assert_eq!((&modules[0]["name"], &modules[0]["svn"]), (&json!("avouch.dll"), &json!(3)));
        let facts = appraisal.facts.to_json();
        assert_eq!(facts["enclave"]["enclave_svn"], 7);
        let permitted = appraisal.permitted().unwrap();
        let token = permitted.claims();
        assert_eq!((&token["enclaveSvn"], token.get("enclaveFlags")), (&json!(7), None));
        assert!(token["cnf"]["jwk"]["n"].is_string());
    }
}

#[test]
fn every_break_is_refused_by_exactly_its_check() {
    let mut surprises = Vec::new();
    for one in breaks() {
        let minted = mint(&options().broken(one.name)).unwrap();
        let seen = appraised(&minted).err().map(|error| error.check());
        if seen != Some(one.expected_check) {
            surprises.push(format!("{}: expected {}, seen {seen:?}", one.name, one.expected_check));
        }
    }
    assert!(surprises.is_empty(), "{} wrong:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn what_rests_on_an_operators_certificate_of_windows_says_so() {
    let minted = mint(&options()).unwrap();
    let appraisal = appraised(&minted).unwrap();
    let labels: Vec<&str> = appraisal.roots.iter().map(|root| root.label.as_str()).collect();
    assert!(labels.iter().any(|label| label.starts_with("Avouch Mint Windows CA")), "{labels:?}");
    assert!(appraisal.roots.iter().all(|root| !root.is_built_in));
    // Without it, the boot is nobody's.
    let tpm = minted.tpm.aik_root_pem.as_bytes();
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), tpm).unwrap();
    let engine = Engine::new(anchors, Arc::new(EndorsementSet::default()));
    let error = engine
        .appraise(&request(&minted), &permissive(), &AppraisalSettings::default(), at(AT))
        .unwrap_err();
    assert_eq!(error.check(), "windows-authority");
}

fn refused(minted: &MintedVbs, vbs: avouch_vbs::Acceptance) -> Option<&'static str> {
    let settings = AppraisalSettings { vbs, ..AppraisalSettings::default() };
    match appraise(minted, &permissive(), &settings).unwrap().decision {
        Decision::Deny(refused) => Some(refused.check()),
        Decision::Permit(_) => None,
    }
}

#[test]
fn settings_refuse_what_an_operator_does_not_accept_and_facts_stay() {
    let of = |report| mint(&VbsOptions { report, ..options() }).unwrap();
    let debuggable = of(VbsReport { flags: 2, ..VbsReport::default() });
    let strict = avouch_vbs::Acceptance { refuse_debuggable: true, ..Default::default() };
    assert_eq!(refused(&debuggable, avouch_vbs::Acceptance::default()), None);
    assert_eq!(refused(&debuggable, strict.clone()), Some("debuggable"));
    let good = of(VbsReport::default());
    assert_eq!(refused(&good, strict), None);
    let author = avouch_vbs::Acceptance { author_ids: [Hex([9; 32])].into(), ..Default::default() };
    assert_eq!(refused(&good, author), Some("enclave-author-not-accepted"));
    let svn = avouch_vbs::Acceptance { minimum_enclave_svn: Some(8), ..Default::default() };
    assert_eq!(refused(&good, svn), Some("enclave-svn-below-minimum"));
}

/// The policy that the page shows.
fn policy_of_the_page() -> PolicyInForce {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let policy = page.split("```policy\n").nth(1).unwrap().split("```").next().unwrap();
    PolicyInForce::from_text(policy).unwrap()
}

fn permitted(options: &VbsOptions) -> bool {
    let minted = mint(options).unwrap();
    let appraisal = appraise(&minted, &policy_of_the_page(), &AppraisalSettings::default());
    matches!(appraisal.unwrap().decision, Decision::Permit(_))
}

#[test]
fn the_policy_of_the_page_permits_a_good_enclave_and_no_other() {
    assert!(permitted(&options()));
    for (what, change) in [
        ("debug", (|options| options.report.flags = 1) as fn(&mut VbsOptions)),
        ("old", |options| options.report.enclave_svn = 6),
        ("boot debugging", |options| options.boot.boot_debugging = true),
        ("kernel debugging", |options| options.boot.kernel_debugging = true),
        ("hypervisor debugging", |options| options.boot.hypervisor_debugging = true),
        ("test signing", |options| options.boot.test_signing = true),
    ] {
        let mut options = options();
        change(&mut options);
        assert!(!permitted(&options), "{what}");
    }
}
