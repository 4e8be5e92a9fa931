//! A policy chooses the TCB recovery that evidence is judged by: the same quote under two sets of
//! collateral that differ in their TCB evaluation data number and in what they say of the platform.
#![cfg(test)]

mod support;

use avouch_engine::{
    Appraisal, AppraisalError, AppraisalSettings, Decision, Engine, PolicyInForce, Refused,
};
use avouch_mint::{Minted, Options, TcbStatus, mint};
use avouch_wire::EvidenceKind;
use serde_json::Value;
use support::{accept_any_tcb, at, engine, request};

const AT: &str = "2026-05-01T12:00:00Z";
const KINDS: [EvidenceKind; 3] = [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Tdx];
/// Before the recovery, which says that the platform is up to date.
const OLDER: &str = "17";
/// With the recovery, which says that it is out of date.
const NEWER: &str = "21";

struct Case {
    minted: Minted,
    engine: Engine,
}

impl Case {
    fn new(kind: EvidenceKind) -> Self {
        let minted = |number: &str, status| {
            let mut options = Options::new(at(AT));
            options.platform.evaluation_data_number = number.parse().unwrap();
            options.platform.tcb_status = status;
            mint(kind, &options).unwrap()
        };
        let older = minted(OLDER, TcbStatus::UpToDate);
        let newer = minted(NEWER, TcbStatus::OutOfDate);
        let sets = [older.endorsements.as_slice(), newer.endorsements.as_slice()];
        let engine = engine(Some(&older.root_pem), &sets).unwrap();
        Self { minted: newer, engine }
    }

    /// By a policy that permits all and names this identifier.
    fn appraise(
        &self,
        identifier: Option<&str>,
        settings: &AppraisalSettings,
    ) -> Result<Appraisal, AppraisalError> {
        let configuration = identifier.map_or(String::new(), |identifier| {
            format!(
                "configurationrules {{ => issueproperty(type=\"x-ms-sgx-tcbidentifier\", \
                 value=\"{identifier}\"); }};"
            )
        });
        let text = format!("version=1.2; {configuration} authorizationrules {{ => permit(); }};");
        let policy = PolicyInForce::from_text(&text).unwrap();
        self.engine.appraise(&request(&self.minted), &policy, settings, at(AT))
    }
}

fn facts(appraisal: &Appraisal) -> Value {
    appraisal.facts.to_json()
}

#[test]
fn the_identifier_in_a_policy_decides_between_permit_and_refusal() {
    for kind in KINDS {
        let case = Case::new(kind);
        let settings = AppraisalSettings::default();
        let older = case.appraise(Some(OLDER), &settings).unwrap();
        assert_eq!(facts(&older)["tcb_status"], "UpToDate", "{kind:?}");
        assert!(older.permitted().is_ok());
        // The newest at hand serves where none, or MAA's default, is asked for.
        for identifier in [Some(NEWER), Some("azuredefault"), None] {
            let newer = case.appraise(identifier, &settings).unwrap();
            assert_eq!(facts(&newer)["tcb_status"], "OutOfDate", "{kind:?} {identifier:?}");
            let Decision::Deny(refused @ Refused::NotAccepted { .. }) = &newer.decision else {
                panic!("{kind:?} {identifier:?}: {:?}", newer.decision);
            };
            assert_eq!(refused.check(), "accepted-tcb-status");
        }
        // And the older one once more: nothing remembered of the newer one stands in its place.
        assert!(case.appraise(Some(OLDER), &settings).unwrap().permitted().is_ok());
    }
}

#[test]
fn claims_show_what_the_chosen_set_says() {
    for kind in KINDS {
        let case = Case::new(kind);
        let settings = accept_any_tcb();
        let claims = |identifier| {
            let appraisal = case.appraise(Some(identifier), &settings).unwrap();
            appraisal.permitted().unwrap().claims()
        };
        let (older, newer) = (claims(OLDER), claims(NEWER));
        if kind == EvidenceKind::Tdx {
            assert_eq!(older["attester_tcb_status"], "UpToDate");
            assert_eq!(newer["attester_tcb_status"], "OutOfDate");
        } else {
            let hash = |claims: &serde_json::Map<String, Value>| {
                claims["x-ms-sgx-collateral"]["tcbinfohash"].clone()
            };
            assert!(hash(&older).is_string() && hash(&older) != hash(&newer), "{kind:?}");
        }
    }
}

#[test]
fn an_identifier_without_collateral_is_refused_and_so_is_one_that_is_no_number() {
    for kind in KINDS {
        let case = Case::new(kind);
        for identifier in ["18", "0", "4294967295", "4294967296", "-1", "17 ", "", "latest"] {
            for settings in [AppraisalSettings::default(), accept_any_tcb()] {
                let error = case.appraise(Some(identifier), &settings).unwrap_err();
                assert_eq!(error.check(), "tcb-baseline-missing", "{kind:?} {identifier:?}");
                assert!(error.to_string().contains(&format!("{identifier:?}")), "{error}");
            }
        }
    }
}
