//! Issues of a publisher's list: signed by whom, in force when, and after which others.
#![cfg(test)]

use avouch_client::{
    IssueError, KnownPublication, MeasurementState, Publication, PublicationError,
    VerifiedPublication,
};
use avouch_token::{BarePrivateKey, BarePublicKey, KeySpec, SigningKey};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use serde_json::{Value, json};

fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

fn key() -> BarePrivateKey {
    let pem = SigningKey::generate(KeySpec::P256).unwrap().to_pkcs8_pem().unwrap();
    BarePrivateKey::from_pkcs8_pem(&pem).unwrap()
}

/// The first issue: one enclave.
fn first() -> Value {
    json!({
        "publisher": "attest.example",
        "sequence": 1,
        "first_issued_at": "2026-01-01T00:00:00Z",
        "issued_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-03-01T00:00:00Z",
        "measurements": [{
            "name": "one",
            "announced_at": "2026-01-01T00:00:00Z",
            "in_force_from": "2026-01-01T00:00:00Z",
            "workload": {"sgx": {"mr_enclave": "11".repeat(32)}},
        }],
    })
}

/// The second: a change is announced.
fn second() -> Value {
    let mut issue = first();
    issue["sequence"] = json!(2);
    issue["issued_at"] = json!("2026-02-01T00:00:00Z");
    issue["expires_at"] = json!("2026-04-01T00:00:00Z");
    issue["measurements"].as_array_mut().unwrap().push(json!({
        "name": "two",
        "announced_at": "2026-02-01T00:00:00Z",
        "in_force_from": "2026-04-01T00:00:00Z",
        "replaces": "one",
        "workload": {"sgx": {"mr_enclave": "22".repeat(32)}},
    }));
    issue
}

fn parse(issue: &Value) -> Result<Publication, PublicationError> {
    Publication::parse(issue.to_string().as_bytes())
}

fn with(mut issue: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() { &mut issue } else { issue.pointer_mut(parent).unwrap() };
    parent[name] = value;
    issue
}

#[test]
fn an_issue_says_whose_it_is_which_and_until_when() {
    for issue in [first(), second()] {
        let read = parse(&issue).unwrap();
        let written: Value = serde_json::from_str(&read.to_document().unwrap()).unwrap();
        assert_eq!(written, issue);
    }
    for (pointer, value) in [
        ("/publisher", json!("")),
        ("/publisher", json!("é")),
        ("/publisher", json!("x".repeat(257))),
        ("/sequence", json!(0)),
        ("/sequence", json!(1)),
        ("/sequence", json!("2")),
        ("/first_issued_at", json!("2026-02-01T00:00:00Z")),
        ("/first_issued_at", json!("2026-02-01T00:00:01Z")),
        ("/first_issued_at", json!("2026-01-01T00:00:01Z")),
        ("/issued_at", json!("2026-01-31T23:59:59Z")),
        ("/expires_at", json!("2026-02-01T00:00:00Z")),
        ("/expires_at", json!("2027-02-02T00:00:01Z")),
        ("/measurements", json!([])),
        // The new measurement runs too soon after it was announced.
        ("/measurements/1/in_force_from", json!("2026-03-31T23:59:59Z")),
        // It is no part of the first issue.
        ("/measurements/1/announced_at", json!("2026-02-01T00:00:01Z")),
        ("/measurements/0/announced_at", json!("2025-12-31T23:59:59Z")),
        ("/signed_by", json!("me")),
    ] {
        let error = parse(&with(second(), pointer, value.clone())).unwrap_err();
        assert_eq!(error.check(), "measurements-document", "{pointer} {value}");
    }
    assert!(parse(&with(second(), "/expires_at", json!("2027-02-02T00:00:00Z"))).is_ok());
    let mut bare = second();
    bare.as_object_mut().unwrap().remove("expires_at");
    assert!(matches!(parse(&bare), Err(PublicationError::Form(_))));
}

