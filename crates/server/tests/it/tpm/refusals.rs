//! Conversations that are not what they should be.

use std::collections::BTreeSet;

use avouch_mint::Stage;
use avouch_mint::tpm::{RequestForm, TpmOptions, mint, request_breaks};
use avouch_tpm::protocol::{ContextKey, Form, ServiceContext, init_message, request_message};
use avouch_wire::{Hex, UnixTime, base64url};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Given, ROUTE, answer, attest, challenge, check, converse, default_provider, given, key,
    machine, policy, say, service, set_policy, setup,
};
use crate::support::policy::provider;
use crate::support::{Running, now};

/// A challenge as the service would have given it.
async fn sealed(service: &Running, issued_at: UnixTime, aik: Option<Hex<32>>) -> Given {
    let challenge = [0x77; 16];
    let provider = default_provider(service).await;
    let context = ServiceContext::new(challenge, &provider, issued_at, aik);
    Given { challenge, context: context.seal(&key(), [9; 12]).unwrap() }
}

#[tokio::test]
async fn a_challenge_is_answered_once() {
    let service = service().await;
    let given = challenge(&service, None).await;
    let minted = answer(&machine(), &given);
    let (status, first) = attest(&service, &minted).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let (status, again) = attest(&service, &minted).await;
    assert_eq!(check(status, &again), "tpm-context-used");
    // Also with another request under it.
    let other = answer(&TpmOptions { form: RequestForm::SecondAfterSleep, ..machine() }, &given);
    let (status, other) = attest(&service, &other).await;
    assert_eq!(check(status, &other), "tpm-context-used");
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again_under_the_same_challenge() {
    let service = service().await;
    let given = challenge(&service, None).await;
    let broken = answer(&machine().broken("pcr-changed"), &given);
    let (status, refused) = attest(&service, &broken).await;
    assert_eq!(check(status, &refused), "tpm-pcr-digest");
    let (status, taken) = attest(&service, &answer(&machine(), &given)).await;
    assert_eq!(status, StatusCode::OK, "{taken}");
}

#[tokio::test]
async fn a_context_counts_for_its_provider_its_time_and_its_key_only() {
    let setup = setup().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    let service = setup.serve().await;
    let contoso = "/providers/contoso";
    for provider in ["", contoso] {
        set_policy(&service, provider, &policy("", "")).await;
    }
    // What this test seals itself is taken, so that it knows what it changes below.
    let good = sealed(&service, now(), None).await;
    let (status, taken) = attest(&service, &answer(&machine(), &good)).await;
    assert_eq!(status, StatusCode::OK, "{taken}");

    let (_, theirs) = say(&service, contoso, &init_message(Form::Wrapped, None)).await;
    let (status, refused) = attest(&service, &answer(&machine(), &given(&theirs))).await;
    assert_eq!(check(status, &refused), "tpm-context-provider");

    for (seconds, name) in [(-301, "tpm-context-expired"), (120, "tpm-context-early")] {
        let stale = sealed(&service, now().saturating_add_seconds(seconds), None).await;
        let (status, refused) = attest(&service, &answer(&machine(), &stale)).await;
        assert_eq!(check(status, &refused), name);
    }
    let foreign = ContextKey::new(&[3; 32]).unwrap();
    let context = ServiceContext::new([1; 16], &default_provider(&service).await, now(), None);
    let foreign = Given { challenge: [1; 16], context: context.seal(&foreign, [0; 12]).unwrap() };
    let (status, refused) = attest(&service, &answer(&machine(), &foreign)).await;
    assert_eq!(check(status, &refused), "tpm-context-key");
    let none = Given { context: "e30".to_owned(), ..foreign };
    let (status, refused) = attest(&service, &answer(&machine(), &none)).await;
    assert_eq!(check(status, &refused), "tpm-context");
    // A challenge of one context under another.
    let (one, other) = (challenge(&service, None).await, challenge(&service, None).await);
    let mixed = Given { challenge: one.challenge, context: other.context };
    let (status, refused) = attest(&service, &answer(&machine(), &mixed)).await;
    assert_eq!(check(status, &refused), "tpm-challenge");
}

#[tokio::test]
async fn an_aik_is_not_swapped_between_messages() {
    let service = service().await;
    let certificate = mint(&machine()).unwrap().aik_certificate;
    let bound = challenge(&service, Some(&certificate)).await;
    let swapped = answer(&machine().broken("request-aik-swapped"), &bound);
    let (status, refused) = attest(&service, &swapped).await;
    assert_eq!(check(status, &refused), "tpm-aik-swapped");
    let (status, taken) = attest(&service, &answer(&machine(), &bound)).await;
    assert_eq!(status, StatusCode::OK, "{taken}");
    let other = sealed(&service, now(), Some(Hex([5; 32]))).await;
    let (status, refused) = attest(&service, &answer(&machine(), &other)).await;
    assert_eq!(check(status, &refused), "tpm-aik-swapped");
    // A certificate that nobody trusts gets no challenge.
    let expired = mint(&machine().broken("aik-expired")).unwrap().aik_certificate;
    let init = init_message(Form::Wrapped, Some(&expired));
    let (status, refused) = say(&service, "", &init).await;
    assert_eq!(check(status, &refused), "aik-certificate-expired");
}

#[tokio::test]
async fn every_break_of_a_request_is_refused_by_its_check() {
    let service = service().await;
    let certificate = mint(&machine()).unwrap().aik_certificate;
    let mut tried = BTreeSet::new();
    for one in request_breaks().iter().filter(|one| one.stage == Stage::Verification) {
        let given = challenge(&service, Some(&certificate)).await;
        let (status, refused) =
            attest(&service, &answer(&machine().broken(one.name), &given)).await;
        assert_eq!(check(status, &refused), one.expected_check, "{}", one.name);
        tried.insert(one.name);
    }
    assert!(tried.len() >= 40, "{}", tried.len());
}

#[tokio::test]
async fn an_aik_that_nobody_certified_is_taken_where_the_policy_says_so_and_is_told() {
    let service = service().await;
    let foreign = machine().broken("aik-issuer");
    let (status, refused) = converse(&service, &foreign).await;
    assert_eq!(check(status, &refused), "aik-certificate-issuer-unknown");
    let lax = "=> issueproperty(type=\"require_valid_aik_cert\", value=false);";
    set_policy(&service, "", &policy(lax, "")).await;
    let (status, answer) = converse(&service, &foreign).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let claims = super::verified(&service, &super::report(&answer)).await;
    assert_eq!(
        (&claims["aikValidated"], &claims["avouch-aik"]),
        (&json!(false), &json!("self-asserted"))
    );
}

#[tokio::test]
async fn a_policy_can_ask_for_less_than_all_pcrs_and_refuse() {
    let service = service().await;
    let deny =
        "version=1.2; authorizationrules{[type==\"secureBootEnabled\", value==false] => permit();};
                issuancerules{};";
    set_policy(&service, "", deny).await;
    let (status, refused) = converse(&service, &machine()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(refused["error"]["code"], "PolicyEvaluationError");
    let small = "=> issueproperty(type=\"required_pcr_mask\", value=1);";
    set_policy(&service, "", &policy(small, "")).await;
    // PCR 7 is not quoted; its log's events lead to nothing that is proven.
    let (status, refused) = converse(&service, &machine().broken("quote-without-pcr-7")).await;
    assert_eq!(check(status, &refused), "secure-boot-register");
}

#[tokio::test]
async fn messages_that_are_none_are_refused_by_what_is_wrong() {
    let service = service().await;
    let encode = |value: Value| base64url::encode(value.to_string());
    for (data, name) in [
        ("%".to_owned(), "tpm-message"),
        (encode(json!([])), "tpm-message"),
        (encode(json!({"type": "aikpub"})), "tpm-message-type"),
        (encode(json!({"request": "a.b"})), "tpm-request-jws"),
        (encode(json!({"type": "aikcert", "aik_cert": "AA"})), "aik-certificate-malformed"),
        (encode(json!({"type": "aikcert", "avouch_enrolment": "AA"})), "tpm-enrolment-off"),
        (
            encode(json!({"type": "aikcert", "aik_cert": "AA", "avouch_enrolment": "AA"})),
            "tpm-request-member",
        ),
    ] {
        let (status, refused) = say(&service, "", &data).await;
        assert_eq!(check(status, &refused), name, "{data}");
    }
    let send = |body: &'static str| service.send(Method::POST, ROUTE, "t", body);
    for body in ["{}", "{\"data\": \"\"}"] {
        let (status, refused) = send(body).await;
        assert_eq!(check(status, &refused), "data", "{body}");
    }
    assert_eq!(send("{\"data\": 7}").await.0, StatusCode::BAD_REQUEST);
}

/// No instance remembers what it gave: a flood of first messages costs nothing that stays.
#[tokio::test]
async fn a_version_1_request_is_taken_and_its_key_is_told_to_be_unbound() {
    let service = service().await;
    for form in [RequestForm::First, RequestForm::FirstWithBank] {
        let given = challenge(&service, None).await;
        let minted = answer(&TpmOptions { form, ..machine() }, &given);
        let message = request_message(Form::Wrapped, &minted.request);
        let (status, answer) = say(&service, "", &message).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let claims = super::verified(&service, &super::report(&answer)).await;
        assert_eq!(claims["secureBootEnabled"], true);
        assert_eq!(claims["x-ms-tpm-request-key"].get("info"), None, "nothing ties it to the TPM");
    }
}
