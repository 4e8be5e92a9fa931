//! What verifying a quote costs beside the one signature that it must check.
//!
//! `cargo bench -p avouch-tpm` prints divan's table, and then ratios: each case against bare RSA-2048
//! verifications of the same message under the same key, measured in turns in the same run, since
//! absolute times on shared machines mean little. Evidence is minted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use avouch_mint::tpm::{TpmOptions, mint};
use avouch_tpm::protocol::{Conditions, SignedRequest};
use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, Expected, HashAlgorithm, PcrMask, PcrValue,
    Public, Signature, TrustAnchors, verify_quote,
};
use avouch_wire::UnixTime;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

fn main() {
    divan::main();
    CASE.print_ratios();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

struct Case {
    challenge: [u8; 16],
    at: UnixTime,
    quote: Vec<u8>,
    signature: Vec<u8>,
    values: Vec<PcrValue>,
    key: AttestationKey,
    request: String,
    aik_anchors: TrustAnchors,
    bare: ParsedPublicKey,
}

impl Case {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let minted = mint(&TpmOptions::new(at)).unwrap();
        let public = Public::parse_sized(&minted.ak_public).unwrap();
        let key = AcceptableKey::of(&public, AkRules::default()).unwrap().self_asserted();
        let bare = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.key().raw()).unwrap();
        let value = |(bank, index, digest): &(u16, u32, Vec<u8>)| PcrValue {
            bank: HashAlgorithm::from_tpm_id(*bank).unwrap(),
            index: *index,
            digest: digest.clone(),
        };
        Self {
            challenge: minted.challenge,
            at,
            values: minted.pcrs.iter().map(value).collect(),
            quote: minted.quote,
            signature: minted.signature,
            key,
            request: minted.request,
            aik_anchors: TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).unwrap(),
            bare,
        }
    }

    /// One bare verification of the quote's signature, by a key that the provider has read.
    fn bare_signature(&self) {
        let signature = self.signature.split_at(6).1;
        self.bare.verify_sig(&self.quote, black_box(signature)).unwrap();
    }

    /// Quote and signature from bytes to proven values of 24 PCRs.
    fn quote(&self) {
        let quote = Attest::parse(black_box(&self.quote)).unwrap();
        let signature = Signature::parse(&self.signature).unwrap();
        let required = PcrMask::of(&[0, 7]).unwrap();
        let expected = Expected { qualifying_data: &self.challenge, required };
        black_box(verify_quote(&quote, &signature, &self.key, expected, &self.values).unwrap());
    }

    /// A whole request of MAA's protocol: three RSA signatures and the AIK certificate's.
    fn request(&self) {
        let request = SignedRequest::read(black_box(&self.request)).unwrap();
        let conditions = Conditions {
            challenge: &self.challenge,
            aik: None,
            enrolment: None,
            aik_anchors: &self.aik_anchors,
            aik_cas: &[],
            require_valid_aik_cert: true,
            rules: AkRules::default(),
            required: PcrMask::NONE,
            at: self.at,
        };
        black_box(request.verify(conditions).unwrap());
    }

    fn print_ratios(&self) {
        for (name, run) in
            [("quote", Self::quote as fn(&Self)), ("request", Self::request as fn(&Self))]
        {
            println!("{name}: {:.2} x one bare RSA-2048 verification", self.ratio(run));
        }
    }

    /// The median of ratios, each of many runs of one after as many of the other.
    fn ratio(&self, run: fn(&Self)) -> f64 {
        let time = |run: fn(&Self)| {
            let start = Instant::now();
            (0..200).for_each(|_| run(self));
            start.elapsed().as_secs_f64()
        };
        let mut ratios: Vec<f64> =
            (0..21).map(|_| time(run) / time(Self::bare_signature)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(10).copied().unwrap()
    }
}

#[divan::bench]
fn bare_rsa_2048() {
    CASE.bare_signature();
}

#[divan::bench]
fn quote() {
    CASE.quote();
}

#[divan::bench]
fn request() {
    CASE.request();
}
