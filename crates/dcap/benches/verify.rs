//! What verification costs beside the P-256 verifications that it must do.
//!
//! `cargo bench -p avouch-dcap` prints divan's table, and then ratios: each case against bare
//! P-256 verifications of the same message and against the crate dcap-qvl, measured in turns in
//! the same run, since absolute times on shared machines mean little. Evidence is minted.
#![allow(
    clippy::unwrap_used,
    clippy::unreachable,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use avouch_dcap::{
    CertificationData, Collateral, PlatformCacheKey, Quote, TrustAnchors, VerifiedCollateral,
    VerifiedPlatform, VerifiedQuote, verify, verify_platform, verify_platform_beside, verify_quote,
};
use avouch_mint::{Minted, Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_wire::{EvidenceKind, UnixTime};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::config::{Config, CryptoProvider};
use dcap_qvl::configs::RingConfig;
use dcap_qvl::verify::QuoteVerifier;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

fn main() {
    divan::main();
    for tee in [&*SGX, &*TDX] {
        tee.print_ratios();
    }
}

/// The other verifier's parser and encoder over our crypto library, so that only the work differs.
struct AwsLcConfig;

impl Config for AwsLcConfig {
    type X509 = <RingConfig as Config>::X509;
    type SigEncoder = <RingConfig as Config>::SigEncoder;
    type Crypto = AwsLcCrypto;
}

struct AwsLcCrypto;

impl CryptoProvider for AwsLcCrypto {
    fn sig_algo() -> &'static dyn SignatureVerificationAlgorithm {
        &AwsLcP256
    }

    fn sha256(data: &[u8]) -> [u8; 32] {
        avouch_pki::digest::sha256(data).0
    }

    fn sha384(data: &[u8]) -> [u8; 48] {
        avouch_pki::digest::sha384(data).0
    }
}

#[derive(Debug)]
struct AwsLcP256;

impl SignatureVerificationAlgorithm for AwsLcP256 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        rustls_pki_types::alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        rustls_pki_types::alg_id::ECDSA_SHA256
    }

    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        sig: &[u8],
    ) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(message, sig)
            .map_err(|_| InvalidSignature)
    }
}

/// Lets the collateral hold the very certificates that the quote holds, as Intel's does: the mint
/// signs each occurrence of a certificate anew. Returns the PCK CA and the root, DER.
fn share_certificates(minted: &mut Minted) -> [Vec<u8>; 2] {
    let quote = Quote::parse(&minted.evidence).unwrap();
    let CertificationData::PckChain(chain) = quote.signature_data().certification_data else {
        unreachable!("the mint writes chains")
    };
    let [_, ca, root] = <[Vec<u8>; 3]>::try_from(pem::certificates(chain, 3).unwrap()).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let signer = pem::certificates(json["tcb_info_issuer_chain"].as_str().unwrap().as_bytes(), 2);
    let signer = signer.unwrap().remove(0);
    let chain =
        |first: &[u8]| pem::encode("CERTIFICATE", first) + &pem::encode("CERTIFICATE", &root);
    json["pck_crl_issuer_chain"] = chain(&ca).into();
    json["tcb_info_issuer_chain"] = chain(&signer).into();
    json["qe_identity_issuer_chain"] = chain(&signer).into();
    minted.endorsements = json.to_string().into_bytes();
    [ca, root]
}

/// One kind of evidence, with everything that can be prepared prepared.
struct Tee {
    name: &'static str,
    minted: Minted,
    at: UnixTime,
    anchors: TrustAnchors,
    collateral: Collateral,
    verified_collateral: VerifiedCollateral,
    platform: VerifiedPlatform,
    root_der: Vec<u8>,
    other: QuoteCollateralV3,
    signed: Signed,
}

/// The quote's own key, message and signature, ready for bare verification.
struct Signed {
    key: UnparsedPublicKey<[u8; 65]>,
    message: Vec<u8>,
    signature: [u8; 64],
}

impl Signed {
    fn of(quote: &Quote<'_>) -> Self {
        let data = quote.signature_data();
        let mut key = [4; 65];
        key[1..].copy_from_slice(data.attestation_key);
        Self {
            key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key),
            message: quote.signed_bytes().to_vec(),
            signature: *data.quote_signature,
        }
    }
}

static SGX: LazyLock<Tee> = LazyLock::new(|| Tee::new("SGX", EvidenceKind::Sgx));
static TDX: LazyLock<Tee> = LazyLock::new(|| Tee::new("TDX", EvidenceKind::Tdx));

impl Tee {
    fn new(name: &'static str, kind: EvidenceKind) -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let mut minted = mint(kind, &Options::new(at)).unwrap();
        let [ca, root_der] = share_certificates(&mut minted);
        drop(ca);
        let root = Certificate::parse(&root_der).unwrap();
        let anchors = TrustAnchors::intel().with_root(&root).unwrap();
        let collateral = Collateral::parse_json(&minted.endorsements).unwrap();
        let verified_collateral = collateral.verify(&anchors, at).unwrap();
        let quote = Quote::parse(&minted.evidence).unwrap();
        let platform = verify_platform(&quote, &anchors, at).unwrap();
        let signed = Signed::of(&quote);
        let other = serde_json::from_slice(&minted.endorsements).unwrap();
        Self {
            name,
            at,
            anchors,
            collateral,
            verified_collateral,
            platform,
            root_der,
            other,
            signed,
            minted,
        }
    }

