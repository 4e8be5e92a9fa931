//! Recorded truth: the evidence that Microsoft's service was sent gives the claims of the token
//! that it answered with, name by name and value by value.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use avouch_engine::{
    AppraisalRequest, DataType, Decision, HeldData, PolicyInForce, Refused, TokenForm,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::{Map, Value};
use support::{accept_any_tcb, at, engine, vectors};

/// All recorded evidence of SGX is of one platform class, and this is the newest collateral for it;
/// by it the platforms are out of date.
const COLLATERAL: &str = "intel/collateral/sgx-00906ed50000-e19-2025-06-04.json";
const JUDGED_AT: &str = "2025-06-26T17:00:00Z";

/// What no replay can reproduce, with the reason. Everything else must be equal.
const DIFFERENCES: [(&str, &str); 10] = [
    ("exp", "time of issue"),
    ("iat", "time of issue"),
    ("nbf", "time of issue"),
    ("jti", "random"),
    ("iss", "the service's own URL"),
    ("x-ms-sgx-collateral", "hashes of collateral of another day, except quotehash"),
    ("maa-attestationcollateral", "hashes of collateral of another day, except quotehash"),
    ("x-ms-policy", "tokens before 2022 did not repeat the issued claims there"),
    ("x-ms-policy-signer", "the JWS that the two isolated exchanges' policy was set with"),
    ("maa-policyHash", "the policy of the 2018 preview's exchange was not recorded"),
];

struct Exchange {
    name: String,
    kind: EvidenceKind,
    body: Map<String, Value>,
    status: u64,
    /// The recorded token's payload, or the error.
    answer: Value,
    judged_at: UnixTime,
}

fn unpadded(text: &str) -> Vec<u8> {
    base64url::decode(text).unwrap()
}

fn payload(token: &str) -> Value {
    serde_json::from_slice(&unpadded(token.split('.').nth(1).unwrap())).unwrap()
}

fn kind_in(url: &str) -> Option<EvidenceKind> {
    let (_, rest) = url.split_once("/attest/")?;
    EvidenceKind::from_policy_name(rest.split('?').next()?)
        .filter(|kind| kind.is_appraised() && !kind.answers_challenge())
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.as_object().unwrap().clone(),
    }
}

/// Every recorded attest exchange.
fn exchanges(vectors: &Path) -> Vec<Exchange> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(vectors.join("maa-wire")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file = read(&path);
        for (index, exchange) in file["exchanges"].as_array().into_iter().flatten().enumerate() {
            let Some(kind) = exchange["request"]["url"].as_str().and_then(kind_in) else {
                continue;
            };
            let status = exchange["response"]["status"].as_u64().unwrap();
            let answer = Value::Object(object(&exchange["response"]["body"]));
            let answer =
                if status == 200 { payload(answer["token"].as_str().unwrap()) } else { answer };
            let name = format!("{}#{index}", path.file_stem().unwrap().to_string_lossy());
            let body = object(&exchange["request"]["body"]);
            found.push(Exchange { name, kind, body, status, answer, judged_at: at(JUDGED_AT) });
        }
    }
    for entry in std::fs::read_dir(vectors.join("intel/maa")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("recorded-") {
            let file = read(&path);
            let kind = kind_in(file["request"]["path"].as_str().unwrap()).unwrap();
            let body = object(&file["request"]["body"]);
            let answer = file["decoded"]["payload"].clone();
            let judged_at = at(JUDGED_AT);
            found.push(Exchange { name, kind, body, status: 200, answer, judged_at });
        }
    }
    found.push(snp_exchange(vectors));
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// The exchange of SEV-SNP, judged when its token was issued: it needs no collateral.
fn snp_exchange(vectors: &Path) -> Exchange {
    let folder = vectors.join("snp/maa");
    let token = std::fs::read_to_string(folder.join("sevsnp-sample-token.jwt")).unwrap();
    let answer = payload(token.trim());
    Exchange {
        name: "sevsnp-sample".to_owned(),
        kind: EvidenceKind::Snp,
        body: object(&read(&folder.join("sevsnp-sample-request.json"))),
        status: 200,
        judged_at: UnixTime::from_seconds(answer["iat"].as_i64().unwrap()).unwrap(),
        answer,
    }
}

fn held(body: &Map<String, Value>) -> Option<HeldData> {
    let data = body.get("runtimeData")?;
    let data_type = match data["dataType"].as_str().unwrap() {
        "JSON" => DataType::Json,
        "Binary" => DataType::Binary,
        other => panic!("data type {other}"),
    };
    Some(HeldData { bytes: unpadded(data["data"].as_str().unwrap()), data_type })
}

/// Every policy whose text is at hand, by the hash that tokens show: the default, and all that
/// were read in recorded exchanges.
fn policies(vectors: &Path) -> BTreeMap<String, PolicyInForce> {
    let mut known = BTreeMap::new();
    let mut add = |policy: PolicyInForce| {
        known.insert(policy.hash().to_owned(), policy);
    };
    for kind in [EvidenceKind::Sgx, EvidenceKind::Snp] {
        add(PolicyInForce::default_for(kind).unwrap());
    }
    let minimal = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    add(PolicyInForce::from_text(minimal).unwrap());
    for entry in std::fs::read_dir(vectors.join("maa-wire")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for exchange in read(&path)["exchanges"].as_array().into_iter().flatten() {
            let url = exchange["request"]["url"].as_str().unwrap_or_default();
            let body = exchange["response"]["body"].as_str().unwrap_or_default();
            if !url.contains("/policies/") || !body.contains("token") {
                continue;
            }
            let token = object(&exchange["response"]["body"]);
            let claims = payload(token["token"].as_str().unwrap());
            if let Some(jws) = claims["x-ms-policy"].as_str()
                && let Ok(policy) = PolicyInForce::from_jws(jws.as_bytes())
            {
                add(policy);
            }
        }
    }
    known
}

