use avouch_release::{MaterialSpec, Operators};
use avouch_store::VaultKeySettings;
use avouch_wire::base64url;
use serde_json::{Value, json};

use super::{Change, NewVersion, Source, VaultBody, random_count, read_vault_body};

fn create(body: &Value) -> Result<NewVersion, String> {
    let created = NewVersion::create(body.to_string().as_bytes(), Operators::EqualsOnly);
    created.map_err(|error| error.0)
}

fn spec(body: &Value) -> Option<MaterialSpec> {
    match create(body).ok()?.source {
        Source::Generated(spec) => Some(spec),
        Source::Imported(_) => None,
    }
}

fn change(body: &Value, settings: &VaultKeySettings) -> Result<VaultKeySettings, String> {
    let change = Change::parse(body.to_string().as_bytes(), Operators::EqualsOnly);
    let change = change.map_err(|error| error.0)?;
    change.applied_to(settings, true, None).map_err(|error| error.0)
}

#[test]
fn a_type_with_its_size_or_curve_is_one_kind_of_key_and_any_other_is_refused() {
    use MaterialSpec::*;
    for (body, expected) in [
        (json!({"kty": "RSA"}), Some(Rsa2048)),
        (json!({"kty": "RSA", "key_size": 2048}), Some(Rsa2048)),
        (json!({"kty": "RSA-HSM", "key_size": 3072}), Some(Rsa3072)),
        (json!({"kty": "RSA", "key_size": 4096, "public_exponent": 65537}), Some(Rsa4096)),
        (json!({"kty": "EC"}), Some(P256)),
        (json!({"kty": "EC", "crv": "P-256"}), Some(P256)),
        (json!({"kty": "EC-HSM", "crv": "P-384"}), Some(P384)),
        (json!({"kty": "EC", "crv": "P-521"}), Some(P521)),
        (json!({"kty": "oct", "key_size": 128}), Some(Oct128)),
        (json!({"kty": "oct-HSM", "key_size": 192}), Some(Oct192)),
        (json!({"kty": "oct"}), Some(Oct256)),
        (json!({"kty": "oct", "key_size": 256}), Some(Oct256)),
        (json!({}), None),
        (json!({"kty": "rsa"}), None),
        (json!({"kty": "RSA", "key_size": 1024}), None),
        (json!({"kty": "RSA", "key_size": "2048"}), None),
        (json!({"kty": "RSA", "public_exponent": 3}), None),
        (json!({"kty": "RSA", "crv": "P-256"}), None),
        (json!({"kty": "EC", "crv": "P-256K"}), None),
        (json!({"kty": "EC", "key_size": 256}), None),
        (json!({"kty": "oct", "key_size": 64}), None),
    ] {
        assert_eq!(spec(&body), expected, "{body}");
    }
}

