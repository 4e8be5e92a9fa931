//! What guest attestation costs beside what it cannot do without: a document with a firmware's log of 100 KB,
//! a certificate with its CA, a quote, a certified key, claims, a policy and a sealed answer, against the
//! signatures (two of P-256, two of RSA-2048), hashing the log once in each of its banks, one encryption to
//! the machine's key and AES-GCM over the token.
//!
//! `cargo bench -p avouch-engine --bench guest` prints divan's table and then the ratio, measured in turns in
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
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use avouch_azure::{SealedAnswer, seal};
use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalRequest, AppraisalSettings, Engine, PolicyInForce, TokenForm,
    Vendor,
};
use avouch_mint::bootlog::{Ground, LogEvent};
use avouch_mint::tpm::Measurements;
use avouch_mint::{Options, mint};
use avouch_tpm::Public;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use serde_json::Value;

fn main() {
    divan::main();
    CASE.print_ratio();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

/// Length of the log, in bytes.
const LOG_BYTES: usize = 100_000;
/// Length of the token, in bytes.
const TOKEN_BYTES: usize = 4096;
/// Length of what a certificate signs, in bytes.
const CERTIFICATE_BYTES: usize = 600;
/// How often each is measured.
const ROUNDS: usize = 401;
/// The banks of the minted log.
const BANKS: usize = 3;

/// Reads claims and issues one.
const POLICY: &str = "version=1.2;
    authorizationrules{ [type==\"secureboot\", value==true] => permit(); };
    issuancerules{ c:[type==\"secureboot\"] => issue(claim=c); };";

/// Bytes and a signature over them.
type Signed = (Vec<u8>, Vec<u8>);

struct Case {
    at: UnixTime,
    engine: Engine,
    policy: PolicyInForce,
    settings: AppraisalSettings,
    request: AppraisalRequest,
    token: String,
    log: Vec<u8>,
    by_ak: [Signed; 2],
    ak: ParsedPublicKey,
    of_ca: Signed,
    ca: ParsedPublicKey,
    sealing_key: Vec<u8>,
}

impl Case {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let measured = measured();
        let log = measured.log.clone();
        let mut options = Options::new(at);
        options.guest.measured = Some(measured);
        let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
        let document: Value = serde_json::from_slice(&minted.evidence).unwrap();
        let member = |name: &str| {
            let text = document["TpmInfo"][name].as_str().unwrap();
            base64url::decode_standard(text).unwrap()
        };
        let ak = Public::parse_sized(&member("AikPub")).unwrap();
        let sealing = Public::parse_sized(&member("EncKeyPub")).unwrap();
        let (of_ca, ca) = certificate();
        let root = minted.root_pem.as_bytes();
        let mut endorsements = EndorsementSet::default();
        endorsements.add(&minted.endorsements).unwrap();
        let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), root).unwrap();
        let case = Self {
            at,
            engine: Engine::new(anchors, Arc::new(endorsements)),
            policy: PolicyInForce::from_text(POLICY).unwrap(),
            settings: AppraisalSettings::default(),
            token: "x".repeat(TOKEN_BYTES),
            log,
            by_ak: [
                (member("PcrQuote"), member("PcrSignature")),
                (member("EncKeyCertifyInfo"), member("EncKeyCertifyInfoSignature")),
            ],
            ak: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, ak.key().raw()).unwrap(),
            of_ca,
            ca,
            sealing_key: sealing.key().spki_der().to_vec(),
            request: AppraisalRequest {
                kind: EvidenceKind::AzureGuest,
                evidence: minted.evidence,
                runtime_data: None,
                init_time_data: None,
                event_log: None,
                challenged: None,
                nonce: None,
                token_form: TokenForm::Current,
            },
        };
        assert!(case.appraise().is_permitted());
        case
    }

    fn appraise(&self) -> Appraisal {
        self.engine.appraise(&self.request, &self.policy, &self.settings, self.at).unwrap()
    }

    /// To the answer, but for the signature of the token.
    fn attest(&self) -> SealedAnswer {
        let appraisal = self.appraise();
        seal(&self.token, appraisal.facts.sender_key().unwrap(), &[7; 32], [7; 12]).unwrap()
    }

    fn unavoidable(&self) {
        for _ in 0..2 {
            self.ca.verify_sig(&self.of_ca.0, &self.of_ca.1).unwrap();
        }
        for (message, signature) in &self.by_ak {
            self.ak.verify_sig(message, signature).unwrap();
        }
        for algorithm in [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256, &SHA384].iter().take(BANKS) {
            black_box(digest(algorithm, &self.log));
        }
        let key = PublicEncryptingKey::from_der(&self.sealing_key).unwrap();
        let key = Pkcs1PublicEncryptingKey::new(key).unwrap();
        let mut out = vec![0; key.ciphertext_size()];
        black_box(key.encrypt(&[7; 32], &mut out).unwrap());
        let mut token = self.token.as_bytes().to_vec();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
        let nonce = Nonce::assume_unique_for_key([7; 12]);
        let _ = black_box(key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut token).unwrap());
    }

    fn print_ratio(&self) {
        let mut ratios: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                black_box(self.attest());
                let attested = start.elapsed().as_secs_f64();
                let start = Instant::now();
                self.unavoidable();
                attested / start.elapsed().as_secs_f64()
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "guest attestation: {:.2} x its signatures, hashing its log in {BANKS} banks, one \
             encryption and AES-GCM",
            ratios[ROUNDS / 2],
        );
    }
}

/// A signature over as many bytes as a certificate has, and the key.
fn certificate() -> (Signed, ParsedPublicKey) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let message = vec![7; CERTIFICATE_BYTES];
    let signature = key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec();
    let public = key.public_key().as_ref();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).unwrap();
    ((message, signature), public)
}

/// A boot of Linux and many commands of GRUB.
fn measured() -> Measurements {
    let mut log = Ground::Linux.log().unwrap();
    for number in 0.. {
        if log.to_bytes().unwrap().len() >= LOG_BYTES {
            break;
        }
        let text =
            format!("menuentry Linux-{number} --class os --unrestricted {{ search --no-floppy }}");
        log.push(LogEvent::grub_command(&text));
    }
    Measurements::of(&log, None).unwrap()
}

#[divan::bench]
fn unavoidable() {
    CASE.unavoidable();
}

#[divan::bench]
fn guest_attestation() -> SealedAnswer {
    CASE.attest()
}
