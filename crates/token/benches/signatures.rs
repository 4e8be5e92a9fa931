//! Each kind of signing key beside the bare library call over the same message: signatures per second of one
//! core, and what of the library's is left.
//!
//! The two are measured in turns, a few milliseconds each, so that a busy machine disturbs both alike;
//! the ratio is the median of those of neighbouring turns.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark is a program for people"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use avouch_token::{KeySpec, Signer as _, SigningKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};

const KINDS: [&str; 5] = ["rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384"];
const TURNS: usize = 101;
const TURN: Duration = Duration::from_millis(12);
const AT_LEAST: f64 = 0.95;
/// A token of about 8 KB, larger than an SGX token.
const MESSAGE: [u8; 8192] = [b'x'; 8192];

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    println!("| key | library, signatures a second | ours | ours / library |");
    println!("|---|---:|---:|---:|");
    for kind in KINDS {
        let key = SigningKey::generate(KeySpec::from_name(kind).unwrap()).unwrap();
        let mut bare = library(kind, &key.to_pkcs8_der().unwrap());
        let mut ours = || drop(black_box(key.sign(black_box(&MESSAGE)).unwrap()));
        print(kind, &in_turns(&mut *bare, &mut ours));
    }
}

/// The library's signature by the same key, which is read once.
fn library(kind: &str, pkcs8: &[u8]) -> Box<dyn FnMut()> {
    let random = SystemRandom::new();
    let curve = match kind {
        "p-256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
        "p-384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => {
            let key = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
            return Box::new(move || {
                let mut signature = vec![0; key.public_modulus_len()];
                let message = black_box(&MESSAGE);
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                black_box(signature);
            });
        }
    };
    let key = EcdsaKeyPair::from_pkcs8(curve, pkcs8).unwrap();
    Box::new(move || {
        black_box(key.sign(&random, black_box(&MESSAGE)).unwrap());
    })
}

/// Runs a second of each.
fn in_turns(bare: &mut dyn FnMut(), ours: &mut dyn FnMut()) -> Vec<[f64; 2]> {
    (0..TURNS).map(|_| [per_second(bare), per_second(ours)]).collect()
}

fn per_second(run: &mut dyn FnMut()) -> f64 {
    let (begun, mut runs) = (Instant::now(), 0.0);
    while begun.elapsed() < TURN {
        run();
        runs += 1.0;
    }
    runs / begun.elapsed().as_secs_f64()
}

fn print(kind: &str, turns: &[[f64; 2]]) {
    let of = |figure: fn(&[f64; 2]) -> f64| median(turns.iter().map(figure).collect());
    let (bare, ours) = (of(|turn| turn[0]), of(|turn| turn[1]));
    let ratio = of(|turn| turn[1] / turn[0]);
    let verdict = if ratio < AT_LEAST { ", not kept" } else { "" };
    println!("| {kind} | {bare:.0} | {ours:.0} | {ratio:.3} (at least {AT_LEAST}{verdict}) |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
