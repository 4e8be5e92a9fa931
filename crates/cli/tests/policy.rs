//! `avouch policy`, through the binary.
#![cfg(test)]

mod support;

use std::path::Path;

use avouch_token::{KeySpec, SigningKey, provider_certificate};
use serde_json::{Value, json};
use support::{Folder, avouch, avouch_json, avouch_with_input, vectors};

const GOOD: &str = "version=1.0;\nauthorizationrules {\n    // debug enclaves are refused\n    \
    c:[type==\"x-ms-sgx-is-debuggable\", issuer==\"AttestationService\", value==false] => permit();\n};\n\
    issuancerules {\n    c:[type==\"x-ms-sgx-svn\", issuer==\"AttestationService\"] => issue(type=\"svn\", value=c.value);\n};\n";
const TWO_MISTAKES: &str =
    "version=1.0;\nauthorizationrules {\n    [type=\"a\"] => permit();\n    => deny()\n};\n";
const CLAIMS: &str = r#"{"claims": [
    {"type": "x-ms-sgx-is-debuggable", "value": false, "issuer": "AttestationService"},
    {"type": "x-ms-sgx-svn", "value": 3, "issuer": "AttestationService"}
]}"#;

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn check_accepts_a_valid_policy_and_says_where_each_mistake_of_another_is() {
    let own = Folder::new("check");
    let good = text(&own.write("good.txt", GOOD));
    let bad = text(&own.write("bad.txt", TWO_MISTAKES));
    let run = avouch(["policy", "check", &good, "--type", "sgx"]).expect_status(0);
    assert!(run.stdout.contains("valid, version 1.0, no warnings"), "{}", run.stdout);

    let run = avouch(["policy", "check", &good, &bad]).expect_status(1);
    assert!(run.stdout.contains("good.txt: valid") && run.stdout.contains("bad.txt: refused"));
    assert!(run.stdout.contains("bad.txt:3:10") && run.stdout.contains("^"), "{}", run.stdout);
    assert!(run.stdout.contains("help:"), "{}", run.stdout);

    let report = avouch_json(["policy", "check", &bad]).expect_status(1).json();
    let errors = report[0]["errors"].as_array().unwrap();
    assert!(errors.len() >= 2, "{report}");
    assert_eq!((&errors[0]["line"], &errors[0]["column"]), (&json!(3), &json!(10)), "{report}");
    assert!(errors[0]["slug"].is_string() && errors[0]["message"].is_string(), "{report}");
}

#[test]
fn check_warns_of_a_claim_that_the_attestation_type_has_not_and_refuses_it_only_if_strict() {
    let own = Folder::new("lints");
    let misspelt = GOOD.replace("x-ms-sgx-is-debuggable", "x-ms-sgx-is-debugable");
    let file = text(&own.write("policy.txt", misspelt));
    let run = avouch(["policy", "check", &file, "--type", "sgx"]).expect_status(0);
    assert!(run.stdout.contains("warning[unknown-claim]"), "{}", run.stdout);
    assert!(run.stdout.contains("x-ms-sgx-is-debuggable"), "no nearest name: {}", run.stdout);
    avouch(["policy", "check", &file, "--type", "sgx", "--strict"]).expect_status(1);
    avouch(["policy", "check", &file, "--type", "floppy"]).expect_status(2);
}

#[test]
fn format_prints_checks_and_writes_one_layout_that_formatting_again_does_not_change() {
    let own = Folder::new("format");
    let file = own.write("policy.txt", GOOD.replace("    ", "  ").replace(" => ", "=>"));
    let path = text(&file);
    let printed = avouch(["policy", "format", &path]).expect_status(0).stdout;
    assert!(printed.contains("// debug enclaves are refused"), "a comment is lost: {printed}");
    avouch(["policy", "format", &path, "--check"]).expect_status(1);
    avouch(["policy", "format", &path, "--write"]).expect_status(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed);
    avouch(["policy", "format", &path, "--check"]).expect_status(0);
    let bad = text(&own.write("bad.txt", TWO_MISTAKES));
    avouch(["policy", "format", &bad]).expect_status(1);
    avouch(["policy", "format", &path, "--check", "--write"]).expect_status(2);
}

