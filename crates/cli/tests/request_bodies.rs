//! `avouch appraise` and `inspect`, through the binary: bodies as the service reads them, and evidence
//! in the forms that people have it.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use avouch_wire::{base64url, encode_hex};
use serde_json::{Value, json};
use support::{AT, Folder, Run, avouch_json, text};

struct Minted {
    own: Folder,
    folder: PathBuf,
    kind: &'static str,
}

impl Minted {
    fn new(kind: &'static str) -> Self {
        let own = Folder::new("bodies");
        let folder = own.mint(kind);
        Self { own, folder, kind }
    }

    fn request(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.join("request.json")).unwrap()).unwrap()
    }

    fn with(&self, member: &str, value: Value) -> String {
        let mut body = self.request();
        body[member] = value;
        body.to_string()
    }

    fn appraise(&self, content: impl AsRef<[u8]>, more: &[&str]) -> Run {
        let file = self.own.write("evidence", content);
        let path = |path: &Path| path.display().to_string();
        let (file, root) = (path(&file), path(&self.folder.join("root.pem")));
        let endorsements = path(&self.folder.join("endorsements.json"));
        let start = ["appraise", self.kind, &file, "--at", AT, "--trust-root", &root];
        let start = start.into_iter().chain(["--endorsements", &endorsements]);
        avouch_json(start.chain(more.iter().copied()))
    }
}

#[track_caller]
fn refused(run: Run, code: &str, check: &str) -> String {
    let report = run.expect_status(1).json();
    assert_eq!(report["error"]["code"], code, "{report}");
    assert_eq!(report["error"]["check"], check, "{report}");
    assert!(report["claims"].as_object().is_none_or(|claims| claims.is_empty()));
    text(&report["error"]["message"]).to_owned()
}

#[test]
fn a_draft_policy_in_a_body_decides_and_the_command_line_goes_over_it() {
    let minted = Minted::new("sgx");
    let draft = "version=1.0; authorizationrules { => deny(); };";
    let body = minted.with("draftPolicyForAttestation", json!(draft));
    refused(minted.appraise(&body, &[]), "PolicyEvaluationError", "deny-issued");
    let permit = minted.own.write("p", "version=1.0; authorizationrules { => permit(); };");
    let permit = permit.display().to_string();
    minted.appraise(&body, &["--policy", &permit]).expect_status(0);
    let broken = minted.with("draftPolicyForAttestation", json!("version=1.0"));
    refused(minted.appraise(broken, &[]), "PolicyParsingError", "draft-policy");
}

#[test]
fn a_nonce_in_a_body_is_in_the_claims_and_the_command_line_goes_over_it() {
    let minted = Minted::new("sgx");
    let body = minted.with("nonce", json!("abc"));
    let report = minted.appraise(&body, &[]).expect_status(0).json();
    assert_eq!(report["claims"]["nonce"], "abc", "{report}");
    let report = minted.appraise(&body, &["--nonce", "other"]).expect_status(0).json();
    assert_eq!(report["claims"]["nonce"], "other");
    let long = "1234567890".repeat(5);
    let body = minted.with("nonce", json!("long")).replace("\"long\"", &long);
    let report = minted.appraise(&body, &[]).expect_status(0).json();
    assert_eq!(report["claims"]["nonce"], long);
    refused(
        minted.appraise(minted.with("nonce", json!([])), &[]),
        "InvalidParameter",
        "request-body",
    );
}

#[test]
fn what_the_service_refuses_in_a_body_is_refused_here() {
    let minted = Minted::new("sgx");
    let quote = text(&minted.request()["quote"]).to_owned();
    for body in [
        format!("{{\"quote\":\"{quote}\",\"quote\":\"{quote}\"}}"),
        format!("{{\"quote\":\"{quote}\",\"Quote\":\"{quote}\"}}"),
        minted.with("runtimeData", json!({"data": "AA", "dataType": "XML"})),
        minted.with("runtimeData", json!("AA")),
        "{}".to_owned(),
        "{\"quote\":".to_owned(),
    ] {
        refused(minted.appraise(body, &[]), "InvalidParameter", "request-body");
    }
}

