//! Private endpoint connections and private link resources.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, SUBSCRIPTION, VERSION, below};

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    let body = json!({"location": "westus", "properties": {}});
    fixture.create("group", "Contoso", &body).await.done(201);
    fixture
}

fn connection(name: &str) -> String {
    below("group", "contoso", &format!("/privateEndpointConnections/{name}"))
}

fn body(status: &str) -> Value {
    json!({"properties": {"privateLinkServiceConnectionState": {"status": status}}})
}

#[tokio::test]
async fn connections_are_put_shown_replaced_and_deleted() {
    let fixture = fixture().await;
    let all = below("group", "contoso", "/privateEndpointConnections");
    assert_eq!(fixture.send(Method::GET, &all, "").await.done(200), json!({"value": []}));
    let absent = fixture.send(Method::GET, &connection("Pec.1"), "").await;
    absent.refused(404, "ResourceNotFound", "Pec.1");
    let absent = fixture.send(Method::DELETE, &connection("Pec.1"), "").await;
    assert_eq!(absent.done(204), Value::Null);

    let sent = json!({
        "id": "ignored",
        "properties": {
            "privateEndpoint": {"id": "/subscriptions/s/privateEndpoints/pe"},
            "privateLinkServiceConnectionState": {
                "status": "Approved", "description": "by hand", "actionsRequired": "None",
            },
        },
    });
    let made = fixture.send(Method::PUT, &connection("Pec.1"), &sent).await.done(200);
    let wanted = json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/group/providers/\
            Microsoft.Attestation/attestationProviders/Contoso/privateEndpointConnections/Pec.1"),
        "name": "Pec.1",
        "type": "Microsoft.Attestation/attestationProviders/privateEndpointConnections",
        "properties": {
            "privateEndpoint": {"id": "/subscriptions/s/privateEndpoints/pe"},
            "privateLinkServiceConnectionState": {
                "status": "Approved", "description": "by hand", "actionsRequired": "None",
            },
            "provisioningState": "Succeeded",
        },
    });
    assert_eq!(made, wanted);
    assert_eq!(fixture.send(Method::GET, &connection("PEC.1"), "").await.done(200), wanted);
    assert_eq!(fixture.send(Method::GET, &all, "").await.done(200), json!({"value": [wanted]}));
    let provider = fixture.get("group", "contoso").await.done(200);
    assert_eq!(provider["properties"]["privateEndpointConnections"], json!([wanted]));
    let listed = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Attestation/attestationProviders?{VERSION}"
    );
    let listed = fixture.send(Method::GET, &listed, "").await.done(200);
    assert_eq!(listed["value"], json!([provider]));
    let older = super::path("group", "contoso").replace("2021-06-01", "2020-10-01");
    let older = fixture.send(Method::GET, &older, "").await.done(200);
    assert!(older["properties"].get("privateEndpointConnections").is_none());

    // Replaced under the name it has; the endpoint, which clients cannot send, stays.
    let replaced = fixture.send(Method::PUT, &connection("PEC.1"), body("Rejected")).await;
    let replaced = replaced.done(200);
    assert_eq!(replaced["name"], "Pec.1");
    assert_eq!(replaced["properties"]["privateEndpoint"], wanted["properties"]["privateEndpoint"]);
    let state = json!({"status": "Rejected"});
    assert_eq!(replaced["properties"]["privateLinkServiceConnectionState"], state);

    let gone = fixture.send(Method::DELETE, &connection("pec.1"), "").await;
    assert_eq!(gone.done(200), Value::Null);
    assert_eq!(fixture.send(Method::GET, &all, "").await.done(200), json!({"value": []}));
}

#[tokio::test]
async fn a_connection_that_does_not_hold_is_400() {
    let fixture = fixture().await;
    for (body, words) in [
        ("", "no body"),
        ("{}", "properties"),
        (r#"{"properties":{}}"#, "privateLinkServiceConnectionState"),
        (r#"{"properties":{"privateLinkServiceConnectionState":"x"}}"#, "an object"),
        (r#"{"properties":{"privateLinkServiceConnectionState":{"status":"Maybe"}}}"#, "Maybe"),
        (r#"{"properties":{"privateLinkServiceConnectionState":{"status":1}}}"#, "status"),
        (
            r#"{"properties":{"privateEndpoint":{"id":1},"privateLinkServiceConnectionState":{}}}"#,
            "id",
        ),
        (
            r#"{"properties":{"privateLinkServiceConnectionState":{"description":"a\u0000"}}}"#,
            "control character",
        ),
    ] {
        let answer = fixture.send(Method::PUT, &connection("pec"), body).await;
        answer.refused(400, "InvalidRequestContent", words);
    }
    let pending = r#"{"properties":{"privateLinkServiceConnectionState":{}}}"#;
    let made = fixture.send(Method::PUT, &connection("pec"), pending).await.done(200);
    assert_eq!(made["properties"]["privateLinkServiceConnectionState"]["status"], "Pending");
    for name in ["a%20b", "caf%C3%A9", &"x".repeat(81)] {
        let answer = fixture.send(Method::PUT, &connection(name), body("Pending")).await;
        answer.refused(400, "InvalidResourceName", "private endpoint connection name");
        let answer = fixture.send(Method::DELETE, &connection(name), "").await;
        answer.refused(400, "InvalidResourceName", "private endpoint connection name");
        let answer = fixture.send(Method::GET, &connection(name), "").await;
        answer.refused(404, "ResourceNotFound", "");
    }
}

#[tokio::test]
async fn connections_of_a_provider_that_is_not_there_are_404() {
    let fixture = fixture().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let path = below("group", "fabrikam", "/privateEndpointConnections/pec");
        let answer = fixture.send(method, &path, body("Pending")).await;
        answer.refused(404, "ResourceNotFound", "fabrikam");
    }
    for rest in ["/privateEndpointConnections", "/privateLinkResources"] {
        let answer = fixture.send(Method::GET, &below("other", "contoso", rest), "").await;
        answer.refused(404, "ResourceNotFound", "contoso");
    }
}

#[tokio::test]
async fn a_provider_has_one_private_link_resource() {
    let fixture = fixture().await;
    let path = below("group", "contoso", "/privateLinkResources");
    let list = fixture.send(Method::GET, &path, "").await.done(200);
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/group/providers/Microsoft.Attestation/\
         attestationProviders/Contoso/privateLinkResources/Standard"
    );
    let wanted = json!({"value": [{
        "id": id,
        "name": "Standard",
        "type": "Microsoft.Attestation/attestationProviders/privateLinkResources",
        "properties": {
            "groupId": "Standard",
            "requiredMembers": ["Standard"],
            "requiredZoneNames": ["localhost"],
        },
    }]});
    assert_eq!(list, wanted);
}
