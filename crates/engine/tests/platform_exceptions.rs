//! Platforms that no TCB level of Intel's fits are refused, unless an operator's exception holds for
//! them; then they are accepted, and everything says so.
#![cfg(test)]

mod support;

use std::path::Path;

use avouch_dcap::{PlatformException, PlatformExceptionError, TcbFloor};
use avouch_engine::{
    Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Decision, TokenForm,
};
use avouch_mint::{Options, TdQuoteFormat, mint};
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use serde_json::{Value, json};
use support::{at, engine, engine_for, policy_of, request, vectors, vouched_for};

const AT: &str = "2026-05-01T12:00:00Z";

/// An exception for the FMSPC, with the floor.
fn exception(fmspc: Hex<6>, minimum_tcb: TcbFloor) -> PlatformException {
    PlatformException {
        name: "ours".to_owned(),
        fmspc,
        reason: "the cloud maintains them".to_owned(),
        minimum_tcb,
        until: at("2027-01-01T00:00:00Z"),
    }
}

fn accepting(exceptions: Vec<PlatformException>) -> AppraisalSettings {
    let mut settings = AppraisalSettings::default();
    settings.intel.platform_exceptions = exceptions;
    settings
}

/// Evidence on a platform below every level, and what its exception has to say.
struct Below {
    kind: EvidenceKind,
    options: Options,
    exception: PlatformException,
}

impl Below {
    fn of(kind: EvidenceKind, format: TdQuoteFormat) -> Self {
        let mut options = Options::new(at(AT)).broken("tcb-level-none");
        options.td.format = format;
        // What the platform has is what the same machine shows where a level fits it.
        let mut listed = options.clone();
        listed.break_name = None;
        let minted = mint(kind, &listed).unwrap();
        let settings = AppraisalSettings::default();
        let appraisal = engine_for(&minted)
            .appraise(&request(&minted), &policy_of(kind), &settings, at(AT))
            .unwrap();
        let facts = appraisal.facts.to_json();
        Self { kind, options, exception: fitting(&facts) }
    }

    fn all() -> Vec<Self> {
        use TdQuoteFormat::{V4, V5Td15};
        vec![
            Self::of(EvidenceKind::Sgx, V4),
            Self::of(EvidenceKind::OpenEnclave, V4),
            Self::of(EvidenceKind::Tdx, V4),
            Self::of(EvidenceKind::Tdx, V5Td15),
        ]
    }

    fn appraise(
        &self,
        exceptions: Vec<PlatformException>,
        at: UnixTime,
    ) -> Result<Appraisal, AppraisalError> {
        let minted = mint(self.kind, &self.options).unwrap();
        let policy = policy_of(self.kind);
        engine_for(&minted).appraise(&request(&minted), &policy, &accepting(exceptions), at)
    }

    /// Why it is refused under a changed exception.
    fn refused(&self, change: impl FnOnce(&mut PlatformException)) -> String {
        let mut exception = self.exception.clone();
        change(&mut exception);
        let error = self.appraise(vec![exception], at(AT)).expect_err("refused");
        assert_eq!(error.check(), "tcb-level", "{error}");
        error.to_string()
    }
}

fn components_u16(value: &Value) -> u16 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn claims(appraisal: &Appraisal) -> serde_json::Map<String, Value> {
    match &appraisal.decision {
        Decision::Permit(permitted) => permitted.claims(),
        Decision::Deny(refused) => panic!("{refused}"),
    }
}

/// The exception for a platform, by the facts of evidence that a level fits.
fn fitting(facts: &Value) -> PlatformException {
    let fmspc = Hex::from_hex(facts["fmspc"].as_str().unwrap()).unwrap();
    let components = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    let tdx = facts.get("tee_tcb_svn").map(|svn| {
        let svn: Hex<16> = serde_json::from_value(svn.clone()).unwrap();
        svn.0
    });
    let floor = TcbFloor {
        sgx_components: components(&facts["pck_tcb"]["components"]),
        pce_svn: components_u16(&facts["pck_tcb"]["pce_svn"]),
        tdx_components: tdx,
    };
    exception(fmspc, floor)
}