fn policy_of(exchange: &Exchange, known: &BTreeMap<String, PolicyInForce>) -> PolicyInForce {
    if let Some(draft) = exchange.body.get("draftPolicyForAttestation").and_then(Value::as_str) {
        return PolicyInForce::draft(draft).unwrap();
    }
    let hash = exchange.answer["x-ms-policy-hash"].as_str().unwrap();
    known.get(hash).unwrap_or_else(|| panic!("{}: no policy {hash}", exchange.name)).clone()
}

/// Compares but for the listed differences; the quote hash is compared even inside those.
fn compare(name: &str, mut ours: Map<String, Value>, mut theirs: Map<String, Value>) {
    for collateral in ["x-ms-sgx-collateral", "maa-attestationcollateral"] {
        let (Some(our), Some(their)) = (ours.get(collateral), theirs.get(collateral)) else {
            continue;
        };
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let (mut our_names, mut their_names) = (names(our), names(their));
        our_names.sort();
        their_names.sort();
        assert_eq!(our_names, their_names, "{name}: members of {collateral}");
        for quote_hash in ["quotehash", "maa-quotehash"] {
            assert_eq!(our[quote_hash], their[quote_hash], "{name}: {collateral}.{quote_hash}");
        }
    }
    if theirs.contains_key("x-ms-policy") {
        assert_eq!(ours.get("x-ms-policy"), theirs.get("x-ms-policy"), "{name}: x-ms-policy");
    }
    for (difference, _) in DIFFERENCES {
        ours.remove(difference);
        theirs.remove(difference);
    }
    assert_eq!(Value::Object(ours), Value::Object(theirs), "{name}");
}

#[test]
fn recorded_exchanges_give_the_claims_of_microsofts_tokens() {
    let Some(vectors) = vectors() else { return };
    let engine = engine(None, &[&std::fs::read(vectors.join(COLLATERAL)).unwrap()]).unwrap();
    let known = policies(&vectors);
    let exchanges = exchanges(&vectors);
    let (mut permitted, mut denied) = (0, 0);
    for exchange in &exchanges {
        let policy = policy_of(exchange, &known);
        let evidence = exchange.body[exchange.kind.evidence_member()].as_str().unwrap();
        let request = AppraisalRequest {
            kind: exchange.kind,
            evidence: unpadded(evidence),
            runtime_data: held(&exchange.body),
            init_time_data: None,
            event_log: None,
            challenged: None,
            nonce: None,
            token_form: TokenForm::Current,
        };
        let settings = accept_any_tcb();
        let appraisal = engine.appraise(&request, &policy, &settings, exchange.judged_at).unwrap();
        match appraisal.decision {
            Decision::Permit(ours) => {
                assert_eq!(exchange.status, 200, "{}", exchange.name);
                compare(&exchange.name, ours.claims(), object(&exchange.answer));
                permitted += 1;
            }
            Decision::Deny(Refused::Policy { message, .. }) => {
                assert_eq!(exchange.status, 400, "{}", exchange.name);
                let theirs = exchange.answer["error"]["message"].as_str().unwrap();
                assert!(theirs.contains(&message), "{}: {message}", exchange.name);
                denied += 1;
            }
            Decision::Deny(other) => panic!("{}: {other}", exchange.name),
        }
    }
    assert!(permitted >= 19 && denied >= 1, "{permitted} permitted, {denied} denied");
}

#[test]
fn the_recorded_exchange_of_the_2018_preview_gives_its_claims() {
    let Some(vectors) = vectors() else { return };
    let engine = engine(None, &[&std::fs::read(vectors.join(COLLATERAL)).unwrap()]).unwrap();
    let body = read(&vectors.join("intel/maa/preview2018-post.attest.body.json"));
    let answer = vectors.join("intel/maa/preview2018-post.attest.response.jwt.body.json");
    let answer = std::fs::read_to_string(answer).unwrap();
    // Two JSON objects, header and payload, with an empty line between them.
    let (_, theirs) =
        answer.split_once("}\n\n").or_else(|| answer.split_once("}\r\n\r\n")).unwrap();
    let theirs: Map<String, Value> = serde_json::from_str(theirs).unwrap();
    let bytes = unpadded(body["EnclaveHeldData"].as_str().unwrap());
    let request = AppraisalRequest {
        kind: EvidenceKind::OpenEnclave,
        evidence: unpadded(body["Quote"].as_str().unwrap()),
        runtime_data: Some(HeldData { bytes, data_type: DataType::Binary }),
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Preview2018,
    };
    let policy = PolicyInForce::default_for(EvidenceKind::OpenEnclave).unwrap();
    let appraisal = engine.appraise(&request, &policy, &accept_any_tcb(), at(JUDGED_AT)).unwrap();
    let ours = appraisal.permitted().unwrap();
    compare("2018 preview", ours.claims(), theirs);
}
