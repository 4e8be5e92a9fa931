//! No spelling of a path collides with another's or escapes its place.

use avouch_server::error::PlaneError;
use avouch_server::route::control_plane::{Operation, ProviderAction};
use avouch_server::route::{Route, Target, resolve};
use axum::http::{Method, StatusCode};
use reqwest::Method as Verb;
use serde_json::json;

use super::{Fixture, below, path, token_of};
use crate::support::policy::{MINIMAL, unsigned};

/// What a raw path means here, none if it is one of the data plane: a client library would tidy it up
/// before it reaches the wire.
fn status(path: &str) -> Option<StatusCode> {
    match resolve(&Method::GET, path) {
        Ok(Route { target: Target::ControlPlane(_), .. }) => Some(StatusCode::OK),
        Err(PlaneError::Control(error)) => Some(error.fault().status()),
        Ok(_) | Err(PlaneError::Data(_) | PlaneError::Vault(_)) => None,
    }
}

#[test]
fn no_path_can_climb_split_or_smuggle_a_segment() {
    let paths = [
        "/subscriptions//",
        "/subscriptions/s/x",
        "/subscriptions/s/resourceGroups",
        "/subscriptions/s/resourceGroups/g/x",
        "/metadata/endpoints/x",
        "/metadata/endpoints/operations",
        "/subscriptions/s/providers/Microsoft.Compute/attestationProviders",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/virtualMachines/n",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a/b",
        "/subscriptions/s/resourceGroups/../providers/Microsoft.Attestation/attestationProviders/a",
        "/subscriptions/s/resourceGroups/%2e%2e/providers/Microsoft.Attestation/attestationProviders/a",
        "/subscriptions/s/resourceGroups/g%2fproviders/Microsoft.Attestation/attestationProviders/a",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a%2f..%2fb",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a%252fb",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a%5cb",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a%00",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a%0d%0ax",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/%ff",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders//a",
        "/subscriptions//resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Attestation/attestationProviders/a//",
        "/%73ubscriptions/s/x",
        "/providers/Microsoft.Attestation",
        "/providers/Microsoft.Attestation/certs",
        "/providers/%4dicrosoft.Attestation/policies/SgxEnclave",
        "/providers/Microsoft.Attestation/../operations",
    ];
    for path in paths {
        assert_eq!(status(path), Some(StatusCode::NOT_FOUND), "{path}");
    }
    // Paths of the data plane are left to it.
    for path in [
        "",
        "/",
        "/certs",
        "/providers/contoso/certs",
        "/providers/Microsoft/certs",
        "subscriptions/s",
    ] {
        assert_eq!(status(path), None, "{path}");
    }
}

#[test]
fn names_arrive_as_they_were_written() {
    let path = "/Subscriptions/S-1/resourcegroups/Gr%C3%BCn/providers/microsoft.attestation/\
                AttestationProviders/Con%74oso/";
    let Target::ControlPlane(Operation::Provider(at, ProviderAction::Get)) =
        resolve(&Method::GET, path).unwrap().target
    else {
        panic!("not a provider");
    };
    assert_eq!((at.subscription.as_str(), at.resource_group.as_str()), ("S-1", "Gr\u{fc}n"));
    assert_eq!(at.name, "Contoso");
}

/// The owner of one provider tries every route that changes something of another.
#[tokio::test]
async fn a_token_for_one_provider_changes_nothing_in_another_through_any_route() {
    let rows: [(&str, &str, &[&str]); 2] =
        [("root", "Owner", &[]), ("owner-of-a", "Owner", &["tenant-a"])];
    let fixture = Fixture::with_tokens(&rows).await;
    let (root, owner) = (token_of("root"), token_of("owner-of-a"));
    let creation = json!({"location": "westus", "properties": {}});
    for name in ["tenant-a", "tenant-b"] {
        fixture.send_as(&root, Verb::PUT, &path("group", name), &creation).await.done(201);
    }
    let before = fixture.store.provider("tenant-b").await.unwrap().unwrap();
    let last = fixture.store.sequence().await.unwrap();
    let patch = json!({"tags": {"a": "b"}, "properties": {"publicNetworkAccess": "Disabled"}});
    let state = json!({"properties": {"privateLinkServiceConnectionState": {}}});
    let policy = unsigned(MINIMAL);
    let connection = "/privateEndpointConnections/pec";
    let data = |rest: &str| format!("/providers/tenant-b/{rest}?api-version=2022-08-01");
    let mut attempts = vec![
        (Verb::PUT, data("policies/SgxEnclave"), policy.clone()),
        (Verb::PUT, data("policies/Tpm"), policy.clone()),
        (Verb::POST, data("policies/SgxEnclave:reset"), "eyJhbGciOiJub25lIn0..".to_owned()),
        (Verb::POST, data("certificates:add"), "\"x\"".to_owned()),
        (Verb::POST, data("certificates:remove"), "\"x\"".to_owned()),
    ];
    for name in ["tenant-b", "TENANT-B", "tenant%2db", "%74enant-b"] {
        attempts.push((Verb::PUT, path("group", name), creation.to_string()));
        attempts.push((Verb::PUT, path("other", name), creation.to_string()));
        attempts.push((Verb::PATCH, path("group", name), patch.to_string()));
        attempts.push((Verb::DELETE, path("group", name), String::new()));
        attempts.push((Verb::PUT, below("group", name, connection), state.to_string()));
        attempts.push((Verb::DELETE, below("group", name, connection), String::new()));
    }
    for (method, path, body) in attempts {
        let answer = fixture.send_as(&owner, method.clone(), &path, &body).await;
        assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
    }
    for name in ["tenant-a%2f..%2ftenant-b", "tenant-a%5c..%5ctenant-b", "tenant-a%252ftenant-b"] {
        for method in [Verb::PUT, Verb::DELETE] {
            let answer = fixture.send_as(&owner, method, &path("group", name), &creation).await;
            assert_eq!(answer.status, 404, "{name}");
        }
    }
    for name in ["tenant-\u{432}", "tenant\u{2010}b", "tenant-b\u{200b}", "\u{ff54}enant-b"] {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let path = path("group", &name.to_string());
        let answer = fixture.send_as(&owner, Verb::PUT, &path, &creation).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    assert_eq!(fixture.store.provider("tenant-b").await.unwrap().unwrap(), before);
    let changes = fixture.store.audit(Some("tenant-b"), avouch_store::PageRequest::first());
    let changes = changes.await.unwrap().items;
    let done = |entry: &&avouch_store::AuditEntry| {
        entry.sequence > last && entry.outcome == avouch_store::AuditOutcome::Succeeded
    };
    assert_eq!(changes.iter().filter(done).count(), 0, "{changes:?}");
}

/// A provider's own host name leads to it and to nothing that could name another.
#[tokio::test]
async fn the_control_plane_does_not_answer_under_the_host_name_of_a_provider() {
    let mut setup = crate::support::Setup::new().await;
    crate::support::policy::provider(&setup.store, "contoso", Vec::new()).await;
    let text = "[server]\nbase_domain = \"attest.localhost\"\n";
    setup.config = avouch_server::Config::parse(text, "test", []).unwrap();
    let service = setup.serve().await;
    let port = service.url.rsplit(':').next().unwrap().to_owned();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let name = "contoso.attest.localhost";
    let client = service.client(|builder| builder.resolve(name, address));
    for path in [
        path("group", "contoso"),
        path("group", "fabrikam"),
        format!("/providers/Microsoft.Attestation/operations?{}", super::VERSION),
    ] {
        let url = format!("https://{name}:{port}{path}");
        let answer = client.get(url).bearer_auth("t").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}
