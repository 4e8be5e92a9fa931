//! A capsule is the whole appraisal but for its endorsements: read back and appraised again it gives
//! the same verdict, and no other text than its canonical form is taken for it.
#![cfg(test)]

mod support;

use avouch_engine::{
    AppraisalRequest, AppraisalSettings, CAPSULE_BYTES_MAX, Capsule, CapsuleError, Engine, Judged,
    Nonce, Outcome, PolicyInForce, TokenForm, Verdict,
};
use avouch_mint::{Options, TcbStatus, mint};
use avouch_wire::EvidenceKind;
use avouch_wire::json::Integer;
use serde_json::{Value, json};
use support::{at, engine_for, request};

const AT: &str = "2026-05-01T12:00:00Z";
const DENY_ALL: &str = "version=1.0; authorizationrules { => deny(); }; issuancerules { };";

fn judged(
    engine: &Engine,
    request: &AppraisalRequest,
    policy: &PolicyInForce,
    settings: &AppraisalSettings,
) -> Capsule {
    let said = engine.appraise(request, policy, settings, at(AT));
    Capsule::of(&Judged {
        request,
        api_version: Some("2025-06-01"),
        policy,
        settings,
        at: at(AT),
        outcome: said.as_ref(),
    })
}

/// Reads a capsule's text back and appraises it again.
#[track_caller]
fn replayed(engine: &Engine, capsule: &Capsule) -> Outcome {
    let text = capsule.to_json();
    let read = Capsule::read(text.as_bytes()).unwrap();
    assert_eq!(read, *capsule);
    assert_eq!(read.to_json(), text);
    assert_eq!(read.id(), capsule.id());
    Outcome::of(read.again(engine, read.at).unwrap().as_ref())
}

#[test]
fn evidence_of_every_kind_gets_the_same_verdict_from_its_capsule() {
    let deny = PolicyInForce::from_text(DENY_ALL).unwrap();
    for kind in EvidenceKind::appraised() {
        let mut options = Options::new(at(AT));
        // A guest that nothing isolates is accepted by every setting.
        options.guest.isolation = avouch_mint::tpm::Isolation::Snp;
        let minted = mint(kind, &options).unwrap();
        let (engine, request) = (engine_for(&minted), request(&minted));
        let default = support::policy_of(kind);
        let mut settings = AppraisalSettings::default();

        let permitted = judged(&engine, &request, &default, &settings);
        assert!(permitted.outcome.is_permitted(), "{kind}");
        assert!(!permitted.outcome.machine.is_empty(), "{kind}");
        assert!(!permitted.outcome.endorsements.is_empty(), "{kind}");
        assert_eq!(replayed(&engine, &permitted), permitted.outcome, "{kind}");

        let by_policy = judged(&engine, &request, &deny, &settings);
        assert_eq!(by_policy.outcome.why().unwrap().check, "deny-issued", "{kind}");
        assert_eq!(replayed(&engine, &by_policy), by_policy.outcome, "{kind}");
        assert_eq!(by_policy.outcome.machine, permitted.outcome.machine, "{kind}");

        // By a setting of each vendor's.
        settings.intel.tcb_statuses = "OutOfDate".parse().unwrap();
        settings.snp.minimum_guest_svn = Some(1_000);
        settings.tpm.require = vec![avouch_bootlog::ima::Requirement::OnlySigned];
        let by_settings = judged(&engine, &request, &default, &settings);
        assert!(matches!(by_settings.outcome.verdict, Verdict::Refused(_)), "{kind}");
        assert_eq!(replayed(&engine, &by_settings), by_settings.outcome, "{kind}");

        let mut cut = request.clone();
        cut.evidence.truncate(200);
        let unverified = judged(&engine, &cut, &default, &settings);
        assert!(!unverified.outcome.is_verified(), "{kind}");
        assert_eq!(replayed(&engine, &unverified), unverified.outcome, "{kind}");
        let ids = [&permitted, &by_policy, &by_settings, &unverified].map(Capsule::id);
        assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1));
    }
}

#[test]
fn nonces_settings_and_the_form_of_the_token_come_back_as_they_were() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    let policy = PolicyInForce::default_for(EvidenceKind::Sgx).unwrap();
    let mut settings = AppraisalSettings::default();
    settings.intel.tcb_statuses = "any".parse().unwrap();
    settings.intel.refuse_service_td = false;
    settings.intel.tolerated_advisories =
        vec![avouch_dcap::ToleratedAdvisory { id: "INTEL-SA-00615".to_owned(), until: at(AT) }];
    settings.snp.measurements.insert(avouch_wire::Hex([7; 48]));
    settings.uvm.entries.clear();
    settings.tcb_evaluation = "early".parse().unwrap();
    let domain = mint(EvidenceKind::Tdx, &Options::new(at(AT))).unwrap();
    settings = support::vouched_for(&domain, settings, at(AT));

    let long = "123456789012345678901234567890";
    let integer = |digits| Nonce::Integer(Integer::parse(digits).unwrap());
    let mut hashes = Vec::new();
    for nonce in [
        None,
        Some(Nonce::Text("7".to_owned())),
        Some(Nonce::Number(7.into())),
        Some(Nonce::Number(u64::MAX.into())),
        Some(Nonce::Number(i64::MIN.into())),
        Some(integer("-0")),
        Some(integer(long)),
        Some(Nonce::Text(long.to_owned())),
    ] {
        let request = AppraisalRequest { nonce, ..request(&minted) };
        let capsule = judged(&engine, &request, &policy, &settings);
        assert_eq!(replayed(&engine, &capsule), capsule.outcome);
        let Verdict::Permitted { claims_sha256 } = capsule.outcome.verdict else {
            panic!("{capsule:?}")
        };
        hashes.push(claims_sha256);
    }
    let preview = AppraisalRequest { token_form: TokenForm::Preview2018, ..request(&minted) };
    let capsule = judged(&engine, &preview, &policy, &settings);
    assert_eq!(replayed(&engine, &capsule), capsule.outcome);
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "each nonce makes other claims");
}

