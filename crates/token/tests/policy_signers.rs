//! Which signers a provider trusts.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]

mod support;

use std::sync::Arc;

use avouch_pki::Certificate;
use avouch_token::policy_jws::{
    AuthorizedSigner, JwsContent, PolicySigner, ResetJws, SignedForm, SignerError, VerifiedSigner,
    authorize_signer, check_policy_certificate, create_signed,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyUsagePurpose};
use support::pki::{self, Identity, at, ca, params, root};

fn signer(by: &Identity, others: &[&Identity]) -> VerifiedSigner {
    let mut chain = vec![by.certificate.clone()];
    chain.extend(others.iter().map(|other| other.certificate.clone()));
    let policy_signer = PolicySigner::new(&*by.key, &chain).unwrap();
    let jws = create_signed(JwsContent::Reset, SignedForm::Compact, policy_signer).unwrap();
    ResetJws::parse(jws.as_bytes()).unwrap().signer().unwrap().clone()
}

fn authorize(
    signer: &VerifiedSigner,
    trusted: &[&Identity],
) -> Result<AuthorizedSigner, SignerError> {
    authorize_at(signer, trusted, at())
}

fn authorize_at(
    signer: &VerifiedSigner,
    trusted: &[&Identity],
    at: UnixTime,
) -> Result<AuthorizedSigner, SignerError> {
    let trusted: Vec<Certificate> =
        trusted.iter().map(|identity| identity.certificate.clone()).collect();
    authorize_signer(signer, &trusted, at)
}

#[test]
fn a_policy_certificate_itself_may_sign() {
    let (own, other) = (root("own"), root("other"));
    let found = authorize(&signer(&own, &[]), &[&other, &own]).unwrap();
    assert_eq!(found.policy_certificate().der(), own.certificate.der());
}

#[test]
fn another_certificate_of_the_same_name_or_key_is_not_a_policy_certificate() {
    let own = root("own");
    let namesake = root("own");
    let error = authorize(&signer(&namesake, &[]), &[&own]).unwrap_err();
    assert!(matches!(error, SignerError::Stranger { .. }), "{error}");
    assert_eq!(error.check(), "policy-signer-issuer");
    let words = "is not one of this provider's policy certificates";
    assert!(error.to_string().contains(words), "{error}");
    // Of two of one name the one that signed is the one to speak of.
    let late = UnixTime::from_rfc3339("2100-01-01T00:00:00Z").unwrap();
    let leaf = own.leaf("leaf");
    let error = authorize_at(&signer(&leaf, &[]), &[&namesake, &own, &namesake], late).unwrap_err();
    assert_eq!(error.check(), "certificate-expired", "{error}");
    // One for the same key with other dates, as tools renew certificates.
    let mut renewed = params("own", ca());
    renewed.not_after = rcgen::date_time_ymd(2051, 1, 1);
    let renewed = pki::self_signed(renewed, Arc::clone(&own.key));
    let error = authorize(&signer(&renewed, &[]), &[&own]).unwrap_err();
    assert!(error.to_string().contains("add this one first"), "{error}");
    let same_key = pki::self_signed(params("renamed", ca()), Arc::clone(&own.key));
    assert!(matches!(
        authorize(&signer(&same_key, &[]), &[&own]),
        Err(SignerError::Renewed { .. })
    ));
}

#[test]
fn a_name_that_only_reads_like_that_of_a_policy_certificate_is_said_to() {
    let of_type = |name: rcgen::DnValue| {
        let mut params = params("own", ca());
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params
    };
    let key = pki::new_key();
    let text = || "own".to_owned();
    let utf8 = pki::self_signed(of_type(rcgen::DnValue::Utf8String(text())), Arc::clone(&key));
    let printable = rcgen::DnValue::PrintableString(text().try_into().unwrap());
    let printable = pki::self_signed(of_type(printable), key);
    let leaf = utf8.leaf("leaf");
    let error = authorize(&signer(&leaf, &[]), &[&printable]).unwrap_err();
    assert!(error.to_string().contains("reads like that issuer's, but is written in"), "{error}");
    authorize(&signer(&leaf, &[]), &[&utf8]).unwrap();
    let other = authorize(&signer(&leaf, &[]), &[&root("other")]).unwrap_err();
    assert!(!other.to_string().contains("reads like"), "{other}");
}

#[test]
fn a_self_signed_policy_certificate_must_be_flagged_ca() {
    let plain = pki::self_signed(params("plain", IsCa::ExplicitNoCa), pki::new_key());
    let error = authorize(&signer(&plain, &[]), &[&plain]).unwrap_err();
    assert_eq!(error.check(), "policy-signer-issuer-ca");
    assert!(error.to_string().starts_with("unable to find issuer certificate"), "{error}");
}

#[test]
fn a_policy_certificate_that_another_ca_issued_may_sign_and_issue() {
    let above = root("above");
    let middle = above.issue(params("middle", ca()));
    let leaf = middle.leaf("leaf");
    assert!(authorize(&signer(&leaf, &[]), &[&leaf]).is_ok());
    assert!(authorize(&signer(&leaf, &[&middle]), &[&middle]).is_ok());
    assert!(authorize(&signer(&leaf, &[&middle, &above]), &[&above]).is_ok());
}

