use serde_json::{Map, Value, json};

use super::form::{EVIDENCE, JWT};
use super::{ExchangeRequest, Subject, SubjectTemplate, TemplateError, confirmation};

fn claims(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

#[test]
fn a_subject_is_made_of_claims_and_no_value_can_pretend_to_be_text() {
    let all = json!({"a": "x/y", "n": 7, "b": false, "o": {"in": "z-._~Z9"}, "e": "", "f": 1.5, "l": [], "%": "p"});
    for (template, expected) in [
        ("{a}", Ok("x%2Fy")),
        ("sgx/{a}/{n}", Ok("sgx/x%2Fy/7")),
        ("{b}:{o/in}", Ok("false:z-._~Z9")),
        ("{a}{a}", Ok("x%2Fyx%2Fy")),
        ("{%}", Ok("p")),
        ("{missing}", Err(TemplateError::Missing("missing".into()))),
        ("{o/missing}", Err(TemplateError::Missing("o/missing".into()))),
        ("{a/in}", Err(TemplateError::Missing("a/in".into()))),
        ("{o}", Err(TemplateError::Type("o".into()))),
        ("{l}", Err(TemplateError::Type("l".into()))),
        ("{f}", Err(TemplateError::Type("f".into()))),
        ("{e}", Err(TemplateError::Empty("e".into()))),
    ] {
        let found = SubjectTemplate::parse(template).unwrap().of(claims(&all));
        assert_eq!(found.as_deref(), expected.as_ref().copied(), "{template}");
    }
    let long = json!({"a": "x".repeat(255), "b": "x".repeat(256), "u": "\u{e4}".repeat(43)});
    let of = |template: &str| SubjectTemplate::parse(template).unwrap().of(claims(&long));
    assert_eq!(of("{a}").unwrap().len(), 255);
    assert_eq!(of("{b}"), Err(TemplateError::TooLong(256)));
    assert_eq!(of("{u}"), Err(TemplateError::TooLong(258)));
}

#[test]
fn a_template_without_a_claim_or_with_odd_braces_is_none() {
    for (template, error) in [
        ("", TemplateError::NoClaim),
        ("everybody", TemplateError::NoClaim),
        ("{a", TemplateError::Brace),
        ("a}", TemplateError::Brace),
        ("{a}}", TemplateError::Brace),
        ("{}", TemplateError::Name(String::new())),
        ("{a//b}", TemplateError::Name("a//b".into())),
        ("{{a}}", TemplateError::Name("{a".into())),
        ("{a} b", TemplateError::Characters),
        ("\u{e4}{a}", TemplateError::Characters),
    ] {
        assert_eq!(SubjectTemplate::parse(template), Err(error), "{template}");
    }
    assert!(SubjectTemplate::parse(&"{a}".repeat(32)).is_ok());
    assert_eq!(SubjectTemplate::parse(&"{a}".repeat(33)), Err(TemplateError::Parts));
}

/// A public key on P-256, from RFC 7517, appendix A.1.
fn jwk(more: &[(&str, Value)]) -> Value {
    let mut jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let members = more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    jwk.as_object_mut().unwrap().extend(members);
    jwk
}

#[test]
fn the_one_key_that_the_evidence_binds_is_confirmed_without_its_private_part() {
    let public = json!({ "jwk": jwk(&[]) });
    let runtime = |keys: Value| json!({"x-ms-runtime": {"keys": keys}});
    let private = jwk(&[("d", json!("secret")), ("kid", json!("k"))]);
    let encryption = jwk(&[("use", json!("enc"))]);
    for (all, expected) in [
        (runtime(json!([jwk(&[])])), Some(&public)),
        (runtime(json!([private])), Some(&public)),
        (runtime(json!([encryption, jwk(&[("use", json!("sig"))])])), Some(&public)),
        (runtime(json!([jwk(&[("key_ops", json!(["sign"]))])])), Some(&public)),
        (runtime(json!([jwk(&[]), jwk(&[])])), None),
        (runtime(json!([encryption])), None),
        (runtime(json!([jwk(&[("key_ops", json!(["decrypt"]))])])), None),
        (runtime(json!([jwk(&[("key_ops", json!("sign"))])])), None),
        (runtime(json!([jwk(&[("x", json!("AA"))])])), None),
        (runtime(json!([])), None),
        (runtime(json!({})), None),
        (json!({"x-ms-runtime": {}}), None),
        (json!({}), None),
        (json!({"cnf": {"jwk": jwk(&[])}}), Some(&public)),
        // What a report says counts, and nothing beside it.
        (json!({"cnf": {}, "x-ms-runtime": {"keys": [jwk(&[])]}}), None),
    ] {
        assert_eq!(confirmation::of(claims(&all)).as_ref(), expected, "{all}");
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

const GRANT: (&str, &str) = ("grant_type", "urn%3aietf%3Aparams:oauth:grant-type:token-exchange");

fn refused(parameters: &[(&str, &str)]) -> Option<&'static str> {
    ExchangeRequest::parse(form(parameters).as_bytes()).err().map(|refused| refused.error)
}

#[test]
fn a_form_is_read_with_each_parameter_once() {
    let token = ("subject_token", "a.b.c");
    let kind = ("subject_token_type", JWT);
    let audience = ("audience", "https://sts.example/a+b");
    let good =
        [GRANT, token, kind, audience, ("requested_token_type", JWT), ("scope", ""), ("x", "")];
    let read = ExchangeRequest::parse(form(&good).as_bytes()).unwrap();
    assert_eq!(read.audience, "https://sts.example/a b");
    assert_eq!(read.subject, Subject::Token("a.b.c".to_owned()));
    for (parameters, error) in [
        (&[token, kind, audience][..], "invalid_request"),
        (&[("grant_type", "client_credentials"), token, kind, audience], "unsupported_grant_type"),
        (&[GRANT, kind, audience], "invalid_request"),
        (&[GRANT, ("subject_token", ""), kind, audience], "invalid_request"),
        (&[GRANT, token, audience], "invalid_request"),
        (&[GRANT, token, kind], "invalid_request"),
        (&[GRANT, token, kind, audience, audience], "invalid_request"),
        (&[GRANT, token, kind, audience, ("actor_token", "x")], "invalid_request"),
        (&[GRANT, token, kind, audience, ("resource", "https://x")], "invalid_target"),
        (&[GRANT, token, kind, audience, ("scope", "all")], "invalid_scope"),
        (&[GRANT, token, kind, audience, ("requested_token_type", "saml")], "invalid_request"),
        (&[GRANT, token, ("subject_token_type", "saml"), audience], "invalid_request"),
        (&[GRANT, token, kind, ("audience", "%ff")], "invalid_request"),
        (&[GRANT, token, ("subject_token_type", EVIDENCE), audience], "invalid_request"),
        (
            &[GRANT, token, ("subject_token_type", EVIDENCE), ("evidence_type", "Tpm"), audience],
            "invalid_request",
        ),
    ] {
        assert_eq!(refused(parameters), Some(error), "{parameters:?}");
    }
    let evidence =
        [GRANT, token, ("subject_token_type", EVIDENCE), ("evidence_type", "sgxenclave"), audience];
    assert_eq!(refused(&evidence), None);
    let names: Vec<String> = (0..17).map(|index| format!("p{index}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(refused(&many), Some("invalid_request"));
    assert!(ExchangeRequest::parse(b"\xff").is_err());
}
