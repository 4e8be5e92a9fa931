//! Policy JWS in every form that clients send, and what is wrong with the others.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::sync::Arc;

use avouch_pki::{Certificate, digest};
use avouch_token::policy_jws::{
    BodyError, CertificateJws, CertificateOperation, CreateError, JwsContent, NO_POLICY_JWS,
    PolicyEncoding, PolicyJws, PolicyJwsError, PolicySigner, ResetJws, SignedForm, UnsignedForm,
    authorize_signer, certificate_thumbprint, create_signed, create_unsigned, policy_hash,
    policy_token_hash,
};
use avouch_token::{
    Algorithm, CertificateJwkError, JwsError, Part, Signer as _, SigningKey, X5cError,
    policy_certificates,
};
use avouch_wire::{FailedCheck as _, base64url};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA256_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
};
use serde_json::{Value, json};
use support::pki::{self, Identity};
use support::{P256_KEY, P384_KEY, RSA_KEY};

const POLICY: &str = "version=1.0;\nauthorizationrules{=> permit();}; // ü";

fn identity(key: &Arc<SigningKey>) -> Identity {
    pki::self_signed(pki::params("signer", pki::ca()), Arc::clone(key))
}

fn signed(content: JwsContent<'_>, form: SignedForm, by: &Identity) -> String {
    let chain = [by.certificate.clone()];
    create_signed(content, form, PolicySigner::new(&*by.key, &chain).unwrap()).unwrap()
}

fn parse(body: &str) -> Result<PolicyJws, PolicyJwsError> {
    PolicyJws::parse(body.as_bytes(), PolicyEncoding::Base64Url)
}

/// A JWS of this header and payload, signed by P-256 unless the header says `none`.
fn hand_made(header: &Value, payload: &[u8], key: &SigningKey) -> String {
    let input = format!("{}.{}", base64url::encode(header.to_string()), base64url::encode(payload));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url::encode(signature))
}

fn policy_payload() -> Vec<u8> {
    json!({"AttestationPolicy": base64url::encode(POLICY)}).to_string().into_bytes()
}

fn header_of(jws: &str) -> Value {
    serde_json::from_slice(&base64url::decode(jws.split('.').next().unwrap()).unwrap()).unwrap()
}

