//! VBS enclaves: the whole conversation, and evidence that is wrong in one point.

use avouch_engine::{Anchors, Vendor};
use avouch_mint::tpm::{MintedTpm, RequestForm};
use avouch_mint::vbs::{VbsOptions, breaks, mint};
use avouch_server::Config;
use reqwest::StatusCode;
use serde_json::json;

use super::exchange::exchange;
use super::{Given, attest, challenge, check, report, set_policy, verified};
use crate::support::{Running, Setup, now};

const POLICY: &str = "version=1.0;
    authorizationrules{
        [type==\"vbsReportPresent\", value==true] && [type==\"enclaveFlags\", value==0] => permit();
    };
    issuancerules{
        c:[type==\"enclaveSvn\", issuer==\"AttestationService\"] => issue(claim=c);
        d:[type==\"enclaveAuthorId\", issuer==\"AttestationService\"] => issue(claim=d);
    };";

/// A service that trusts the minted machine's CAs, and its boot manager's.
async fn service() -> Running {
    service_with("", POLICY).await
}

async fn service_with(config: &str, policy: &str) -> Running {
    let minted = mint(&VbsOptions::new(now())).unwrap();
    let roots = [
        (Vendor::Tpm, minted.tpm.aik_root_pem.as_bytes()),
        (Vendor::Windows, minted.windows_ca_pem.as_bytes()),
    ];
    let anchors = roots.into_iter().fold(Anchors::built_in(), |anchors, (vendor, pem)| {
        anchors.with_roots(Some(vendor), pem).unwrap()
    });
    let config = Config::parse(config, "test", []).unwrap();
    let service = Setup { anchors, config, ..Setup::new().await }.serve().await;
    set_policy(&service, "", policy).await;
    service
}

/// The enclave's answer.
fn answer(given: &Given, mut options: VbsOptions) -> MintedTpm {
    options.tpm.challenge = given.challenge;
    options.tpm.service_context.clone_from(&given.context);
    mint(&options).unwrap().tpm
}

#[tokio::test]
async fn an_enclave_that_answers_gets_a_report_bound_to_its_key() {
    let service = service().await;
    for form in [RequestForm::First, RequestForm::Second] {
        let given = challenge(&service, None).await;
        let sent = answer(&given, VbsOptions::new(now()).in_form(form));
        let (status, answer) = attest(&service, &sent).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let claims = verified(&service, &report(&answer)).await;
        assert_eq!(claims["enclaveSvn"], 7);
        assert_eq!(claims["enclaveAuthorId"], "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo");
        assert_eq!(claims["cnf"]["jwk"]["kty"], "RSA");
        assert_eq!(claims["rp_data"], "bWludGVk");
        // It rests on two roots that are not their vendors': the AIK's and Windows'.
        let roots = claims["avouch-trust-root"].as_array().unwrap();
        assert_eq!(roots.len(), 2, "{roots:?}");
        assert!(roots[1].as_str().unwrap().contains("Avouch Mint Windows CA"), "{roots:?}");
    }
}

#[tokio::test]
async fn every_break_of_an_enclaves_evidence_is_refused_by_its_check_over_http() {
    let service = service().await;
    let mut surprises = Vec::new();
    for one in breaks() {
        let given = challenge(&service, None).await;
        let sent = answer(&given, VbsOptions::new(now()).broken(one.name));
        let (status, answer) = attest(&service, &sent).await;
        let seen = check(status, &answer);
        if seen != one.expected_check {
            surprises.push(format!("{}: expected {}, seen {seen}", one.name, one.expected_check));
        }
    }
    assert!(surprises.is_empty(), "{} wrong:\n{}", surprises.len(), surprises.join("\n"));
}

#[tokio::test]
async fn a_policy_refuses_an_enclave_that_can_be_debugged() {
    let service = service().await;
    let given = challenge(&service, None).await;
    let mut options = VbsOptions::new(now());
    options.report.flags = 1;
    let (status, answer) = attest(&service, &answer(&given, options)).await;
    assert_ne!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["error"]["code"], json!("PolicyEvaluationError"), "{answer}");
}

/// A policy that lets it pass does not let it have a short token: that is for the rule of the audience.
#[tokio::test]
async fn an_enclave_that_can_be_debugged_is_exchanged_for_nothing_unless_the_rule_says_so() {
    let audience = |name: &str, more: &str| {
        format!(
            "[[token_exchange.providers.default.audiences]]\naudience = \"{name}\"\n\
             subject = \"vbs/{{enclaveSvn}}\"\naudience_bound_by = \"nothing\"\n{more}\n"
        )
    };
    let config =
        audience("sts.example", "") + &audience("lax.example", "refuse_debuggable = false");
    let policy = POLICY.replace(" && [type==\"enclaveFlags\", value==0]", "");
    let service = service_with(&config, &policy).await;
    for (flags, is_debuggable) in [(0, false), (1, true), (2, true), (4, true)] {
        let given = challenge(&service, None).await;
        let mut options = VbsOptions::new(now());
        options.report.flags = flags;
        let (status, answer) = attest(&service, &answer(&given, options)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let report = report(&answer);
        let claims = verified(&service, &report).await;
        assert_eq!(claims["avouch-enclave-is-debuggable"], is_debuggable);
        let (status, answer) = exchange(&service, &report, "lax.example").await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (status, answer) = exchange(&service, &report, "sts.example").await;
        let expected = if is_debuggable { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(status, expected, "{flags}: {answer}");
        if is_debuggable {
            let said = answer["error_description"].as_str().unwrap();
            assert!(said.contains("avouch-enclave-is-debuggable"), "{said}");
        }
    }
}
