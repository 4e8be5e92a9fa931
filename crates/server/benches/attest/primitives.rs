//! The bare cryptography of one request, in this process.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, UnparsedPublicKey,
};

const ITERATIONS: u32 = 300;

fn per_iteration_us(mut work: impl FnMut()) -> f64 {
    // Best of several short batches: a primitive has no slow path of its own.
    (0..5)
        .map(|_| {
            let started = Instant::now();
            (0..ITERATIONS / 5).for_each(|_| work());
            started.elapsed().as_secs_f64() * 1e6 / f64::from(ITERATIONS / 5)
        })
        .fold(f64::INFINITY, f64::min)
}

/// One P-256 verification over as many bytes as a quote signs.
pub(crate) fn verify_us() -> f64 {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let message = [7_u8; 432];
    let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    per_iteration_us(|| key.verify(black_box(&message), signature.as_ref()).unwrap())
}

/// One RS256 signature over as many bytes as a token has.
pub(crate) fn sign_us() -> f64 {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let message = [7_u8; 4096];
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    per_iteration_us(|| {
        pair.sign(&RSA_PKCS1_SHA256, &random, black_box(&message), &mut signature).unwrap();
    })
}