#[test]
fn in_a_guest_with_a_paravisor_the_exception_stands_beside_its_hardwares_claims() {
    let kind = EvidenceKind::AzureGuest;
    let mut options = Options::new(at(AT));
    options.guest.isolation = avouch_mint::tpm::Isolation::Tdx;
    let listed = mint(kind, &options).unwrap();
    let vouched = vouched_for(&listed, AppraisalSettings::default(), at(AT));
    let facts = engine_for(&listed)
        .appraise(&request(&listed), &policy_of(kind), &vouched, at(AT))
        .unwrap()
        .facts
        .to_json();
    let minted = mint(kind, &options.broken("tdx-tcb-level")).unwrap();
    let judged = |settings: &AppraisalSettings| {
        engine_for(&minted).appraise(&request(&minted), &policy_of(kind), settings, at(AT))
    };
    assert_eq!(judged(&vouched).unwrap_err().check(), "tcb-level");
    let mut excepting = AppraisalSettings { ..vouched.clone() };
    excepting.intel.platform_exceptions = vec![fitting(&facts["isolation"]["hardware"])];
    let appraisal = judged(&excepting).unwrap();
    let told: Vec<_> = appraisal.findings.iter().map(|finding| finding.name).collect();
    assert!(
        told.contains(&"platform-exception") && !told.contains(&"no-known-paravisor"),
        "{told:?}"
    );
    let tee = &claims(&appraisal)["x-ms-isolation-tee"];
    assert_eq!(tee["avouch-platform-exception"]["name"], "ours");
    // It is told of too where nobody knows the paravisor.
    excepting.reference_values = AppraisalSettings::default().reference_values;
    let appraisal = judged(&excepting).unwrap();
    let told: Vec<_> = appraisal.findings.iter().map(|finding| finding.name).collect();
    assert!(
        told.contains(&"platform-exception") && told.contains(&"no-known-paravisor"),
        "{told:?}"
    );
    assert_eq!(claims(&appraisal)["avouch-paravisor-known"], false);
}

#[test]
fn without_an_exception_a_platform_below_all_levels_is_refused_and_with_one_accepted_and_marked() {
    for below in Below::all() {
        let error = below.appraise(Vec::new(), at(AT)).expect_err("refused");
        assert_eq!(error.check(), "tcb-level");

        let appraisal = below.appraise(vec![below.exception.clone()], at(AT)).unwrap();
        let claims = claims(&appraisal);
        let expected = json!({
            "name": "ours",
            "reason": "the cloud maintains them",
            "until": "2027-01-01T00:00:00Z",
        });
        assert_eq!(claims["avouch-platform-exception"], expected);
        if below.kind == EvidenceKind::Tdx {
            assert_eq!(claims["attester_tcb_status"], "NotSupported");
        }
        let by_policy = appraisal.incoming.iter();
        let mut by_policy =
            by_policy.filter(|claim| &*claim.claim_type == "avouch-platform-exception");
        assert!(by_policy.next().is_some() && by_policy.next().is_none());
        let finding = &appraisal.findings[0];
        assert_eq!(finding.name, "platform-exception");
        for part in ["no TCB level matches", "short by", "\"ours\"", "2027-01-01T00:00:00Z"] {
            assert!(finding.message.contains(part), "{}", finding.message);
        }
        let facts = appraisal.facts.to_json();
        assert_eq!(facts["tcb_status"], "NotSupported");
        assert_eq!(facts["listed_tcb_status"], "UpToDate");
        assert_eq!(facts["platform_exception"]["name"], "ours");
        assert!(facts.get("platform_tcb").is_none());
    }
}

#[test]
fn a_platform_that_a_level_fits_needs_no_exception_and_is_not_marked() {
    for mut below in Below::all() {
        below.options.break_name = None;
        let appraisal = below.appraise(vec![below.exception.clone()], at(AT)).unwrap();
        assert!(!claims(&appraisal).contains_key("avouch-platform-exception"));
        assert!(appraisal.findings.iter().all(|finding| finding.name != "platform-exception"));
        assert!(appraisal.facts.to_json().get("platform_exception").is_none());
    }
}

