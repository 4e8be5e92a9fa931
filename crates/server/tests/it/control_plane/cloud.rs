//! What Azure's tools ask before they reach a provider, as `az cloud register`, `az login`, generic
//! resource commands and Terraform send it.

use avouch_server::Config;
use avouch_server::route::{Target, resolve};
use axum::http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, SUBSCRIPTION, path};
use crate::support::Setup;

const LIST: &str = "/subscriptions?api-version=2022-12-01";

fn settings(text: &str) -> Config {
    Config::parse(text, "test", []).unwrap()
}

#[tokio::test]
async fn the_metadata_of_the_cloud_name_the_operators_identity_provider_to_everybody() {
    let text = "[cloud]\nlogin_endpoint = \"https://login.example.org/tenant\"\n\
        [[auth.issuers]]\nissuer = \"https://login.example.org\"\naudiences = [\"api://attest\"]\n";
    let setup = Setup { config: settings(text), ..Setup::new().await };
    let service = setup.serve().await;
    for query in ["?api-version=2022-09-01", "?api-version=2015-01-01", ""] {
        let cloud = service.get(&format!("/metadata/endpoints{query}")).await;
        assert_eq!(cloud["resourceManager"], service.url.as_str());
        let login = &cloud["authentication"];
        assert_eq!(login["loginEndpoint"], "https://login.example.org/tenant");
        assert_eq!(login["audiences"], json!(["api://attest"]));
        assert_eq!(
            (&login["tenant"], &login["identityProvider"]),
            (&json!("adfs"), &json!("ADFS"))
        );
        assert_eq!(cloud["attestationResourceId"], "https://attest.azure.net");
        assert_eq!(cloud["suffixes"]["attestationEndpoint"], "localhost");
        for member in ["name", "portal", "graph", "graphAudience", "media"] {
            assert!(cloud[member].is_string(), "{member}");
        }
        for suffix in ["keyVaultDns", "storage"] {
            assert!(cloud["suffixes"][suffix].is_string(), "{suffix}");
        }
    }
    assert_eq!(service.status("/metadata/endpoints/x").await, 404);
    assert_eq!(service.status("/metadata/endpoints/operations").await, 404);
    assert_eq!(service.status("/metadata/other").await, 404);
    assert_eq!(service.status("/providers/contoso/metadata/endpoints").await, 404);
}

#[tokio::test]
async fn without_an_identity_provider_there_is_no_cloud_to_register() {
    let fixture = Fixture::new().await;
    let answer = fixture.send(Method::GET, "/metadata/endpoints?api-version=2022-09-01", "").await;
    answer.refused(404, "NotFound", "cloud.login_endpoint");
    let error =
        Config::parse("[cloud]\nlogin_endpoint = \"http://login\"", "test", []).unwrap_err();
    assert!(error.to_string().contains("cloud.login_endpoint"), "{error}");
}

#[tokio::test]
async fn subscriptions_are_those_of_the_providers_that_the_caller_may_read() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("owner", "Owner", &[]),
        ("reader", "Reader", &["contoso"]),
        ("other", "Reader", &["none"]),
    ];
    let fixture = Fixture::with_tokens(rows).await;
    let body = json!({"location": "here", "properties": {}});
    let owner = super::token_of("owner");
    let made = fixture.send_as(&owner, Method::PUT, &path("g", "contoso"), &body).await;
    made.done(201);
    // The same subscription in another spelling is the same one.
    let upper = path("g", "fabrikam").replace(SUBSCRIPTION, &SUBSCRIPTION.to_uppercase());
    fixture.send_as(&owner, Method::PUT, &upper, &body).await.done(201);
    let zero = "00000000-0000-0000-0000-000000000000";
    for (who, ids) in [("owner", 2), ("reader", 2), ("other", 1)] {
        let token = super::token_of(who);
        let listed = fixture.send_as(&token, Method::GET, LIST, "").await.done(200);
        let listed = listed["value"].as_array().unwrap().clone();
        assert_eq!(listed.len(), ids, "{who}: {listed:?}");
        assert_eq!(listed[0]["subscriptionId"], zero, "{who}");
        assert_eq!(listed[0]["id"], format!("/subscriptions/{zero}"));
        assert_eq!(listed[0]["state"], "Enabled");
        assert_eq!(listed[0]["tenantId"], "adfs");
    }
    fixture.send_as("", Method::GET, LIST, "").await.refused(401, "Unauthorized", "bearer");
    let without = fixture.send_as(&owner, Method::GET, "/subscriptions", "").await;
    without.refused(400, "MissingApiVersionParameter", "api-version");
    let twice = format!("{LIST}&api-version=2022-12-01");
    let twice = fixture.send_as(&owner, Method::GET, &twice, "").await;
    twice.refused(400, "InvalidApiVersionParameter", "more than once");
    fixture.send_as(&owner, Method::POST, LIST, "").await.refused(405, "MethodNotAllowed", "GET");
}

