//! What verification costs beside the signatures that it must check.
//!
//! `cargo bench -p avouch-snp` prints divan's table, and then ratios: each case against bare
//! verifications of the same messages and keys and against the crate `sev`, measured in turns in
//! the same run, since absolute times on shared machines mean little. Evidence is minted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use avouch_mint::{Options, mint};
use avouch_pki::{Certificate, SignatureScheme, pem};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::{
    Chain, ChainCacheKey, Crls, Report, TrustAnchors, VerifiedEndorsementKey, VerifiedReport,
    verify_chain, verify_intermediate, verify_report,
};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey};
use sev::certs::snp::{Chain as SevChain, Verifiable as _, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser as _;

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

struct Case {
    at: UnixTime,
    report: Vec<u8>,
    /// PEM, as a request carries it.
    chain: Vec<u8>,
    /// Roots alone.
    anchors: TrustAnchors,
    /// Roots, and the ASK as one remembers it after its first chain.
    anchors_with_intermediate: TrustAnchors,
    key: VerifiedEndorsementKey,
    vek_point: Vec<u8>,
    vek: Certificate,
    intermediate: Certificate,
    /// VCEK, ASK, ARK.
    der: Vec<Vec<u8>>,
}

impl Case {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let minted = mint(EvidenceKind::Snp, &Options::new(at)).unwrap();
        let request: serde_json::Value = serde_json::from_str(&minted.request).unwrap();
        let document = base64url::decode(request["report"].as_str().unwrap()).unwrap();
        let evidence = SnpEvidence::parse(&document).unwrap();
        let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
        let root = Certificate::parse(&root[0]).unwrap();
        let anchors = TrustAnchors::amd().with_root(&root).unwrap();
        let chain = evidence.chain().unwrap();
        let intermediate = chain.intermediates()[0].clone();
        let mut anchors_with_intermediate = anchors.clone();
        let verified = verify_intermediate(&intermediate, &anchors, at).unwrap();
        anchors_with_intermediate.remember(verified);
        let key = verify_chain(&chain, &anchors, &Crls::none(), at).unwrap();
        let vek = chain.leaf().unwrap().1.clone();
        Self {
            at,
            report: minted.evidence,
            chain: evidence.certificates().to_vec(),
            anchors,
            anchors_with_intermediate,
            key,
            vek_point: vek.public_key().raw().to_vec(),
            der: pem::certificates(evidence.certificates(), 3).unwrap(),
            vek,
            intermediate,
        }
    }

    /// Parsed and keyed as each request must be, then one signature.
    fn known_key(&self) -> VerifiedReport {
        black_box(ChainCacheKey::of(&[&self.chain]));
        let report = Report::parse(&self.report).unwrap();
        verify_report(&report, &self.key, &Crls::none(), self.at).unwrap()
    }

    /// What a VCEK costs that was not seen before, as the engine does it: everything but the report.
    fn new_key(&self) -> VerifiedEndorsementKey {
        let anchors = &self.anchors_with_intermediate;
        black_box(ChainCacheKey::of(&[&self.chain]));
        let chain = Chain::parse_beside(&[&self.chain], 16, anchors).unwrap();
        verify_chain(&chain, anchors, &Crls::none(), self.at).unwrap()
    }

    fn with_nothing(&self) -> VerifiedReport {
        let report = Report::parse(&self.report).unwrap();
        let chain = Chain::parse(&[&self.chain]).unwrap();
        let key = verify_chain(&chain, &self.anchors, &Crls::none(), self.at).unwrap();
        verify_report(&report, &key, &Crls::none(), self.at).unwrap()
    }

    /// One bare verification of the report's own message and key.
    fn p384(&self) {
        let report = Report::parse(&self.report).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &self.vek_point);
        key.verify(black_box(report.signed_bytes()), report.signature()).unwrap();
    }

    /// One bare verification by the ASK's own key, of a message and signature of the VCEK's length.
    fn rsa_4096(&self, signed: &(Vec<u8>, Vec<u8>)) {
        let point = self.intermediate.public_key().raw();
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, point);
        key.verify(black_box(&signed.0), &signed.1).unwrap();
    }

    /// The signed part and the signature of the VCEK's certificate.
    fn vek_parts(&self) -> (Vec<u8>, Vec<u8>) {
        let der = self.vek.der();
        let length = |at: usize| 4 + usize::from(der[at + 2]) * 256 + usize::from(der[at + 3]);
        let signed = der[4..4 + length(4)].to_vec();
        let signature = der[der.len() - 512..].to_vec();
        let key = self.intermediate.public_key();
        key.verify(SignatureScheme::RsaPssSha384, &signed, &signature).unwrap();
        (signed, signature)
    }

    fn other(&self) {
        let certificate = |der: &[u8]| sev::certs::snp::Certificate::from_der(der).unwrap();
        let [vek, ask, ark] = [0, 1, 2].map(|index| certificate(&self.der[index]));
        let chain = SevChain { ca: ca::Chain { ark, ask }, vek };
        let report = AttestationReport::from_bytes(&self.report).unwrap();
        (&chain, &report).verify().unwrap();
    }

    fn other_known_key(&self) {
        let vek = sev::certs::snp::Certificate::from_der(&self.der[0]).unwrap();
        let report = AttestationReport::from_bytes(&self.report).unwrap();
        (&vek, &report).verify().unwrap();
    }

    fn print_ratios(&self) {
        let parts = self.vek_parts();
        let anchors = &self.anchors_with_intermediate;
        let cases: [(&str, &dyn Fn()); 9] = [
            ("one P-384", &|| self.p384()),
            ("one RSA-4096 PSS", &|| self.rsa_4096(&parts)),
            ("known VCEK", &|| drop(black_box(self.known_key()))),
            ("new VCEK", &|| drop(black_box(self.new_key()))),
            ("from nothing", &|| drop(black_box(self.with_nothing()))),
            ("sev, report alone", &|| self.other_known_key()),
            ("sev, from nothing", &|| self.other()),
            ("reading the chain", &|| drop(black_box(Chain::parse(&[&self.chain]).unwrap()))),
            ("reading it beside known certificates", &|| {
                drop(black_box(Chain::parse_beside(&[&self.chain], 16, anchors).unwrap()));
            }),
        ];
        let (medians, lower_deciles) = measure(&cases.map(|(_, case)| case));
        for (quantile, times) in [("median", medians), ("lower decile", lower_deciles)] {
            println!("{quantile} of {ROUNDS} rounds, all cases in turns:");
            for ((name, _), time) in cases.iter().zip(&times) {
                println!("  {name} {time:.1} µs");
            }
            let [p384, rsa, known, new, nothing, other_known, other, ..] = times[..] else {
                continue;
            };
            println!("  known VCEK {:.3} x one P-384 (bar 1.2)", known / p384);
            println!("  new VCEK adds {:.3} x one RSA-4096 PSS (bar 1.5)", new / rsa);
            println!("  from nothing {:.3} x (P-384 + 2 RSA-4096)", nothing / (p384 + 2.0 * rsa));
            println!("  known VCEK {:.3} x the crate sev, report alone", known / other_known);
            println!("  from nothing {:.3} x the crate sev", nothing / other);
        }
    }
}