#[test]
fn bodies_of_2018_are_read_and_bind_their_held_data() {
    let minted = Minted::new("sgx");
    let request = minted.request();
    let quote = &request["quote"];
    let held = &request["runtimeData"]["data"];
    let body = json!({"Quote": quote, "EnclaveHeldData": held}).to_string();
    let report = minted.appraise(&body, &[]).expect_status(0).json();
    assert!(report["claims"]["maa-ehd"].is_string(), "{report}");
    let other = json!({"Quote": quote, "EnclaveHeldData": "AAAA"}).to_string();
    refused(minted.appraise(other, &[]), "InvalidParameter", "runtime-data");
    // As the service reads a later version: the member is unknown and nothing is bound.
    let report = minted.appraise(body, &["--api-version", "2025-06-01"]).expect_status(0).json();
    assert!(report["claims"]["maa-ehd"].is_null(), "{report}");
    minted.appraise(json!({"Quote": quote}).to_string(), &[]).expect_status(0);
    minted.appraise("{}", &["--api-version", "2019"]).expect_status(2);
}

#[test]
fn evidence_is_read_in_every_form_by_appraise_and_inspect() {
    let minted = Minted::new("sgx");
    let quote = std::fs::read(minted.folder.join("quote.bin")).unwrap();
    let hex = encode_hex(&quote);
    let list = json!(quote).to_string();
    let standard = base64url::encode_standard(&quote);
    let rows = quote.chunks(16).enumerate().map(|(row, bytes)| {
        let groups: Vec<String> = bytes.chunks(2).map(encode_hex).collect();
        format!("{:08x}: {:39}  {}", row * 16, groups.join(" "), ".".repeat(bytes.len()))
    });
    let dump: Vec<String> = rows.collect();
    for (content, kind) in [
        (format!("0x{hex}\n"), "sgx-quote"),
        (format!("\"{standard}\""), "sgx-quote"),
        (list.clone(), "sgx-quote"),
        (dump.join("\n"), "sgx-quote"),
        (base64url::encode(&hex), "sgx-quote"),
        (json!({"quote": standard}).to_string(), "attest-request"),
        (json!({"QuoteHex": hex}).to_string(), "attest-request"),
        (json!({"quote": hex}).to_string(), "attest-request"),
        (json!({"quote": format!("0x{hex}")}).to_string(), "attest-request"),
        (json!({"data": {"quote": hex}}).to_string(), "attest-request"),
        (json!({"data": {"quote": standard}}).to_string(), "attest-request"),
        (format!("{{\"quote\":{list}}}"), "attest-request"),
    ] {
        let start: String = content.chars().take(40).collect();
        let report = minted.appraise(&content, &[]).expect_status(0).json();
        assert_eq!(report["facts"]["tcb_status"], "UpToDate", "{start}");
        let file = minted.own.write("form", &content).display().to_string();
        let shown = avouch_json(["inspect", &file]).expect_status(0).json();
        assert_eq!(shown["kind"], kind, "{start}");
    }
}

#[test]
fn held_data_in_hex_beside_a_quote_in_hex_is_bound() {
    let minted = Minted::new("sgx");
    let request = minted.request();
    let bytes = |value: &Value| base64url::decode(text(value)).unwrap();
    let quote = encode_hex(&bytes(&request["quote"]));
    let held = encode_hex(&bytes(&request["runtimeData"]["data"]));
    let body = json!({"QuoteHex": quote, "EnclaveHeldDataHex": held}).to_string();
    minted.appraise(body, &[]).expect_status(0);
    let other = json!({"QuoteHex": quote, "EnclaveHeldDataHex": "00ff"}).to_string();
    refused(minted.appraise(other, &[]), "InvalidParameter", "runtime-data");
}

#[test]
fn evidence_beside_other_evidence_is_read_as_the_service_reads_it() {
    let minted = Minted::new("sgx");
    let quote = std::fs::read(minted.folder.join("quote.bin")).unwrap();
    let mut broken = quote.clone();
    broken[100] ^= 1;
    for other in ["QuoteHex", "Report", "evidence", "SnpReport"] {
        let mut body = json!({"quote": base64url::encode(&broken)});
        body[other] = encode_hex(&quote).into();
        let refusal = minted.appraise(body.to_string(), &[]).expect_status(1).stdout;
        assert!(refusal.contains("quote-signature"), "{other}: {refusal}");
    }
}

#[test]
fn text_is_never_judged_as_binary() {
    let minted = Minted::new("sgx");
    for content in [
        "hello",
        "version=1.0; authorizationrules { => permit(); };",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "apiVersion: v1\nkind: Secret\ndata:\n  quote: AAAA\nmore: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
    ] {
        let message = refused(minted.appraise(content, &[]), "InvalidParameter", "evidence-form");
        assert!(!message.contains("at byte"), "{message}");
    }
}
