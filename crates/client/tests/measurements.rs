//! Lists of published measurements: what they mean at a moment, and which are refused.
#![cfg(test)]

use avouch_client::{MeasurementState, Measurements, MeasurementsError};
use avouch_wire::UnixTime;
use serde_json::{Value, json};

fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

fn entry(name: &str, announced_at: &str, in_force_from: &str, replaces: Option<&str>) -> Value {
    let mut entry = json!({
        "name": name,
        "announced_at": announced_at,
        "in_force_from": in_force_from,
        "workload": {"sgx": {"mr_enclave": "11".repeat(32)}},
    });
    if let Some(replaced) = replaces {
        entry["replaces"] = json!(replaced);
    }
    entry
}

fn parse(entries: &[Value]) -> Result<Measurements, MeasurementsError> {
    Measurements::parse(json!({"measurements": entries}).to_string().as_bytes())
}

fn two() -> [Value; 2] {
    [
        entry("one", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", None),
        entry("two", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", Some("one")),
    ]
}

#[test]
fn a_replaced_measurement_ends_one_month_after_the_change() {
    let all = parse(&two()).unwrap();
    let [one, two] = all.all() else { panic!() };
    let until = moment("2026-06-30T00:00:00Z");
    let change = moment("2026-05-31T00:00:00Z");
    for (at, of_one, of_two) in [
        (
            "2026-05-30T23:59:59Z",
            MeasurementState::Current { until: Some(until) },
            MeasurementState::Announced { from: change },
        ),
        (
            "2026-05-31T00:00:00Z",
            MeasurementState::Current { until: Some(until) },
            MeasurementState::Current { until: None },
        ),
        (
            "2026-06-29T23:59:59Z",
            MeasurementState::Current { until: Some(until) },
            MeasurementState::Current { until: None },
        ),
        (
            "2026-06-30T00:00:00Z",
            MeasurementState::Retired { since: until },
            MeasurementState::Current { until: None },
        ),
    ] {
        assert_eq!(all.state(one, moment(at)), of_one, "{at}");
        assert_eq!(all.state(two, moment(at)), of_two, "{at}");
    }
}

#[test]
fn a_withdrawn_measurement_ends_at_once_even_before_it_begins() {
    let mut entries = two();
    entries[0]["withdrawn_at"] = json!("2026-02-01T00:00:00Z");
    entries[1]["withdrawn_at"] = json!("2026-04-01T00:00:00Z");
    let all = parse(&entries).unwrap();
    let [one, two] = all.all() else { panic!() };
    let since = moment("2026-02-01T00:00:00Z");
    assert_eq!(all.state(one, since), MeasurementState::Retired { since });
    let before = moment("2026-01-31T23:59:59Z");
    assert_eq!(all.state(one, before), MeasurementState::Current { until: Some(since) });
    let since = moment("2026-04-01T00:00:00Z");
    assert_eq!(all.state(two, since), MeasurementState::Retired { since });
}

#[test]
fn a_change_is_announced_two_months_ahead() {
    let mut entries = two();
    entries[1]["in_force_from"] = json!("2026-05-30T23:59:59Z");
    let error = parse(&entries).unwrap_err();
    let earliest = moment("2026-05-31T00:00:00Z");
    assert!(
        matches!(&error, MeasurementsError::Notice { earliest: found, .. } if *found == earliest),
        "{error}"
    );
    // So is what names nothing that it replaces, and what is the first for its TEE.
    for workload in [
        json!({"sgx": {"mr_enclave": "22".repeat(32)}}),
        json!({"snp": {"measurement": "22".repeat(48)}}),
    ] {
        let mut entries = two();
        entries[1].as_object_mut().unwrap().remove("replaces");
        entries[1]["workload"] = workload;
        assert!(parse(&entries).is_ok());
        entries[1]["in_force_from"] = json!("2026-05-30T23:59:59Z");
        assert!(matches!(parse(&entries), Err(MeasurementsError::Notice { .. })));
        // What the list began with needs no notice.
        entries[1]["announced_at"] = json!("2026-01-01T00:00:00Z");
        entries[1]["in_force_from"] = json!("2026-01-01T00:00:00Z");
        assert!(parse(&entries).is_ok());
    }
    // Nothing runs before it is announced.
    let alone = entry("one", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", None);
    assert!(matches!(parse(&[alone]), Err(MeasurementsError::InForceUnannounced { .. })));
}

/// What names nothing that it replaces ends all that came before it for its TEE, and nothing else.
#[test]
fn a_new_measurement_that_names_none_ends_all_of_its_tee_a_month_after_the_change() {
    let mut entries = two().to_vec();
    entries[1].as_object_mut().unwrap().remove("replaces");
    let start = "2026-01-01T00:00:00Z";
    entries.push(entry("beside", start, start, None));
    let mut guest = entry("guest", start, start, None);
    guest["workload"] = json!({"snp": {"measurement": "22".repeat(48)}});
    entries.push(guest);
    entries.push(entry("at once", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", None));
    let all = parse(&entries).unwrap();
    let after = moment("2026-06-30T00:00:00Z");
    let states = |at| all.all().iter().map(|one| all.state(one, at)).collect::<Vec<_>>();
    let (ended, stays) =
        (MeasurementState::Retired { since: after }, MeasurementState::Current { until: None });
    assert_eq!(states(after), [ended, stays, ended, stays, stays]);
    let ending = MeasurementState::Current { until: Some(after) };
    let just_before = after.saturating_add_seconds(-1);
    assert_eq!(states(just_before), [ending, stays, ending, stays, stays]);
    // Who names one ends that one.
    entries[1]["replaces"] = json!("one");
    entries.pop();
    let all = parse(&entries).unwrap();
    let states: Vec<_> = all.all().iter().map(|one| all.state(one, after)).collect();
    assert_eq!(states, [ended, stays, stays, stays]);
}

#[test]
fn what_is_replaced_must_be_there_earlier_and_for_the_same_tee() {
    let mut entries = two();
    entries[1]["replaces"] = json!("none");
    assert!(matches!(parse(&entries), Err(MeasurementsError::Replaces { .. })));
    entries[1]["replaces"] = json!("two");
    assert!(matches!(parse(&entries), Err(MeasurementsError::Replaces { .. })));
    let mut entries = two();
    entries[0]["workload"] = json!({"snp": {"measurement": "22".repeat(48)}});
    assert!(matches!(parse(&entries), Err(MeasurementsError::OtherTee { .. })));
}

#[test]
fn a_measurement_that_would_let_any_code_pass_is_refused() {
    let (h32, h48) = ("11".repeat(32), "22".repeat(48));
    let uvm = json!({"issuer": "did:x509:0:sha256:x", "feed": "f", "minimum_svn": 1});
    for (workload, good) in [
        (json!({"sgx": {"mr_enclave": h32}}), true),
        (json!({"sgx": {"mr_signer": h32, "isv_prod_id": 1, "minimum_isv_svn": 2}}), true),
        (json!({"sgx": {}}), false),
        (json!({"sgx": {"mr_signer": h32, "isv_prod_id": 1}}), false),
        (json!({"sgx": {"mr_signer": h32, "minimum_isv_svn": 2}}), false),
        (json!({"sgx": {"isv_prod_id": 1, "minimum_isv_svn": 2}}), false),
        (json!({"snp": {"measurement": h48}}), true),
        (json!({"snp": {"uvm": uvm, "host_data": h32}}), true),
        (json!({"snp": {"uvm": uvm}}), false),
        (json!({"snp": {"host_data": h32}}), false),
        (json!({"tdx": {"mr_td": h48, "rtmr1": h48, "rtmr2": h48}}), true),
        (json!({"tdx": {"mr_td": h48}}), false),
        (json!({"tdx": {"mr_td": h48, "rtmr1": h48}}), false),
        (json!({"sgx": {"mr_enclave": h48}}), false),
        (json!({"sgx": {"mr_enclave": h32, "mrenclave": h32}}), false),
        (json!({"sev": {"measurement": h48}}), false),
    ] {
        let mut one = entry("one", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", None);
        one["workload"] = workload.clone();
        assert_eq!(parse(&[one]).is_ok(), good, "{workload}");
    }
}

#[test]
fn what_is_no_list_is_refused() {
    let one = entry("one", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", None);
    assert!(parse(std::slice::from_ref(&one)).is_ok());
    let mut nameless = one.clone();
    nameless["name"] = json!(" ");
    assert!(matches!(parse(&[nameless]), Err(MeasurementsError::Name(_))));
    assert!(matches!(parse(&[one.clone(), one.clone()]), Err(MeasurementsError::Name(_))));
    assert!(matches!(parse(&[]), Err(MeasurementsError::Empty)));
    let many: Vec<Value> = (0..257)
        .map(|index| {
            entry(&index.to_string(), "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", None)
        })
        .collect();
    assert!(parse(&many[..256]).is_ok());
    assert!(matches!(parse(&many), Err(MeasurementsError::TooMany { .. })));
    let mut unknown = one.clone();
    unknown["retired_at"] = json!("2026-01-01T00:00:00Z");
    assert!(matches!(parse(&[unknown]), Err(MeasurementsError::Form(_))));
    let mut undated = one;
    undated["in_force_from"] = json!("soon");
    assert!(matches!(parse(&[undated]), Err(MeasurementsError::Form(_))));
    for text in ["", "[]", "{}", r#"{"measurements":[],"measurements":[]}"#] {
        assert!(Measurements::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_list_of_the_page_is_one_and_ends_as_the_page_says() {
    let page = include_str!("../../../docs/verify.md");
    let block = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let all = Measurements::parse(block.as_bytes()).unwrap();
    let [one, two] = all.all() else { panic!() };
    let until = Some(moment("2026-07-01T00:00:00Z"));
    let may = moment("2026-05-15T00:00:00Z");
    assert_eq!(all.state(one, may), MeasurementState::Current { until });
    let from = moment("2026-06-01T00:00:00Z");
    assert_eq!(all.state(two, may), MeasurementState::Announced { from });
}
