//! Create, get, update; default providers; operations.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Fixture, SUBSCRIPTION, VERSION, path};
use crate::support::policy::PolicyKey;

fn minimal() -> Value {
    json!({"location": "westus", "properties": {}})
}

fn keys(certificates: &[&PolicyKey]) -> Value {
    let keys: Vec<Value> = certificates
        .iter()
        .map(|key| {
            let der = avouch_wire::base64url::encode_standard(key.certificate.der());
            json!({"kty": "EC", "x5c": [der]})
        })
        .collect();
    json!({ "keys": keys })
}

fn isolated(certificates: &[&PolicyKey]) -> Value {
    json!({"location": "westus", "properties": {"policySigningCertificates": keys(certificates)}})
}

/// Without what names persons and times.
fn without_system_data(mut resource: Value) -> Value {
    let system = resource.as_object_mut().unwrap().remove("systemData").unwrap();
    assert_eq!(system["createdBy"], "developer");
    assert_eq!(system["createdByType"], "User");
    assert!(system["createdAt"].as_str().unwrap().ends_with('Z'));
    resource
}

#[tokio::test]
async fn a_new_provider_is_201_at_once_and_its_data_plane_answers() {
    let fixture = Fixture::new().await;
    let url = format!("{}/providers/contoso", fixture.service.url);
    let answer = fixture.create("Group", "Contoso", &minimal()).await;
    assert_eq!(answer.headers["location"], format!("{url}/"));
    let made = without_system_data(answer.done(201));
    let wanted = json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/Group/providers/\
                       Microsoft.Attestation/attestationProviders/Contoso"),
        "name": "Contoso",
        "type": "Microsoft.Attestation/attestationProviders",
        "location": "westus",
        "properties": {
            "trustModel": "AAD",
            "status": "Ready",
            "attestUri": url,
            "publicNetworkAccess": null,
            "tpmAttestationAuthentication": null,
        },
    });
    assert_eq!(made, wanted);
    // No waiting: who was answered may use it.
    let metadata = fixture.service.get("/providers/contoso/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], url);
    assert_eq!(without_system_data(fixture.get("Group", "Contoso").await.done(200)), wanted);
}

#[tokio::test]
async fn names_keep_their_case_and_are_found_in_any() {
    let fixture = Fixture::new().await;
    let made = fixture.create("My-Group_(1)", "ConToso-1", &minimal()).await.done(201);
    let upper = format!(
        "/SUBSCRIPTIONS/{}/RESOURCEGROUPS/MY-GROUP_(1)/PROVIDERS/MICROSOFT.ATTESTATION/\
         ATTESTATIONPROVIDERS/CONTOSO-1/?API-VERSION=2021-06-01",
        SUBSCRIPTION.to_uppercase()
    );
    assert_eq!(fixture.send(Method::GET, &upper, "").await.done(200), made);
    // Not a second one.
    let again = fixture.create("my-group_(1)", "contoso-1", &minimal()).await.done(200);
    assert_eq!(again, made);
    assert_eq!(fixture.store.provider_count().await.unwrap(), 2);
}

#[tokio::test]
async fn an_absent_provider_is_404_under_any_other_scope_too() {
    let fixture = Fixture::new().await;
    fixture.create("group", "contoso", &minimal()).await.done(201);
    fixture.get("group", "fabrikam").await.refused(404, "ResourceNotFound", "fabrikam");
    fixture.get("other", "contoso").await.refused(404, "ResourceNotFound", "contoso");
    let other = path("group", "contoso").replace(SUBSCRIPTION, "cccccccc");
    fixture.send(Method::GET, &other, "").await.refused(404, "ResourceNotFound", "contoso");
    let body = json!({"tags": {}});
    let patch = fixture.send(Method::PATCH, &path("other", "contoso"), &body).await;
    patch.refused(404, "ResourceNotFound", "contoso");
}

