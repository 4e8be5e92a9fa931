//! `avouch inspect`, through the binary: one of each kind, and what is none.
#![cfg(test)]

mod support;

use std::path::Path;

use avouch_mint::tpm::{TpmOptions, mint};
use avouch_tpm::protocol::{Form, Received, init_message, request_message};
use avouch_wire::UnixTime;
use serde_json::{Value, json};
use support::{Folder, Run, avouch, avouch_json, avouch_with_input, text, vectors};

fn inspect(path: &Path) -> Run {
    avouch_json(["inspect", &path.display().to_string()])
}

/// What is recognised, with the checks that hold for every kind.
#[track_caller]
fn recognised(path: &Path, kind: &str) -> Value {
    let shown = inspect(path).expect_status(0).json();
    assert_eq!(shown["kind"], kind, "{}: {shown}", path.display());
    assert_eq!(shown["verified"], false, "{}", path.display());
    assert_eq!(shown["notice"], "not verified: structure only");
    assert_no_upper_case_hex(&shown);
    let people = avouch(["inspect", &path.display().to_string()]).expect_status(0);
    assert_eq!(people.stdout.lines().nth(1), Some("not verified: structure only"));
    shown
}

/// Long hex values are lower-case, except in documents that are shown as somebody else wrote them.
fn assert_no_upper_case_hex(shown: &Value) {
    match shown {
        // Intel's own documents keep Intel's names and spelling.
        Value::Object(members) if members.contains_key("tcbEvaluationDataNumber") => {}
        Value::Object(members) => {
            for (name, value) in members {
                let foreign = ["tcb_info", "qe_identity", "header", "claims", "policy"];
                if !foreign.contains(&name.as_str()) {
                    assert_no_upper_case_hex(value);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(assert_no_upper_case_hex),
        Value::String(text) if text.len() >= 64 => {
            let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
            assert!(!(hex && upper), "{text}");
        }
        _ => {}
    }
}

#[test]
fn recorded_intel_evidence_of_every_form_is_recognised_with_its_fields() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    for entry in support::manifest(&folder) {
        let file = text(&entry["file"]);
        let kind = match (file.split('/').next(), entry["tee"].as_str()) {
            (_, Some("TDX")) => "tdx-quote",
            (Some("oe"), _) if !file.contains("noheader") => "open-enclave-report",
            _ => "sgx-quote",
        };
        let shown = recognised(&folder.join(file), kind);
        let body = &entry["body"];
        let pairs = if kind == "tdx-quote" {
            [("mr_td", "mrtd"), ("rtmr3", "rtmr3"), ("report_data", "reportdata")]
        } else {
            [("mr_enclave", "mrenclave"), ("mr_signer", "mrsigner"), ("report_data", "reportdata")]
        };
        for (field, listed) in pairs {
            assert_eq!(shown[field], body[listed], "{file}: {field}");
        }
        assert_eq!(shown["header"]["version"], entry["quote_version"], "{file}");
        let certification = &shown["signature_data"]["certification_data"];
        assert_eq!(certification["type"], entry["certification_data_type"], "{file}");
        if !entry["fmspc"].is_null() {
            let pck = &certification["certificates"].as_array().unwrap().iter();
            let found = pck.clone().find_map(|one| one.get("pck")).expect("a PCK certificate");
            assert_eq!(found["fmspc"], entry["fmspc"], "{file}");
        }
        let trailing = shown["trailing"]["length"].as_u64().unwrap_or_default();
        assert_eq!(json!(trailing), entry["trailing_bytes"], "{file}");
    }
    let evidence = folder.join("oe/oe-evidence-sgx-ecdsa-header-v3.derived.bin");
    recognised(&evidence, "open-enclave-evidence");
    let endorsements = folder.join("oe/oe-endorsements-sgx-2022-04.bin");
    let shown = recognised(&endorsements, "open-enclave-endorsements");
    assert!(shown["tcb_info"]["tcbLevels"].is_array(), "{shown}");
}

#[test]
fn what_intel_publishes_is_recognised() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let bundle = folder.join("collateral/tdx-00806f050000-e17-2025-06-04.json");
    let shown = recognised(&bundle, "intel-collateral");
    assert!(text(&shown["tcb_info"]["fmspc"]).eq_ignore_ascii_case("00806f050000"));
    assert!(shown["pck_crl"]["next_update"].is_string(), "{shown}");
    assert_eq!(shown["tcb_info_issuer_chain"].as_array().unwrap().len(), 2);
    let pcs = folder.join("pcs");
    let shown = recognised(&pcs.join("tcb_info_50806f000000.json"), "intel-tcb-info");
    assert_eq!((&shown["id"], &shown["version"]), (&json!("TDX"), &json!(3)));
    recognised(&pcs.join("td_qe_identity.json"), "intel-enclave-identity");
    let numbers = pcs.join("tcbevaluationdatanumbers-sgx-0825.json");
    let shown = recognised(&numbers, "intel-evaluation-numbers");
    assert!(shown["tcbEvalNumbers"].is_array(), "{shown}");
    let shown = recognised(&pcs.join("root_ca_crl.der"), "crl");
    assert!(text(&shown["issuer"]).contains("Intel SGX Root CA"), "{shown}");
    let root = pcs.join("intel-sgx-root-ca-notafter-2049.der");
    let shown = recognised(&root, "certificate");
    assert_eq!((&shown["ca"], &shown["self_issued"]), (&json!(true), &json!(true)));
    assert!(text(&shown["not_after"]).starts_with("2049-"), "{shown}");
    recognised(&pcs.join("tcb_signing_chain.pem"), "certificates");
}

#[test]
fn recorded_amd_evidence_of_every_form_is_recognised_with_its_fields() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp");
    let own = Folder::new("inspect-amd");
    for entry in support::manifest(&folder).iter().filter(|one| one["kind"] == "snp-report") {
        let shown = recognised(&folder.join(text(&entry["files"][0])), "snp-report");
        for field in ["report_version", "measurement", "host_data", "guest_svn", "vmpl"] {
            assert_eq!(shown[field], entry[field], "{field} of {}", entry["id"]);
        }
        let certificate = recognised(&folder.join(text(&entry["files"][1])), "certificate");
        let vek = &certificate["vek"];
        assert_eq!((&vek["type"], &vek["product"]), (&entry["endorsement"], &entry["product"]));
        assert_eq!(vek["product_name"], entry["product_name"], "{vek}");
    }
    let table = folder.join("raw/genoa-v3-tsm/cert-table.bin");
    let shown = recognised(&table, "snp-certificate-table");
    let names: Vec<&Value> =
        shown["entries"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["ARK", "ASK", "VCEK"]);
    let mut extended = std::fs::read(folder.join("raw/genoa-v3-tsm/report.bin")).unwrap();
    extended.extend(std::fs::read(&table).unwrap());
    let shown = recognised(&own.write("extended.bin", extended), "snp-extended-report");
    assert_eq!(shown["certificate_table"].as_array().unwrap().len(), 3);

    let request =
        recognised(&folder.join("aci/cleanroom-encryption/maa-request.json"), "attest-request");
    assert_eq!(request["evidence_kind"], "snp-maa-document");
    assert_eq!(request["evidence"]["uvm_endorsements"].as_array().unwrap().len(), 1);
    for (file, form) in
        [("aci/uvm_0.2.10.cose", "cwt"), ("aci/security-context/reference-info-base64", "json")]
    {
        let shown = recognised(&folder.join(file), "uvm-endorsement");
        assert_eq!(shown["form"], form, "{file}");
        assert!(text(&shown["issuer"]).starts_with("did:x509:"), "{file}");
    }
    let host = folder.join("aci/sidecar-2022/uvm_host_amd_certificate.json");
    let shown = recognised(&host, "amd-host-certificates");
    assert_eq!(shown["vcekCert"][0]["vek"]["type"], "VCEK", "{shown}");
    let shown = recognised(
        &folder.join("aci/security-context/host-amd-cert-base64"),
        "amd-host-certificates",
    );
    assert_eq!(shown["encoding"], "base64");
    recognised(&folder.join("roots/milan_ask_ark.pem"), "certificates");
}