#[tokio::test]
async fn a_resource_group_is_a_name_that_is_shown_as_it_was_sent() {
    let fixture = Fixture::new().await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/team?api-version=2021-04-01");
    let sent = json!({"location": "westus", "tags": {"a": "b"}});
    let made = fixture.send(Method::PUT, &group, &sent).await.done(200);
    assert_eq!((&made["location"], &made["tags"]), (&json!("westus"), &json!({"a": "b"})));
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    let shown = fixture.send(Method::GET, &group, "").await.done(200);
    assert_eq!(shown["id"], format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/team"));
    fixture.send(Method::HEAD, &group, "").await.done(204);
    let refused = fixture.send(Method::PUT, &group, "{}").await;
    refused.refused(400, "InvalidRequestContent", "location");
    let refused = fixture.send(Method::DELETE, &group, "").await;
    refused.refused(405, "MethodNotAllowed", "GET, HEAD, PUT");
    let refused = fixture.send(Method::GET, &group.replace("team", "a*b"), "").await;
    refused.refused(400, "InvalidResourceName", "resource group");
    for method in [Method::GET, Method::PUT] {
        let answer = fixture.send_as("", method, &group, &sent).await;
        answer.refused(401, "Unauthorized", "bearer");
    }
}

#[tokio::test]
async fn the_namespace_is_registered_and_tells_the_versions_of_its_types() {
    let fixture = Fixture::new().await;
    let base = format!("/subscriptions/{SUBSCRIPTION}/providers");
    let one = format!("{base}/Microsoft.Attestation?api-version=2021-04-01");
    let register = format!("{base}/Microsoft.Attestation/register?api-version=2021-04-01");
    let shown = fixture.send(Method::GET, &one, "").await.done(200);
    assert_eq!(shown["registrationState"], "Registered");
    let kinds = shown["resourceTypes"].as_array().unwrap();
    assert_eq!(kinds[0]["resourceType"], "attestationProviders");
    assert_eq!(kinds[0]["apiVersions"][0], "2021-06-01");
    assert_eq!(fixture.send(Method::POST, &register, "").await.done(200), shown);
    let all = fixture.send(Method::GET, &format!("{base}?api-version=2021-04-01"), "").await;
    assert_eq!(all.done(200)["value"], Value::Array(vec![shown]));
    fixture.send(Method::GET, &register, "").await.refused(405, "MethodNotAllowed", "POST");
}

#[tokio::test]
async fn an_empty_parent_between_namespace_and_type_is_left_out_at_that_place_only() {
    let fixture = Fixture::new().await;
    let body = json!({"location": "here", "properties": {}});
    let plain = path("team", "contoso");
    let generic = plain.replace("/attestationProviders", "//attestationProviders");
    fixture.send(Method::PUT, &generic, &body).await.done(201);
    let shown = fixture.send(Method::GET, &plain, "").await.done(200);
    assert_eq!(fixture.send(Method::GET, &generic, "").await.done(200), shown);
    fixture.send(Method::PATCH, &generic, json!({"tags": {"a": "b"}})).await.done(200);
    fixture.send(Method::DELETE, &generic, "").await.done(200);

    let whole = plain.split('?').next().unwrap();
    let slashes: Vec<usize> = whole.match_indices('/').map(|(at, _)| at).collect();
    for at in slashes {
        let (before, after) = whole.split_at(at);
        let doubled = format!("{before}/{after}");
        let found = resolve(&Method::GET, &doubled);
        let is_the_place = doubled.contains("Attestation//");
        let is_found = found.is_ok_and(|route| matches!(route.target, Target::ControlPlane(_)));
        assert_eq!(is_found, is_the_place, "{doubled}");
    }
    let tripled = whole.replace("/attestationProviders", "///attestationProviders");
    let found = resolve(&Method::GET, &tripled).unwrap_err();
    assert_eq!(found.fault().status(), StatusCode::NOT_FOUND);
}