#[test]
fn an_exception_that_ended_is_for_others_or_asks_for_more_does_not_hold() {
    for below in Below::all() {
        let last = at(AT);
        let at_its_end = PlatformException { until: last, ..below.exception.clone() };
        assert!(below.appraise(vec![at_its_end], last).is_ok(), "its last moment");
        let before = at("2026-05-01T11:59:59Z");
        assert!(below.refused(|one| one.until = before).contains("ended at 2026-05-01T11:59:59Z"));
        let other = below.refused(|one| one.fmspc.0[5] ^= 1);
        assert!(!other.contains("exception"), "{other}");
        for (index, has) in below.exception.minimum_tcb.sgx_components.into_iter().enumerate() {
            // Nothing asks for more than 255.
            let Some(more) = has.checked_add(1) else { continue };
            let why = below.refused(|one| one.minimum_tcb.sgx_components[index] = more);
            let asked = format!("asks for more: SGX component {} is {has}", index + 1);
            assert!(why.contains(&asked), "{why}");
        }
        assert!(below.refused(|one| one.minimum_tcb.pce_svn += 1).contains("PCESVN"));
        let is_td = below.kind == EvidenceKind::Tdx;
        let other_tee = below.refused(|one| {
            one.minimum_tcb.tdx_components = (!is_td).then_some([0; 16]);
        });
        assert!(!other_tee.contains("exception"), "{other_tee}");
        if is_td {
            let more = below.refused(|one| {
                one.minimum_tcb.tdx_components.as_mut().unwrap()[2] += 1;
            });
            assert!(more.contains("TDX component 3"), "{more}");
        }
    }
}

#[test]
fn what_runs_now_must_reach_the_floor_too() {
    let mut below = Below::of(EvidenceKind::Tdx, TdQuoteFormat::V5Td15);
    assert!(below.appraise(vec![below.exception.clone()], at(AT)).is_ok());
    below.options.td.tee_tcb_svn2[2] = 0;
    let why = below.refused(|_| {});
    assert!(why.contains("TDX component 3 is 0"), "{why}");
}

#[test]
fn the_first_exception_that_holds_counts_and_others_are_told_of() {
    let below = Below::of(EvidenceKind::Tdx, TdQuoteFormat::V4);
    let named = |name: &str, until: &str| PlatformException {
        name: name.to_owned(),
        until: at(until),
        ..below.exception.clone()
    };
    let (old, good) = (named("old", "2026-01-01T00:00:00Z"), named("good", "2026-06-01T00:00:00Z"));
    let appraisal = below.appraise(vec![old.clone(), good], at(AT)).unwrap();
    assert_eq!(claims(&appraisal)["avouch-platform-exception"]["name"], "good");
    let older = PlatformException { name: "older".to_owned(), ..old.clone() };
    let error = below.appraise(vec![older, old], at(AT)).expect_err("refused").to_string();
    assert!(error.contains("\"older\" ended") && error.contains("\"old\" ended"), "{error}");
}

#[test]
fn what_intel_lists_of_an_excepted_platform_is_judged_as_ever() {
    // A quoting enclave that is out of date.
    let mut below = Below::of(EvidenceKind::Sgx, TdQuoteFormat::V4);
    below.options.platform.qe_status = avouch_mint::TcbStatus::OutOfDate;
    let appraisal = below.appraise(vec![below.exception.clone()], at(AT)).unwrap();
    let Decision::Deny(refused) = &appraisal.decision else { panic!("permitted") };
    assert_eq!(refused.check(), "accepted-tcb-status");
    assert!(refused.to_string().contains("TCB status OutOfDate is not accepted"), "{refused}");
    // A list of statuses, even that of all, does not stand for an exception.
    let minted = mint(below.kind, &below.options).unwrap();
    let mut settings = AppraisalSettings::default();
    settings.intel.tcb_statuses = "any".parse().unwrap();
    let policy = policy_of(below.kind);
    let refused = engine_for(&minted).appraise(&request(&minted), &policy, &settings, at(AT));
    assert_eq!(refused.expect_err("refused").check(), "tcb-level");
    assert!("NotSupported".parse::<avouch_dcap::AcceptedTcbStatuses>().is_err());
}

