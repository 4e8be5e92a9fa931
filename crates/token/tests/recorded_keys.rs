//! Keys, certificates and metadata as the real service published them.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use avouch_pki::{Certificate, KeyKind, PublicKey};
use avouch_token::{
    Algorithm, EvidenceExtension, Jwks, SignError, Signer, UnusableReason, key_id, openid_metadata,
    provider_certificate,
};
use avouch_wire::base64url;
use serde_json::Value;
use support::{ISSUER, P256_KEY, P384_KEY, RSA_KEY};

/// A recorded key that "signs" with the signature of its recorded certificate.
struct Recorded {
    key: PublicKey,
    kid: String,
    signature: Vec<u8>,
}

impl Signer for Recorded {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Rs256
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.signature.clone())
    }
}

/// The first certificate of every recorded key: file, `kid`, DER.
fn recorded_certificates() -> Option<Vec<(String, String, Vec<u8>)>> {
    let mut all = Vec::new();
    for (file, body) in support::certs_bodies()? {
        let set: Value = serde_json::from_slice(&body).unwrap();
        for key in set["keys"].as_array().unwrap() {
            let der = base64url::decode_standard(key["x5c"][0].as_str().unwrap()).unwrap();
            all.push((file.clone(), key["kid"].as_str().unwrap().to_owned(), der));
        }
    }
    Some(all)
}

#[test]
fn our_certificate_of_a_recorded_key_is_the_recorded_certificate_byte_for_byte() {
    let Some(certificates) = recorded_certificates() else { return };
    // In 2021 notBefore was a UTCTime; since 2022 it is a GeneralizedTime.
    let generalized = b"\x18\x0f20190501000000Z";
    let mut compared = 0;
    for (file, kid, recorded) in certificates {
        if !recorded.windows(generalized.len()).any(|window| window == generalized) {
            continue;
        }
        let certificate = Certificate::parse(&recorded).unwrap();
        let evidence = certificate.extension("1.3.6.1.4.1.311.105.1").unwrap().value.clone();
        let key = certificate.public_key().clone();
        let KeyKind::Rsa { modulus_bits } = key.kind() else { panic!("{file}: no rsa key") };
        let signature = recorded[recorded.len() - modulus_bits / 8..].to_vec();
        let signer = Recorded { key, kid, signature };
        let subject = certificate.subject().common_name().unwrap();
        let evidence = EvidenceExtension::Raw(evidence);
        let ours = provider_certificate(&signer, subject, Some(&evidence)).unwrap();
        assert!(ours == recorded, "{file}");
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn the_kid_of_every_self_signed_certificate_is_recomputed() {
    let Some(certificates) = recorded_certificates() else { return };
    let mut compared = 0;
    for (file, kid, der) in certificates {
        let certificate = Certificate::parse(&der).unwrap();
        let name = certificate.subject().common_name().unwrap_or_default();
        if name.starts_with("https://") {
            assert_eq!(kid, key_id(certificate.public_key()), "{file}");
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn every_recorded_key_set_parses_and_leaves_out_only_short_keys() {
    let Some(bodies) = support::certs_bodies() else { return };
    let Some(certificates) = recorded_certificates() else { return };
    for (file, body) in &bodies {
        let read = Jwks::parse(body).unwrap();
        let of_file = || certificates.iter().filter(|(name, ..)| name == file);
        assert_eq!(read.keys().len() + read.unusable().len(), of_file().count(), "{file}");
        let short: Vec<&str> = of_file()
            .filter(|(.., der)| {
                let kind = Certificate::parse(der).unwrap().public_key().kind();
                kind == KeyKind::Rsa { modulus_bits: 1024 }
            })
            .map(|(_, kid, _)| kid.as_str())
            .collect();
        let left_out: Vec<&str> =
            read.unusable().iter().filter_map(|key| key.kid.as_deref()).collect();
        assert_eq!(left_out, short, "{file}");
        for left_out in read.unusable() {
            assert_eq!(left_out.reason, UnusableReason::ModulusBits { found: 1024 }, "{file}");
        }
    }
}

#[test]
fn the_recorded_metadata_document_is_ours_byte_for_byte() {
    let Some(exchanges) = support::exchanges() else { return };
    let recorded: Vec<_> = exchanges
        .iter()
        .filter(|exchange| exchange.route.starts_with(".well-known/openid-configuration"))
        .collect();
    assert!(!recorded.is_empty());
    for exchange in recorded {
        let body = exchange.response_body.as_deref().unwrap();
        let document: Value = serde_json::from_str(body).unwrap();
        let issuer = document["issuer"].as_str().unwrap();
        assert_eq!(openid_metadata(issuer, &[Algorithm::Rs256]), body);
    }
}

#[test]
fn our_certificate_names_the_provider_and_is_signed_by_its_own_key() {
    for key in [&RSA_KEY, &P256_KEY, &P384_KEY] {
        let evidence = EvidenceExtension::Described {
            evidence_json: "{\"SnpReport\":\"\"}".into(),
            tee_kind: "acisevsnp".into(),
        };
        let der = provider_certificate(&***key, ISSUER, Some(&evidence)).unwrap();
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.subject().common_name(), Some(ISSUER));
        assert!(certificate.is_self_issued() && !certificate.is_ca());
        assert!(certificate.is_signed_by(key.public_key()));
        assert_eq!(certificate.serial().to_string().trim_start_matches('0'), "1");
        assert_eq!(certificate.not_before().to_string(), "2019-05-01T00:00:00Z");
        assert_eq!(certificate.not_after().to_string(), "2050-12-31T23:59:59Z");
        let json = certificate.extension("1.3.6.1.4.1.311.105.1000.1").unwrap();
        assert_eq!(json.value, b"\x0c\x10{\"SnpReport\":\"\"}");
        assert!(!json.critical);
        assert_eq!(certificate.extensions().len(), 5);

        let mut altered = der;
        let last = altered.len() - 1;
        altered[last] ^= 1;
        assert!(!Certificate::parse(&altered).unwrap().is_signed_by(key.public_key()));
    }
}
