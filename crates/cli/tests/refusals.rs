//! What a stranger reads when what they sent is not taken: every message, in one file to be read.
//!
//! `refusals.txt` beside this is written by the test where `AVOUCH_WRITE_REFUSALS` is set.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

use avouch_mint::vbs::VbsReport;
use avouch_wire::{base64url, encode_hex};
use rcgen::DnValue;
use serde_json::{Value, json};
use support::keys::PolicyKey;
use support::service::{Installation, Service};
use support::{AT, Folder, avouch, avouch_json, text};

/// The messages so far, each under what was done.
struct Book(String);

impl Book {
    fn note(&mut self, what: &str, message: &str) {
        let message = without_lengths(message.trim()).replace('\n', "\n    ");
        writeln!(self.0, "{what}\n    {message}").unwrap();
    }

    /// Evidence of a folder's root and endorsements, refused.
    #[track_caller]
    fn appraise(&mut self, what: &str, kind: &str, file: &Path) {
        let file = file.display().to_string();
        let run = avouch_json(["appraise", kind, &file, "--at", AT]).expect_status(1);
        let report = run.json();
        assert_eq!(report["decision"], "deny", "{what}");
        let (check, message) = (text(&report["error"]["check"]), text(&report["error"]["message"]));
        self.note(&format!("appraise {kind}, {what}"), &format!("{check}: {message}"));
    }

    /// A command that cannot be done: the line that says why, without what differs from run to run.
    #[track_caller]
    fn command(&mut self, what: &str, own: &Folder, arguments: &[&str]) {
        let run = avouch(arguments.iter().copied()).expect_status(2);
        let line = run.stderr.lines().find(|line| line.starts_with("error: "));
        self.note(what, &without_folder(line.expect("an error"), own));
    }

    #[track_caller]
    fn inspect(&mut self, what: &str, file: &Path) {
        let run = avouch_json(["inspect", &file.display().to_string()]).expect_status(1);
        let shown = run.json();
        self.note(&format!("inspect, {what}"), text(&shown["looks_like"]));
    }
}

fn without_folder(text: &str, own: &Folder) -> String {
    text.replace(&own.path().display().to_string(), "FOLDER")
}

/// Signatures in DER are not always of one length, so neither are quotes, nor columns behind them:
/// numbers of four digits are left out, but for what formats fix.
fn without_lengths(message: &str) -> String {
    const FIXED: [&str; 3] = ["1000", "1184", "2624"];
    let mut text = String::new();
    for part in message.split_inclusive(|next: char| !next.is_ascii_digit()) {
        let rest = part.trim_start_matches(|next: char| next.is_ascii_digit());
        let digits = part.strip_suffix(rest).unwrap_or_default();
        text += if digits.len() == 4 && !FIXED.contains(&digits) { "N" } else { digits };
        text += rest;
    }
    text
}

