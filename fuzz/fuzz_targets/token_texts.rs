//! Any bytes as JSON, token, key set, policy JWS or evidence extension, by the first byte: no panic;
//! what is read prints and reads back; nothing unsigned is ever called signed or verified.

#![no_main]

use avouch_pki::Certificate;
use avouch_token::policy_jws::{
    CertificateJws, CertificateOperation, PolicyEncoding, PolicyJws, ResetJws,
};
use avouch_token::{
    Algorithm, BearerRules, Expectations, Jwks, ServiceEvidence, VerifyError, evidence_member,
    peek_bearer, policy_certificates, verify_bearer, verify_token,
};
use avouch_wire::json::{parse_value, to_canonical};
use avouch_wire::{UnixTime, base64url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match choice % 8 {
        0 => json(rest),
        1 => key_set(rest),
        2 => policy(rest),
        3 => certificate_request(rest),
        4 => certificate(rest),
        // The parts of a compact JWS as bytes, so that the fuzzer need not learn base64.
        5 => {
            if let Some(text) = compact(rest) {
                token(&text);
            }
        }
        6 => {
            if let Some(text) = compact(rest) {
                policy(text.as_bytes());
                certificate_request(text.as_bytes());
            }
        }
        _ => std::str::from_utf8(rest).map(token).unwrap_or_default(),
    }
});

/// `header NUL payload NUL signature` as a compact JWS.
fn compact(bytes: &[u8]) -> Option<String> {
    let mut parts = bytes.splitn(3, |byte| *byte == 0).map(base64url::encode);
    Some(format!("{}.{}.{}", parts.next()?, parts.next()?, parts.next()?))
}

fn json(bytes: &[u8]) {
    let Ok(value) = parse_value(bytes, 64 * 1024) else { return };
    let text = to_canonical(&value);
    let again = parse_value(text.as_bytes(), usize::MAX).expect("canonical JSON is JSON");
    assert_eq!(to_canonical(&again), text);
    if let Ok(certificates) = policy_certificates(&value) {
        assert!(certificates.len() <= 64);
    }
}

fn key_set(bytes: &[u8]) {
    let Ok(set) = Jwks::parse(bytes) else { return };
    assert!(set.keys().len() + set.unusable().len() <= 64);
    for key in set.keys() {
        assert!(Algorithm::ALL.iter().any(|algorithm| key.serves(*algorithm)));
    }
}

fn token(text: &str) {
    let at = UnixTime::from_seconds(1_750_000_000).expect("in range");
    let mut expectations = Expectations::at(at);
    assert!(verify_token(text, &Jwks::default(), &expectations).into_verified().is_err());
    expectations.allow_unsecured = true;
    let outcome = verify_token(text, &Jwks::default(), &expectations);
    if outcome.result().is_ok() {
        assert_eq!(outcome.into_verified().err(), Some(VerifyError::Unsecured));
        assert!(text.ends_with('.'));
    }
    let _ = peek_bearer(text);
    let rules = BearerRules {
        issuers: &[String::new()],
        audiences: &[String::new()],
        algorithms: &Algorithm::ALL,
        at,
        slack_seconds: 60,
    };
    assert!(verify_bearer(text, &Jwks::default(), &rules).is_err());
}

fn policy(bytes: &[u8]) {
    for encoding in [PolicyEncoding::Base64Url, PolicyEncoding::PlainText] {
        let Ok(read) = PolicyJws::parse(bytes, encoding) else { continue };
        let again = PolicyJws::parse(read.raw().as_bytes(), encoding).expect("what is kept reads");
        assert_eq!((again.raw(), again.text()), (read.raw(), read.text()));
        assert_eq!(again.token_hash(), read.token_hash());
        assert_eq!(read.signer().is_none(), read.raw().ends_with('.'));
        assert!(ResetJws::parse(bytes).is_err());
    }
    let _ = ResetJws::parse(bytes);
}

fn certificate_request(bytes: &[u8]) {
    for operation in [CertificateOperation::Add, CertificateOperation::Remove] {
        if let Ok(read) = CertificateJws::parse(bytes, operation) {
            assert!(read.signer().certificate().is_some());
            assert_eq!(read.thumbprint().len(), 40);
        }
    }
}

fn certificate(bytes: &[u8]) {
    let Ok(certificate) = Certificate::parse(bytes) else { return };
    if let Ok(Some(evidence)) = ServiceEvidence::of_certificate(&certificate) {
        let _ = evidence.sev_snp();
        if let ServiceEvidence::Described { evidence_json, .. } = &evidence {
            let _ = evidence_member(evidence_json, "RuntimeData");
        }
    }
}