#[tokio::test]
async fn properties_are_those_of_the_version_asked_for() {
    let fixture = Fixture::new().await;
    let body = json!({
        "location": "westus",
        "tags": {"team": "a"},
        "properties": {"tpmAttestationAuthentication": "disabled"},
    });
    fixture.create("group", "contoso", &body).await.done(201);
    let old = ["trustModel", "status", "attestUri"];
    let new = ["publicNetworkAccess", "tpmAttestationAuthentication"];
    for (version, is_new) in [
        ("2018-09-01-preview", false),
        ("2020-10-01", false),
        ("2021-06-01-preview", true),
        ("2021-06-01", true),
        ("2021-06-01-PREVIEW", true),
    ] {
        let path = path("group", "contoso").replace("2021-06-01", version);
        let body = fixture.send(Method::GET, &path, "").await.done(200);
        let mut wanted: Vec<&str> = old.to_vec();
        if is_new {
            wanted.extend(new);
            assert_eq!(body["properties"]["tpmAttestationAuthentication"], "Disabled");
            assert_eq!(body["properties"]["publicNetworkAccess"], Value::Null);
        }
        let mut found: Vec<&String> = body["properties"].as_object().unwrap().keys().collect();
        found.sort();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{version}");
        assert_eq!(body["tags"], json!({"team": "a"}));
        assert_eq!(body.get("systemData").is_some(), is_new, "{version}");
    }
}

#[tokio::test]
async fn a_version_that_is_missing_unknown_or_given_twice_is_400() {
    let fixture = Fixture::new().await;
    let bare = path("group", "contoso");
    let bare = bare.split('?').next().unwrap();
    for (query, code) in [
        ("", "MissingApiVersionParameter"),
        ("?x=1", "MissingApiVersionParameter"),
        ("?api-version=", "InvalidApiVersionParameter"),
        ("?api-version=2022-08-01", "InvalidApiVersionParameter"),
        ("?api-version=2021-06-01&api-version=2021-06-01", "InvalidApiVersionParameter"),
    ] {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = fixture.send(method, &format!("{bare}{query}"), "{}").await;
            answer.refused(400, code, "api-version");
        }
    }
}