#[test]
fn what_is_not_said_of_a_key_is_as_key_vault_has_it() {
    let made = create(&json!({"kty": "EC-HSM"})).unwrap();
    assert!(made.is_hsm && !made.is_exportable && made.settings.is_enabled);
    assert_eq!(made.settings.operations, r#"["sign","verify"]"#);
    assert_eq!((made.settings.tags.as_str(), made.settings.release_policy), ("{}", None));
    let rsa = create(&json!({"kty": "RSA"})).unwrap();
    assert!(!rsa.is_hsm && rsa.settings.operations.contains("unwrapKey"));
}

#[test]
fn members_that_could_mean_a_restriction_and_are_not_known_are_refused() {
    for (body, expected) in [
        (json!({"kty": "RSA", "releasePolicy": {}}), "releasePolicy"),
        (json!({"kty": "RSA", "attributes": {"exportible": true}}), "exportible"),
        (json!({"kty": "RSA", "attributes": []}), "attributes"),
        (json!({"kty": "RSA", "attributes": {"enabled": "true"}}), "enabled"),
        (json!({"kty": "RSA", "attributes": {"exportable": 1}}), "exportable"),
        (json!({"kty": "RSA", "attributes": {"nbf": -1}}), "nbf"),
        (json!({"kty": "RSA", "attributes": {"exp": 1.5}}), "exp"),
        (json!({"kty": "RSA", "attributes": {"nbf": 9, "exp": 9}}), "nbf"),
        (json!({"kty": "RSA", "key_ops": ["release"]}), "key_ops"),
        (json!({"kty": "RSA", "key_ops": "sign"}), "key_ops"),
        (json!({"kty": "RSA", "tags": {"a": 1}}), "tags"),
        (json!({"kty": "RSA", "tags": {"a": "b".repeat(257)}}), "tags"),
        (json!({"kty": "RSA", "release_policy": {"data": "e30"}}), "release-policy"),
        (json!({"kty": "RSA", "release_policy": "e30"}), "release-policy"),
    ] {
        let error = create(&body).unwrap_err();
        assert!(error.contains(expected), "{body}: {error}");
    }
    let many: Value = (0..16).map(|n| (n.to_string(), json!("v"))).collect();
    assert!(create(&json!({"kty": "RSA", "tags": many})).is_err());
}

#[test]
fn what_only_other_operators_say_is_refused_at_import_and_taken_where_they_are_enabled() {
    let policy = json!({"anyOf": [{"authority": "https://a.example", "allOf": [
        {"claim": "x-ms-sevsnpvm-guestsvn", "notEquals": 2}]}]});
    let data = base64url::encode(policy.to_string());
    let body = json!({"kty": "RSA", "release_policy": {"data": data}});
    let error = create(&body).unwrap_err();
    assert!(error.contains("notEquals"), "{error}");
    let body = body.to_string();
    assert!(NewVersion::create(body.as_bytes(), Operators::All).is_ok());
}

#[test]
fn an_imported_key_may_be_called_one_of_a_hardware_module() {
    let jwk =
        |kty: &str| json!({"kty": kty, "k": "AAAAAAAAAAAAAAAAAAAAAA", "key_ops": ["encrypt"]});
    let hsm = |body: Value| {
        let read = NewVersion::import(body.to_string().as_bytes(), Operators::EqualsOnly);
        read.map(|new| (new.is_hsm, new.settings.operations)).map_err(|error| error.0)
    };
    let operations = r#"["encrypt"]"#.to_owned();
    assert_eq!(hsm(json!({"key": jwk("oct")})), Ok((false, operations.clone())));
    assert_eq!(hsm(json!({"key": jwk("oct-HSM")})), Ok((true, operations.clone())));
    assert_eq!(hsm(json!({"key": jwk("oct"), "Hsm": true})), Ok((true, operations.clone())));
    assert_eq!(hsm(json!({"key": jwk("oct"), "hsm": true})), Ok((true, operations)));
    for body in [json!({}), json!({"key": "text"}), json!({"key": {"kty": "oct"}})] {
        assert!(hsm(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn a_change_leaves_what_it_does_not_name_and_never_makes_a_key_exportable() {
    let settings = create(&json!({"kty": "EC", "tags": {"a": "b"}, "attributes": {"nbf": 5}}));
    let settings = settings.unwrap().settings;
    assert_eq!(change(&json!({}), &settings).unwrap(), settings);
    let other = change(&json!({"attributes": {"enabled": false, "exp": 9}}), &settings).unwrap();
    assert!(!other.is_enabled);
    assert_eq!((other.not_before, &other.tags), (settings.not_before, &settings.tags));
    assert_eq!(other.expires_at.map(|at| at.seconds()), Some(9));
    assert!(change(&json!({"attributes": {"exportable": true}}), &settings).is_ok());
    assert!(change(&json!({"attributes": {"exportable": false}}), &settings).is_err());
    assert!(change(&json!({"attributes": {"exp": 5}}), &settings).is_err());
    assert!(change(&json!({"kty": "EC"}), &settings).is_err());
}

#[test]
fn an_end_of_a_window_stays_is_moved_or_is_taken_off() {
    let settings = create(&json!({"kty": "EC", "attributes": {"nbf": 5, "exp": 9}}));
    let settings = settings.unwrap().settings;
    let seconds = |settings: &VaultKeySettings| {
        [settings.not_before, settings.expires_at].map(|end| end.map(|at| at.seconds()))
    };
    for (attributes, expected) in [
        (json!({}), [Some(5), Some(9)]),
        (json!({"nbf": 6}), [Some(6), Some(9)]),
        (json!({"exp": 8}), [Some(5), Some(8)]),
        (json!({"nbf": null}), [None, Some(9)]),
        (json!({"exp": null}), [Some(5), None]),
        (json!({"exp": null, "nbf": 20}), [Some(20), None]),
        (json!({"exp": null, "nbf": null}), [None, None]),
    ] {
        let changed = change(&json!({ "attributes": attributes }), &settings).unwrap();
        assert_eq!(seconds(&changed), expected, "{attributes}");
    }
    for wrong in [json!("9"), json!(-1), json!(1.5), json!({})] {
        assert!(change(&json!({"attributes": {"exp": wrong}}), &settings).is_err(), "{wrong}");
    }
    let made = create(&json!({"kty": "EC", "attributes": {"exp": null}})).unwrap().settings;
    assert_eq!(seconds(&made), [None, None]);
}

#[test]
fn random_bytes_are_1_to_128() {
    for (count, is_fine) in [(0, false), (1, true), (128, true), (129, false)] {
        assert_eq!(random_count(json!({ "count": count }).to_string().as_bytes()).is_ok(), is_fine);
    }
    assert!(random_count(b"{}").is_err());
}

#[test]
fn a_body_that_is_only_read_says_what_would_become_of_a_key() {
    let before = create(&json!({"kty": "EC", "tags": {"a": "b"}})).unwrap().settings;
    let asked = |kind, body: Value| {
        let body = body.to_string();
        read_vault_body((kind, body.as_bytes()), Operators::EqualsOnly, (&before, true))
            .map_err(|error| error.0)
    };
    let made = asked(VaultBody::Creation, json!({"kty": "EC", "tags": {"a": "b"}})).unwrap();
    assert!(made.settings == before && made.imported.is_none() && !made.is_exportable);
    let key = json!({"kty": "oct", "k": base64url::encode([7; 16])});
    let body = json!({"key": key, "attributes": {"exportable": true}});
    let imported = asked(VaultBody::Import, body).unwrap();
    assert!(imported.is_exportable);
    assert_eq!(imported.imported.unwrap().secret_bytes(), [7; 16]);
    let changed = asked(VaultBody::Change, json!({"tags": {}})).unwrap();
    assert!(changed.settings.tags == "{}" && changed.settings.operations == before.operations);
    assert!(changed.is_exportable && changed.imported.is_none() && changed.policy.is_none());
    let refused = asked(VaultBody::Change, json!({"attributes": {"exportable": false}}));
    assert!(refused.unwrap_err().starts_with("attributes.exportable"));
}