#[test]
fn the_chain_must_lead_to_a_policy_certificate_in_order() {
    let above = root("above");
    let middle = above.issue(params("middle", ca()));
    let leaf = middle.leaf("leaf");
    assert!(authorize(&signer(&leaf, &[&middle]), &[&above]).is_ok());
    let error = authorize(&signer(&leaf, &[]), &[&above, &above]).unwrap_err();
    let names = |name: &str| format!("CN={name}");
    let (signer_name, issuer) = (names("leaf"), names("middle"));
    let expected = SignerError::NoIssuer {
        signer: signer_name,
        issuer,
        policy_certificates: 2,
        reads_alike: false,
    };
    assert_eq!((error.check(), &error), ("policy-signer-issuer", &expected));
    let stranger = root("stranger");
    let error = authorize(&signer(&leaf, &[&middle, &above]), &[&stranger]).unwrap_err();
    assert!(
        matches!(&error, SignerError::NoIssuer { signer, issuer, .. }
            if *signer == names("leaf") && *issuer == names("above")),
        "{error}"
    );
    let namesake = root("above");
    let error = authorize(&signer(&leaf, &[&middle]), &[&namesake]).unwrap_err();
    let named = names("above");
    assert!(matches!(&error, SignerError::Stranger { name, .. } if *name == named), "{error}");
    let error = authorize(&signer(&leaf, &[&middle]), &[]).unwrap_err();
    assert_eq!(error, SignerError::NoPolicyCertificates);
    assert_eq!(error.check(), "policy-signer-certificates");
}

#[test]
fn a_signer_is_shown_with_those_that_signed_it_and_with_no_strangers() {
    let above = root("above");
    let middle = above.issue(params("middle", ca()));
    let leaf = middle.leaf("leaf");
    let stranger = root("stranger");
    let shown = |others: &[&Identity]| signer(&leaf, others).jwk()["x5c"].as_array().unwrap().len();
    assert_eq!(shown(&[]), 1);
    assert_eq!(shown(&[&middle, &above]), 3);
    assert_eq!(shown(&[&stranger]), 1);
    assert_eq!(shown(&[&middle, &stranger, &above]), 2);
    // The same name under another key signed nothing either.
    assert_eq!(shown(&[&root("middle")]), 1);
    let found = signer(&leaf, &[&middle, &above]);
    assert_eq!(found.certificate().unwrap().der(), leaf.certificate.der());
    // It is shown by the kind of its own key.
    let other_kind = pki::self_signed(params("above", ca()), Arc::clone(&support::RSA_KEY));
    assert_eq!(signer(&leaf, &[&other_kind]).jwk()["alg"], "ES256");
    let below = other_kind.leaf("below");
    let shown = signer(&below, &[&other_kind]).jwk();
    assert_eq!((shown["alg"].as_str(), shown["x5c"].as_array().unwrap().len()), (Some("ES256"), 2));
}

#[test]
fn a_leaf_issues_no_signers() {
    let above = root("above");
    let leaf = above.leaf("leaf");
    let below = leaf.leaf("below");
    assert!(matches!(authorize(&signer(&below, &[&leaf]), &[&above]), Err(SignerError::Path(_))));
    // Not even if the leaf itself is a policy certificate.
    let error = authorize(&signer(&below, &[]), &[&leaf]).unwrap_err();
    assert_eq!(error.check(), "policy-signer-issuer-ca");
}

#[test]
fn a_roots_path_length_counts() {
    let short = IsCa::Ca(BasicConstraints::Constrained(0));
    let above = pki::self_signed(params("above", short), pki::new_key());
    let middle = above.issue(params("middle", ca()));
    assert!(authorize(&signer(&above.leaf("direct"), &[]), &[&above]).is_ok());
    assert!(matches!(
        authorize(&signer(&middle.leaf("leaf"), &[&middle]), &[&above]),
        Err(SignerError::Path(_))
    ));
}

#[test]
fn dates_count_along_a_chain_and_not_for_a_named_certificate() {
    let above = root("above");
    let leaf = above.leaf("leaf");
    let (by_chain, by_name) = (signer(&leaf, &[]), signer(&above, &[]));
    let late: UnixTime = "2060-01-01T00:00:00Z".parse().unwrap();
    let early: UnixTime = "2019-01-01T00:00:00Z".parse().unwrap();
    for moment in [late, early] {
        assert!(authorize_at(&by_chain, &[&above], moment).is_err());
        assert!(authorize_at(&by_name, &[&above], moment).is_ok());
    }
    let top = root("top");
    let middle = top.issue(params("middle", ca()));
    let error = authorize_at(&signer(&middle.leaf("l"), &[]), &[&middle], late).unwrap_err();
    assert_eq!(error.check(), "certificate-expired");
}

