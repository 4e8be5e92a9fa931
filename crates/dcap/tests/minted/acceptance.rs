//! What operators accept, and what data evidence binds.

use avouch_dcap::{Acceptance, Refusal, ToleratedAdvisory, bind_init_time_data, bind_runtime_data};
use avouch_mint::{
    HeldData, Kss, TD_DEBUG, TD_MIGRATABLE, TD_SEPT_VE_DISABLE, TcbStatus, TdQuoteFormat,
};
use avouch_pki::digest::sha256;
use avouch_wire::{EvidenceKind, FailedCheck as _};

use crate::{at, judge, minted};

fn strict() -> Acceptance {
    Acceptance { refuse_debuggable: true, ..Acceptance::default() }
}

#[test]
fn each_status_passes_if_and_only_if_it_is_listed() {
    for status in TcbStatus::ALL {
        let evidence = minted(EvidenceKind::Sgx, |options| {
            options.platform.tcb_status = status;
            options.platform.advisory_ids = vec!["INTEL-SA-00828".to_owned()];
        });
        let verified = match judge(&evidence) {
            Ok(verified) => verified,
            Err(error) => {
                assert_eq!((status, error.check()), (TcbStatus::Revoked, "tcb-revoked"));
                assert!(error.to_string().contains("INTEL-SA-00828"), "{error}");
                continue;
            }
        };
        assert_eq!(verified.tcb().status.as_str(), status.name());
        let default = Acceptance::default().check(&verified, at());
        let expected = matches!(status, TcbStatus::UpToDate | TcbStatus::SwHardeningNeeded);
        assert_eq!(default.is_ok(), expected, "{status:?}");
        for list in [status.name(), "any"] {
            let tcb_statuses = list.parse().expect("list");
            let acceptance = Acceptance { tcb_statuses, ..Acceptance::default() };
            acceptance.check(&verified, at()).expect("listed");
        }
    }
}

#[test]
fn advisories_are_tolerated_until_their_date() {
    let evidence = minted(EvidenceKind::Sgx, |options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.platform.advisory_ids = ["INTEL-SA-00828", "INTEL-SA-00837"].map(Into::into).into();
    });
    let verified = judge(&evidence).expect("verifies");
    let tolerate = |ids: &[&str]| Acceptance {
        tolerated_advisories: ids
            .iter()
            .map(|id| ToleratedAdvisory { id: (*id).to_owned(), until: at() })
            .collect(),
        ..Acceptance::default()
    };
    let both = tolerate(&["INTEL-SA-00828", "INTEL-SA-00837"]);
    both.check(&verified, at()).expect("tolerated");
    both.check(&verified, at().saturating_add_seconds(1)).expect_err("no longer");
    tolerate(&["INTEL-SA-00828"]).check(&verified, at()).expect_err("only one of two");
    tolerate(&["INTEL-SA-00001"]).check(&verified, at()).expect_err("an unrelated one");
    let unrelated = ["INTEL-SA-00828", "INTEL-SA-00001", "INTEL-SA-00002"];
    tolerate(&unrelated).check(&verified, at()).expect_err("one of two and unrelated ones");
    let mut late = both.clone();
    late.tolerated_advisories.push(ToleratedAdvisory {
        id: "INTEL-SA-00001".to_owned(),
        until: at().saturating_add_seconds(9),
    });
    let late = late.check(&verified, at().saturating_add_seconds(1));
    late.expect_err("what is still tolerated is unrelated");

    let evidence =
        minted(EvidenceKind::Sgx, |options| options.platform.tcb_status = TcbStatus::OutOfDate);
    let bare = judge(&evidence).expect("verifies");
    assert!(bare.tcb().advisory_ids.is_empty());
    both.check(&bare, at()).expect_err("nothing to tolerate, and yet out of date");
}

#[test]
fn a_refusal_names_the_component_the_distance_and_the_advisory() {
    let evidence = minted(EvidenceKind::Sgx, |options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.platform.advisory_ids = vec!["INTEL-SA-00828".to_owned()];
    });
    let verified = judge(&evidence).expect("verifies");
    let error = Acceptance::default().check(&verified, at()).expect_err("out of date");
    let Some(Refusal::TcbStatus { shortfalls, .. }) = error.refusals().next() else {
        panic!("{error}")
    };
    let platform = shortfalls.first().expect("a shortfall");
    if platform.better_status.is_some() {
        assert!(!platform.missing.is_empty());
        assert!(error.to_string().contains("short by"), "{error}");
        assert!(error.to_string().contains("clears INTEL-SA-00828"), "{error}");
    }
}