#[test]
fn what_maa_publishes_and_issues_is_recognised() {
    let Some(vectors) = vectors() else { return };
    let own = Folder::new("inspect-maa");
    let set = recognised(&vectors.join("maa-wire/certs/sharedwus-py100.json"), "key-set");
    let evidence = &set["keys"][0]["certificates"][0]["service_evidence"];
    assert_eq!(evidence["form"], "open-enclave-report", "{evidence}");
    let bound = text(&evidence["report_data_for_key"]);
    assert_eq!(evidence["quote"]["report_data"], bound, "the quote is for the key");
    // The certificate of 2020 was recorded with what stood around it in a key set.
    let recorded = std::fs::read_to_string(vectors.join("intel/maa/uksouth.signing.cert.cer"));
    let base64 = recorded.unwrap().split('"').next().unwrap().to_owned();
    let shown = recognised(&own.write("2020.cer", base64), "certificate");
    let evidence = &shown["service_evidence"];
    assert_eq!((&shown["encoding"], &evidence["form"]), (&json!("base64"), &json!("quote")));
    assert_eq!(evidence["quote"]["report_data"], evidence["report_data_for_key"], "{evidence}");

    let token = recognised(&vectors.join("snp/maa/sevsnp-sample-token.jwt"), "token");
    assert_eq!(token["claims"]["x-ms-attestation-type"], "sevsnpvm");
    assert_eq!(token["header"]["alg"], "RS256");
}

