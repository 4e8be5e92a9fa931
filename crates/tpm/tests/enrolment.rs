//! Enrolment of minted TPMs: what is enrolled attests without a certificate, and what is refused.
#![cfg(test)]

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_tpm::protocol::{
    Activate, ClientMessage, Conditions, ContextKey, Enroll, Enrolment, EnrolmentError, Form,
    OpenContext, PendingEnrolment, Received, ServiceMessage, SignedRequest,
};
use avouch_tpm::{
    AkRules, Credential, EkPrivateKey, EndorsementKey, PcrMask, Public, Standing, TrustAnchors,
    activate_credential,
};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use serde_json::Value;

const AT: &str = "2026-01-31T12:00:00Z";
const PROVIDER: &str = "contoso";

fn at() -> UnixTime {
    UnixTime::from_rfc3339(AT).unwrap()
}

fn keys() -> [ContextKey; 1] {
    [ContextKey::new(&[7; 32]).unwrap()]
}

fn enroll(minted: &MintedTpm) -> Enroll {
    Enroll {
        ek_certificate: minted.ek_certificate.clone(),
        ek_chain: minted.ek_intermediates.clone(),
        ek_public: minted.ek_public.clone(),
        ak_public: minted.ak_public.clone(),
    }
}

fn offer(
    enroll: &Enroll,
    minted: &MintedTpm,
) -> Result<(Credential, PendingEnrolment), EnrolmentError> {
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let mut next = 0_u8;
    let mut fill = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_add(1);
            *byte = next;
        }
        true
    };
    enroll.offer(&roots, &[], AkRules::default(), PROVIDER, at(), &mut fill)
}

/// What the TPM of the minted machine reads in a credential.
fn opened(minted: &MintedTpm, credential: &Credential) -> Vec<u8> {
    let ek = EndorsementKey::untrusted(&Public::parse_sized(&minted.ek_public).unwrap()).unwrap();
    let ak = Public::parse_sized(&minted.ak_public).unwrap();
    let private = EkPrivateKey::Rsa(minted.ek_private.to_vec());
    activate_credential(&ek, &private, ak.name(), credential).unwrap()
}

const fn within(provider: &str, at: UnixTime, life_seconds: i64) -> OpenContext<'_> {
    OpenContext { provider, at, life_seconds }
}

fn enrolled(minted: &MintedTpm) -> Enrolment {
    let (credential, pending) = offer(&enroll(minted), minted).unwrap();
    pending.activate(&opened(minted, &credential), at()).unwrap()
}

fn conditions<'a>(
    minted: &'a MintedTpm,
    roots: &'a TrustAnchors,
    enrolment: Option<&'a Enrolment>,
) -> Conditions<'a> {
    Conditions {
        challenge: &minted.challenge,
        aik: None,
        enrolment,
        aik_anchors: roots,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::of(&[0, 7]).unwrap(),
        at: at(),
    }
}