#[test]
fn eval_permits_with_the_claims_for_the_token_or_refuses_with_the_reason() {
    let own = Folder::new("eval");
    let policy = text(&own.write("policy.txt", GOOD));
    let claims = text(&own.write("claims.json", CLAIMS));
    let report =
        avouch_json(["policy", "eval", &policy, "--claims", &claims]).expect_status(0).json();
    assert_eq!(report["decision"], "permit");
    assert_eq!(report["claims"], json!({"svn": 3}), "{report}");
    let run = avouch(["policy", "eval", &policy, "--claims", &claims]).expect_status(0);
    assert!(run.stdout.starts_with("decision: permit\n"), "{}", run.stdout);

    let debug = text(&own.write("debug.json", CLAIMS.replace("false", "true")));
    let report =
        avouch_json(["policy", "eval", &policy, "--claims", &debug]).expect_status(1).json();
    assert_eq!(report["decision"], "deny");
    assert_eq!(report["error"]["check"], "no-permit", "{report}");

    let failing = GOOD.replace("value=c.value", "value=JsonToClaimValue(\"{\")");
    let failing = text(&own.write("failing.txt", failing.replace("1.0", "1.2")));
    let report =
        avouch_json(["policy", "eval", &failing, "--claims", &claims]).expect_status(1).json();
    assert_eq!(report["error"]["code"], "PolicyEvaluationError", "{report}");

    let bad = text(&own.write("bad.txt", TWO_MISTAKES));
    let report = avouch_json(["policy", "eval", &bad, "--claims", &claims]).expect_status(1).json();
    assert_eq!(report["error"]["code"], "PolicyParsingError", "{report}");
    let no_claims = text(&own.write("no.json", "{}"));
    avouch(["policy", "eval", &policy, "--claims", &no_claims]).expect_status(2);
    avouch(["policy", "eval", &policy, "--claims", "/nonexistent"]).expect_status(2);
}

#[test]
fn explain_tells_which_condition_failed_on_which_claim() {
    let own = Folder::new("explain");
    let policy = text(&own.write("policy.txt", GOOD));
    let claims = text(&own.write("claims.json", CLAIMS.replace("false", "true")));
    let run = avouch(["policy", "explain", &policy, "--claims", &claims]).expect_status(1);
    assert!(run.stdout.starts_with("deny (no-permit)"), "{}", run.stdout);
    assert!(run.stdout.contains("did not fire") && run.stdout.contains("value==false"));
    let report =
        avouch_json(["policy", "explain", &policy, "--claims", &claims]).expect_status(1).json();
    let rule = &report["explanation"]["rules"][0];
    let failed = &rule["conditions"][0]["failed"][0];
    assert_eq!(failed["claim"]["type"], "x-ms-sgx-is-debuggable", "{report}");
    assert_eq!(rule["line"], 4, "{report}");
}

#[test]
fn every_case_of_the_shared_corpus_passes() {
    let Some(vectors) = vectors() else { return };
    let folder = text(&vectors.join("policy"));
    let run = avouch(["policy", "test", &folder]).expect_status(0);
    assert_eq!(run.stdout, "330 passed, 0 failed\n");
    let run = avouch(["policy", "test", &folder, "--coverage"]).expect_status(0);
    assert_eq!(run.stdout.lines().last(), Some("330 passed, 0 failed"));
    assert!(run.stdout.contains("rules fired in some case"), "{}", run.stdout);
}

fn case(own: &Folder, name: &str, expect: &str) {
    own.write(&format!("{name}.policy.txt"), GOOD);
    own.write(&format!("{name}.claims.json"), CLAIMS);
    own.write(&format!("{name}.expect.json"), expect);
}