#[test]
fn minted_evidence_and_everything_that_comes_with_it_is_recognised() {
    let own = Folder::new("inspect-minted");
    for (kind, evidence, recognised_as) in [
        ("sgx", "quote.bin", "sgx-quote"),
        ("open-enclave", "report.bin", "open-enclave-report"),
        ("tdx", "quote.bin", "tdx-quote"),
        ("snp", "report.bin", "snp-report"),
    ] {
        let folder = own.mint(kind);
        recognised(&folder.join(evidence), recognised_as);
        recognised(&folder.join("root.pem"), "certificate");
        let request = recognised(&folder.join("request.json"), "attest-request");
        let submitted = if kind == "snp" { "snp-maa-document" } else { recognised_as };
        assert_eq!(request["evidence_kind"], submitted, "{request}");
        let data = &request["runtimeData"];
        assert!(data.is_null() || text(&data["data"]).starts_with('{'), "not decoded: {data}");
    }
    let folder = own.mint("sgx --seed 5");
    recognised(&folder.join("endorsements.json"), "intel-collateral");
}

#[test]
fn structures_and_messages_of_a_minted_tpm_are_recognised() {
    let own = Folder::new("inspect-tpm");
    let minted = mint(&TpmOptions::new(UnixTime::EPOCH)).unwrap();
    let body = |data: String| json!({ "data": data }).to_string().into_bytes();
    let challenge = Received::challenge_answer(Form::Wrapped, &minted.challenge, "eyJ9");
    let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    for (name, bytes, kind) in [
        ("quote", minted.quote.clone(), "tpm-attestation"),
        ("sized-quote", sized(&minted.quote), "tpm-attestation"),
        ("certification", minted.certification.clone(), "tpm-attestation"),
        ("ak", minted.ak_public.clone(), "tpm-public"),
        ("key", minted.key_public.clone(), "tpm-public"),
        ("signature", minted.signature.clone(), "tpm-signature"),
        ("request", minted.request.clone().into_bytes(), "tpm-request"),
        ("init.json", body(init_message(Form::Bare, None)), "tpm-init"),
        ("challenge.json", body(challenge), "tpm-challenge"),
        ("report.json", body(Received::report_answer(Form::Bare, "a.b.c")), "tpm-report"),
        ("body.json", body(request_message(Form::Wrapped, &minted.request)), "tpm-request"),
    ] {
        recognised(&own.write(name, bytes), kind);
    }
    let quote = recognised(&own.write("quote", &minted.quote), "tpm-attestation");
    assert_eq!(quote["pcr_select"][0]["bank"], "sha256");
    let key = recognised(&own.write("ak", &minted.ak_public), "tpm-public");
    assert_eq!((&key["restricted"], &key["sign"]), (&json!(true), &json!(true)));
    let request = recognised(&own.write("request", &minted.request), "tpm-request");
    assert_eq!(request["request_key"]["info"], "tpm_certify");
}

