//! What a stranger reads when what they sent is not taken: every message, in one file to be read.
//!
//! `refusals.txt` beside this is written by the test where `AVOUCH_WRITE_REFUSALS` is set.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use avouch_wire::{base64url, encode_hex};
use common::{AT, Folder, avouch_json, text};

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

    #[track_caller]
    fn inspect(&mut self, what: &str, file: &Path) {
        let run = avouch_json(["inspect", &file.display().to_string()]).expect_status(1);
        let shown = run.json();
        self.note(&format!("inspect, {what}"), text(&shown["looks_like"]));
    }
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
        ("YAML", b"apiVersion: v1\nkind: Secret\n"),
    ] {
        book.inspect(what, &file("evidence", bytes));
    }
}