#[test]
fn every_unsigned_form_holds_the_policy_and_no_signer() {
    for form in [UnsignedForm::Compact, UnsignedForm::Python, UnsignedForm::AzureCli] {
        let jws = create_unsigned(JwsContent::Policy(POLICY), form);
        let read = parse(&jws).unwrap();
        assert_eq!((read.raw(), read.text()), (jws.as_str(), POLICY));
        assert!(read.signer().is_none());
        let payload = base64url::decode(jws.split('.').nth(1).unwrap()).unwrap();
        let spaced = payload.starts_with(br#"{"AttestationPolicy": ""#);
        assert_eq!(spaced, matches!(form, UnsignedForm::Python));
    }
    assert_eq!(create_unsigned(JwsContent::Reset, UnsignedForm::Compact), NO_POLICY_JWS);
    let reset = ResetJws::parse(NO_POLICY_JWS.as_bytes()).unwrap();
    assert_eq!((reset.raw(), reset.signer().is_none()), (NO_POLICY_JWS, true));
}

#[test]
fn every_signed_form_of_every_key_names_its_verified_signer() {
    let cases = [
        (&*RSA_KEY, SignedForm::Compact, "RS256", "RSA"),
        (&*RSA_KEY, SignedForm::Python, "RS256", "RSA"),
        (&*P256_KEY, SignedForm::Compact, "ES256", "EC"),
        (&*P256_KEY, SignedForm::Python, "ES256", "EC"),
        (&*P384_KEY, SignedForm::Compact, "ES384", "EC"),
    ];
    for (key, form, algorithm, key_type) in cases {
        let signer = identity(key);
        let read = parse(&signed(JwsContent::Policy(POLICY), form, &signer)).unwrap();
        assert_eq!(read.text(), POLICY);
        let found = read.signer().unwrap();
        assert_eq!(found.certificate().unwrap().der(), signer.certificate.der());
        let x5c = base64url::encode_standard(signer.certificate.der());
        assert_eq!(
            found.jwk(),
            json!({"alg": algorithm, "kty": key_type, "use": "sig", "x5c": [x5c]})
        );
        let reset = signed(JwsContent::Reset, form, &signer);
        // On a curve Python writes DER, the others two numbers.
        let signature = base64url::decode(reset.split('.').nth(2).unwrap()).unwrap();
        let numbers = match algorithm {
            "ES256" => 64,
            "ES384" => 96,
            _ => 256,
        };
        let is_der = form == SignedForm::Python && algorithm == "ES256";
        assert_eq!(signature.len() != numbers, is_der, "{algorithm}");
        assert!(ResetJws::parse(reset.as_bytes()).unwrap().signer().is_some());
    }
}

#[test]
fn quotes_and_outer_white_space_are_no_part_of_the_jws() {
    let jws = create_unsigned(JwsContent::Policy(POLICY), UnsignedForm::Compact);
    for body in [
        jws.clone(),
        format!(" \r\n{jws}\n"),
        format!("\"{jws}\""),
        format!("  \"{jws}\" \n"),
        format!("\" {jws}\\n\""),
        format!("\"{}\"", jws.replacen('e', "\\u0065", 1)),
    ] {
        let read = parse(&body).unwrap();
        assert_eq!(read.raw(), jws, "{body:?}");
        assert_eq!(read.token_hash(), policy_token_hash(&jws));
    }
}

#[test]
fn bodies_without_a_jws_are_refused() {
    let refused = |body: &[u8]| match PolicyJws::parse(body, PolicyEncoding::Base64Url) {
        Err(error) => error,
        Ok(_) => panic!("{body:?} was accepted"),
    };
    assert_eq!(refused(b" \n"), PolicyJwsError::Body(BodyError::Empty));
    assert_eq!(refused(b"a.b.\xff"), PolicyJwsError::Body(BodyError::NotUtf8));
    assert!(matches!(refused(b"\"a"), PolicyJwsError::Body(BodyError::Json(_))));
    assert!(matches!(refused(b"\"a\" b"), PolicyJwsError::Body(BodyError::Json(_))));
    let longest = vec![b'a'; 1024 * 1024];
    assert!(matches!(refused(&longest), PolicyJwsError::Jws(JwsError::Parts { found: 1 })));
    let long = vec![b'a'; 1024 * 1024 + 1];
    assert!(matches!(refused(&long), PolicyJwsError::Body(BodyError::TooLong { .. })));
    assert_eq!(refused(b"{}"), PolicyJwsError::Jws(JwsError::Parts { found: 1 }));
    assert_eq!(refused(b"a.b.c.d"), PolicyJwsError::Jws(JwsError::Parts { found: 4 }));
    assert!(matches!(refused(b"eyJhbGciOiJub25lIn0.!.").check(), "policy-jws-form"));
    assert_eq!(refused(NO_POLICY_JWS.as_bytes()), PolicyJwsError::NoPolicy);
}

#[test]
fn one_flipped_bit_anywhere_in_a_signed_policy_is_refused() {
    for form in [SignedForm::Compact, SignedForm::Python] {
        let jws = signed(JwsContent::Policy(POLICY), form, &identity(&P256_KEY));
        let parts: Vec<Vec<u8>> =
            jws.split('.').map(|part| base64url::decode(part).unwrap()).collect();
        for (index, part) in parts.iter().enumerate() {
            for byte in 0..part.len() {
                let mut altered = parts.clone();
                altered[index][byte] ^= 1 << (byte % 8);
                let text: Vec<String> = altered.iter().map(base64url::encode).collect();
                assert!(parse(&text.join(".")).is_err(), "part {index} byte {byte}");
            }
        }
    }
}

#[test]
fn alg_none_never_turns_a_signed_policy_into_an_unsigned_one() {
    let signer = identity(&P256_KEY);
    let x5c = json!([base64url::encode_standard(signer.certificate.der())]);
    let jws = hand_made(&json!({"alg": "none", "x5c": x5c}), &policy_payload(), &P256_KEY);
    assert_eq!(parse(&jws).unwrap_err(), PolicyJwsError::SignatureUnderNone { length: 64 });

    let signed = signed(JwsContent::Policy(POLICY), SignedForm::Compact, &signer);
    let stripped = &signed[..=signed.rfind('.').unwrap()];
    assert_eq!(
        parse(stripped).unwrap_err(),
        PolicyJwsError::NoSignature { algorithm: "ES256".into() }
    );
    for name in ["None", "NONE", "nOnE", ""] {
        let header = base64url::encode(json!({"alg": name}).to_string());
        let jws = format!("{header}.{}.", base64url::encode(policy_payload()));
        assert_eq!(
            parse(&jws).unwrap_err(),
            PolicyJwsError::NoSignature { algorithm: name.into() }
        );
    }
}

#[test]
fn the_certificates_key_decides_and_the_name_must_go_with_it() {
    let signer = identity(&P256_KEY);
    let x5c = json!([base64url::encode_standard(signer.certificate.der())]);
    let with = |algorithm: &str| {
        parse(&hand_made(&json!({"alg": algorithm, "x5c": x5c}), &policy_payload(), &P256_KEY))
    };
    assert!(with("ES256").is_ok() && with("ECDH256").is_ok());
    for name in ["RS256", "RSA256", "HS256", "ES384", "PS256", "es256", "EdDSA"] {
        let error = with(name).unwrap_err();
        assert!(matches!(error, PolicyJwsError::Algorithm { .. }), "{name}: {error}");
        assert_eq!(error.check(), "policy-jws-algorithm");
    }
    let rsa = identity(&RSA_KEY);
    let x5c = json!([base64url::encode_standard(rsa.certificate.der())]);
    for name in ["ES256", "HS256", "RS384", "PS256"] {
        let jws = hand_made(&json!({"alg": name, "x5c": x5c}), &policy_payload(), &RSA_KEY);
        assert!(matches!(parse(&jws), Err(PolicyJwsError::Algorithm { .. })), "{name}");
    }
}

/// Self-signed, and its key, which signs as JWS has it and as X.509 has it.
#[test]
fn a_signer_of_p521_is_taken_in_both_forms_of_signature() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let certificate = pki::params("p521", pki::ca()).self_signed(&pair).unwrap();
    let x5c = json!([base64url::encode_standard(certificate.der())]);
    let with = |algorithm: &str, how: &'static EcdsaSigningAlgorithm| {
        let key = EcdsaKeyPair::from_pkcs8(how, &pair.serialize_der()).unwrap();
        let header = json!({"alg": algorithm, "x5c": x5c}).to_string();
        let payload = base64url::encode(policy_payload());
        let input = format!("{}.{payload}", base64url::encode(header));
        let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        parse(&format!("{input}.{}", base64url::encode(signature)))
    };
    for how in [&ECDSA_P521_SHA512_FIXED_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING] {
        let policy = with("ES512", how).unwrap();
        let signer = policy.signer().unwrap();
        assert_eq!(signer.jwk(), json!({"alg": "ES512", "kty": "EC", "use": "sig", "x5c": x5c}));
        let trusted = [signer.certificate().unwrap().clone()];
        authorize_signer(signer, &trusted, pki::at()).unwrap();
        for other in ["ES256", "ES384", "RS256", "RS512", "es512"] {
            let error = with(other, how).unwrap_err();
            assert_eq!(error.check(), "policy-jws-algorithm", "{other}");
        }
    }
    with("ECDH256", &ECDSA_P521_SHA256_ASN1_SIGNING).unwrap();
    let error = with("ES512", &ECDSA_P521_SHA256_ASN1_SIGNING).unwrap_err();
    assert_eq!(error.check(), "policy-jws-signature");
}