#[test]
fn an_enrolled_key_attests_in_place_of_a_certified_one() {
    let minted = mint(&TpmOptions::new(at())).unwrap();
    let message = enroll(&minted).message(Form::Wrapped);
    let received = Received::read(&message).unwrap();
    assert_eq!(received.form, Form::Wrapped);
    let ClientMessage::Enroll(sent) = received.message else { panic!("{:?}", received.message) };
    assert_eq!(*sent, enroll(&minted));
    let (credential, pending) = offer(&sent, &minted).unwrap();
    let context = pending.seal(&keys()[0], [1; 12]).unwrap();
    let answer = Received::credential_answer(Form::Wrapped, &credential, &context);
    let read = ServiceMessage::read(&answer).unwrap();
    let ServiceMessage::Credential { credential, service_context } = read else {
        panic!("{read:?}")
    };

    let secret = opened(&minted, &credential);
    let message = Activate { secret, service_context }.message(Form::Bare);
    let ClientMessage::Activate(sent) = Received::read(&message).unwrap().message else { panic!() };
    let expected = within(PROVIDER, at(), 300);
    let rules = AkRules::default();
    let pending = PendingEnrolment::open(&sent.service_context, &keys(), rules, expected).unwrap();
    let enrolment = pending.activate(&sent.secret, at()).unwrap();
    let sealed = enrolment.seal(&keys()[0], [2; 12]).unwrap();
    assert!(sealed.len() < 2048, "{}", sealed.len());
    let day = within(PROVIDER, at().saturating_add_seconds(86_400), 86_400);
    let opened = Enrolment::open(&sealed, &keys(), rules, day).unwrap();
    assert_eq!(opened, enrolment);
    assert_eq!(Enrolment::resumed(&enrolment.to_bytes(), rules), Some(enrolment));

    let options = TpmOptions { enrolment: Some(sealed.clone()), ..TpmOptions::new(at()) };
    let minted = mint(&options).unwrap();
    let request = SignedRequest::read(&minted.request).unwrap();
    assert_eq!(request.enrolment(), Some(sealed.as_str()));
    let none = TrustAnchors::none();
    let verified = request.clone().verify(conditions(&minted, &none, Some(&opened))).unwrap();
    assert!(verified.aik.validated && verified.aik.certificate.is_none());
    assert_eq!(verified.aik.standing, Standing::Activated);
    assert_eq!(verified.aik.enrolment, Some(opened.facts()));
    let error = request.verify(conditions(&minted, &none, None)).unwrap_err();
    assert_eq!(error.check(), "tpm-enrolment");
}

#[test]
fn keys_and_certificates_that_prove_nothing_are_not_enrolled() {
    let refused = |broken: &str| {
        let minted = mint(&TpmOptions::new(at()).broken(broken)).unwrap();
        offer(&enroll(&minted), &minted).map(drop).unwrap_err().check()
    };
    let is_of_keys = |one: &&avouch_mint::Break| {
        ["ek-", "tpm-ca-", "ak-"].iter().any(|start| one.name.starts_with(start))
    };
    let mut tried = 0;
    for one in avouch_mint::tpm::breaks().iter().filter(is_of_keys) {
        assert_eq!(refused(one.name), one.expected_check, "{}", one.name);
        tried += 1;
    }
    assert!(tried >= 20, "{tried}");
    let minted = mint(&TpmOptions::new(at())).unwrap();
    // Of the machine's keys the one is no endorsement key, the other no attestation key.
    let swapped = Enroll { ak_public: minted.ek_public.clone(), ..enroll(&minted) };
    assert_eq!(offer(&swapped, &minted).unwrap_err().check(), "ak-sign");
    let swapped = Enroll { ek_public: minted.ak_public.clone(), ..enroll(&minted) };
    assert_eq!(offer(&swapped, &minted).unwrap_err().check(), "credential-ek-certificate");
    let cut = Enroll { ak_public: minted.ak_public[1..].to_vec(), ..enroll(&minted) };
    assert!(offer(&cut, &minted).is_err());
    let none = TrustAnchors::none();
    let mut fill = |_: &mut [u8]| true;
    let error = enroll(&minted)
        .offer(&none, &[], AkRules::default(), PROVIDER, at(), &mut fill)
        .unwrap_err();
    assert_eq!(error.check(), "tpm-no-roots");
    let mut empty = |_: &mut [u8]| false;
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let error = enroll(&minted)
        .offer(&roots, &[], AkRules::default(), PROVIDER, at(), &mut empty)
        .unwrap_err();
    assert_eq!(error.check(), "credential-provider");
}

#[test]
fn a_wrong_answer_activates_nothing() {
    let minted = mint(&TpmOptions::new(at())).unwrap();
    let (credential, pending) = offer(&enroll(&minted), &minted).unwrap();
    let secret = opened(&minted, &credential);
    for wrong in
        [Vec::new(), vec![0; 32], secret[..31].to_vec(), [secret.as_slice(), &[0]].concat()]
    {
        let error = pending.clone().activate(&wrong, at()).unwrap_err();
        assert_eq!(error.check(), "credential-answer");
    }
    pending.activate(&secret, at()).unwrap();
}

