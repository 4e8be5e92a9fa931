//! Reports of TPMs, exchanged for short tokens.

use avouch_mint::tpm::TpmOptions;
use avouch_server::Config;
use avouch_token::{Expectations, Jwks, verify_token};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{converse, machine, policy, report, set_policy, setup};
use crate::support::{Running, Setup, now};

const GIVEN_BACK: &str = "sts.example";

async fn service() -> Running {
    let config: String = [GIVEN_BACK, "other.example"]
        .iter()
        .map(|audience| {
            format!(
                "[[token_exchange.providers.default.audiences]]\naudience = \"{audience}\"\n\
                 subject = \"tpm/{{secureBootEnabled}}/{{x-ms-tpm-request-key/jwk/kty}}\"\n\
                 key_must_be_bound = true\n"
            )
        })
        .collect();
    let config = Config::parse(&config, "test", []).unwrap();
    let service = Setup { config, ..setup().await }.serve().await;
    set_policy(&service, "", &policy("", "")).await;
    service
}

pub(super) async fn exchange(
    service: &Running,
    report: &str,
    audience: &str,
) -> (StatusCode, Value) {
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={report}&\
         subject_token_type=urn:ietf:params:oauth:token-type:jwt&audience={audience}"
    );
    let answer = service.request(Method::POST, "/avouch/token-exchange").body(form).send();
    let answer = answer.await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_report_is_exchanged_for_the_audience_that_its_machine_signed_and_confirms_its_key() {
    let service = service().await;
    for binding in [super::KeyBinding::Certified, super::KeyBinding::Quoted] {
        let mut options = TpmOptions { binding, ..machine() };
        let purpose = format!("token-exchange:{GIVEN_BACK}");
        options.members.insert("rp_data".to_owned(), purpose.into());
        let (_, answer) = converse(&service, &options).await;
        let report = report(&answer);
        let claims = super::verified(&service, &report).await;
        let (status, answer) = exchange(&service, &report, GIVEN_BACK).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let keys = Jwks::parse(service.get_text("/certs").await.as_bytes()).unwrap();
        let expected = Expectations {
            issuer: Some(service.url.clone()),
            audience: Some(GIVEN_BACK.to_owned()),
            ..Expectations::at(now())
        };
        // An attestation token's key signs it, not a report's.
        let short = answer["access_token"].as_str().unwrap();
        let short = verify_token(short, &keys, &expected).into_verified().unwrap();
        assert_eq!(short.claims()["sub"], "tpm/true/RSA");
        assert_eq!(short.claims()["cnf"]["jwk"]["n"], claims["cnf"]["jwk"]["n"]);

        let (status, answer) = exchange(&service, &report, "other.example").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let said = answer["error_description"].as_str().unwrap();
        assert!(said.contains("rp_data is not"), "{said}");
        // Another report's signature under it.
        let (head, _) = report.rsplit_once('.').unwrap();
        let (_, other) = converse(&service, &machine()).await;
        let other = super::report(&other);
        let forged = format!("{head}.{}", other.rsplit_once('.').unwrap().1);
        let (status, answer) = exchange(&service, &forged, GIVEN_BACK).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let said = answer["error_description"].as_str().unwrap();
        assert!(said.contains("token-signature"), "{said}");
    }
}
