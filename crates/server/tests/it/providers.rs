//! Providers from the store: found by path and by host, current, and apart from each other.

use avouch_mint::{Options, mint};
use avouch_server::{Clock, Config};
use avouch_store::{Actor, ActorKind, Edit, NewPolicy, Store};
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::policy::{MINIMAL, provider, unsigned};
use crate::support::{Running, Setup, now};

const SGX: &str = "/policies/SgxEnclave?api-version=2022-08-01";

async fn policy_of(service: &Running, prefix: &str) -> String {
    let (status, body) = service.send(Method::GET, &format!("{prefix}{SGX}"), "t", "").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_provider_has_its_own_issuer_keys_and_metadata_under_its_prefix() {
    let setup = Setup::new().await;
    provider(&setup.store, "Contoso", Vec::new()).await;
    let service = setup.serve().await;
    for (prefix, issuer) in [
        ("", service.url.clone()),
        ("/providers/contoso", format!("{}/providers/contoso", service.url)),
        ("/Providers/CONTOSO", format!("{}/providers/contoso", service.url)),
    ] {
        let metadata = service.get(&format!("{prefix}/.well-known/openid-configuration")).await;
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["jwks_uri"], format!("{issuer}/certs"));
    }
    let certs = |keys: Value| keys["keys"][0]["x5c"][0].as_str().unwrap().to_owned();
    let default = certs(service.get("/certs").await);
    let own = certs(service.get("/providers/contoso/certs").await);
    assert_ne!(default, own);
    assert_eq!(own, certs(service.get("/providers/contoso/certs").await));
}