#[test]
fn a_signer_of_p384_is_taken_with_the_digest_that_the_python_sdk_takes() {
    // Made for this test: P-384, self-signed, with a JWS signed over SHA-256 under `ECDH256`.
    let jws = include_str!("data/reset-signed-by-p384-sha256.jws");
    let reset = ResetJws::parse(jws.as_bytes()).unwrap();
    assert!(reset.signer().is_some());
    let payload = jws.split('.').nth(1).unwrap();
    let mut header = header_of(jws);
    header["alg"] = json!("ES384");
    let signature = jws.rsplit_once('.').unwrap().1;
    let renamed = format!("{}.{payload}.{signature}", base64url::encode(header.to_string()));
    let error = ResetJws::parse(renamed.as_bytes()).unwrap_err();
    assert_eq!(error.check(), "policy-jws-signature");
}

#[test]
fn a_signature_by_another_key_than_the_certificates_is_refused() {
    let signer = identity(&pki::new_key());
    let x5c = json!([base64url::encode_standard(signer.certificate.der())]);
    let jws = hand_made(&json!({"alg": "ES256", "x5c": x5c}), &policy_payload(), &P256_KEY);
    assert!(matches!(parse(&jws), Err(PolicyJwsError::Signature { .. })));
}

#[test]
fn headers_without_one_readable_chain_are_refused() {
    let own = base64url::encode_standard(identity(&P256_KEY).certificate.der());
    let other = base64url::encode_standard(identity(&pki::new_key()).certificate.der());
    let with = |header: Value| parse(&hand_made(&header, &policy_payload(), &P256_KEY)).err();
    assert_eq!(with(json!({"alg": "ES256"})), Some(PolicyJwsError::NoCertificate));
    assert_eq!(
        with(json!({"alg": "ES256", "jwk": {"kty": "EC"}})),
        Some(PolicyJwsError::NoCertificate)
    );
    assert_eq!(
        with(json!({"alg": "ES256", "x5c": [own], "jwk": {"x5c": [other]}})),
        Some(PolicyJwsError::TwoChains)
    );
    assert_eq!(with(json!({"alg": "ES256", "x5c": [own], "jwk": {"x5c": [own]}})), None);
    for (chain, expected) in [
        (json!([]), X5cError::Empty),
        (json!(own), X5cError::NotStrings),
        (json!([1]), X5cError::NotStrings),
        (json!(vec![own.clone(); 11]), X5cError::TooMany { found: 11, limit: 10 }),
    ] {
        assert_eq!(
            with(json!({"alg": "ES256", "x5c": chain})),
            Some(PolicyJwsError::X5c(expected))
        );
    }
    for chain in [json!(["*"]), json!([own, "AAAA"]), json!([&own[..own.len() - 4]])] {
        let error = with(json!({"alg": "ES256", "x5c": chain})).unwrap();
        assert_eq!(error.check(), "policy-jws-certificate", "{error}");
    }
    let critical = with(json!({"alg": "ES256", "x5c": [own], "crit": ["exp"]})).unwrap();
    assert!(matches!(critical, PolicyJwsError::Jws(JwsError::Critical(_))));
}