#[test]
fn the_report_of_a_vbs_enclave_is_recognised_by_itself_and_in_its_request() {
    let own = Folder::new("inspect-vbs");
    let options = avouch_mint::vbs::VbsOptions::new(UnixTime::EPOCH);
    let minted = avouch_mint::vbs::mint(&options).unwrap();
    let report = recognised(&own.write("report", &minted.report), "vbs-report");
    assert_eq!((&report["enclave_svn"], &report["flags"]), (&json!(7), &json!(0)));
    assert_eq!(report["modules"][0]["name"], "avouch.dll");
    assert_eq!(text(&report["signature"]).len(), 512);
    let request = recognised(&own.write("request", &minted.tpm.request), "tpm-request");
    assert_eq!(
        (&request["att_type"], &request["vsm_report"]["enclave_svn"]),
        (&json!("vbs"), &json!(7))
    );
    // A report that cannot be read is told as that, and the request is shown.
    let broken = avouch_mint::vbs::mint(&options.broken("version-2")).unwrap();
    let request = recognised(&own.write("broken", &broken.tpm.request), "tpm-request");
    assert!(text(&request["vsm_report"]).contains("Version"), "{request}");
    assert!(recognised(&own.write("log", &minted.log), "tcg-event-log")["events"].is_number());
}

#[test]
fn whatever_is_taken_as_endorsements_is_recognised_too() {
    let own = Folder::new("inspect-endorsements");
    let folder = own.mint("sgx");
    let set: Value =
        serde_json::from_slice(&std::fs::read(folder.join("endorsements.json")).unwrap()).unwrap();
    let bundle = own.join("site.json").display().to_string();
    let minted = folder.join("endorsements.json").display().to_string();
    avouch(["endorsements", "bundle", "--out", &bundle, &minted]).expect_status(0);
    let shown = recognised(&own.join("site.json"), "endorsements-bundle");
    let rows = shown["endorsements"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["name"]), (4, &json!("intel/pck-crl/platform")));
    assert!(text(&rows[0]["not_after"]).starts_with("2026-"), "{shown}");

    let (info, signature) = (text(&set["tcb_info"]), text(&set["tcb_info_signature"]));
    let body = format!("{{\"tcbInfo\":{info},\"signature\":\"{signature}\"}}");
    let chain = &set["tcb_info_issuer_chain"];
    let wrapped = json!({"tcb_info_json": body, "issuer_chain": chain}).to_string();
    let shown = recognised(&own.write("wrapped.json", wrapped), "endorsements");
    assert_eq!(shown["endorsements"].as_array().unwrap().len(), 1);
    // A bundle that was cut is recognised as nothing else, and why it is none is said.
    let cut = std::fs::read(own.join("site.json")).unwrap();
    let shown = inspect(&own.write("cut.json", &cut[..cut.len().saturating_sub(9)]))
        .expect_status(1)
        .json();
    let tried = shown["tried"].as_array().unwrap();
    assert!(tried.iter().any(|one| text(&one["why"]).contains("cut off")), "{shown}");
}

#[test]
fn a_quote_is_recognised_as_hex_and_base64_and_on_standard_input() {
    let own = Folder::new("inspect-forms");
    let folder = own.mint("sgx");
    let quote = std::fs::read(folder.join("quote.bin")).unwrap();
    let hex: String = quote.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = avouch_wire::base64url::encode(&quote);
    let standard = avouch_wire::base64url::encode_standard(&quote);
    for (bytes, encoding) in [
        (quote.as_slice(), "raw"),
        (hex.as_bytes(), "hex"),
        (base64.as_bytes(), "base64"),
        (standard.as_bytes(), "base64"),
    ] {
        let run = avouch_with_input(["--output", "json", "inspect", "-"], bytes);
        let shown = run.expect_status(0).json();
        assert_eq!((&shown["kind"], &shown["encoding"]), (&json!("sgx-quote"), &json!(encoding)));
    }
}

const POLICY: &str = "// who may\nversion=1.0; authorizationrules { => permit(); };";