#[test]
fn a_case_that_fails_or_cannot_be_read_is_named_and_the_others_still_count() {
    let own = Folder::new("cases");
    case(&own, "good", r#"{"result": "permit", "token": {"svn": 3}}"#);
    case(&own, "wrong-value", r#"{"result": "permit", "token": {"svn": 4}}"#);
    case(&own, "wrong-result", r#"{"result": "deny"}"#);
    case(&own, "broken", "{");
    let folder = own.path().display().to_string();
    let run = avouch(["policy", "test", &folder]).expect_status(1);
    assert_eq!(run.stdout.lines().last(), Some("1 passed, 3 failed"), "{}", run.stdout);
    for name in ["wrong-value", "wrong-result", "broken"] {
        assert!(run.stdout.contains(name), "{name} is not named: {}", run.stdout);
    }
    let report = avouch_json(["policy", "test", &folder]).expect_status(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&json!(1), &json!(3)));
    assert_eq!(report["failures"].as_array().unwrap().len(), 3);
}

#[test]
fn one_policy_has_many_cases_and_a_case_without_a_policy_fails() {
    let own = Folder::new("many-cases");
    case(&own, "own", r#"{"result": "permit"}"#);
    let debuggable = CLAIMS.replace("false", "true");
    own.write("own.debug.claims.json", &debuggable);
    own.write("own.debug.expect.json", r#"{"result": "deny"}"#);
    // Another policy whose name goes on: the longest that fits judges.
    own.write("own.strict.policy.txt", "version=1.0; authorizationrules { => deny(); };");
    own.write("own.strict.any.claims.json", CLAIMS);
    own.write("own.strict.any.expect.json", r#"{"result": "deny"}"#);
    let folder = own.path().display().to_string();
    let run = avouch(["policy", "test", &folder]).expect_status(0);
    assert_eq!(run.stdout, "3 passed, 0 failed\n");
    own.write("own.debug.expect.json", r#"{"result": "permit"}"#);
    let run = avouch(["policy", "test", &folder]).expect_status(1);
    assert!(run.stdout.contains("FAILED own.debug\n"), "{}", run.stdout);
    own.write("renamed.debug.expect.json", r#"{"result": "deny"}"#);
    own.write("idle.policy.txt", GOOD);
    let run = avouch(["policy", "test", &folder]).expect_status(1);
    assert_eq!(run.stdout.lines().last(), Some("2 passed, 3 failed"), "{}", run.stdout);
    for words in ["renamed.debug: no policy has this name", "idle.claims.json"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
}

#[test]
fn coverage_lists_the_rules_and_conditions_that_no_case_exercised() {
    let own = Folder::new("coverage");
    case(&own, "good", r#"{"result": "permit"}"#);
    let folder = own.path().display().to_string();
    let run = avouch(["policy", "test", &folder, "--coverage"]).expect_status(0);
    assert!(run.stdout.contains("condition never failed"), "{}", run.stdout);
    let report = avouch_json(["policy", "test", &folder, "--coverage"]).expect_status(0).json();
    assert_eq!(report["coverage"]["rules"], 2, "{report}");
    let without = avouch_json(["policy", "test", &folder]).expect_status(0).json();
    assert!(without["coverage"].is_null(), "{without}");
}

#[test]
fn a_folder_without_cases_or_none_at_all_is_a_usage_error() {
    let own = Folder::new("no-cases");
    avouch(["policy", "test", &own.path().display().to_string()]).expect_status(2);
    avouch(["policy", "test", "/nonexistent"]).expect_status(2);
}

/// A key and a certificate for it, as files.
fn signer(own: &Folder, name: &str, spec: KeySpec) -> (String, String) {
    let key = SigningKey::generate(spec).unwrap();
    let certificate = provider_certificate(&key, "https://signer.example", None).unwrap();
    let pem = avouch_pki::pem::encode("CERTIFICATE", &certificate);
    let key = own.write(&format!("{name}.key.pem"), key.to_pkcs8_pem().unwrap().as_bytes());
    (text(&key), text(&own.write(&format!("{name}.pem"), pem)))
}

#[test]
fn what_sign_makes_in_every_form_unwrap_reads_and_verifies() {
    let own = Folder::new("sign");
    let policy = text(&own.write("policy.txt", GOOD));
    for (name, spec) in [("rsa", KeySpec::Rsa2048), ("p256", KeySpec::P256)] {
        let (key, certificate) = signer(&own, name, spec);
        for form in ["jose", "python"] {
            let signed = avouch([
                "policy",
                "sign",
                &policy,
                "--key",
                &key,
                "--certificate",
                &certificate,
                "--form",
                form,
            ]);
            let jws = signed.expect_status(0).stdout;
            let file = text(&own.write("policy.jws", &jws));
            let shown = avouch_json(["policy", "unwrap", &file]).expect_status(0).json();
            assert_eq!(shown["policy"], GOOD, "{name} {form}");
            assert_eq!(shown["signature_verified"], true, "{name} {form}");
            let subject = &shown["signer_certificates"][0]["subject"];
            assert!(subject.is_string(), "{name} {form}: {shown}");
            let alone = avouch(["policy", "unwrap", &file, "--text"]).expect_status(0);
            assert_eq!(alone.stdout, GOOD, "{name} {form}");

            // The same JWS with another payload.
            let mut parts: Vec<String> = jws.trim().split('.').map(str::to_owned).collect();
            let other = GOOD.replace("false", "true");
            let other = avouch_wire::base64url::encode(other);
            let payload = format!("{{\"AttestationPolicy\":\"{other}\"}}");
            parts[1] = avouch_wire::base64url::encode(payload);
            let forged = text(&own.write("forged.jws", parts.join(".")));
            let refused = avouch_json(["policy", "unwrap", &forged]).expect_status(1).json();
            assert_eq!(refused["error"]["check"], "policy-jws-signature", "{refused}");
        }
    }
}

#[test]
fn a_name_of_its_own_stands_in_the_signed_header_of_a_request() {
    let own = Folder::new("named");
    let policy = text(&own.write("policy.txt", GOOD));
    let (key, certificate) = signer(&own, "p256", KeySpec::P256);
    let sign = ["policy", "sign", &policy, "--key", &key, "--certificate", &certificate];
    for form in ["jose", "python"] {
        let named = sign.iter().copied().chain(["--form", form, "--jti", "2026-07-31/\"1\""]);
        let jws = avouch(named).expect_status(0).stdout;
        let header = avouch_wire::base64url::decode(jws.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header["jti"], "2026-07-31/\"1\"", "{form}");
        let file = text(&own.write("policy.jws", &jws));
        let shown = avouch_json(["policy", "unwrap", &file]).expect_status(0).json();
        assert_eq!(shown["signature_verified"], true, "{form}");
    }
    // What nobody signs is no request that counts once.
    let unsigned = ["policy", "sign", &policy, "--unsigned", "compact", "--jti", "1"];
    assert!(avouch(unsigned).expect_status(2).stderr.contains("--jti"));
    avouch(sign.iter().copied().chain(["--jti", ""])).expect_status(2);
}

#[test]
fn unsigned_forms_and_resets_are_read_also_as_a_json_string_and_from_standard_input() {
    let own = Folder::new("unsigned");
    let policy = text(&own.write("policy.txt", GOOD));
    for form in ["compact", "python", "azure-cli"] {
        let jws = avouch(["policy", "sign", &policy, "--unsigned", form]).expect_status(0).stdout;
        assert!(jws.trim().ends_with('.'), "{jws}");
        for body in [jws.trim().to_owned(), format!("\"{}\"", jws.trim())] {
            let arguments = ["--output", "json", "policy", "unwrap", "-"];
            let shown = avouch_with_input(arguments, body.as_bytes()).expect_status(0).json();
            assert_eq!((&shown["signed"], &shown["policy"]), (&json!(false), &json!(GOOD)));
        }
    }
    let reset = avouch(["policy", "sign", "--reset", "--unsigned", "compact"]).expect_status(0);
    assert_eq!(reset.stdout, "eyJhbGciOiJub25lIn0..\n");
    let shown = avouch_with_input(["policy", "unwrap", "-"], reset.stdout.as_bytes());
    assert!(shown.expect_status(0).stdout.contains("reset"));
}

/// The claims of the token in an answer of the real service.
fn answered_claims(exchange: &Value) -> Option<Value> {
    let body: Value = serde_json::from_str(exchange["response"]["body"].as_str()?).ok()?;
    let payload = body["token"].as_str()?.split('.').nth(1)?;
    serde_json::from_slice(&avouch_wire::base64url::decode(payload).ok()?).ok()
}

#[test]
fn policies_that_clients_set_at_the_real_service_are_read_and_have_the_hash_it_answered() {
    let Some(vectors) = vectors() else { return };
    let own = Folder::new("recorded");
    let (mut tried, mut signed) = (0, 0);
    for name in ["policy-set-unsigned-aad.json", "policy-set-signed-aad.json"] {
        let recorded = std::fs::read(vectors.join("maa-wire").join(name)).unwrap();
        let recorded: Value = serde_json::from_slice(&recorded).unwrap();
        for exchange in recorded["exchanges"].as_array().unwrap() {
            if exchange["request"]["method"] != "PUT" {
                continue;
            }
            let body = exchange["request"]["body"].as_str().unwrap();
            let file = text(&own.write("recorded.jws", body));
            let shown = avouch_json(["policy", "unwrap", &file]).expect_status(0).json();
            assert!(shown["policy"].as_str().unwrap().contains("version"), "{shown}");
            let claims = answered_claims(exchange).expect("claims");
            assert_eq!(shown["policy_token_hash"], claims["x-ms-policy-token-hash"], "{shown}");
            signed += usize::from(shown["signed"] == true);
            tried += 1;
        }
    }
    assert!(tried >= 4 && signed > 0, "only {tried} policies, {signed} signed");
}

#[test]
fn sign_refuses_a_policy_with_mistakes_a_foreign_certificate_and_half_a_signer() {
    let own = Folder::new("sign-refused");
    let (key, certificate) = signer(&own, "own", KeySpec::P256);
    let (_, foreign) = signer(&own, "foreign", KeySpec::P256);
    let bad = text(&own.write("bad.txt", TWO_MISTAKES));
    let good = text(&own.write("good.txt", GOOD));
    let sign = |policy: &str, certificate: &str| {
        avouch(["policy", "sign", policy, "--key", &key, "--certificate", certificate])
    };
    sign(&bad, &certificate).expect_status(1);
    let run = sign(&good, &foreign).expect_status(2);
    assert!(run.stderr.contains("not for the signing key"), "{}", run.stderr);
    for call in [
        vec!["policy", "sign", &good],
        vec!["policy", "sign", &good, "--key", &key],
        vec!["policy", "sign", &good, "--certificate", &certificate],
        vec!["policy", "sign", &good, "--unsigned", "compact", "--key", &key],
        vec!["policy", "sign", "--unsigned", "compact"],
    ] {
        avouch(&call).expect_status(2);
    }
    let no_jws = text(&own.write("no.jws", "not a jws"));
    let refused = avouch_json(["policy", "unwrap", &no_jws]).expect_status(1).json();
    assert_eq!(refused["error"]["check"], "policy-jws-form", "{refused}");
}