/// A policy certificate that another CA issued is judged like one that signed itself, and like the
/// certificates below it.
#[test]
fn a_policy_certificate_that_another_ca_issued_may_not_issue_what_it_says_it_may_not() {
    let above = root("above");
    let judged = |depth: usize, change: &dyn Fn(&mut CertificateParams)| {
        let mut middle = params("middle", ca());
        change(&mut middle);
        let top = above.issue(middle);
        let (lower, leaf);
        let result = if depth == 0 {
            leaf = top.leaf("leaf");
            authorize(&signer(&leaf, &[]), &[&top])
        } else {
            lower = top.issue(params("lower", ca()));
            leaf = lower.leaf("leaf");
            authorize(&signer(&leaf, &[&lower]), &[&top])
        };
        result.map(drop).map_err(|error| error.check())
    };
    let extension = |oid: &[u64], critical: bool, value: &[u8]| {
        let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
        extension.set_criticality(critical);
        vec![extension]
    };
    assert_eq!(judged(0, &|_| {}), Ok(()));
    assert_eq!(judged(1, &|_| {}), Ok(()));
    assert_eq!(
        judged(0, &|middle| middle.key_usages = vec![KeyUsagePurpose::CrlSign]),
        Err("certificate-key-usage")
    );
    let short = |middle: &mut CertificateParams| {
        middle.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    };
    assert_eq!(judged(0, &short), Ok(()));
    assert_eq!(judged(1, &short), Err("certificate-path-length"));
    assert_eq!(
        judged(0, &|middle| {
            middle.custom_extensions = extension(&[1, 2, 3, 4], true, &[5, 0]);
        }),
        Err("certificate-critical-extension")
    );
    for critical in [true, false] {
        // permittedSubtrees: DNS name "a".
        let names = [0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, b'a'];
        let constrained = |middle: &mut CertificateParams| {
            middle.custom_extensions = extension(&[2, 5, 29, 30], critical, &names);
        };
        assert_eq!(judged(0, &constrained), Err("certificate-unsupported-constraint"));
    }
}

#[test]
fn a_policy_certificate_that_can_never_vouch_is_told_from_one_that_can() {
    let above = root("above");
    let middle = above.issue(params("middle", ca()));
    let mut issuing_only = params("issuing", ca());
    issuing_only.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let issuing_only = pki::self_signed(issuing_only, pki::new_key());
    for useful in [&above, &middle, &middle.leaf("leaf"), &issuing_only] {
        check_policy_certificate(&useful.certificate).unwrap();
    }
    // Expired today, and yet it may sign: its dates are not judged.
    let mut expired = params("expired", ca());
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    check_policy_certificate(&pki::self_signed(expired, pki::new_key()).certificate).unwrap();

    let plain = pki::self_signed(params("plain", IsCa::ExplicitNoCa), pki::new_key());
    let error = check_policy_certificate(&plain.certificate).unwrap_err();
    assert_eq!(error.check(), "policy-signer-issuer-ca");
    // The same reason as at the signature.
    assert_eq!(authorize(&signer(&plain, &[]), &[&plain]).unwrap_err(), error);
}

#[test]
fn a_policy_certificate_with_a_short_key_vouches_for_nobody() {
    let jws = include_str!("data/policy-signed-by-rsa-1024.jws");
    let header = avouch_wire::base64url::decode(jws.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let der = avouch_wire::base64url::decode_standard(header["x5c"][0].as_str().unwrap()).unwrap();
    let error = check_policy_certificate(&Certificate::parse(&der).unwrap()).unwrap_err();
    assert_eq!(error.check(), "policy-jws-key-length");
    assert!(error.to_string().contains("1024 bits"), "{error}");

    // Made for this test: signed by a P-256 key whose certificate an RSA-1024 CA issued.
    let jws = include_str!("data/reset-signed-below-rsa-1024.jws");
    let signer = ResetJws::parse(jws.as_bytes()).unwrap().signer().unwrap().clone();
    let top = signer.certificates()[1].clone();
    let error = authorize_signer(&signer, &[top], at()).unwrap_err();
    assert_eq!(error.check(), "policy-jws-key-length");
}

#[test]
fn the_hash_of_a_request_is_over_what_was_signed_alone() {
    let own = root("own");
    let chain = [own.certificate.clone()];
    let sign = |content| {
        let policy_signer = PolicySigner::new(&*own.key, &chain).unwrap();
        create_signed(content, SignedForm::Compact, policy_signer).unwrap()
    };
    let hash =
        |jws: &str| *ResetJws::parse(jws.as_bytes()).unwrap().signer().unwrap().signed_hash();
    let (first, again) = (sign(JwsContent::Reset), sign(JwsContent::Reset));
    // ECDSA: another signature over the same text, and the first one padded.
    assert_ne!(first, again);
    assert_eq!(hash(&first), hash(&again));
    assert_eq!(hash(&first), hash(&format!("{first}==")));
    let other = root("other");
    assert_ne!(hash(&first), *signer(&other, &[]).signed_hash());
}