#[test]
fn policies_and_policy_jws_are_recognised_and_a_policy_with_mistakes_is_invalid() {
    let own = Folder::new("inspect-policy");
    let file = own.write("policy.txt", POLICY);
    let shown = recognised(&file, "policy");
    assert_eq!((&shown["version"], &shown["comments"]), (&json!("1.0"), &json!(1)));
    let path = file.display().to_string();
    let jws = avouch(["policy", "sign", &path, "--unsigned", "azure-cli"]).expect_status(0);
    let shown = recognised(&own.write("policy.jws", jws.stdout), "policy-jws");
    assert_eq!((&shown["policy"], &shown["signed"]), (&json!(POLICY), &json!(false)));
    let reset = recognised(&own.write("reset.jws", "eyJhbGciOiJub25lIn0.."), "policy-jws");
    assert!(reset["policy"].is_null());

    let bad = own.write("bad.txt", "version=1.0; authorizationrules { => permit() };");
    let shown = inspect(&bad).expect_status(1).json();
    assert_eq!(shown["kind"], "policy");
    assert_eq!(shown["diagnostics"][0]["line"], 1, "{shown}");
}

/// HCL reports as `file` holds them: the whole file, or a member of its JSON in base64.
fn hcl_report(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    let inner = document.get("evidence").cloned().unwrap_or(document);
    let member = ["hcl_report", "report", "hclReport"].iter().find_map(|name| inner.get(name));
    avouch_wire::base64url::decode_either(text(member.unwrap())).unwrap()
}

#[test]
fn recorded_hcl_reports_are_shown_whole_and_their_siblings_are_not() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp/hcl");
    let own = Folder::new("inspect-hcl");
    for (file, hardware) in [("kinvolk-snp.bin", "sev-snp"), ("tdx-kinvolk.bin", "tdx")] {
        let report = hcl_report(&folder.join(file));
        let shown = recognised(&own.write(file, &report), "hcl-report");
        assert_eq!(shown["hardware"], hardware, "{file}");
        assert_eq!(shown["names_runtime_data"], true, "{file}");
        assert_eq!(shown["hash"], "sha256", "{file}");
        assert_eq!(shown["runtime_data"]["error"], Value::Null, "{file}");
        assert_eq!(shown["runtime_data"]["claims"]["keys"][0]["kid"], "HCLAkPub", "{file}");
        let measured = if hardware == "tdx" { "mr_td" } else { "measurement" };
        assert_eq!(text(&shown["report"][measured]).len(), 96, "{file}");
        let people = avouch(["inspect", &own.join(file).display().to_string()]).expect_status(0);
        assert!(people.stdout.starts_with("HCL report of "), "{}", people.stdout);
        assert!(people.stdout.contains("HCLAkPub") && people.stdout.contains(measured));

        // Runtime data that the report data do not name are shown as that.
        let mut other = report.clone();
        let at = other.windows(8).position(|part| part == b"HCLAkPub").unwrap();
        other[at] = b'h';
        let shown = recognised(&own.write("other.bin", &other), "hcl-report");
        assert_eq!(shown["names_runtime_data"], false, "{file}");
        assert!(text(&shown["runtime_data"]["error"]).contains("HCLAkPub"), "{file}");

        for (what, change) in HCL_SIBLINGS {
            let mut sibling = report.clone();
            change(&mut sibling);
            let path = own.write("sibling.bin", &sibling);
            let refused = inspect(&path).expect_status(1).json();
            let tried = refused["tried"].as_array().unwrap();
            let why = tried.iter().find(|one| one["what"] == "HCL report").unwrap();
            assert!(text(&why["why"]).contains(what), "{file}: {what}: {why}");
        }
    }
}

type Change = fn(&mut Vec<u8>);

/// What is said of a report that is changed so.
const HCL_SIBLINGS: [(&str, Change); 7] = [
    ("begin with", |report| report[0] = b'h'),
    ("header version 9", |report| report[4] = 9),
    ("runtime data version 9", |report| report[1220] = 9),
    ("report type 9", |report| report[1224] = 9),
    ("hash type 9", |report| report[1228] = 9),
    ("runtime_data", |report| report.truncate(1300)),
    ("zeros", |report| report.push(1)),
];

