//! Issues of a publisher's list: signed by whom, in force when, and after which others.
#![cfg(test)]

use avouch_client::{IssueError, Publication, PublicationError, VerifiedPublication};
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
        "announced_at": "2026-02-01T00:00:01Z",
        "in_force_from": "2026-05-01T00:00:00Z",
        "replaces": "two",
        "workload": {"sgx": {"mr_enclave": "33".repeat(32)}},
    }));
    assert_eq!(check(&third(&[("/measurements", longer.clone())])), Ok(()));
    let withdrawn = ("/measurements/0/withdrawn_at", json!("2026-03-01T00:00:00Z"));
    let after_withdrawal = third(std::slice::from_ref(&withdrawn));
    assert_eq!(check(&after_withdrawal), Ok(()));

    // A day in January was before the issue that did not have it.
    longer[2]["announced_at"] = json!("2026-02-01T00:00:00Z");
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
    // What was withdrawn stays so.
    let mut fourth = second();
    fourth["sequence"] = json!(4);
    fourth["issued_at"] = json!("2026-03-02T00:00:00Z");
    let error = parse(&fourth).unwrap().check_follows(&after_withdrawal).unwrap_err();
    assert!(matches!(error, IssueError::Changed { what: "withdrawn_at", .. }), "{error}");
    let kept = with(fourth, "/measurements/0/withdrawn_at", withdrawn.1);
    assert_eq!(parse(&kept).unwrap().check_follows(&after_withdrawal), Ok(()));
}
