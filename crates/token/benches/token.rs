//! Token assembly and whole tokens beside the bare signature and `jsonwebtoken`.
//!
//! Compare within one run: `sign::bare_rs256` signs a message of a token's size; what a token costs
//! beyond it is assembly. `jsonwebtoken` gets the claims as a map with times already in it.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark over values of its own")]

use std::sync::{Arc, LazyLock};

use avouch_token::{
    Expectations, Jwks, KeySpec, Payload, PublishedKey, Signer, SigningKey, TokenIssuer,
    TokenTimes, jwks_document, provider_certificate, verify_token,
};
use avouch_wire::{Hex, UnixTime};
use divan::Bencher;
use serde_json::{Map, Value};

const ISSUER: &str = "https://tenant.attest.example";

static RSA: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::Rsa2048).unwrap()));
static P256: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::P256).unwrap()));

fn main() {
    divan::main();
}

fn at() -> UnixTime {
    UnixTime::from_seconds(1_800_000_000).unwrap()
}

/// 60 claims of 64 characters: a token of about 8 KB, larger than an SGX token.
fn claims() -> Map<String, Value> {
    (0..60).map(|index| (format!("x-ms-claim-name-{index}"), "9f86d081".repeat(8).into())).collect()
}

fn issuer(key: &Arc<SigningKey>) -> TokenIssuer {
    TokenIssuer::new(Arc::<SigningKey>::clone(key), ISSUER).unwrap()
}

fn payload(claims: &Map<String, Value>) -> Payload<'_> {
    Payload::new(claims, TokenTimes::attestation(at())).unwrap().with_id(Hex([7; 32]))
}

#[divan::bench]
fn assembly_without_signature(bencher: Bencher<'_, '_>) {
    let (issuer, claims) = (issuer(&RSA), claims());
    bencher.bench_local(|| issuer.unsecured(&payload(&claims)));
}

mod sign {
    use super::*;

    fn bare(bencher: Bencher<'_, '_>, key: &Arc<SigningKey>) {
        let token = issuer(key).unsecured(&payload(&claims()));
        bencher.bench_local(|| key.sign(token.as_bytes()).unwrap());
    }

    fn token(bencher: Bencher<'_, '_>, key: &Arc<SigningKey>) {
        let (issuer, claims) = (issuer(key), claims());
        bencher.bench_local(|| issuer.sign(&payload(&claims)).unwrap());
    }

    fn other(bencher: Bencher<'_, '_>, algorithm: jsonwebtoken::Algorithm) {
        let key = match algorithm {
            jsonwebtoken::Algorithm::RS256 => {
                jsonwebtoken::EncodingKey::from_rsa_pem(RSA.to_pkcs8_pem().unwrap().as_bytes())
            }
            _ => jsonwebtoken::EncodingKey::from_ec_pem(P256.to_pkcs8_pem().unwrap().as_bytes()),
        };
        let (key, header) = (key.unwrap(), jsonwebtoken::Header::new(algorithm));
        let mut claims = claims();
        claims.insert("exp".into(), 1_800_028_800.into());
        bencher.bench_local(|| jsonwebtoken::encode(&header, &claims, &key).unwrap());
    }

    #[divan::bench]
    fn bare_rs256(bencher: Bencher<'_, '_>) {
        bare(bencher, &RSA);
    }

    #[divan::bench]
    fn token_rs256(bencher: Bencher<'_, '_>) {
        token(bencher, &RSA);
    }

    #[divan::bench]
    fn jsonwebtoken_rs256(bencher: Bencher<'_, '_>) {
        other(bencher, jsonwebtoken::Algorithm::RS256);
    }

    #[divan::bench]
    fn bare_es256(bencher: Bencher<'_, '_>) {
        bare(bencher, &P256);
    }

    #[divan::bench]
    fn token_es256(bencher: Bencher<'_, '_>) {
        token(bencher, &P256);
    }

    #[divan::bench]
    fn jsonwebtoken_es256(bencher: Bencher<'_, '_>) {
        other(bencher, jsonwebtoken::Algorithm::ES256);
    }
}

mod verify {
    use super::*;

    #[divan::bench]
    fn bare_rs256(bencher: Bencher<'_, '_>) {
        let message = issuer(&RSA).unsecured(&payload(&claims()));
        let signature = RSA.sign(message.as_bytes()).unwrap();
        let scheme = RSA.algorithm().scheme();
        let key = RSA.public_key();
        bencher.bench_local(|| key.verify(scheme, message.as_bytes(), &signature).unwrap());
    }

    #[divan::bench]
    fn token_rs256(bencher: Bencher<'_, '_>) {
        let token = issuer(&RSA).sign(&payload(&claims())).unwrap();
        let certificate = provider_certificate(&**RSA, ISSUER, None).unwrap();
        let published = PublishedKey::new(&**RSA, &[certificate]);
        let keys = Jwks::parse(jwks_document([&published]).as_bytes()).unwrap();
        let expected = Expectations::at(at());
        bencher.bench_local(|| verify_token(&token, &keys, &expected).into_verified().unwrap());
    }
}

/// What a provider costs beside the shared key.
mod provider {
    use super::*;

    #[divan::bench]
    fn issuer_of_a_parsed_key() -> TokenIssuer {
        issuer(&P256)
    }

    #[divan::bench]
    fn certificate_rs256() -> Vec<u8> {
        provider_certificate(&**RSA, ISSUER, None).unwrap()
    }
}
