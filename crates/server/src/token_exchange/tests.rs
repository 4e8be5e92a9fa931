use avouch_wire::UnixTime;
use serde_json::{Map, Value, json};

use super::form::{EVIDENCE, JWT};
use super::{
    ExchangeRequest, Subject, SubjectTemplate, TemplateError, audience, confirmation, debugging,
};
use crate::config::{AudienceBinding, AudienceRule, ProviderExchange};

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
        ("-{a}.:.{a}-", Ok("-x%2Fy.:.x%2Fy-")),
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
        ("{a}{b}", TemplateError::Separator),
        ("{a}.{b}", TemplateError::Separator),
        ("{a}-2F%2F_~{b}", TemplateError::Separator),
        ("x/{a}/{b}{c}/x", TemplateError::Separator),
        ("{a} b", TemplateError::Characters),
        ("\u{e4}{a}", TemplateError::Characters),
    ] {
        assert_eq!(SubjectTemplate::parse(template), Err(error), "{template}");
    }
    assert!(SubjectTemplate::parse(&"{a}/".repeat(16)).is_ok());
    assert_eq!(SubjectTemplate::parse(&"/{a}/".repeat(16)), Err(TemplateError::Parts));
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

fn rule(audience_bound_by: AudienceBinding) -> AudienceRule {
    AudienceRule {
        audience: "sts".to_owned(),
        subject: SubjectTemplate::parse("{a}").unwrap(),
        audience_bound_by,
        key_must_be_bound: false,
        refuse_debuggable: true,
    }
}

#[test]
fn a_report_is_for_the_audience_that_its_machine_was_to_give_back_by_a_key_that_the_tpm_bound() {
    let exchange: ProviderExchange = toml::from_str("audiences = []").unwrap();
    let now = UnixTime::from_seconds(1_800_000_000).unwrap();
    let bound = json!({ "jwk": {}, "info": { "tpm_quote": {} } });
    let unbound = json!({ "jwk": {} });
    let runtime = json!({ "token-exchange": { "audience": "sts", "issued_at": now.seconds() } });
    for (all, expected) in [
        (json!({ "x-ms-tpm-request-key": bound, "rp_data": "token-exchange:sts" }), true),
        (json!({ "x-ms-tpm-request-key": bound, "rp_data": "token-exchange:other" }), false),
        // Relying parties choose such data: they would not choose that prefix.
        (json!({ "x-ms-tpm-request-key": bound, "rp_data": "sts" }), false),
        (json!({ "x-ms-tpm-request-key": bound }), false),
        (json!({ "x-ms-tpm-request-key": bound, "x-ms-runtime": runtime }), false),
        // Anybody on the way could have signed that with a key of his own.
        (json!({ "x-ms-tpm-request-key": unbound, "rp_data": "token-exchange:sts" }), false),
        (json!({ "rp_data": "token-exchange:sts", "nonce": "token-exchange:sts" }), false),
    ] {
        let mut all = claims(&all).clone();
        all.insert("x-ms-attestation-type".to_owned(), "tpm".into());
        for rule in [AudienceBinding::Evidence, AudienceBinding::Nonce].map(rule) {
            let is_good = audience::check(&all, &exchange, &rule, (true, now)).is_ok();
            assert_eq!(is_good, expected, "{all:?}");
        }
        // In a token of another kind, such a claim is its policy's.
        all.insert("x-ms-attestation-type".to_owned(), "sgx".into());
        let by_runtime = all.contains_key("x-ms-runtime");
        let rule = rule(AudienceBinding::Evidence);
        assert_eq!(audience::check(&all, &exchange, &rule, (true, now)).is_ok(), by_runtime);
        assert_eq!(confirmation::of(&all), None);
    }
    let with_key = |key: &Value| {
        let cnf = json!({ "jwk": jwk(&[]) });
        json!({ "x-ms-attestation-type": "tpm", "x-ms-tpm-request-key": key, "cnf": cnf })
    };
    assert!(confirmation::of(claims(&with_key(&bound))).is_some());
    assert_eq!(confirmation::of(claims(&with_key(&unbound))), None);
}

#[test]
fn what_does_not_deny_that_it_can_be_debugged_counts_as_debuggable() {
    let azure = "x-ms-azurevm-debuggersdisabled";
    let isolation = |denies: bool| {
        json!({
            "x-ms-attestation-type": "sevsnpvm",
            "x-ms-sevsnpvm-is-debuggable": !denies,
        })
    };
    for (attested, more, expected) in [
        ("sgx", json!({ "x-ms-sgx-is-debuggable": false }), None),
        ("sgx", json!({ "x-ms-sgx-is-debuggable": true }), Some("x-ms-sgx-is-debuggable")),
        ("sgx", json!({ "x-ms-sgx-is-debuggable": "false" }), Some("x-ms-sgx-is-debuggable")),
        ("sgx", json!({ "x-ms-sevsnpvm-is-debuggable": false }), Some("x-ms-sgx-is-debuggable")),
        ("sevsnpvm", json!({ "x-ms-sevsnpvm-is-debuggable": false }), None),
        ("sevsnpvm", json!({}), Some("x-ms-sevsnpvm-is-debuggable")),
        ("tdxvm", json!({ "dbgstat": "disabled" }), None),
        (
            "tdxvm",
            json!({ "dbgstat": "enabled", "tdx_td_attributes_debug": false }),
            Some("dbgstat"),
        ),
        ("azurevm", json!({ azure: true }), None),
        ("azurevm", json!({ azure: false }), Some(azure)),
        ("azurevm", json!({ azure: true, "x-ms-isolation-tee": isolation(true) }), None),
        (
            "azurevm",
            json!({ azure: true, "x-ms-isolation-tee": isolation(false) }),
            Some("x-ms-sevsnpvm-is-debuggable"),
        ),
        ("azurevm", json!({ azure: false, "x-ms-isolation-tee": isolation(true) }), Some(azure)),
        ("azurevm", json!({ azure: true, "x-ms-isolation-tee": 1 }), Some("x-ms-isolation-tee")),
        (
            "azurevm",
            json!({ azure: true, "x-ms-isolation-tee": {} }),
            Some("x-ms-attestation-type"),
        ),
        ("vtpm", json!({ "avouch-vtpm-debuggersdisabled": true }), None),
        ("vtpm", json!({ azure: true }), Some("avouch-vtpm-debuggersdisabled")),
        ("tpm", json!({}), None),
        ("tpm", json!({ "avouch-enclave-is-debuggable": false }), None),
        (
            "tpm",
            json!({ "avouch-enclave-is-debuggable": true }),
            Some("avouch-enclave-is-debuggable"),
        ),
        (
            "tpm",
            json!({ "avouch-enclave-is-debuggable": "false" }),
            Some("avouch-enclave-is-debuggable"),
        ),
        ("new", json!({}), Some("x-ms-attestation-type")),
    ] {
        let mut all = claims(&more).clone();
        all.insert("x-ms-attestation-type".to_owned(), attested.into());
        assert_eq!(debugging::undenied(&all), expected, "{all:?}");
    }
}