#[test]
fn an_out_of_date_quoting_enclave_shows_in_status_and_shortfall() {
    let evidence =
        minted(EvidenceKind::Sgx, |options| options.platform.qe_status = TcbStatus::OutOfDate);
    let verified = judge(&evidence).expect("verifies");
    assert_eq!(verified.tcb().status.as_str(), "OutOfDate");
    assert_eq!(verified.tcb().platform.as_ref().unwrap().status.as_str(), "UpToDate");
    let error = Acceptance::default().check(&verified, at()).expect_err("out of date");
    assert!(error.to_string().contains("quoting enclave"), "{error}");
}

#[test]
fn debuggable_evidence_verifies_and_is_refused_on_request() {
    let enclave = minted(EvidenceKind::Sgx, |options| options.enclave.debug = true);
    let td = minted(EvidenceKind::Tdx, |options| options.td.attributes |= TD_DEBUG);
    let profiled = minted(EvidenceKind::Tdx, |options| options.td.attributes |= 1 << 5);
    for evidence in [enclave, td, profiled] {
        let verified = judge(&evidence).expect("verifies");
        assert!(verified.is_debuggable());
        Acceptance::default().check(&verified, at()).expect("a claim, not a refusal");
        let error = strict().check(&verified, at()).expect_err("refused on request");
        assert_eq!(error.check(), "debuggable");
    }
    let verified = judge(&minted(EvidenceKind::Tdx, |_| {})).expect("verifies");
    strict().check(&verified, at()).expect("not debuggable");
}

#[test]
fn migratable_tds_and_tds_with_a_service_td_need_an_opt_in() {
    let migratable = minted(EvidenceKind::Tdx, |options| {
        options.td.attributes = TD_SEPT_VE_DISABLE | TD_MIGRATABLE
    });
    let extended = minted(EvidenceKind::Tdx, |options| options.td.attributes |= 1 << 17);
    let bound = minted(EvidenceKind::Tdx, |options| {
        options.td.format = TdQuoteFormat::V5Td15;
        options.td.mr_service_td = [3; 48];
    });
    for (evidence, check) in
        [(migratable, "migratable"), (extended, "service-td"), (bound, "service-td")]
    {
        let verified = judge(&evidence).expect("verifies");
        let error = Acceptance::default().check(&verified, at()).expect_err(check);
        assert_eq!(error.check(), check);
        let opted_in = Acceptance {
            refuse_migratable: check != "migratable",
            refuse_service_td: check != "service-td",
            ..Acceptance::default()
        };
        opted_in.check(&verified, at()).expect("opted in");
    }
}

#[test]
fn all_that_is_refused_is_told_at_once_in_one_order() {
    let evidence = minted(EvidenceKind::Tdx, |options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.td.attributes |= TD_DEBUG | TD_MIGRATABLE;
        options.td.format = TdQuoteFormat::V5Td15;
        options.td.mr_service_td = [3; 48];
    });
    let verified = judge(&evidence).expect("verifies");
    let told = |acceptance: Acceptance| -> Vec<&str> {
        let refused = acceptance.check(&verified, at()).err();
        refused.iter().flat_map(|error| error.refusals().map(|one| one.check())).collect()
    };
    let all = ["accepted-tcb-status", "debuggable", "migratable", "service-td"];
    assert_eq!(told(strict()), all);
    let tcb_statuses = "any".parse().expect("any");
    assert_eq!(told(Acceptance { tcb_statuses, ..strict() }), all[1..]);
    assert_eq!(told(Acceptance { refuse_debuggable: false, ..strict() }), [all[0], all[2], all[3]]);
    assert_eq!(told(Acceptance { refuse_migratable: false, ..strict() }), [all[0], all[1], all[3]]);
    assert_eq!(told(Acceptance { refuse_service_td: false, ..strict() }), all[..3]);
    let error = strict().check(&verified, at()).expect_err("refused");
    assert_eq!(error.check(), "accepted-tcb-status");
    let text = error.to_string();
    let places = ["TCB status", "; evidence is debuggable", "; TD is migratable", "; a service TD"];
    let places = places.map(|place| text.find(place).unwrap_or_else(|| panic!("{text}")));
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn relaunch_statuses_are_opt_in() {
    let evidence = minted(EvidenceKind::Tdx, |options| {
        options.td.format = TdQuoteFormat::V5Td15;
        options.td.tee_tcb_svn[0] = 5;
    });
    let verified = judge(&evidence).expect("verifies");
    assert_eq!(verified.tcb().status.as_str(), "TDRelaunchAdvised");
    assert_eq!(verified.tcb().current_status.map(|status| status.as_str()), Some("UpToDate"));
    let error = Acceptance::default().check(&verified, at()).expect_err("not by default");
    assert!(error.to_string().contains("TDX module SVN is 5, needs 13 (short by 8)"), "{error}");

    // The other way round, no genuine update: reported as the worse one.
    let evidence = minted(EvidenceKind::Tdx, |options| {
        options.td.format = TdQuoteFormat::V5Td15;
        options.td.tee_tcb_svn2[0] = 5;
    });
    let verified = judge(&evidence).expect("verifies");
    assert_eq!(verified.tcb().status.as_str(), "OutOfDate");
    assert_eq!(verified.tcb().shortfalls.len(), 1);
}