#[test]
fn sealed_texts_open_for_their_purpose_provider_key_and_time_only() {
    let minted = mint(&TpmOptions::new(at())).unwrap();
    let (credential, pending) = offer(&enroll(&minted), &minted).unwrap();
    let enrolment = pending.clone().activate(&opened(&minted, &credential), at()).unwrap();
    let [key] = &keys();
    let sealed = enrolment.seal(key, [2; 12]).unwrap();
    let waiting = pending.seal(key, [3; 12]).unwrap();
    let rules = AkRules::default();
    let later = |seconds| at().saturating_add_seconds(seconds);
    let open = |text: &str, keys: &[ContextKey], provider, at| {
        Enrolment::open(text, keys, rules, within(provider, at, 100))
            .map(drop)
            .map_err(|e| e.check())
    };
    assert_eq!(open(&sealed, &keys(), PROVIDER, later(100)), Ok(()));
    assert_eq!(open(&sealed, &keys(), PROVIDER, later(101)), Err("tpm-enrolment-expired"));
    assert_eq!(open(&sealed, &keys(), PROVIDER, later(-61)), Err("tpm-enrolment-early"));
    assert_eq!(open(&sealed, &keys(), "fabrikam", at()), Err("tpm-enrolment-provider"));
    let other = [ContextKey::new(&[8; 32]).unwrap()];
    assert_eq!(open(&sealed, &other, PROVIDER, at()), Err("tpm-enrolment-key"));
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let others = TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).unwrap();
    assert_eq!(enrolment.check_root(&roots), Ok(()));
    for roots in [others, TrustAnchors::none()] {
        assert_eq!(enrolment.check_root(&roots).unwrap_err().check(), "tpm-enrolment-root");
    }
    assert_eq!(open(&waiting, &keys(), PROVIDER, at()), Err("tpm-enrolment"));
    assert_eq!(open("e30", &keys(), PROVIDER, at()), Err("tpm-enrolment"));
    let pending = |text: &str, keys: &[ContextKey], provider, at| {
        PendingEnrolment::open(text, keys, rules, within(provider, at, 100))
            .map(drop)
            .map_err(|e| e.check())
    };
    assert_eq!(pending(&waiting, &keys(), PROVIDER, later(100)), Ok(()));
    assert_eq!(pending(&waiting, &keys(), PROVIDER, later(101)), Err("tpm-context-expired"));
    assert_eq!(pending(&waiting, &keys(), PROVIDER, later(-61)), Err("tpm-context-early"));
    assert_eq!(pending(&waiting, &keys(), "fabrikam", at()), Err("tpm-context-provider"));
    assert_eq!(pending(&waiting, &other, PROVIDER, at()), Err("tpm-context-key"));
    assert_eq!(pending(&sealed, &keys(), PROVIDER, at()), Err("tpm-context"));
    // Every sealed byte counts.
    let mut document: Value = serde_json::from_slice(&base64url::decode(&sealed).unwrap()).unwrap();
    let bytes = base64url::decode(document["ProtectedContext"].as_str().unwrap()).unwrap();
    for position in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        document["ProtectedContext"] = base64url::encode(changed).into();
        let text = base64url::encode(document.to_string());
        assert_eq!(open(&text, &keys(), PROVIDER, at()), Err("tpm-enrolment"), "{position}");
    }
}

#[test]
fn an_enrolment_is_for_its_key_alone() {
    let minted = mint(&TpmOptions::new(at())).unwrap();
    let enrolment = enrolled(&minted);
    // Another key of the same shape: the request's own.
    let options = TpmOptions { enrolment: Some("sealed".to_owned()), ..TpmOptions::new(at()) };
    let other = mint(&options.broken("request-aik-swapped")).unwrap();
    let request = SignedRequest::read(&other.request).unwrap();
    let none = TrustAnchors::none();
    let error = request.verify(conditions(&other, &none, Some(&enrolment))).unwrap_err();
    assert_eq!(error.check(), "tpm-enrolment-aik");
}