#[test]
fn a_capsule_under_other_endorsements_says_what_would_be() {
    let minted = mint(EvidenceKind::Tdx, &Options::new(at(AT))).unwrap();
    let policy = PolicyInForce::default_for(EvidenceKind::Tdx).unwrap();
    let settings = AppraisalSettings::default();
    let capsule = judged(&engine_for(&minted), &request(&minted), &policy, &settings);
    let mut options = Options::new(at(AT));
    options.platform.tcb_status = TcbStatus::OutOfDate;
    let recovery = mint(EvidenceKind::Tdx, &options).unwrap();
    let outcome = replayed(&engine_for(&recovery), &capsule);
    assert_eq!(outcome.why().unwrap().check, "accepted-tcb-status");
    assert_eq!(outcome.machine, capsule.outcome.machine);
    assert_ne!(outcome.endorsements["tcb_info"], capsule.outcome.endorsements["tcb_info"]);
}

fn sample() -> (Capsule, Value) {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let policy = PolicyInForce::default_for(EvidenceKind::Sgx).unwrap();
    let settings = AppraisalSettings::default();
    let capsule = judged(&engine_for(&minted), &request(&minted), &policy, &settings);
    let value = serde_json::from_str(&capsule.to_json()).unwrap();
    (capsule, value)
}

#[test]
fn a_capsule_has_one_form_and_no_other_is_read() {
    let (capsule, value) = sample();
    let text = capsule.to_json();
    assert_eq!(Capsule::read(format!("{text}\n").as_bytes()).unwrap(), capsule);

    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let first = text.replacen('{', r#"{"avouch_capsule":1,"#, 1);
    let padded = text.replacen(r#""evidence":""#, r#""evidence":"AA==AA"#, 1);
    let elsewhere = text.replace(AT, "2026-05-01T14:00:00+02:00");
    for other in [pretty, format!(" {text}"), format!("{text}\n\n"), first, padded, elsewhere] {
        assert_ne!(other, text);
        assert!(Capsule::read(other.as_bytes()).is_err(), "{other}");
    }
    let as_array =
        Value::Array(value["settings"]["intel"].as_object().unwrap().values().cloned().collect());
    let mut changed = value.clone();
    changed["settings"]["intel"] = as_array;
    let error = Capsule::read(avouch_wire::json::to_canonical(&changed).as_bytes()).unwrap_err();
    assert!(!matches!(error, CapsuleError::NotACapsule { .. }), "{error}");
}

#[test]
fn members_that_are_missing_unknown_or_do_not_go_together_are_refused() {
    let (_, value) = sample();
    let read = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        Capsule::read(avouch_wire::json::to_canonical(&value).as_bytes())
    };
    assert!(read(&|_| {}).is_ok());
    for member in ["at", "kind", "request", "policy", "settings", "outcome"] {
        let error = read(&|value| drop(value.as_object_mut().unwrap().remove(member)));
        assert!(matches!(error, Err(CapsuleError::Malformed { .. })), "{member}: {error:?}");
    }
    let changes: [(&str, Value); 9] = [
        ("/at", json!("yesterday")),
        ("/kind", json!("oe")),
        ("/request/evidence", json!("A")),
        ("/request/token_form", json!("newest")),
        ("/request/runtime_data/data_type", json!("JSON")),
        ("/settings/intel/accepted_tcb_statuses", json!("Revoked")),
        ("/settings/snp/minimum_guest_svn", json!(-1)),
        ("/outcome/verdict", json!("refused")),
        ("/outcome/claims_sha256", json!("00")),
    ];
    for (pointer, with) in changes {
        let error = read(&|value| *value.pointer_mut(pointer).unwrap() = with.clone());
        assert!(matches!(error, Err(CapsuleError::Malformed { .. })), "{pointer}: {error:?}");
    }
    for (pointer, name) in
        [("", "x"), ("/request", "Quote"), ("/settings", "tpm"), ("/outcome", "x")]
    {
        let error = read(&|value| value.pointer_mut(pointer).unwrap()[name] = json!(1));
        assert!(matches!(error, Err(CapsuleError::Malformed { .. })), "{pointer}: {error:?}");
    }
    let later = read(&|value| value["avouch_capsule"] = json!(2));
    assert_eq!(later, Err(CapsuleError::Version { found: 2 }));
}

#[test]
fn what_is_no_capsule_or_too_large_is_said_to_be() {
    for bytes in [&b""[..], b"{}", b"[1]", b"null", b"\xff", br#"{"quote":"AAAA"}"#] {
        let error = Capsule::read(bytes).unwrap_err();
        assert!(matches!(error, CapsuleError::NotACapsule { .. }), "{error}");
    }
    let large = vec![b' '; CAPSULE_BYTES_MAX + 1];
    let found = CAPSULE_BYTES_MAX + 1;
    assert_eq!(Capsule::read(&large), Err(CapsuleError::TooLarge { found }));
}