#[test]
fn a_short_rsa_key_signs_no_policy() {
    // Made for this test: RSA-1024, self-signed, with the JWS that it signed.
    let jws = include_str!("data/policy-signed-by-rsa-1024.jws");
    assert_eq!(parse(jws).unwrap_err(), PolicyJwsError::ShortKey { found: 1024 });
}

#[test]
fn duplicate_members_are_refused_in_header_and_payload() {
    let twice = |header: &str, payload: &str| {
        parse(&format!("{}.{}.", base64url::encode(header), base64url::encode(payload)))
    };
    let policy = base64url::encode(POLICY);
    let payload = format!(r#"{{"AttestationPolicy":"{policy}"}}"#);
    assert!(twice(r#"{"alg":"none"}"#, &payload).is_ok());
    assert!(matches!(
        twice(r#"{"alg":"none","alg":"RS256"}"#, &payload),
        Err(PolicyJwsError::Jws(JwsError::Header(_)))
    ));
    let doubled = format!(r#"{{"AttestationPolicy":"{policy}","AttestationPolicy":"{policy}"}}"#);
    assert!(matches!(twice(r#"{"alg":"none"}"#, &doubled), Err(PolicyJwsError::Payload(_))));
}

#[test]
fn payloads_without_a_policy_text_are_refused() {
    let with = |payload: &str| {
        parse(&format!("eyJhbGciOiJub25lIn0.{}.", base64url::encode(payload))).unwrap_err()
    };
    assert!(matches!(with("[]"), PolicyJwsError::Payload(_)));
    assert_eq!(with("{}"), PolicyJwsError::NoMember { name: "AttestationPolicy" });
    assert_eq!(with(r#"{"AttestationPolicy":1}"#), PolicyJwsError::PolicyNotString);
    assert!(matches!(
        with(r#"{"AttestationPolicy":"version= 1.0;"}"#),
        PolicyJwsError::PolicyEncoding(_)
    ));
    assert_eq!(
        with(r#"{"AttestationPolicy":"YWL_"}"#),
        PolicyJwsError::PolicyNotUtf8 { valid_up_to: 2 }
    );
    assert!(matches!(with(r#"{"AttestationPolicy":"YWL_"}"#).check(), "policy-jws-text"));
}

#[test]
fn policy_text_that_is_sent_as_it_is_is_called_so() {
    let text = "version= 1.0; authorizationrules { => permit(); }; issuancerules { };";
    let quoted = json!(text).to_string();
    for body in [text.to_owned(), format!("// mine\n{text}"), quoted] {
        let error = parse(&body).unwrap_err();
        assert_eq!((&error, error.check()), (&PolicyJwsError::PolicyText, "policy-jws-form"));
        assert!(error.to_string().contains("avouch policy sign FILE"), "{error}");
    }
    let bare = json!({"AttestationPolicy": base64url::encode(text)}).to_string();
    assert_eq!(parse(&bare).unwrap_err(), PolicyJwsError::BarePayload);
    let plain = base64url::encode(json!({ "AttestationPolicy": text }).to_string());
    let error = parse(&format!("eyJhbGciOiJub25lIn0.{plain}.")).unwrap_err();
    assert_eq!((&error, error.check()), (&PolicyJwsError::PolicyNotEncoded, "policy-jws-text"));
}

#[test]
fn the_preview_of_2018_has_plain_text_only_if_asked_for() {
    let payload = json!({"AttestationPolicy": "version= 1.0;"}).to_string();
    let jws = format!("eyJhbGciOiJub25lIn0.{}.", base64url::encode(payload));
    let read = PolicyJws::parse(jws.as_bytes(), PolicyEncoding::PlainText).unwrap();
    assert_eq!(read.text(), "version= 1.0;");
    assert!(parse(&jws).is_err());
}

#[test]
fn padded_parts_are_read_and_kept() {
    let padded = |text: &str| text.to_owned() + &"=".repeat((4 - text.len() % 4) % 4);
    let claim = padded(&base64url::encode("abcd"));
    let payload = format!(r#"{{"AttestationPolicy":"{claim}"}}"#);
    let jws = format!("{}.{}.", padded("eyJhbGciOiJub25lIn0"), padded(&base64url::encode(payload)));
    assert!(jws.contains('='));
    let read = parse(&jws).unwrap();
    assert_eq!((read.raw(), read.text()), (jws.as_str(), "abcd"));
}

#[test]
fn a_signed_policy_is_no_consent_to_a_reset() {
    let jws = signed(JwsContent::Policy(POLICY), SignedForm::Compact, &identity(&P256_KEY));
    assert!(matches!(
        ResetJws::parse(jws.as_bytes()),
        Err(PolicyJwsError::ResetWithPayload { .. })
    ));
}

#[test]
fn hashes_are_over_the_encoded_text_and_over_the_jws() {
    let jws = create_unsigned(JwsContent::Policy(POLICY), UnsignedForm::Python);
    let read = parse(&jws).unwrap();
    let hash = |bytes: &[u8]| base64url::encode(digest::sha256(bytes).as_bytes());
    assert_eq!(read.policy_hash(), hash(base64url::encode(POLICY).as_bytes()));
    assert_eq!(read.policy_hash(), policy_hash(POLICY));
    assert_eq!(read.token_hash(), hash(jws.as_bytes()));
    assert_ne!(policy_hash(POLICY), policy_hash(&POLICY.replace('\n', "\r\n")));
}

#[test]
fn certificate_requests_come_in_three_bodies_and_under_three_names() {
    let (signer, subject) = (identity(&P256_KEY), identity(&RSA_KEY).certificate);
    let jws = signed(JwsContent::Certificate(&subject), SignedForm::Python, &signer);
    let add = CertificateOperation::Add;
    for body in [
        jws.clone(),
        format!("\"{jws}\""),
        format!(r#"{{"policyCertificateToAdd": "{jws}"}}"#),
        format!(r#"{{"PolicyCertificateToAdd": "{jws}", "other": 1}}"#),
    ] {
        let read = CertificateJws::parse(body.as_bytes(), add).unwrap();
        assert_eq!(read.certificate().der(), subject.der());
        assert_eq!(read.raw(), jws);
        assert_eq!(read.signer().certificate().unwrap().der(), signer.certificate.der());
        assert_eq!(read.thumbprint(), certificate_thumbprint(&subject));
    }
    let wrong = format!(r#"{{"policyCertificateToAdd": "{jws}"}}"#);
    assert!(matches!(
        CertificateJws::parse(wrong.as_bytes(), CertificateOperation::Remove),
        Err(PolicyJwsError::Body(BodyError::Unexpected { .. }))
    ));
    assert_eq!(certificate_thumbprint(&subject).len(), 40);
    assert!(!certificate_thumbprint(&subject).contains(|c: char| c.is_ascii_lowercase()));

    let x5c = json!([base64url::encode_standard(signer.certificate.der())]);
    let jwk = json!({"kty": "RSA", "x5c": [base64url::encode_standard(subject.der())]});
    let with = |payload: Value| {
        let header = json!({"alg": "ES256", "x5c": x5c});
        let jws = hand_made(&header, payload.to_string().as_bytes(), &P256_KEY);
        CertificateJws::parse(jws.as_bytes(), add)
    };
    for name in ["policyCertificate", "maa-policyCertificate", "x-ms-policyCertificate"] {
        assert!(with(json!({ name: jwk })).is_ok(), "{name}");
    }
    assert_eq!(
        with(json!({"policyCertificate": jwk, "maa-policyCertificate": jwk})).unwrap_err(),
        PolicyJwsError::TwoMembers
    );
    assert_eq!(
        with(json!({"certificate": jwk})).unwrap_err(),
        PolicyJwsError::NoMember { name: "policyCertificate" }
    );
    // The Python SDK names every key RSA; the certificate says what its key is.
    let ec = identity(&P256_KEY).certificate;
    let named_rsa = json!({"kty": "RSA", "x5c": [base64url::encode_standard(ec.der())]});
    assert_eq!(
        with(json!({"policyCertificate": named_rsa})).unwrap().certificate().der(),
        ec.der()
    );
    assert!(matches!(
        with(json!({"policyCertificate": {"kty": "RSA"}})),
        Err(PolicyJwsError::Certificate(CertificateJwkError::NoCertificate))
    ));
}

#[test]
fn an_unsigned_certificate_request_is_refused() {
    let subject = identity(&P256_KEY).certificate;
    let jws = create_unsigned(JwsContent::Certificate(&subject), UnsignedForm::Compact);
    assert_eq!(
        CertificateJws::parse(jws.as_bytes(), CertificateOperation::Add).unwrap_err(),
        PolicyJwsError::Unsigned
    );
}

#[test]
fn a_signer_needs_a_certificate_for_its_own_key_and_a_form_that_knows_its_algorithm() {
    let own = [identity(&P384_KEY).certificate];
    let other: [Certificate; 1] = [identity(&P256_KEY).certificate];
    assert_eq!(PolicySigner::new(&**P384_KEY, &[]).err(), Some(CreateError::NoCertificate));
    assert!(matches!(
        PolicySigner::new(&**P384_KEY, &other).err(),
        Some(CreateError::CertificateForOtherKey { .. })
    ));
    let signer = PolicySigner::new(&**P384_KEY, &own).unwrap();
    assert_eq!(
        create_signed(JwsContent::Reset, SignedForm::Python, signer).unwrap_err(),
        CreateError::Algorithm { algorithm: Algorithm::Es384 }
    );
}

#[test]
fn the_control_planes_key_list_gives_one_certificate_a_key() {
    let (first, second) = (identity(&P256_KEY).certificate, identity(&RSA_KEY).certificate);
    let text = |certificate: &Certificate| base64url::encode_standard(certificate.der());
    let set = json!({"keys": [
        {"kty": "EC", "x5c": [text(&first), text(&second)]},
        {"kty": "RSA", "x5c": [text(&second)]},
    ]});
    let found = policy_certificates(&set).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].der(), found[1].der()), (first.der(), second.der()));
    assert!(policy_certificates(&json!({"keys": []})).unwrap().is_empty());
    assert_eq!(policy_certificates(&json!({})).unwrap_err(), CertificateJwkError::NoKeys);
    for (key, expected) in [
        (json!(1), CertificateJwkError::NotObject),
        (json!({"kty": "RSA"}), CertificateJwkError::NoCertificate),
        (json!({"kty": "RSA", "x5c": []}), CertificateJwkError::X5c(X5cError::Empty)),
    ] {
        assert_eq!(policy_certificates(&json!({"keys": [key]})).unwrap_err(), expected);
    }
    let key = json!({"kty": "RSA", "x5c": [text(&second)]});
    let most = json!({"keys": vec![key; 64]});
    assert_eq!(policy_certificates(&most).unwrap().len(), 64);
    let header = header_of(include_str!("data/policy-signed-by-rsa-1024.jws"));
    let longer = include_bytes!("data/certificate-rsa-2047.pem");
    let longer = avouch_pki::pem::certificates(longer, 1).unwrap();
    let longer = json!([base64url::encode_standard(&longer[0])]);
    for (x5c, found) in [(&header["x5c"], 1024), (&longer, 2047)] {
        let error = policy_certificates(&json!({"keys": [{"x5c": x5c}]})).unwrap_err();
        assert_eq!(error, CertificateJwkError::ShortKey { found });
    }
    let many = json!({"keys": vec![json!({}); 65]});
    assert!(matches!(policy_certificates(&many), Err(CertificateJwkError::TooMany { .. })));
}

#[test]
fn a_part_names_itself_in_errors() {
    let error = parse("e30.e30.*").unwrap_err();
    // The header is judged before the signature part is decoded.
    assert_eq!(error, PolicyJwsError::Jws(JwsError::NoAlgorithm));
    let error = parse("*.e30.").unwrap_err();
    assert!(matches!(error, PolicyJwsError::Jws(JwsError::Base64 { part: Part::Header, .. })));
    assert_eq!(error.to_string(), "header: character 0 ('*') is not in the alphabet");
    let of_none = |rest: &str| format!("{}.{rest}", base64url::encode(r#"{"alg":"none"}"#));
    for (rest, part) in [("*.", "payload"), ("e30.*", "signature")] {
        let error = parse(&of_none(rest)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{part}: ")), "{error}");
    }
}