#[test]
fn runtime_data_are_bound_by_the_first_half_of_the_report_data() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let evidence = minted(kind, |_| {});
        let verified = judge(&evidence).expect("verifies");
        let data = evidence.runtime_data.clone().expect("data").bytes;
        bind_runtime_data(&verified, sha256(&data)).expect("bound");
        for wrong in [Vec::new(), [data.as_slice(), b"\n"].concat(), data[1..].to_vec()] {
            let error = bind_runtime_data(&verified, sha256(&wrong)).expect_err("other data");
            assert_eq!(error.check(), "runtime-data");
            assert!(error.to_string().contains(&sha256(&wrong).to_string()), "{error}");
        }
    }
    let data = b"data";
    let hash = sha256(data);
    let second_half = minted(EvidenceKind::Sgx, |options| {
        let mut report_data = [0; 64];
        report_data[32..].copy_from_slice(&hash.0);
        options.enclave.report_data = Some(report_data);
    });
    let verified = judge(&second_half).expect("verifies");
    bind_runtime_data(&verified, hash).expect_err("the hash is in the second half");
    let whole = minted(EvidenceKind::Sgx, |options| {
        let mut report_data = [7; 64];
        report_data[..32].copy_from_slice(&hash.0);
        options.enclave.report_data = Some(report_data);
    });
    let verified = judge(&whole).expect("verifies");
    bind_runtime_data(&verified, hash).expect("the second half is free");
}

#[test]
fn init_time_data_are_bound_by_the_configuration_id() {
    let data = HeldData::json("{\"init\":1}");
    let hash = sha256(&data.bytes);
    let with_kss = minted(EvidenceKind::Sgx, |options| {
        options.init_time_data = Some(data.clone());
        options.enclave.kss = Some(Kss::default());
    });
    let td = minted(EvidenceKind::Tdx, |options| options.init_time_data = Some(data.clone()));
    for evidence in [with_kss, td] {
        let verified = judge(&evidence).expect("verifies");
        bind_init_time_data(&verified, hash).expect("bound");
        let error = bind_init_time_data(&verified, sha256(b"other")).expect_err("other data");
        assert_eq!(error.check(), "init-time-data");
    }
    let without_kss = judge(&minted(EvidenceKind::Sgx, |_| {})).expect("verifies");
    let error = bind_init_time_data(&without_kss, hash).expect_err("no KSS");
    assert!(error.to_string().contains("key separation"), "{error}");
    for at in [32, 40, 47] {
        let longer = minted(EvidenceKind::Tdx, |options| {
            let mut id = [0; 48];
            id[..32].copy_from_slice(&hash.0);
            id[at] = 1;
            options.td.mr_config_id = Some(id);
        });
        let verified = judge(&longer).expect("verifies");
        let error = bind_init_time_data(&verified, hash).expect_err("more than a hash");
        assert_eq!(error.check(), "init-time-data");
        let rest = avouch_wire::encode_hex(&longer.evidence[48 + 184 + 32..][..16]);
        assert!(error.to_string().contains(&rest), "{error}");
    }
}