#[test]
fn an_exception_has_a_name_a_reason_and_a_floor() {
    let good = Below::of(EvidenceKind::Tdx, TdQuoteFormat::V4).exception;
    assert_eq!(good.check(), Ok(()));
    let empty = |field| Err(PlatformExceptionError::Empty(field));
    let changed = |change: fn(&mut PlatformException)| {
        let mut exception = good.clone();
        change(&mut exception);
        exception.check()
    };
    assert_eq!(changed(|one| one.name = " ".to_owned()), empty("name"));
    assert_eq!(changed(|one| one.reason.clear()), empty("reason"));
    let zeros = changed(|one| {
        one.minimum_tcb.sgx_components = [0; 16];
        one.minimum_tcb.pce_svn = 0;
    });
    assert_eq!(zeros, Err(PlatformExceptionError::NoFloor));
}

/// The recorded quotes below all levels: file, collateral, moment.
fn recorded(folder: &Path) -> Vec<(String, String, UnixTime, Value)> {
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut found = Vec::new();
    for entry in manifest.as_array().unwrap() {
        for case in entry["cases"].as_array().unwrap() {
            if case["error"] == "no matching TCB level" {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let at = at(case["evaluation_time"].as_str().unwrap());
                found.push((text(&entry["file"]), text(&case["collateral"]), at, entry.clone()));
            }
        }
    }
    found
}

#[test]
fn recorded_quotes_below_all_levels_are_refused_and_accepted_by_an_exception_at_their_own_tcb() {
    let Some(folder) = vectors().map(|folder| folder.join("intel")) else { return };
    let cases = recorded(&folder);
    assert!(cases.len() >= 4, "{}", cases.len());
    for (file, collateral, moment, entry) in cases {
        let collateral = std::fs::read(folder.join(collateral)).unwrap();
        let engine = engine(None, &[&collateral]).unwrap();
        let request = AppraisalRequest {
            kind: EvidenceKind::Tdx,
            evidence: std::fs::read(folder.join(&file)).unwrap(),
            runtime_data: None,
            init_time_data: None,
            event_log: None,
            challenged: None,
            nonce: None,
            token_form: TokenForm::Current,
        };
        let policy = policy_of(EvidenceKind::Tdx);
        let judge = |exceptions| {
            let mut settings = accepting(exceptions);
            settings.intel.tcb_statuses = "any".parse().unwrap();
            engine.appraise(&request, &policy, &settings, moment)
        };
        assert_eq!(judge(Vec::new()).expect_err(&file).check(), "tcb-level");
        let svn = Hex::<16>::from_hex(entry["body"]["teetcbsvn"].as_str().unwrap()).unwrap();
        let floor = TcbFloor {
            sgx_components: serde_json::from_value(entry["pck_tcb_components"].clone()).unwrap(),
            pce_svn: components_u16(&entry["pck_pcesvn"]),
            tdx_components: Some(svn.0),
        };
        let fmspc = Hex::from_hex(entry["fmspc"].as_str().unwrap()).unwrap();
        let good = exception(fmspc, floor);
        let appraisal = judge(vec![good.clone()]).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(claims(&appraisal)["avouch-platform-exception"]["name"], "ours", "{file}");
        assert_eq!(claims(&appraisal)["attester_tcb_status"], "NotSupported", "{file}");
        let refused = |change: fn(&mut PlatformException)| {
            let mut exception = good.clone();
            change(&mut exception);
            assert_eq!(judge(vec![exception]).expect_err(&file).check(), "tcb-level");
        };
        refused(|one| one.until = at("2020-01-01T00:00:00Z"));
        refused(|one| one.fmspc.0[0] ^= 0xff);
        refused(|one| one.minimum_tcb.pce_svn += 1);
        refused(|one| one.minimum_tcb.sgx_components[0] += 1);
        refused(|one| one.minimum_tcb.tdx_components.as_mut().unwrap()[2] += 1);
        refused(|one| one.minimum_tcb.tdx_components = None);
    }
}