#[tokio::test]
async fn a_key_makes_it_isolated_and_none_makes_it_aad() {
    let fixture = Fixture::new().await;
    let (first, second) = (PolicyKey::new("first"), PolicyKey::new("second"));
    for (name, body) in [
        ("absent", minimal()),
        ("empty", isolated(&[])),
        ("nothing", json!({"location": "x", "properties": {"policySigningCertificates": null}})),
    ] {
        let made = fixture.create("group", name, &body).await.done(201);
        assert_eq!(made["properties"]["trustModel"], "AAD", "{name}");
    }
    let body = isolated(&[&first, &second, &first]);
    let made = fixture.create("group", "isolated", &body).await.done(201);
    assert_eq!(made["properties"]["trustModel"], "Isolated");
    let certificates = "/providers/isolated/certificates?api-version=2022-08-01";
    let shown = fixture.send(Method::GET, certificates, "").await.done(200);
    let claims = fixture.service.claims_of("isolated", shown["token"].as_str().unwrap()).await;
    let shown = claims["x-ms-policy-certificates"]["keys"].as_array().unwrap();
    let texts: Vec<&Value> = shown.iter().map(|key| &key["x5c"][0]).collect();
    let wanted =
        [&first, &second].map(|key| avouch_wire::base64url::encode_standard(key.certificate.der()));
    assert_eq!(texts, wanted.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_put_of_what_is_there_changes_tags_and_switches_and_nothing_that_is_fixed() {
    let fixture = Fixture::new().await;
    let (first, second) = (PolicyKey::new("first"), PolicyKey::new("second"));
    fixture.create("group", "contoso", &isolated(&[&first])).await.done(201);
    let mut body = isolated(&[&first]);
    body["location"] = json!("West US");
    body["tags"] = json!({"team": "b"});
    body["properties"]["publicNetworkAccess"] = json!("Enabled");
    let changed = fixture.create("group", "contoso", &body).await;
    assert!(!changed.headers.contains_key("location"));
    let changed = changed.done(200);
    assert_eq!(changed["tags"], json!({"team": "b"}));
    assert_eq!(changed["properties"]["publicNetworkAccess"], "Enabled");
    assert_eq!(changed["location"], "westus");
    // Tags are replaced as a whole, switches that are not named stay.
    let changed = fixture.create("group", "contoso", &isolated(&[&first])).await.done(200);
    assert!(changed.get("tags").is_none());
    assert_eq!(changed["properties"]["publicNetworkAccess"], "Enabled");

    let elsewhere = json!({"location": "eastus", "properties": body["properties"]});
    let mut empty = body.clone();
    empty["properties"] = json!({});
    for (body, code) in [
        (elsewhere, "InvalidResourceLocation"),
        (empty, "Conflict"),
        (isolated(&[&second]), "Conflict"),
        (isolated(&[&first, &second]), "Conflict"),
    ] {
        let answer = fixture.create("group", "contoso", &body).await;
        answer.refused(409, code, "exists already");
    }
    fixture.create("group", "aad", &minimal()).await.done(201);
    let answer = fixture.create("group", "aad", &isolated(&[&first])).await;
    answer.refused(409, "Conflict", "trust model AAD");
    for other in ["other", "Group2"] {
        let answer = fixture.create(other, "CONTOSO", &isolated(&[&first])).await;
        answer.refused(409, "Conflict", "taken");
    }
    let found = fixture.get("group", "contoso").await.done(200);
    assert_eq!(found["properties"]["trustModel"], "Isolated");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_leaves_the_rest() {
    let fixture = Fixture::new().await;
    let path = path("group", "contoso");
    let patch = async |body: Value| fixture.send(Method::PATCH, &path, &body).await;
    patch(json!({})).await.refused(404, "ResourceNotFound", "contoso");
    let mut body = minimal();
    body["tags"] = json!({"a": "1", "b": "2"});
    fixture.create("group", "contoso", &body).await.done(201);
    let before = fixture.get("group", "contoso").await.done(200);
    assert_eq!(patch(json!({})).await.done(200), before);
    assert_eq!(patch(json!({"location": "eastus", "sku": 1})).await.done(200), before);
    let disabled = json!({"properties": {"tpmAttestationAuthentication": "Disabled"}});
    let after = patch(disabled).await.done(200);
    assert_eq!(after["tags"], before["tags"]);
    assert_eq!(after["properties"]["tpmAttestationAuthentication"], "Disabled");
    assert_eq!(after["properties"]["publicNetworkAccess"], Value::Null);
    assert_eq!(after["location"], "westus");
    let after = patch(json!({"tags": {"c": "3"}})).await.done(200);
    assert_eq!(after["tags"], json!({"c": "3"}));
    assert_eq!(after["properties"]["tpmAttestationAuthentication"], "Disabled");
    let after = patch(json!({"tags": {}})).await.done(200);
    assert!(after.get("tags").is_none());
    let keys = json!({"properties": {"policySigningCertificates": {"keys": []}}});
    patch(keys).await.refused(400, "InvalidRequestContent", "certificates:add");
}

#[tokio::test]
async fn the_default_provider_is_shown_for_every_location_and_cannot_be_deleted() {
    let fixture = Fixture::new().await;
    let prefix = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Attestation");
    let list = fixture.send(Method::GET, &format!("{prefix}/defaultProviders?{VERSION}"), "").await;
    let list = list.done(200);
    let default = &list["value"][0];
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    assert_eq!(default["name"], "default");
    assert_eq!(default["properties"]["attestUri"], fixture.service.url);
    for location in
        ["Central%20US", "centralus", "West%20US%202", "Jio+India".replace('+', "%20").as_str()]
    {
        let path = format!("{prefix}/locations/{location}/defaultProvider?{VERSION}");
        assert_eq!(fixture.send(Method::GET, &path, "").await.done(200), *default, "{location}");
    }
    for location in ["x%2fy", "%2e%2e", "a%00", ""] {
        let path = format!("{prefix}/locations/{location}/defaultProvider?{VERSION}");
        let answer = fixture.send(Method::GET, &path, "").await;
        answer.refused(404, "NotFound", "");
    }
    let odd = format!("{prefix}/locations/caf%C3%A9/defaultProvider?{VERSION}");
    fixture.send(Method::GET, &odd, "").await.refused(400, "InvalidResourceName", "location");

    let path = format!("{}?{VERSION}", default["id"].as_str().unwrap());
    assert_eq!(fixture.send(Method::GET, &path, "").await.done(200), *default);
    let answer = fixture.send(Method::DELETE, &path, "").await;
    answer.refused(409, "Conflict", "cannot be deleted");
    fixture.send(Method::GET, &path, "").await.done(200);
    // Nobody can put one beside it.
    let body = json!({"location": "westus", "properties": {}});
    fixture.create("group", "Default", &body).await.refused(409, "Conflict", "taken");
}

#[tokio::test]
async fn the_operations_are_listed_beside_the_paths_of_providers() {
    let fixture = Fixture::new().await;
    let path = format!("/providers/Microsoft.Attestation/operations?{VERSION}");
    let list = fixture.send(Method::GET, &path, "").await.done(200);
    let names: Vec<&str> =
        list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for right in ["read", "write", "delete"] {
        let name = format!("Microsoft.Attestation/attestationProviders/attestation/{right}");
        assert!(names.contains(&name.as_str()), "{names:?}");
    }
    let first = &list["value"][0];
    for member in ["provider", "resource", "operation", "description"] {
        assert!(first["display"][member].is_string(), "{member}");
    }
    assert!(first["properties"]["serviceSpecification"]["logSpecifications"].is_array());
    let earlier = path.replace("2021-06-01", "2021-06-01-preview");
    let list = fixture.send(Method::GET, &earlier, "").await.done(200);
    assert!(list["value"][0].get("properties").is_none());
    // Other routes under that name are none of the data plane.
    let other = format!("/providers/Microsoft.Attestation/certs?{VERSION}");
    fixture.send(Method::GET, &other, "").await.refused(404, "NotFound", "route");
}

#[tokio::test]
async fn a_method_that_a_resource_does_not_have_is_405_with_those_it_has() {
    let fixture = Fixture::new().await;
    let group = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/group/providers/Microsoft.Attestation/\
         attestationProviders"
    );
    for (method, path, allowed) in [
        (Method::POST, format!("{group}/contoso"), "GET, PUT, PATCH, DELETE"),
        (Method::PUT, group.clone(), "GET"),
        (
            Method::PATCH,
            format!("{group}/contoso/privateEndpointConnections/x"),
            "GET, PUT, DELETE",
        ),
        (Method::DELETE, format!("{group}/contoso/privateEndpointConnections"), "GET"),
        (Method::POST, format!("{group}/contoso/privateLinkResources"), "GET"),
        (Method::POST, "/providers/Microsoft.Attestation/operations".to_owned(), "GET"),
    ] {
        let answer = fixture.send(method, &format!("{path}?{VERSION}"), "{}").await;
        assert_eq!(answer.headers["allow"], allowed, "{path}");
        answer.refused(405, "MethodNotAllowed", allowed);
    }
    let head = fixture.service.request(Method::HEAD, &format!("{group}?{VERSION}"));
    let head = head.bearer_auth("t").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.text().await.unwrap().is_empty());
}

#[tokio::test]
async fn of_many_who_take_a_name_at_once_one_gets_it() {
    let fixture = Fixture::new().await;
    let body = minimal();
    let puts = (0..12).map(|n| {
        let group = format!("group-{}", n % 3);
        let (fixture, body) = (&fixture, &body);
        async move { (fixture.create(&group, "contoso", body).await.status.as_u16(), group) }
    });
    let answers = futures_util::future::join_all(puts).await;
    let made: Vec<_> = answers.iter().filter(|(status, _)| *status == 201).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    let owner = &made[0].1;
    for (status, group) in answers.iter().filter(|(status, _)| *status != 201) {
        assert_eq!(*status, if group == owner { 200 } else { 409 }, "{answers:?}");
    }
    assert_eq!(fixture.store.provider_count().await.unwrap(), 2);
}

#[tokio::test]
async fn changes_made_at_once_are_all_made() {
    let fixture = Fixture::new().await;
    fixture.create("group", "contoso", &minimal()).await.done(201);
    let path = path("group", "contoso");
    let bodies = [
        json!({"tags": {"a": "1"}}),
        json!({"properties": {"publicNetworkAccess": "Disabled"}}),
        json!({"properties": {"tpmAttestationAuthentication": "Disabled"}}),
    ];
    let patches = bodies.iter().map(|body| fixture.send(Method::PATCH, &path, body));
    for answer in futures_util::future::join_all(patches).await {
        answer.done(200);
    }
    let found = fixture.get("group", "contoso").await.done(200);
    assert_eq!(found["tags"], json!({"a": "1"}));
    for switch in ["publicNetworkAccess", "tpmAttestationAuthentication"] {
        assert_eq!(found["properties"][switch], "Disabled");
    }
}