#[test]
fn every_refusal_reads_as_it_was_read_last() {
    let own = Folder::new("refusals");
    let mut book = Book(String::new());
    bodies(&own, &mut book);
    kinds(&own, &mut book);
    endorsements(&own, &mut book);
    other_keys(&own, &mut book);
    policy_documents(&own, &mut book);
    signers(&own, &mut book);
    tokens(&own, &mut book);
    commands(&own, &mut book);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals.txt");
    if std::env::var_os("AVOUCH_WRITE_REFUSALS").is_some() {
        std::fs::write(&path, &book.0).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap();
    assert!(known == book.0, "they now read:\n{}", book.0);
}

/// Bodies that the service refuses.
fn bodies(own: &Folder, book: &mut Book) {
    let folder = own.mint("sgx --seed 1");
    let quote = std::fs::read(folder.join("quote.bin")).unwrap();
    let quote = base64url::encode(quote);
    for (what, body) in [
        ("a member twice", format!("{{\"quote\":\"{quote}\",\"quote\":\"AA\"}}")),
        ("a member in two cases", format!("{{\"quote\":\"{quote}\",\"Quote\":\"AA\"}}")),
        (
            "an unknown type of data",
            format!(
                "{{\"quote\":\"{quote}\",\"runtimeData\":{{\"data\":\"AA\",\"dataType\":\"XML\"}}}}"
            ),
        ),
        ("both alphabets of base64", "{\"quote\":\"+_+_\"}".to_owned()),
        ("no evidence", "{\"hello\":\"world\"}".to_owned()),
        ("a cut body", format!("{{\"quote\":\"{quote}")),
        (
            "a draft that is no policy",
            format!("{{\"quote\":\"{quote}\",\"draftPolicyForAttestation\":\"version=1.0\"}}"),
        ),
    ] {
        book.appraise(what, "sgx", &own.write("body.json", body));
    }
}

/// Evidence of other kinds, and what is none.
fn kinds(own: &Folder, book: &mut Book) {
    let read = |kind: &str, name: &str| std::fs::read(own.mint(kind).join(name)).unwrap();
    let quote = read("sgx --seed 2", "quote.bin");
    let td_quote = read("tdx --seed 2", "quote.bin");
    let report = read("open-enclave --seed 2", "report.bin");
    let snp = read("snp --seed 2", "report.bin");
    let root = read("sgx --seed 2", "root.pem");
    let root_der = avouch_pki::pem::certificates(&root, 1).unwrap().remove(0);
    let mut epid = vec![0; 436 + 680];
    epid[0] = 2;
    epid[432..434].copy_from_slice(&680_u16.to_le_bytes());
    let mut td_report = vec![0; 1024];
    td_report[0] = 0x81;
    let enclave = VbsReport::default().to_bytes("").unwrap();
    let hcl = [b"HCLA".as_slice(), &[0; 28], &snp, &[0; 1408]].concat();
    let document =
        format!("{{\"SnpReport\":\"{}\",\"VcekCertChain\":\"AA\"}}", base64url::encode(&hcl));
    let file = |name: &str, bytes: &[u8]| own.write(name, bytes);
    for (what, kind, bytes) in [
        ("an Open Enclave report", "sgx", report.as_slice()),
        ("an SGX quote", "open-enclave", &quote),
        ("a TDX quote", "sgx", &td_quote),
        ("a TDX quote", "open-enclave", &td_quote),
        ("an SGX quote", "tdx", &quote),
        ("an SGX quote", "snp", &quote),
        ("an SEV-SNP report", "tdx", &snp),
        ("an EPID quote", "sgx", &epid),
        ("a TDREPORT", "tdx", &td_report),
        ("an enclave's report", "tpm", &enclave),
        ("an HCL report", "snp", &hcl),
        ("an HCL report in MAA's document", "snp", document.as_bytes()),
        ("a certificate in DER", "sgx", &root_der),
        ("a certificate in PEM", "sgx", &root),
        ("policy text", "sgx", b"version=1.0; authorizationrules { => permit(); };"),
        ("some text", "sgx", b"the quote is attached, see below"),
        ("YAML", "snp", b"apiVersion: v1\nkind: Secret\ndata:\n  report: AAAA\n"),
        ("a quote cut in its header", "sgx", &quote[..20]),
        ("a quote cut in its body", "sgx", &quote[..300]),
        ("a quote cut in its signature data", "sgx", &quote[..1000]),
        ("a cut quote", "tdx", &td_quote[..1000]),
        ("a cut report", "open-enclave", &report[..1000]),
        ("a cut report", "snp", &snp[..1000]),
        ("a cut quote in hex", "sgx", encode_hex(&quote[..1000]).as_bytes()),
    ] {
        book.appraise(what, kind, &file("evidence", bytes));
    }
    for (what, bytes) in [
        ("an EPID quote", epid.as_slice()),
        ("a TDREPORT", &td_report),
        ("an HCL report", &hcl),
        ("a cut quote", &quote[..1000]),
        ("a cut quote in hex", encode_hex(&quote[..1000]).as_bytes()),
        ("a cut report", &snp[..1000]),
        ("a cut report of an enclave", &enclave[..200]),
        ("YAML", b"apiVersion: v1\nkind: Secret\n"),
    ] {
        book.inspect(what, &file("evidence", bytes));
    }
}

/// Files given as endorsements that are none.
fn endorsements(own: &Folder, book: &mut Book) {
    let folder = own.mint("sgx --seed 3");
    let snp = own.mint("snp --seed 3");
    let quote = folder.join("quote.bin").display().to_string();
    let set: Value =
        serde_json::from_slice(&std::fs::read(folder.join("endorsements.json")).unwrap()).unwrap();
    let document = |name: &str, member: &str| {
        let body: Value = serde_json::from_str(text(&set[member])).unwrap();
        json!({name: body, "signature": "00"}).to_string()
    };
    let pem = std::fs::read_to_string(snp.join("endorsements.pem")).unwrap();
    let thim = |chain: &str| json!({"vcekCert": "", "certificateChain": chain}).to_string();
    let body = std::fs::read_to_string(folder.join("request.json")).unwrap();
    let report = std::fs::read(snp.join("report.bin")).unwrap();
    for (what, bytes) in [
        ("TCB info", document("tcbInfo", "tcb_info").into_bytes()),
        ("a QE identity", document("enclaveIdentity", "qe_identity").into_bytes()),
        ("evaluation numbers", b"{\"tcbEvaluationDataNumbers\":{}}".to_vec()),
        ("a UVM endorsement", b"\xd2\x84\x43\xa1\x01\x38".to_vec()),
        ("YAML with certificates", format!("vcek: |\n{}", pem.replace('-', "~")).into_bytes()),
        ("THIM without a VCEK", thim(&pem).into_bytes()),
        ("a body of a request", body.into_bytes()),
        ("a key set", b"{\"keys\":[]}".to_vec()),
        ("a report", report),
        ("another JSON", b"{\"hello\":1}".to_vec()),
        ("some text", b"see the attachment".to_vec()),
        ("a set that lacks a member", b"{\"tcb_info\":\"{}\"}".to_vec()),
    ] {
        let file = own.write("endorsements", bytes).display().to_string();
        let words = ["appraise", "sgx", &quote, "--at", AT, "--endorsements", &file];
        let report = avouch_json(words).expect_status(1).json();
        let error = &report["error"];
        let message = format!("{}: {}", text(&error["check"]), text(&error["message"]));
        book.note(&format!("endorsements, {what}"), &without_folder(&message, own));
    }
}

/// Reports that the key at hand did not sign.
fn other_keys(own: &Folder, book: &mut Book) {
    let folder = own.mint("snp --seed 4");
    let file = |name: &str| folder.join(name).display().to_string();
    let report = std::fs::read(folder.join("report.bin")).unwrap();
    for (what, offset) in [
        ("a VCEK of another chip", 0x1a0),
        ("a VCEK of another TCB", 0x187),
        ("a changed report", 0x90),
    ] {
        let mut report = report.clone();
        report[offset] ^= 1;
        let report = own.write("report.bin", report).display().to_string();
        let (endorsements, root) = (file("endorsements.pem"), file("root.pem"));
        let more = ["--endorsements", &endorsements, "--trust-root", &root];
        let words = [["appraise", "snp", &report, "--at", AT].as_slice(), &more].concat();
        let report = avouch_json(words).expect_status(1).json();
        let error = &report["error"];
        let message = format!("{}: {}", text(&error["check"]), text(&error["message"]));
        book.note(&format!("appraise snp, {what}"), &message);
    }
}

/// What is sent in the place of a policy JWS.
fn policy_documents(own: &Folder, book: &mut Book) {
    let policy = "version=1.0; authorizationrules { => permit(); };";
    let plain = base64url::encode(json!({ "AttestationPolicy": policy }).to_string());
    for (what, body) in [
        ("policy text as it is", policy.to_owned()),
        ("policy text as a JSON string", json!(policy).to_string()),
        ("the payload alone", json!({"AttestationPolicy": base64url::encode(policy)}).to_string()),
        ("two parts", format!("eyJhbGciOiJub25lIn0.{plain}")),
    ] {
        let file = own.write("policy.jws", body).display().to_string();
        let report = avouch_json(["policy", "unwrap", &file]).expect_status(1).json();
        let error = &report["error"];
        let message = format!("{}: {}", text(&error["check"]), text(&error["message"]));
        book.note(&format!("policy, {what}"), &message);
    }
}

/// Signers that a provider does not know.
fn signers(own: &Folder, book: &mut Book) {
    let service = Service::dev(&own.join("data"), [""; 0]);
    let ca = service.ca.display().to_string();
    let token = own.write("token", "anything\n").display().to_string();
    let to_service = ["--url", &service.url, "--ca", &ca, "--token-file", &token];
    let call = |words: &[&str]| avouch_json([words, &to_service].concat());
    let known = PolicyKey::p256(own, "signer");
    let certificate = known.certificate.display().to_string();
    call(&["provider", "create", "strict", "--policy-signer", &certificate]).expect_status(0);
    let policy = own.write("policy.txt", "version=1.0; authorizationrules { => permit(); };");
    let policy = policy.display().to_string();
    let mut refused = |what: &str, key: &PolicyKey| {
        let arguments = key.arguments();
        let key: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let words = ["policy-set", "sgx", &policy, "--provider", "strict"];
        let report = call(&[&words[..], &key].concat()).expect_status(1).json();
        let error = &report["error"];
        let message = format!("{}: {}", text(&error["code"]), text(&error["message"]));
        book.note(&format!("signer, {what}"), &message);
    };
    refused("a stranger", &PolicyKey::p256(own, "stranger"));
    refused("a stranger of the same name", &PolicyKey::p256(own, "signer"));
    let printable = DnValue::PrintableString("signer".to_owned().try_into().unwrap());
    refused("one whose name only reads the same", &PolicyKey::named(own, "printable", printable));
    refused("a renewed certificate", &known.renewed(own, "renewed"));
}

/// Tokens that a service does not know, and a service that a client does not.
fn tokens(own: &Folder, book: &mut Book) {
    let installation = Installation::new("refusals-tokens", "");
    let log = own.join("log");
    let (mut service, _) = installation.start_logging_to(std::fs::File::create(&log).unwrap());
    let token = own.write("unknown", "not-a-token-of-this-service\n").display().to_string();
    let ca = service.ca.display().to_string();
    let words = ["provider", "list", "--url", &service.url, "--token-file", &token];
    let report = avouch_json([&words[..], &["--ca", &ca]].concat()).expect_status(1).json();
    let error = &report["error"];
    book.note(
        "an unknown static token",
        &format!("{}: {}", text(&error["code"]), text(&error["message"])),
    );
    service.signal("TERM");
    assert!(service.ends_well());
    let log = std::fs::read_to_string(log).unwrap();
    let warning = log.lines().find(|line| line.contains("chmod 600")).expect("a warning");
    let (_, warning) = warning.split_once("WARN").unwrap();
    let folder = installation.folder.path().display().to_string();
    book.note("a private key that others can read", &warning.replace(&folder, "FOLDER"));
}

/// Commands that cannot be done.
fn commands(own: &Folder, book: &mut Book) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = own.join("data-of-commands").display().to_string();
    let listen = format!("127.0.0.1:{port}");
    let missing = own.join("missing.pem").display().to_string();
    let config = own.write("avouch.toml", format!("[signing]\nkey_file = {missing:?}\n"));
    let config = config.display().to_string();
    let free = ["--data-dir", &data, "--listen", "127.0.0.1:0"];
    let listening = ["serve", "--dev", "--listen", &listen, "--data-dir", &data];
    let mut ports = Book(String::new());
    ports.command("serve, a taken port", own, &listening);
    book.0.push_str(&ports.0.replace(&port, "PORT"));
    book.command("serve, a trust root without --dev", own, &["serve", "--trust-root", "root.pem"]);
    let no_key = [["serve", "--dev", "--config", &config].as_slice(), &free].concat();
    book.command("serve, no signing key", own, &no_key);
    book.command("mint, an unknown kind", own, &["mint", "sev", "--at", AT]);
    book.command("appraise, an unknown kind", own, &["appraise", "sev", "quote.bin"]);
    book.command("inspect, no such file", own, &["inspect", "/nonexistent"]);
}