#[tokio::test]
async fn no_spelling_reaches_a_provider_that_does_not_exist_or_the_default_one_by_name() {
    let setup = Setup::new().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    let service = setup.serve().await;
    for name in [
        "default",
        "Default",
        "contos",
        "contoso2",
        "contoso.",
        "contoso%00",
        "contoso%2f",
        "cont%C3%B6so",
        "contoso%20",
        "-contoso",
        "a",
    ] {
        let path = format!("/providers/{name}/certs");
        let answer = service.request(Method::GET, &path).send().await.unwrap();
        // Dot segments are for tests/route.rs: this client would resolve them itself.
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn a_host_name_below_the_base_domain_names_a_provider() {
    let mut setup = Setup::new().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    provider(&setup.store, "fabrikam", Vec::new()).await;
    let text = "[server]\nbase_domain = \"attest.localhost\"\n";
    setup.config = Config::parse(text, "test", []).unwrap();
    let service = setup.serve().await;
    let port = service.url.rsplit(':').next().unwrap().to_owned();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let at = |host: &str, path: &str, http1: bool| {
        let name = format!("{host}.attest.localhost");
        let client = service.client(|builder| {
            let builder = builder.resolve(&name, address);
            if http1 { builder.http1_only() } else { builder }
        });
        client.get(format!("https://{name}:{port}{path}")).send()
    };
    for http1 in [true, false] {
        let answer = at("contoso", "/.well-known/openid-configuration", http1).await.unwrap();
        let metadata: Value = answer.json().await.unwrap();
        let issuer = format!("https://contoso.attest.localhost:{port}");
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["jwks_uri"], format!("{issuer}/certs"));
        let same = at("contoso", "/providers/contoso/certs", http1).await.unwrap();
        assert_eq!(same.status(), StatusCode::OK);
        for (host, path) in [
            ("contoso", "/providers/fabrikam/certs"),
            ("nobody", "/certs"),
            ("default", "/certs"),
            ("nobody", "/providers/contoso/certs"),
        ] {
            let answer = at(host, path, http1).await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{host} {path}");
        }
    }
    // The prefix still finds it from the service's own host, and it is the same provider.
    let metadata = service.get("/providers/contoso/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], format!("https://contoso.attest.localhost:{port}"));
}

#[tokio::test]
async fn what_one_provider_sets_no_other_shows_or_judges_by() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let mut setup = Setup::new().await;
    setup.anchors = setup.anchors.with_pem(minted.root_pem.as_bytes()).unwrap();
    setup.endorsements.add(&minted.endorsements).unwrap();
    provider(&setup.store, "contoso", Vec::new()).await;
    provider(&setup.store, "fabrikam", Vec::new()).await;
    let service = setup.serve().await;
    let before = service.claims(&policy_of(&service, "").await).await["x-ms-policy"].clone();

    let denying = unsigned("version=1.0; authorizationrules{=> deny();};");
    let path = format!("/providers/contoso{SGX}");
    let (status, body) = service.send(Method::PUT, &path, "t", denying.clone()).await;
    assert_eq!(status, StatusCode::OK, "{body}");

    let token = policy_of(&service, "/providers/contoso").await;
    assert_eq!(service.claims_of("contoso", &token).await["x-ms-policy"], denying.as_str());
    let token = policy_of(&service, "/providers/fabrikam").await;
    assert_eq!(service.claims_of("fabrikam", &token).await["x-ms-policy"], before);
    assert_eq!(service.claims(&policy_of(&service, "").await).await["x-ms-policy"], before);

    let attest = "/attest/SgxEnclave?api-version=2022-08-01";
    for (prefix, status) in [("", 200), ("/providers/fabrikam", 200), ("/providers/contoso", 400)] {
        let path = format!("{prefix}{attest}");
        let (found, body) = service.post(&path, minted.request.clone()).await;
        assert_eq!(found.as_u16(), status, "{prefix}: {body}");
        if status == 400 {
            assert_eq!(body["error"]["code"], "PolicyEvaluationError");
        }
    }
}

#[tokio::test]
async fn settings_of_the_configuration_hold_for_the_provider_that_they_name() {
    let minted = mint(EvidenceKind::Snp, &Options::new(now())).unwrap();
    let mut setup = Setup::new().await;
    setup.anchors = setup.anchors.with_pem(minted.root_pem.as_bytes()).unwrap();
    setup.endorsements.add(&minted.endorsements).unwrap();
    provider(&setup.store, "strict", Vec::new()).await;
    let text = "[appraisal.providers.Strict.snp]\nminimum_guest_svn = 4000000000\n";
    setup.config = Config::parse(text, "test", []).unwrap();
    let service = setup.serve().await;
    let attest = "/attest/SevSnpVm?api-version=2022-08-01";
    let (status, body) = service.post(attest, minted.request.clone()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let path = format!("/providers/strict{attest}");
    let (status, body) = service.post(&path, minted.request.clone()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body["error"]["message"].as_str().unwrap().contains("guest-svn-below-minimum"),
        "{body}"
    );
}

/// Two services with connections of their own to one database stand for two instances: each sees
/// what the other did.
#[tokio::test]
async fn another_instance_sees_a_new_provider_a_new_policy_and_a_deletion_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("avouch.db");
    let open = async || Store::open(file.to_str().unwrap(), now()).await.unwrap();
    let (mut first, mut second) = (Setup::new().await, Setup::new().await);
    (first.store, second.store) = (open().await, open().await);
    let store = open().await;
    let (first, second) = (first.serve().await, second.serve().await);
    provider(&store, "contoso", Vec::new()).await;
    let id = store.provider("contoso").await.unwrap().unwrap().id;
    for service in [&first, &second] {
        wait(async || service.status("/providers/contoso/certs").await == 200).await;
    }
    let jws = unsigned(MINIMAL);
    let path = format!("/providers/contoso{SGX}");
    let (status, _) = first.send(Method::PUT, &path, "t", jws.clone()).await;
    assert_eq!(status, StatusCode::OK);
    wait(async || {
        let token = policy_of(&second, "/providers/contoso").await;
        second.claims_of("contoso", &token).await["x-ms-policy"] == jws.as_str()
    })
    .await;
    let actor = Actor::new(ActorKind::User, "test").unwrap();
    store.delete_provider(id, &Edit::new(&actor, now())).await.unwrap();
    for service in [&first, &second] {
        wait(async || service.status("/providers/contoso/certs").await == 404).await;
    }
    // A provider made anew under the name inherits nothing.
    provider(&store, "contoso", Vec::new()).await;
    wait(async || first.status("/providers/contoso/certs").await == 200).await;
    let token = policy_of(&first, "/providers/contoso").await;
    assert_ne!(first.claims_of("contoso", &token).await["x-ms-policy"], jws.as_str());
}

/// Waits until a condition holds: within a second by contract, of which a busy machine may need
/// many.
async fn wait(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(holds().await, "not within ten seconds");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_any_more_takes_neither_keys_nor_other_kinds_with_it() {
    let minted = mint(EvidenceKind::OpenEnclave, &Options::new(now())).unwrap();
    let mut setup = Setup::new().await;
    setup.anchors = setup.anchors.with_pem(minted.root_pem.as_bytes()).unwrap();
    setup.endorsements.add(&minted.endorsements).unwrap();
    provider(&setup.store, "contoso", Vec::new()).await;
    let id = setup.store.provider("contoso").await.unwrap().unwrap().id;
    let (actor, jws) = (Actor::new(ActorKind::User, "test").unwrap(), unsigned("version=9.9;"));
    let new = NewPolicy { jws: jws.as_bytes(), text_hash: [0; 32], signer: None };
    let edit = Edit::new(&actor, now());
    setup.store.set_policy(id, EvidenceKind::Sgx, &new, &edit).await.unwrap();
    let service = setup.serve().await;
    let sgx = "/providers/contoso/attest/SgxEnclave?api-version=2022-08-01";
    assert_eq!(service.post(sgx, minted.request.replace("report", "quote")).await.0, 500);
    assert_eq!(service.status("/providers/contoso/certs").await, 200);
    let other = "/providers/contoso/attest/OpenEnclave?api-version=2022-08-01";
    assert_eq!(service.post(other, minted.request.clone()).await.0, 200);
    // It is shown as it is, and can be replaced.
    let token = policy_of(&service, "/providers/contoso").await;
    assert_eq!(service.claims_of("contoso", &token).await["x-ms-policy"], jws.as_str());
    let path = format!("/providers/contoso{SGX}");
    assert_eq!(service.send(Method::PUT, &path, "t", unsigned(MINIMAL)).await.0, 200);
    assert_ne!(service.post(sgx, minted.request.replace("report", "quote")).await.0, 500);
}

#[tokio::test]
async fn policies_over_the_memory_budget_are_read_from_the_store() {
    let mut setup = Setup::new().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    let id = setup.store.provider("contoso").await.unwrap().unwrap().id;
    let (actor, jws) = (Actor::new(ActorKind::User, "test").unwrap(), unsigned(MINIMAL));
    let new = NewPolicy { jws: jws.as_bytes(), text_hash: [0; 32], signer: None };
    let edit = Edit::new(&actor, Clock::system().now());
    setup.store.set_policy(id, EvidenceKind::Sgx, &new, &edit).await.unwrap();
    setup.config = Config::parse("[limits]\npolicy_bytes_max = 0\n", "test", []).unwrap();
    let service = setup.serve().await;
    let token = policy_of(&service, "/providers/contoso").await;
    assert_eq!(service.claims_of("contoso", &token).await["x-ms-policy"], jws.as_str());
}

#[tokio::test]
async fn providers_are_held_ready_within_the_bytes_that_there_are() {
    const COUNT: u64 = 20;
    let ready_of = async |limits: &str| {
        let mut setup = Setup::new().await;
        for number in 0..COUNT {
            let name = format!("contoso{number}");
            provider(&setup.store, &name, Vec::new()).await;
            let id = setup.store.provider(&name).await.unwrap().unwrap().id;
            let jws = unsigned(&format!("{MINIMAL} // {}", number.to_string().repeat(20_000)));
            let new = NewPolicy { jws: jws.as_bytes(), text_hash: [0; 32], signer: None };
            let actor = Actor::new(ActorKind::User, "test").unwrap();
            let edit = Edit::new(&actor, Clock::system().now());
            setup.store.set_policy(id, EvidenceKind::Sgx, &new, &edit).await.unwrap();
        }
        setup.config = Config::parse(limits, "test", []).unwrap();
        let service = setup.serve().await;
        for number in 0..COUNT {
            let name = format!("contoso{number}");
            let token = policy_of(&service, &format!("/providers/{name}")).await;
            let policy = service.claims_of(&name, &token).await["x-ms-policy"].to_string();
            assert!(policy.len() > 20_000, "{}", policy.len());
        }
        service.get("/readyz").await["providers_ready"].as_u64().unwrap()
    };
    assert_eq!(ready_of("").await, COUNT);
    let few = ready_of("[limits]\nproviders_ready_bytes_max = 1048576\n").await;
    assert!((1..=COUNT / 2).contains(&few), "{few}");
    let few = ready_of("[limits]\nproviders_ready_max = 3\n").await;
    assert!((1..=3).contains(&few), "{few}");
}

#[tokio::test]
async fn evidence_is_remembered_within_the_configured_bytes() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    for (limits, remembered) in [("", 2), ("[limits]\nremembered_bytes_max = 0\n", 0)] {
        let mut setup = Setup::for_minted(&minted).await;
        setup.config = Config::parse(limits, "test", []).unwrap();
        let service = setup.serve().await;
        for _ in 0..2 {
            let path = "/attest/SgxEnclave?api-version=2020-10-01";
            let (status, body) =
                service.send(Method::POST, path, "t", minted.request.clone()).await;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        let ready = service.get("/readyz").await;
        assert_eq!(ready["evidence_remembered"], remembered, "{ready}");
        assert_eq!(ready["evidence_remembered_bytes"] == 0, remembered == 0, "{ready}");
    }
}