const ROUNDS: usize = 301;

/// Medians and lower deciles in microseconds, measured in turns so that disturbances hit all alike;
/// three runs in a row each turn, so that no case pays for the caches that another one filled.
fn measure(cases: &[&dyn Fn()]) -> (Vec<f64>, Vec<f64>) {
    const RUNS: u32 = 3;
    let mut samples = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for (case, samples) in cases.iter().zip(&mut samples) {
            let start = Instant::now();
            (0..RUNS).for_each(|_| case());
            samples.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
        }
    }
    for samples in &mut samples {
        samples.sort_by(f64::total_cmp);
    }
    let at = |place: usize| samples.iter().map(|samples: &Vec<f64>| samples[place]).collect();
    (at(ROUNDS / 2), at(ROUNDS / 10))
}

#[divan::bench]
fn bare_p384() {
    CASE.p384();
}

#[divan::bench]
fn bare_rsa_4096_pss(bencher: divan::Bencher<'_, '_>) {
    let parts = CASE.vek_parts();
    bencher.bench_local(|| CASE.rsa_4096(&parts));
}

#[divan::bench]
fn known_key() -> VerifiedReport {
    CASE.known_key()
}

#[divan::bench]
fn new_key() -> VerifiedEndorsementKey {
    CASE.new_key()
}

#[divan::bench]
fn from_nothing() -> VerifiedReport {
    CASE.with_nothing()
}

#[divan::bench]
fn sev_known_key() {
    CASE.other_known_key();
}

#[divan::bench]
fn sev_from_nothing() {
    CASE.other();
}