#[test]
fn what_is_not_recognised_is_answered_with_what_was_tried_and_why() {
    let own = Folder::new("inspect-unknown");
    let folder = own.mint("sgx");
    let mut quote = std::fs::read(folder.join("quote.bin")).unwrap();
    quote.truncate(1000);
    let file = own.write("truncated.bin", quote);
    let shown = inspect(&file).expect_status(1).json();
    assert!(shown["kind"].is_null());
    let tried = shown["tried"].as_array().unwrap();
    let quote = tried.iter().find(|one| one["what"] == "SGX or TDX quote").expect("tried");
    assert!(text(&quote["why"]).contains("at byte"), "no place: {quote}");
    assert!(tried.len() >= 20, "only {} tried", tried.len());
    let people = avouch(["inspect", &file.display().to_string()]).expect_status(1);
    assert!(people.stdout.starts_with("not recognised: 1000 bytes"), "{}", people.stdout);

    for bytes in [&b""[..], b"{}", b"hello", b"a.b.c", &[0; 64], b"-----BEGIN CERTIFICATE-----"] {
        inspect(&own.write("other", bytes)).expect_status(1);
    }
    avouch(["inspect", "/nonexistent"]).expect_status(2);
    avouch(["inspect"]).expect_status(2);
}

#[test]
fn a_private_key_is_named_and_not_printed() {
    let own = Folder::new("inspect-key");
    let secret = avouch_pki::pem::encode("PRIVATE KEY", b"secret secret secret secret");
    let file = own.write("key.pem", &secret);
    let shown = inspect(&file).expect_status(0);
    assert_eq!(shown.json()["other_blocks"][0]["label"], "PRIVATE KEY");
    let people = avouch(["inspect", &file.display().to_string()]).expect_status(0);
    for printed in [shown.stdout, people.stdout] {
        assert!(!printed.contains(secret.lines().nth(1).unwrap()), "{printed}");
        assert!(!printed.contains("736563726574"), "{printed}");
    }
}

