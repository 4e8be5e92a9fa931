//! A second verifier: the crate `sev`, on recorded and on minted evidence.
//!
//! It checks signatures from report to root over a re-encoded report, and nothing else. Where
//! Avouch refuses what it accepts is listed here, check by check; a difference that is not listed
//! fails, and so does a listed one that has gone. The table for people is in
//! `docs/maa-divergences/snp.md`.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod support;

use std::collections::BTreeSet;

use avouch_mint::{Minted, Options, Stage, breaks, mint};
use avouch_pki::pem;
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::{Chain, REPORT_LENGTH};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, base64url};
use sev::certs::snp::{Certificate, Chain as SevChain, Verifiable as _, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser as _;
use support::{appraise, at, case, evidence, manifest, read, text, vectors};

/// What the other verifier says of a report and its three certificates.
fn second_opinion(
    report: &[u8],
    vek: &[u8],
    intermediate: &[u8],
    root: &[u8],
) -> Result<(), String> {
    let certificate = |der: &[u8]| Certificate::from_der(der).map_err(|error| error.to_string());
    let chain = SevChain {
        ca: ca::Chain { ark: certificate(root)?, ask: certificate(intermediate)? },
        vek: certificate(vek)?,
    };
    let report = AttestationReport::from_bytes(report).map_err(|error| error.to_string())?;
    (&chain, &report).verify().map_err(|error| error.to_string())
}

/// The same, with AMD's published intermediates and roots.
fn second_opinion_under_amd(report: &[u8], chain: &[Vec<u8>]) -> Result<(), String> {
    let chain = Chain::parse(chain).map_err(|error| error.to_string())?;
    let (_, leaf) = chain.leaf().map_err(|error| error.to_string())?;
    let issuer = leaf.issuer().common_name().unwrap_or_default();
    let kind = if issuer.contains("VLEK") { "asvk" } else { "ask" };
    let product = issuer.rsplit('-').next().unwrap_or_default().to_lowercase();
    let published = Chain::parse(&[read(&format!("roots/{product}_{kind}_ark.pem"))]).unwrap();
    let (intermediate, root) = (&published.intermediates()[0], &published.roots()[0]);
    second_opinion(report, leaf.der(), intermediate.der(), root.der())
}

#[test]
fn both_verifiers_accept_every_valid_recorded_report() {
    if vectors().is_none() {
        return;
    }
    let mut compared = 0;
    for case in manifest() {
        if !["snp-report", "aci"].contains(&text(&case["kind"])) {
            continue;
        }
        let evidence = evidence(&case);
        appraise(&evidence.report, &evidence.chain, at(&case)).unwrap();
        second_opinion_under_amd(&evidence.report, &evidence.chain)
            .unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn both_verifiers_accept_the_recorded_requests() {
    if vectors().is_none() {
        return;
    }
    for id in ["maa-request-aci-cleanroom", "maa-request-sample"] {
        let case = case(id);
        let body = support::json(text(&case["files"][0]));
        let document = base64url::decode(text(&body["report"])).unwrap();
        let evidence = SnpEvidence::parse(&document).unwrap();
        let (report, chain) = (evidence.report().bytes(), vec![evidence.certificates().to_vec()]);
        appraise(report, &chain, at(&case)).unwrap();
        second_opinion_under_amd(report, &chain).unwrap();
    }
}

/// Recorded negatives that the other verifier accepts, with our check.
const ACCEPTED_ELSEWHERE_RECORDED: [(&str, &str); 3] = [
    ("neg-r-padding-nonzero", "signature-padding"),
    ("neg-sig-tail-nonzero", "signature-reserved"),
    ("neg-sig-s-negated", "accepted by both"),
];

#[test]
fn verifiers_differ_on_recorded_negatives_only_as_listed() {
    if vectors().is_none() {
        return;
    }
    for case in manifest() {
        let id = text(&case["id"]);
        let is_report = case["files"][1] == "raw/milan-v3-aci/vek.pem";
        if case["kind"] != "negative" || !is_report {
            continue;
        }
        let evidence = evidence(&case);
        let theirs = second_opinion_under_amd(&evidence.report, &evidence.chain);
        let ours = appraise(&evidence.report, &evidence.chain, at(&case));
        let listed = ACCEPTED_ELSEWHERE_RECORDED.iter().find(|(name, _)| *name == id);
        assert_eq!(theirs.is_ok(), listed.is_some(), "{id}: {theirs:?}");
        match (ours, listed) {
            (Ok(_), Some((_, check))) => assert_eq!(*check, "accepted by both", "{id}"),
            (Err(error), Some((_, check))) => assert_eq!(error.check(), *check, "{id}"),
            (ours, None) => assert!(ours.is_err(), "{id}"),
        }
    }
    // Another chip with the same TCB: both see that the signature is not its own.
    let other = case("hcl-kinvolk-other-chip");
    let hcl = read(text(&other["files"][0]));
    let chain = vec![read(text(&other["files"][1]))];
    let report = &hcl[0x20..0x20 + REPORT_LENGTH];
    assert!(second_opinion_under_amd(report, &chain).is_err());
    assert!(appraise(report, &chain, at(&other)).is_err());
}

fn good() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap())
}

/// The report and the three certificates of a minted request, whatever their state.
fn parts(minted: &Minted) -> Option<(Vec<u8>, [Vec<u8>; 3])> {
    let request: serde_json::Value = serde_json::from_str(&minted.request).unwrap();
    let document = base64url::decode(request["report"].as_str().unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    let part = |name: &str| base64url::decode(document[name].as_str().unwrap()).unwrap();
    let certificates = pem::certificates(&part("VcekCertChain"), 8).unwrap();
    Some((part("SnpReport"), certificates.try_into().ok()?))
}

fn second_opinion_on(minted: &Minted) -> Option<Result<(), String>> {
    let (report, [vek, intermediate, root]) = parts(minted)?;
    Some(second_opinion(&report, &vek, &intermediate, &root))
}

#[test]
fn both_verifiers_accept_good_minted_evidence() {
    let minted = mint(EvidenceKind::Snp, &good()).unwrap();
    second_opinion_on(&minted).unwrap().unwrap();
}

/// Breaks of report, certificates and their bindings that the other verifier accepts.
const ACCEPTED_ELSEWHERE_MINTED: [&str; 66] = [
    "chip-id",
    "chip-id-tail",
    "chip-key-masked",
    "extension-csp-id-in-vcek",
    "extension-fmc-on-milan",
    "extension-hardware-id-in-vlek",
    "extension-hardware-id-long-on-turin",
    "extension-hardware-id-short",
    "extension-hardware-id-tag",
    "extension-integer-256",
    "extension-integer-negative",
    "extension-integer-padded",
    "extension-integer-tag",
    "extension-integer-trailing",
    "extension-no-csp-id",
    "extension-no-fmc",
    "extension-no-hardware-id",
    "extension-no-microcode",
    "extension-no-product-name",
    "extension-no-snp",
    "extension-no-spl-4",
    "extension-no-structure-version",
    "extension-product-name",
    "extension-product-name-prefix",
    "extension-product-name-tag",
    "extension-spl-4-on-turin",
    "extension-structure-version",
    "extension-twice",
    "intermediate-expired",
    "intermediate-issuer",
    "intermediate-key-usage",
    "intermediate-not-ca",
    "intermediate-not-yet-valid",
    "key-flag-5",
    "policy-bit-17",
    "product-of-report",
    "root-foreign",
    "signature-algorithm-0",
    "signature-end",
    "signature-r-padding",
    "signature-s-padding",
    "signature-tail",
    "signing-key-chip-secret",
    "signing-key-none",
    "signing-key-of-other-kind",
    "tcb-boot-loader",
    "tcb-current-for-reported",
    "tcb-fmc",
    "tcb-microcode",
    "tcb-microcode-0",
    "tcb-microcode-up",
    "tcb-snp",
    "tcb-spl-4",
    "tcb-spl-5",
    "tcb-spl-7",
    "tcb-tee",
    "vek-critical-extension",
    "vek-expired",
    "vek-is-ca",
    "vek-issuer",
    "vek-issuer-of-other-product",
    "vek-not-yet-valid",
    "vek-pss-salt",
    "version-6",
    "version-7",
    "vmpl-4",
];

#[test]
fn verifiers_differ_on_minted_breaks_only_as_listed() {
    let mut accepted = BTreeSet::new();
    for listed in breaks(EvidenceKind::Snp) {
        // Revocation lists and endorsements of utility VMs are outside of its scope.
        let outside = listed.expected_check.starts_with("uvm-")
            || listed.expected_check.starts_with("crl-")
            || listed.expected_check == "intermediate-revoked";
        if listed.stage != Stage::Verification || outside {
            continue;
        }
        let minted = mint(EvidenceKind::Snp, &good().broken(listed.name)).unwrap();
        if let Some(Ok(())) = second_opinion_on(&minted) {
            accepted.insert(listed.name);
        }
    }
    let expected: BTreeSet<&str> = ACCEPTED_ELSEWHERE_MINTED.into();
    assert_eq!(accepted, expected);
}