    /// Parsed and keyed as each request must be, then one signature.
    fn known_platform(&self) -> VerifiedQuote {
        let quote = Quote::parse(&self.minted.evidence).unwrap();
        black_box(PlatformCacheKey::of(&quote, &self.anchors));
        assert!(self.platform.is_proven_by(&quote));
        verify_quote(&quote, &self.platform, &self.verified_collateral, self.at).unwrap()
    }

    /// What of a known platform is no signature check.
    fn parse_and_key(&self) -> (PlatformCacheKey, bool) {
        let quote = Quote::parse(&self.minted.evidence).unwrap();
        (PlatformCacheKey::of(&quote, &self.anchors), self.platform.is_proven_by(&quote))
    }

    /// PCK certificate, QE report and quote: three signatures.
    fn new_platform(&self) -> VerifiedQuote {
        let quote = Quote::parse(&self.minted.evidence).unwrap();
        let collateral = &self.verified_collateral;
        let platform = verify_platform_beside(&quote, &self.anchors, collateral, self.at).unwrap();
        verify_quote(&quote, &platform, collateral, self.at).unwrap()
    }

    fn with_nothing(&self) -> VerifiedQuote {
        let quote = Quote::parse(&self.minted.evidence).unwrap();
        verify(&quote, &self.collateral, &self.anchors, self.at).unwrap()
    }

    fn other<C: Config>(&self) -> String {
        let verifier = QuoteVerifier::<C>::new_with_config(self.root_der.clone());
        let at = u64::try_from(self.at.seconds()).unwrap();
        verifier.verify(&self.minted.evidence, &self.other, at).unwrap().status
    }

    /// Bare verifications of the quote's own message and key.
    fn p256(&self, count: usize) {
        let Signed { key, message, signature } = &self.signed;
        for _ in 0..count {
            key.verify(black_box(message), signature).unwrap();
        }
    }

    fn print_ratios(&self) {
        let [one, parsed, known, new, nothing, other_aws_lc, other_ring] = quiet([
            &|| self.p256(1),
            &|| {
                black_box(self.parse_and_key());
            },
            &|| drop(black_box(self.known_platform())),
            &|| drop(black_box(self.new_platform())),
            &|| drop(black_box(self.with_nothing())),
            &|| drop(black_box(self.other::<AwsLcConfig>())),
            &|| drop(black_box(self.other::<RingConfig>())),
        ]);
        let name = self.name;
        println!("{name}: one P-256 verification {one:.1} µs");
        println!("{name}: parsing and cache key {parsed:.1} µs");
        println!("{name}: known platform {:.3} x one (bar 1.3)", known / one);
        println!("{name}: new platform {:.3} x three (bar 1.3)", new / (3.0 * one));
        println!("{name}: from nothing {:.2} x one", nothing / one);
        println!(
            "{name}: from nothing {:.3} x dcap-qvl over aws-lc-rs, {:.3} x dcap-qvl over ring",
            nothing / other_aws_lc,
            nothing / other_ring
        );
    }
}

/// Microseconds of each, measured in turns so that disturbances hit all alike, each right after an
/// untimed run of itself so that none pays for the caches that another has filled. The fifth
/// percentile: other work on the machine moves it least.
fn quiet<const N: usize>(cases: [&dyn Fn(); N]) -> [f64; N] {
    const ROUNDS: usize = 601;
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (case, samples) in cases.iter().zip(&mut samples) {
            case();
            let start = Instant::now();
            case();
            samples.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[ROUNDS / 20]
    })
}

#[divan::bench_group]
mod sgx {
    use super::{AwsLcConfig, RingConfig, SGX};

    #[divan::bench(args = [1, 3])]
    fn p256(count: usize) {
        SGX.p256(count);
    }

    #[divan::bench]
    fn known_platform() -> avouch_dcap::VerifiedQuote {
        SGX.known_platform()
    }

    #[divan::bench]
    fn new_platform() -> avouch_dcap::VerifiedQuote {
        SGX.new_platform()
    }

    #[divan::bench]
    fn from_nothing() -> avouch_dcap::VerifiedQuote {
        SGX.with_nothing()
    }

    #[divan::bench]
    fn from_nothing_dcap_qvl_aws_lc_rs() -> String {
        SGX.other::<AwsLcConfig>()
    }

    #[divan::bench]
    fn from_nothing_dcap_qvl_ring() -> String {
        SGX.other::<RingConfig>()
    }
}

#[divan::bench_group]
mod tdx {
    use super::{AwsLcConfig, RingConfig, TDX};

    #[divan::bench(args = [1, 3])]
    fn p256(count: usize) {
        TDX.p256(count);
    }

    #[divan::bench]
    fn known_platform() -> avouch_dcap::VerifiedQuote {
        TDX.known_platform()
    }

    #[divan::bench]
    fn new_platform() -> avouch_dcap::VerifiedQuote {
        TDX.new_platform()
    }

    #[divan::bench]
    fn from_nothing() -> avouch_dcap::VerifiedQuote {
        TDX.with_nothing()
    }

    #[divan::bench]
    fn from_nothing_dcap_qvl_aws_lc_rs() -> String {
        TDX.other::<AwsLcConfig>()
    }

    #[divan::bench]
    fn from_nothing_dcap_qvl_ring() -> String {
        TDX.other::<RingConfig>()
    }
}
