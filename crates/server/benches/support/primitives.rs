//! The bare cryptography of one attest request, and of one release.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::hint::black_box;
use std::time::Instant;

use avouch_wire::base64url;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};

/// The algorithm of tokens in place of RS256.
pub(crate) const ES256: &str = "ES256";

/// One P-256 verification over as many bytes as a quote signs.
pub(crate) struct Verification {
    key: UnparsedPublicKey<Vec<u8>>,
    message: [u8; 432],
    signature: Vec<u8>,
}

impl Verification {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let message = [7; 432];
        let signature = pair.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec();
        let key = pair.public_key().as_ref().to_vec();
        Self { key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key), message, signature }
    }

    pub(crate) fn run(&self) {
        self.key.verify(black_box(&self.message), &self.signature).unwrap();
    }
}

/// One signature over as many bytes as a token has.
pub(crate) struct Signature {
    pair: Pair,
    message: [u8; 4096],
    random: SystemRandom,
}

enum Pair {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
}

impl Signature {
    /// RS256 by RSA-2048.
    pub(crate) fn rs256() -> Self {
        Self::by(Pair::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap()))
    }

    /// ES256.
    pub(crate) fn es256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self::by(Pair::P256(pair))
    }

    /// That of an algorithm.
    pub(crate) fn of(algorithm: &str) -> Self {
        match algorithm {
            ES256 => Self::es256(),
            _ => Self::rs256(),
        }
    }

    fn by(pair: Pair) -> Self {
        Self { pair, message: [7; 4096], random: SystemRandom::new() }
    }

    pub(crate) fn run(&self) {
        let message = black_box(&self.message);
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = [0; 256];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature).unwrap();
                black_box(signature);
            }
            Pair::P256(pair) => {
                black_box(pair.sign(&self.random, message).unwrap());
            }
        }
    }
}

/// What the wire asks for beside cryptography of keys, at the sizes of an SGX quote and its token: the quote
/// out of base64url, its SHA-256, which is a claim, and the claims into base64url.
pub(crate) struct Wire {
    quote: String,
    claims: Vec<u8>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self { quote: base64url::encode([7; 4000]), claims: vec![7; 2400] }
    }

    pub(crate) fn run(&self) {
        let quote = base64url::decode(black_box(&self.quote)).unwrap();
        black_box(digest(&SHA256, &quote));
        black_box(base64url::encode(black_box(&self.claims)));
    }
}

/// One RSA-OAEP encryption of 32 bytes to an RSA-2048 key.
pub(crate) struct Encryption(rsa::OaepPublicEncryptingKey);

impl Encryption {
    pub(crate) fn new() -> Self {
        let pair = rsa::PrivateDecryptingKey::generate(rsa::KeySize::Rsa2048).unwrap();
        Self(rsa::OaepPublicEncryptingKey::new(pair.public_key()).unwrap())
    }

    pub(crate) fn run(&self) {
        let mut out = [0; 256];
        let algorithm = &rsa::OAEP_SHA256_MGF1SHA256;
        self.0.encrypt(algorithm, black_box(&[7; 32]), &mut out, None).unwrap();
        black_box(out);
    }
}

/// One RS256 verification over as many bytes as a token signs, by a key that is read already.
pub(crate) struct TokenVerification {
    key: ParsedPublicKey,
    message: [u8; 4096],
    signature: [u8; 256],
}

impl TokenVerification {
    pub(crate) fn new() -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let (message, mut signature) = ([7; 4096], [0; 256]);
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).unwrap();
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        Self { key: key.unwrap(), message, signature }
    }

    pub(crate) fn run(&self) {
        self.key.verify_sig(black_box(&self.message), &self.signature).unwrap();
    }
}

/// Time of one run among 300, in microseconds.
pub(crate) fn per_run_us(mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    (0..300).for_each(|_| work());
    started.elapsed().as_secs_f64() * 1e6 / 300.0
}