/// Also what replaces nothing: in an issue, nothing but what the first one had goes without notice.
#[test]
fn what_came_after_the_first_issue_is_announced_even_if_nothing_else_is_left() {
    let alone = |announced_at: &str, from: &str| {
        let mut issue = second();
        let entries = issue["measurements"].as_array_mut().unwrap();
        entries.remove(0);
        entries[0].as_object_mut().unwrap().remove("replaces");
        entries[0]["announced_at"] = json!(announced_at);
        entries[0]["in_force_from"] = json!(from);
        parse(&issue)
    };
    assert!(alone("2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z").is_ok());
    let error = alone("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z").unwrap_err();
    assert!(error.to_string().contains("announced two months ahead"), "{error}");
    assert!(alone("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z").is_ok());
}

#[test]
fn an_issue_counts_under_a_pinned_key_while_it_is_in_force() {
    let (publisher, other) = (key(), key());
    let trusted = [publisher.public_key()];
    let jws = parse(&second()).unwrap().sign(&publisher).unwrap();
    let verify = |jws: &str, keys: &[BarePublicKey], at: &str| {
        VerifiedPublication::verify(jws, keys, moment(at)).map_err(|error| error.check())
    };
    let may = "2026-03-01T00:00:00Z";
    let verified = verify(&jws, &trusted, may).unwrap();
    assert_eq!(verified.publication(), &parse(&second()).unwrap());
    assert_eq!(verified.document_sha256(), verified.publication().sha256().unwrap());
    assert_eq!(verified.key(), &trusted[0]);
    for (at, check) in [
        ("2026-01-31T23:59:59Z", Some("measurements-not-issued")),
        ("2026-02-01T00:00:00Z", None),
        ("2026-03-31T23:59:59Z", None),
        ("2026-04-01T00:00:00Z", Some("measurements-expired")),
    ] {
        assert_eq!(verify(&jws, &trusted, at).err(), check, "{at}");
    }
    assert_eq!(verify(&jws, &[other.public_key()], may).unwrap_err(), "bare-signature-key");
    assert_eq!(verify(&jws, &[], may).unwrap_err(), "bare-signature-key");
    // The same document, signed as something else.
    let document = parse(&second()).unwrap().to_document().unwrap();
    let as_token = publisher.sign_jws("JWT", document.as_bytes()).unwrap();
    assert_eq!(verify(&as_token, &trusted, may).unwrap_err(), "bare-signature-type");
    // Another document under the same signature, and no document under a good one.
    let [header, _, signature]: [&str; 3] = jws.split('.').collect::<Vec<_>>().try_into().unwrap();
    let swapped = parse(&first()).unwrap().to_document().unwrap();
    let swapped = format!("{header}.{}.{signature}", base64url::encode(swapped));
    assert_eq!(verify(&swapped, &trusted, may).unwrap_err(), "bare-signature");
    let nothing = publisher.sign_jws("avouch-measurements+jws", b"{}").unwrap();
    assert_eq!(verify(&nothing, &trusted, may).unwrap_err(), "measurements-document");
    for text in ["", "a.b", &document] {
        assert_eq!(verify(text, &trusted, may).unwrap_err(), "bare-signature-form", "{text}");
    }
}