#[test]
fn text_of_others_cannot_command_the_terminal() {
    let own = Folder::new("inspect-escape");
    let header = avouch_wire::base64url::encode("{\"alg\":\"none\",\"x\":\"\\u001b[2J\"}");
    let payload = avouch_wire::base64url::encode("{\"a\\u001b]0;b\":\"\\u202e\\n\\u001b[31m\"}");
    let file = own.write("token.jwt", format!("{header}.{payload}."));
    let people = avouch(["inspect", &file.display().to_string()]).expect_status(0);
    assert!(!people.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", people.stdout);
    let shown = inspect(&file).expect_status(0).json();
    assert_eq!(shown["header"]["x"], "\u{1b}[2J", "JSON keeps what is there");
}

#[test]
fn a_measurement_list_is_summarised_by_verdict_in_each_form() {
    use avouch_mint::ima::device_mapper::DmDevice;
    use avouch_mint::ima::{ImaEntry, ground};

    let own = Folder::new("inspect-ima");
    let mut ground = ground().unwrap();
    let root = DmDevice::verity("root", 2, &"11".repeat(32));
    for entry in [root.load(), root.resume(), ImaEntry::violation("/var/log/x")] {
        ground.run(entry);
    }
    ground.run(ImaEntry::file("/tmp/\u{1b}[31m\nx", b"x"));
    ground.list.entries.last_mut().unwrap().logged_hash = Some(vec![1; 20]);
    let binary = own.write("binary", ground.list.binary());
    let shown = recognised(&binary, "ima-list");
    assert_eq!(shown["form"], "binary");
    assert_eq!(shown["entries"], 8);
    let verdicts = json!({
        "boot-aggregate": 1,
        "file-with-signature": 2,
        "hash-differs": 1,
        "measured-bytes": 3,
        "violation": 1
    });
    assert_eq!(shown["verdicts"], verdicts);
    assert_eq!(shown["signing_keys"], json!({ avouch_wire::encode_hex(&ground.key.id()): 2 }));
    assert_eq!(shown["notable"].as_array().unwrap().len(), 2);
    assert_eq!(shown["verity_volumes"][0]["root_digest"], "11".repeat(32));
    let value = ground.registers.get(avouch_mint::bootlog::Bank::Sha256, 10).unwrap();
    assert_eq!(shown["pcr10_after_all"]["sha256"], avouch_wire::encode_hex(value));
    ground.list.entries.pop();
    let ascii = own.write("ascii", ground.list.ascii());
    let shown = recognised(&ascii, "ima-list");
    assert_eq!((&shown["form"], &shown["entries"]), (&json!("ascii"), &json!(7)));
}

#[test]
fn an_event_log_of_a_tpm_is_shown_as_a_timeline_with_what_is_not_proven() {
    use avouch_mint::bootlog::{Bank, Ground};
    let folder = Folder::new("event-log");
    for (ground, secure_boot) in [
        (Ground::Linux, json!(true)),
        (Ground::LinuxOff, json!(false)),
        (Ground::LinuxInsecure, json!(false)),
        (Ground::Windows, json!(true)),
    ] {
        let log = ground.log().unwrap();
        let path = folder.write("eventlog.bin", log.to_bytes().unwrap());
        let shown = recognised(&path, "tcg-event-log");
        assert_eq!(shown["secure_boot"], secure_boot, "{ground:?}");
        let registers = log.registers();
        for pcr in [0, 4, 7] {
            let value = avouch_wire::encode_hex(registers.get(Bank::Sha256, pcr).unwrap());
            assert_eq!(shown["pcrs"]["sha256"][pcr.to_string()], value, "{ground:?} {pcr}");
        }
        assert!(text(&shown["proof"]).starts_with("none: "));
        let timeline: Vec<&str> = shown["timeline"].as_array().unwrap().iter().map(text).collect();
        let has = |what: &str| timeline.iter().any(|line| line.contains(what));
        assert!(has("PCR 7   firmware            variable \"SecureBoot\" = 0"), "{timeline:#?}");
        assert!(has("[what was measured is not in the log; this only names it]"), "{timeline:#?}");
    }
}

#[test]
fn an_event_log_of_a_trust_domain_is_shown_with_its_registers_and_secure_boot() {
    use avouch_mint::bootlog::Ground;
    let folder = Folder::new("event-log");
    for (ground, secure_boot) in [
        (Ground::TrustDomain, json!(true)),
        (Ground::TrustDomainOff, json!(false)),
        (Ground::TrustDomainInsecure, json!(false)),
    ] {
        let log = ground.log().unwrap();
        let path = folder.write("ccel.bin", log.to_bytes().unwrap());
        let shown = recognised(&path, "ccel");
        assert_eq!(shown["secure_boot"], secure_boot, "{ground:?}");
        let rtmrs = log.registers().rtmrs();
        for index in 0..3 {
            let value = avouch_wire::encode_hex(&rtmrs[index]);
            assert_eq!(shown["pcrs"]["sha384"][format!("rtmr{index}")], value, "{ground:?}");
        }
        assert_eq!(shown["images"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn recorded_event_logs_are_recognised_and_replay_as_their_manifests_say() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel/ccel");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for name in ["trustee-grub.bin", "trustee-td-shim.bin", "goeventlog-direct-boot-unpadded.bin"] {
        let shown = recognised(&folder.join(name), "ccel");
        for register in ["rtmr0", "rtmr1"] {
            assert_eq!(shown["pcrs"]["sha384"][register], manifest[name]["replay"][register]);
        }
    }
    for name in ["dstack-near-neg-cut.bin", "dstack-near-neg-register-shifted.bin"] {
        inspect(&folder.join(name)).expect_status(1);
    }
}

#[test]
fn an_event_log_that_is_cut_or_changed_in_structure_is_not_recognised() {
    use avouch_mint::bootlog::broken;
    let folder = Folder::new("event-log");
    for name in ["cut", "register-24", "digest-twice", "no-digest", "ccel-cut", "ccel-no-digest"] {
        let path = folder.write("log.bin", &broken(name).unwrap().unwrap().log);
        inspect(&path).expect_status(1);
    }
}

#[test]
fn a_ca_of_tpms_is_told_by_its_name_among_the_endorsements_and_a_root_has_none() {
    let own = Folder::new("inspect-tpm-ca");
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let der = &minted.ek_intermediates[0];
    let name = format!("tpm/ca/{}", avouch_pki::digest::sha256(der));
    let pem = avouch_pki::pem::encode("CERTIFICATE", der);
    for (file, bytes) in [("ca.der", der.as_slice()), ("ca.pem", pem.as_bytes())] {
        let shown = recognised(&own.write(file, bytes), "certificate");
        assert_eq!(shown["endorsement_of_tpms"], name, "{shown}");
    }
    let others = [
        ("root.pem", minted.ek_root_pem.as_bytes()),
        ("aik.der", avouch_tpm::trim_padding(&minted.aik_certificate)),
    ];
    for (file, bytes) in others {
        let shown = recognised(&own.write(file, bytes), "certificate");
        assert_eq!(shown["endorsement_of_tpms"], Value::Null, "{shown}");
    }
}
