//! Machines without an AIK certificate.

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_pki::digest::sha256;
use avouch_server::config::TpmConfig;
use avouch_tpm::protocol::{Activate, Enroll, Form, ServiceMessage, enrolled_init_message};
use avouch_tpm::{
    Credential, EkPrivateKey, EndorsementKey, Public, activate_credential, trim_padding,
};
use avouch_wire::UnixTime;
use reqwest::StatusCode;

use super::{
    answer, attest, challenge, check, given, machine, policy, report, say, set_policy, setup,
    verified,
};
use crate::support::policy::provider;
use crate::support::{Running, now};

/// A service that enrols machines.
async fn enrolling() -> Running {
    let mut setup = setup().await;
    setup.config.tpm = TpmConfig { enrolment: true, ..TpmConfig::default() };
    provider(&setup.store, "contoso", Vec::new()).await;
    let service = setup.serve().await;
    for provider in ["", "/providers/contoso"] {
        set_policy(&service, provider, &policy("", "")).await;
    }
    service
}

fn enroll(minted: &MintedTpm) -> Enroll {
    Enroll {
        ek_certificate: minted.ek_certificate.clone(),
        ek_chain: minted.ek_intermediates.clone(),
        ek_public: minted.ek_public.clone(),
        ak_public: minted.ak_public.clone(),
    }
}

fn credential(answer: &serde_json::Value) -> (Credential, String) {
    match ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap() {
        ServiceMessage::Credential { credential, service_context } => (credential, service_context),
        other => panic!("{other:?}"),
    }
}

/// What the minted machine's TPM reads in a credential.
fn opened(minted: &MintedTpm, credential: &Credential) -> Vec<u8> {
    let ek = EndorsementKey::untrusted(&Public::parse_sized(&minted.ek_public).unwrap()).unwrap();
    let ak = Public::parse_sized(&minted.ak_public).unwrap();
    let private = EkPrivateKey::Rsa(minted.ek_private.to_vec());
    activate_credential(&ek, &private, ak.name(), credential).unwrap()
}

/// Both rounds: the enrolment, and until when it counts.
async fn enrolled(service: &Running, minted: &MintedTpm) -> (String, UnixTime) {
    let (status, answer) = say(service, "", &enroll(minted).message(Form::Wrapped)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (credential, service_context) = credential(&answer);
    let secret = opened(minted, &credential);
    let message = Activate { secret, service_context }.message(Form::Wrapped);
    let (status, answer) = say(service, "", &message).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    match ServiceMessage::read(answer["data"].as_str().unwrap()).unwrap() {
        ServiceMessage::Enrolment { enrolment, valid_until } => {
            (enrolment, UnixTime::from_rfc3339(&valid_until).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_machine_enrols_and_attests_without_a_certificate() {
    let service = enrolling().await;
    let minted = mint(&machine()).unwrap();
    let (enrolment, valid_until) = enrolled(&service, &minted).await;
    let days = (valid_until.seconds() - now().seconds()) as f64 / 86_400.0;
    assert!((29.9..30.1).contains(&days), "{days}");
    let options = TpmOptions { enrolment: Some(enrolment.clone()), ..machine() };
    // The challenge may be for the enrolled key, and need not be.
    let (_, first) = say(&service, "", &enrolled_init_message(Form::Wrapped, &enrolment)).await;
    for given in [given(&first), challenge(&service, None).await] {
        let (status, answer) = attest(&service, &answer(&options, &given)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let claims = verified(&service, &report(&answer)).await;
        assert_eq!(claims["aikValidated"], true);
        assert_eq!(claims["avouch-aik"], "activated");
        let ek = sha256(trim_padding(&minted.ek_certificate)).to_string();
        assert_eq!(claims["avouch-tpm-ek"], ek, "the report tells which TPM it is");
    }
}

#[tokio::test]
async fn nobody_enrols_where_the_operator_did_not_say_so() {
    let service = super::service().await;
    let minted = mint(&machine()).unwrap();
    let activate = Activate { secret: vec![1], service_context: "e30".to_owned() };
    let (enroll, activate) = (enroll(&minted), activate.message(Form::Wrapped));
    // Also what was given before it was switched off counts no longer.
    let init = enrolled_init_message(Form::Wrapped, "e30");
    for message in [enroll.message(Form::Wrapped), activate, init] {
        let (status, refused) = say(&service, "", &message).await;
        assert_eq!(check(status, &refused), "tpm-enrolment-off");
    }
}

#[tokio::test]
async fn an_enrolment_is_for_its_key_and_provider_and_the_tpm_of_its_certificate() {
    let service = enrolling().await;
    let minted = mint(&machine()).unwrap();
    // The keys of one machine under the certificate of another CA, or swapped.
    let foreign = mint(&machine().broken("ek-issuer")).unwrap();
    let swapped = Enroll { ek_public: minted.ak_public.clone(), ..enroll(&minted) };
    for (message, name) in [
        (enroll(&foreign), "ek-certificate-issuer-unknown"),
        (swapped, "credential-ek-certificate"),
    ] {
        let (status, refused) = say(&service, "", &message.message(Form::Wrapped)).await;
        assert_eq!(check(status, &refused), name);
    }
    let (_, answered) = say(&service, "", &enroll(&minted).message(Form::Wrapped)).await;
    let (credential, service_context) = credential(&answered);
    let secret = opened(&minted, &credential);
    for (secret, provider, name) in [
        (vec![0; 32], "", "credential-answer"),
        (Vec::new(), "", "credential-answer"),
        (secret.clone(), "/providers/contoso", "tpm-context-provider"),
    ] {
        let activate = Activate { secret, service_context: service_context.clone() };
        let (status, refused) = say(&service, provider, &activate.message(Form::Wrapped)).await;
        assert_eq!(check(status, &refused), name);
    }

    let (enrolment, _) = enrolled(&service, &minted).await;
    let options = TpmOptions { enrolment: Some(enrolment.clone()), ..machine() };
    let swapped =
        answer(&options.clone().broken("request-aik-swapped"), &challenge(&service, None).await);
    let (status, refused) = attest(&service, &swapped).await;
    assert_eq!(check(status, &refused), "tpm-enrolment-aik");
    let theirs = "/providers/contoso";
    let init = enrolled_init_message(Form::Wrapped, &enrolment);
    let (status, refused) = say(&service, theirs, &init).await;
    assert_eq!(check(status, &refused), "tpm-enrolment-provider");
    // Neither is a context an enrolment, nor the other way round.
    let given = challenge(&service, None).await;
    let init = enrolled_init_message(Form::Wrapped, &given.context);
    let (status, refused) = say(&service, "", &init).await;
    assert_eq!(check(status, &refused), "tpm-enrolment");
}