#[test]
fn an_issue_takes_nothing_back_that_was_announced() {
    let seen = parse(&second()).unwrap();
    let third = |changes: &[(&str, Value)]| {
        let mut issue = second();
        issue["sequence"] = json!(3);
        issue["issued_at"] = json!("2026-03-01T00:00:00Z");
        let issue = changes
            .iter()
            .fold(issue, |issue, (pointer, value)| with(issue, pointer, value.clone()));
        parse(&issue).unwrap()
    };
    let check = |issue: &Publication| issue.check_follows(&seen).map_err(|error| error.check());
    assert_eq!(check(&seen), Ok(()));
    assert_eq!(check(&third(&[])), Ok(()));
    let mut longer = second()["measurements"].clone();
    longer.as_array_mut().unwrap().push(json!({
        "name": "three",
        "announced_at": "2026-03-01T00:00:00Z",
        "in_force_from": "2026-05-01T00:00:00Z",
        "replaces": "two",
        "workload": {"sgx": {"mr_enclave": "33".repeat(32)}},
    }));
    assert_eq!(check(&third(&[("/measurements", longer.clone())])), Ok(()));
    let withdrawn = ("/measurements/0/withdrawn_at", json!("2026-03-01T00:00:00Z"));
    let after_withdrawal = third(std::slice::from_ref(&withdrawn));
    assert_eq!(check(&after_withdrawal), Ok(()));

    // The very next issue announces what is new in it, and no earlier day.
    longer[2]["announced_at"] = json!("2026-02-28T23:59:59Z");
    let only_one = json!([second()["measurements"][0]]);
    let other = "measurements-announcements";
    for (changes, expected) in [
        (vec![("/measurements", longer)], other),
        (vec![("/measurements", only_one)], other),
        (vec![("/measurements/0/workload/sgx/mr_enclave", json!("44".repeat(32)))], other),
        (vec![("/measurements/0/in_force_from", json!("2026-01-02T00:00:00Z"))], other),
        (vec![("/measurements/1/in_force_from", json!("2026-04-02T00:00:00Z"))], other),
        (vec![("/measurements/1/announced_at", json!("2026-01-31T00:00:00Z"))], other),
        (vec![("/measurements/1/replaces", Value::Null)], other),
        (vec![("/measurements/1/name", json!("zwei"))], other),
        (vec![("/publisher", json!("other.example"))], "measurements-publisher"),
        (
            vec![
                ("/issued_at", json!("2026-01-31T00:00:00Z")),
                ("/measurements/1/announced_at", json!("2026-01-31T00:00:00Z")),
            ],
            "measurements-rollback",
        ),
        (
            vec![
                ("/first_issued_at", json!("2025-12-31T00:00:00Z")),
                ("/measurements/0/announced_at", json!("2025-12-31T00:00:00Z")),
            ],
            "measurements-rollback",
        ),
        (vec![("/sequence", json!(2))], "measurements-rollback"),
    ] {
        assert_eq!(check(&third(&changes)), Err(expected), "{changes:?}");
    }
    let before = parse(&first()).unwrap();
    assert_eq!(before.check_follows(&seen).unwrap_err().check(), "measurements-rollback");
    // If an issue lies between that was not seen, it may have announced it, but none before.
    longer_in_between(&seen);
    // What was withdrawn stays so.
    let mut fourth = second();
    fourth["sequence"] = json!(4);
    fourth["issued_at"] = json!("2026-03-02T00:00:00Z");
    let error = parse(&fourth).unwrap().check_follows(&after_withdrawal).unwrap_err();
    assert!(matches!(error, IssueError::Changed { what: "withdrawn_at", .. }), "{error}");
    for (withdrawn_at, expected) in [
        (withdrawn.1, Ok(())),
        (json!("2026-02-28T00:00:00Z"), Ok(())),
        (json!("2026-03-01T00:00:01Z"), Err("measurements-announcements")),
    ] {
        let kept = with(fourth.clone(), "/measurements/0/withdrawn_at", withdrawn_at);
        let followed = parse(&kept).unwrap().check_follows(&after_withdrawal);
        assert_eq!(followed.map_err(|error| error.check()), expected);
    }
}

/// What is withdrawn is so at once: an end far ahead could never be brought forward by a mistake.
#[test]
fn a_withdrawal_is_no_later_than_the_issue_that_says_it() {
    let withdrawn = |at: &str| parse(&with(second(), "/measurements/0/withdrawn_at", json!(at)));
    for at in ["2026-02-01T00:00:00Z", "2026-01-15T00:00:00Z"] {
        assert!(withdrawn(at).is_ok(), "{at}");
    }
    for at in ["2026-02-01T00:00:01Z", "2099-01-01T00:00:00Z"] {
        let error = withdrawn(at).unwrap_err();
        assert!(matches!(error, PublicationError::WithdrawnLater { .. }), "{error}");
        assert_eq!(error.check(), "measurements-document");
    }
}

