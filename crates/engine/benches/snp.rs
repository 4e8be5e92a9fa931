//! What an appraisal of SEV-SNP evidence costs beside the signatures that it must check: request in,
//! claims out, by MAA's default policy and without the token's signature.
//!
//! `cargo bench -p avouch-engine --bench snp` prints divan's table and then ratios to bare
//! verifications of the same messages and keys, all measured in turns in the same run, since
//! absolute times on shared machines mean little. Evidence is minted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Instant;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalRequest, AppraisalSettings, DataType, Engine, HeldData,
    PolicyInForce, TokenForm,
};
use avouch_mint::{Minted, Options, mint};
use avouch_pki::{Certificate, SignatureScheme, pem};
use avouch_snp::Report;
use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey};
use serde_json::{Value, json};

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

struct Case {
    at: UnixTime,
    engine: Engine,
    policy: PolicyInForce,
    settings: AppraisalSettings,
    minted: Minted,
    known: AppraisalRequest,
    report: Report,
    /// PEM of VCEK, ASK and ARK.
    chain: Vec<u8>,
    vek: Certificate,
    intermediate: Certificate,
    /// The signed part and the signature of the VCEK's certificate.
    vek_parts: (Vec<u8>, Vec<u8>),
}

impl Case {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let minted = mint(EvidenceKind::Snp, &Options::new(at)).unwrap();
        let body: Value = serde_json::from_str(&minted.request).unwrap();
        let document = base64url::decode(body["report"].as_str().unwrap()).unwrap();
        let evidence = SnpEvidence::parse(&document).unwrap();
        let chain = evidence.certificates().to_vec();
        let der = pem::certificates(&chain, 3).unwrap();
        let vek = Certificate::parse(&der[0]).unwrap();
        let intermediate = Certificate::parse(&der[1]).unwrap();
        let vek_parts = signed_part_and_signature(&vek, &intermediate);
        let mut endorsements = EndorsementSet::default();
        endorsements.add(&minted.endorsements).unwrap();
        let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
        let case = Self {
            at,
            engine: Engine::new(anchors, Arc::new(endorsements)),
            policy: PolicyInForce::default_for(EvidenceKind::Snp).unwrap(),
            settings: AppraisalSettings::default(),
            known: request(&minted, document),
            report: evidence.report().clone(),
            minted,
            chain,
            vek,
            intermediate,
            vek_parts,
        };
        assert!(case.known_key().permitted().is_ok() && case.new_key().permitted().is_ok());
        case
    }

    fn appraise(&self, request: &AppraisalRequest) -> Appraisal {
        self.engine.appraise(request, &self.policy, &self.settings, self.at).unwrap()
    }

    fn known_key(&self) -> Appraisal {
        self.appraise(&self.known)
    }

    /// A chain that is not remembered: the ASK stands in it twice.
    fn new_request(&self) -> AppraisalRequest {
        let again = pem::encode("CERTIFICATE", self.intermediate.der());
        let chain = [&self.chain, again.as_bytes()].concat();
        let document = json!({
            "SnpReport": base64url::encode(&self.minted.evidence),
            "VcekCertChain": base64url::encode(chain),
        });
        request(&self.minted, document.to_string().into_bytes())
    }

    fn new_key(&self) -> Appraisal {
        self.appraise(&self.new_request())
    }

    /// One bare verification of the report's own message and key.
    fn p384(&self) {
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, self.vek.public_key().raw());
        key.verify(black_box(self.report.signed_bytes()), self.report.signature()).unwrap();
    }

    /// One bare verification of the VCEK's certificate by the ASK's key.
    fn rsa_4096(&self) {
        let point = self.intermediate.public_key().raw();
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, point);
        key.verify(black_box(&self.vek_parts.0), &self.vek_parts.1).unwrap();
    }

    fn print_ratios(&self) {
        let mut samples = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            // Making a request is no part of appraising it.
            let unseen: Vec<_> = (0..RUNS).map(|_| self.new_request()).collect();
            let cases: [&dyn Fn(usize); 4] = [
                &|_| self.p384(),
                &|_| self.rsa_4096(),
                &|_| drop(black_box(self.known_key())),
                &|run| drop(black_box(self.appraise(&unseen[run]))),
            ];
            for (case, samples) in cases.iter().zip(&mut samples) {
                let start = Instant::now();
                (0..RUNS).for_each(case);
                samples.push(start.elapsed().as_secs_f64() * 1e6 / 3.0);
            }
        }
        samples.iter_mut().for_each(|samples| samples.sort_by(f64::total_cmp));
        for (quantile, place) in [("median", ROUNDS / 2), ("lower decile", ROUNDS / 10)] {
            let [p384, rsa, known, new] = [0, 1, 2, 3].map(|case| samples[case][place]);
            println!("{quantile} of {ROUNDS} rounds, all cases in turns:");
            println!("  one P-384 {p384:.1} µs, one RSA-4096 PSS {rsa:.1} µs");
            println!("  appraisal, known VCEK {known:.1} µs: {:.3} x one P-384", known / p384);
            println!("  appraisal, new VCEK {new:.1} µs");
            println!("  a new VCEK adds {:.3} x one RSA-4096 PSS (bar 1.5)", (new - known) / rsa);
        }
    }
}

const ROUNDS: usize = 301;
/// In a row each turn, so that no case pays for the caches that another one filled.
const RUNS: usize = 3;

fn request(minted: &Minted, document: Vec<u8>) -> AppraisalRequest {
    let data = minted.runtime_data.as_ref().unwrap();
    let runtime_data = HeldData { bytes: data.bytes.clone(), data_type: DataType::Json };
    AppraisalRequest {
        kind: EvidenceKind::Snp,
        evidence: document,
        runtime_data: Some(runtime_data),
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    }
}

fn signed_part_and_signature(vek: &Certificate, issuer: &Certificate) -> (Vec<u8>, Vec<u8>) {
    let der = vek.der();
    let length = 4 + usize::from(der[6]) * 256 + usize::from(der[7]);
    let (signed, signature) = (der[4..4 + length].to_vec(), der[der.len() - 512..].to_vec());
    let scheme = SignatureScheme::RsaPssSha384;
    issuer.public_key().verify(scheme, &signed, &signature).unwrap();
    (signed, signature)
}

#[divan::bench]
fn bare_p384() {
    CASE.p384();
}

#[divan::bench]
fn bare_rsa_4096_pss() {
    CASE.rsa_4096();
}

#[divan::bench]
fn known_key() -> Appraisal {
    CASE.known_key()
}

#[divan::bench]
fn new_key(bencher: divan::Bencher<'_, '_>) {
    bencher.with_inputs(|| CASE.new_request()).bench_refs(|request| CASE.appraise(request));
}