/// An issue with a third measurement, announced and in force at these moments.
fn announcing(sequence: u64, issued_at: &str, announced_at: &str, from: &str) -> Publication {
    let mut issue = second();
    issue["sequence"] = json!(sequence);
    issue["issued_at"] = json!(issued_at);
    issue["expires_at"] = json!("2026-12-01T00:00:00Z");
    issue["measurements"].as_array_mut().unwrap().push(json!({
        "name": "three",
        "announced_at": announced_at,
        "in_force_from": from,
        "replaces": "two",
        "workload": {"sgx": {"mr_enclave": "33".repeat(32)}},
    }));
    parse(&issue).unwrap()
}

fn state(known: &KnownPublication, name: &str, at: &str) -> MeasurementState {
    let list = known.measurements();
    let one = list.all().iter().find(|one| one.name == name).unwrap();
    list.state(one, moment(at))
}

/// A publisher's times are its own word: what counts is whether this party can tell that it was told two months ahead.
#[test]
fn notice_counts_from_when_a_party_could_tell_that_it_was_told() {
    let seen = |at: &str| KnownPublication::begin(parse(&second()).unwrap(), moment(at));
    let (announced, from) = ("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z");
    let next = announcing(3, announced, announced, from);
    let skipped = announcing(4, "2026-03-20T00:00:00Z", announced, from);
    // When the second issue was looked at last, which follows it, when that is seen, and from when on it counts.
    for (looked_at, follows, at, counts_from) in [
        // The very next issue, whenever it is seen, if the party had no reason to be told before.
        ("2026-02-02T00:00:00Z", &next, "2026-03-01T00:00:00Z", from),
        ("2026-02-02T00:00:00Z", &next, "2026-04-30T00:00:00Z", from),
        ("2026-03-08T00:00:00Z", &next, "2026-03-08T00:00:01Z", from),
        // It was handed the old one more than a week after the new one is said to be issued.
        ("2026-03-08T00:00:01Z", &next, "2026-03-08T00:00:02Z", "2026-05-08T00:00:02Z"),
        ("2026-04-29T00:00:00Z", &next, "2026-04-30T00:00:00Z", "2026-06-30T00:00:00Z"),
        // Of an issue that was never seen, nothing can be told.
        ("2026-02-02T00:00:00Z", &skipped, "2026-03-20T00:00:00Z", "2026-05-20T00:00:00Z"),
        ("2026-02-02T00:00:00Z", &skipped, "2026-05-02T00:00:00Z", "2026-07-02T00:00:00Z"),
    ] {
        let known = seen(looked_at).follow(follows, moment(at)).unwrap();
        let counts_from = moment(counts_from);
        let before = counts_from.saturating_add_seconds(-1).to_rfc3339();
        let announced = MeasurementState::Announced { from: counts_from };
        assert_eq!(state(&known, "three", &before), announced, "{looked_at} {at}");
        let current = MeasurementState::Current { until: None };
        assert_eq!(state(&known, "three", &counts_from.to_rfc3339()), current);
        // What it replaces goes on until a month after that.
        let until = Some(counts_from.saturating_add_months(1));
        assert_eq!(state(&known, "two", &before), MeasurementState::Current { until });
        let is_delayed = counts_from != moment(from);
        assert_eq!(known.delayed().next().is_some(), is_delayed);
        // It is kept, and stays so when the same issue or another one is seen.
        let kept = KnownPublication::parse(known.to_document().unwrap().as_bytes()).unwrap();
        assert_eq!(kept, known);
        let again = kept.follow(follows, moment("2026-07-03T00:00:00Z")).unwrap();
        assert_eq!(again.measurements(), known.measurements());
        assert_eq!(again.looked_at(), moment("2026-07-03T00:00:00Z"));
        let mut renewed: Value = serde_json::from_str(&follows.to_document().unwrap()).unwrap();
        renewed["sequence"] = json!(9);
        renewed["issued_at"] = json!("2026-07-03T00:00:00Z");
        let renewed = parse(&renewed).unwrap();
        let later = kept.follow(&renewed, moment("2026-07-04T00:00:00Z")).unwrap();
        assert_eq!(later.measurements(), known.measurements());
    }
    // Of the first issue that a party ever sees it has the publisher's word.
    let first = KnownPublication::begin(next.clone(), moment("2026-04-30T00:00:00Z"));
    assert!(first.delayed().next().is_none());
    let bare = KnownPublication::parse(next.to_document().unwrap().as_bytes()).unwrap();
    assert_eq!(bare, KnownPublication::begin(next.clone(), moment(announced)));
    // An older one does not follow, and time does not run backwards.
    let error = first.follow(&parse(&second()).unwrap(), moment("2026-05-01T00:00:00Z"));
    assert_eq!(error.unwrap_err().check(), "measurements-rollback");
    let back = first.follow(&next, moment("2026-04-01T00:00:00Z")).unwrap();
    assert_eq!(back.looked_at(), moment("2026-04-30T00:00:00Z"));
    for broken in ["", "{}", "{\"issue\":{}}", "{\"issue\":1,\"looked_at\":2}"] {
        assert!(KnownPublication::parse(broken.as_bytes()).is_err(), "{broken}");
    }
}

/// Code that is delayed for a party keeps the order in which its publisher has things end.
#[test]
fn what_is_delayed_ends_nothing_that_its_publisher_put_after_it() {
    let seen = KnownPublication::begin(parse(&second()).unwrap(), moment("2026-02-02T00:00:00Z"));
    let three =
        announcing(4, "2026-03-20T00:00:00Z", "2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z");
    let mut issue: Value = serde_json::from_str(&three.to_document().unwrap()).unwrap();
    issue["measurements"][2].as_object_mut().unwrap().remove("replaces");
    let three = parse(&issue).unwrap();
    let known = seen.follow(&three, moment("2026-04-10T00:00:00Z")).unwrap();
    // A fourth, of the very next issue, is in force before the third is for this party, and ends it and all else.
    issue["sequence"] = json!(5);
    issue["issued_at"] = json!("2026-04-05T00:00:00Z");
    issue["measurements"].as_array_mut().unwrap().push(json!({
        "name": "four",
        "announced_at": "2026-04-05T00:00:00Z",
        "in_force_from": "2026-06-05T00:00:00Z",
        "workload": {"sgx": {"mr_enclave": "44".repeat(32)}},
    }));
    let known = known.follow(&parse(&issue).unwrap(), moment("2026-04-11T00:00:00Z")).unwrap();
    let from = moment("2026-06-10T00:00:00Z");
    let announced = MeasurementState::Announced { from };
    assert_eq!(state(&known, "three", "2026-06-09T23:59:59Z"), announced);
    let until = Some(moment("2026-07-05T00:00:00Z"));
    assert_eq!(state(&known, "three", "2026-06-10T00:00:00Z"), MeasurementState::Current { until });
    let endless = MeasurementState::Current { until: None };
    assert_eq!(state(&known, "four", "2026-12-01T00:00:00Z"), endless);
}

/// Two issues on, with a measurement that one of them may have announced.
fn longer_in_between(seen: &Publication) {
    for (announced_at, expected) in [
        ("2026-02-01T00:00:00Z", Err("measurements-announcements")),
        ("2026-02-01T00:00:01Z", Ok(())),
        ("2026-03-10T00:00:00Z", Ok(())),
    ] {
        let later = announcing(4, "2026-03-10T00:00:00Z", announced_at, "2026-06-01T00:00:00Z");
        assert_eq!(later.check_follows(seen).map_err(|error| error.check()), expected);
    }
}
