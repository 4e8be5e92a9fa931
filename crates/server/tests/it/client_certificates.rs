//! Mutual TLS: who holds which certificate may do what.

use std::path::Path;

use avouch_server::{Access, Authenticator, Config, TlsFiles};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use reqwest::{Client, Identity, Method, StatusCode};

use crate::support::policy::{MINIMAL, provider, unsigned};
use crate::support::{Running, Setup};

const RULES: &str = "[server.tls]\ncertificates = \"c\"\nprivate_key = \"k\"\nclient_ca = \"ca\"\n\
    [[auth.certificates]]\ncommon_name = \"pipeline\"\nrole = \"Contributor\"\n\
    providers = [\"Contoso\"]\n\
    [[auth.certificates]]\ncommon_name = \"auditor\"\nrole = \"Reader\"\n";

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A leaf as PEM, certificate and key.
fn leaf(
    ca: &Ca,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
    change: impl FnOnce(&mut CertificateParams),
) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for name in names {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    params.extended_key_usages = vec![usage];
    change(&mut params);
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

fn client_leaf(ca: &Ca, name: &str) -> Identity {
    identity(leaf(ca, &[name], ExtendedKeyUsagePurpose::ClientAuth, |_| ()))
}

fn identity((certificate, key): (String, String)) -> Identity {
    Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap()
}

/// A service with providers `contoso` and `fabrikam`, and the CA of its clients.
async fn service(folder: &Path) -> (Running, Ca) {
    let (servers, clients) = (ca("servers"), ca("clients"));
    let (certificate, key) =
        leaf(&servers, &["server"], ExtendedKeyUsagePurpose::ServerAuth, |_| ());
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = TlsFiles {
        certificates: write("server.pem", &certificate),
        private_key: write("server-key.pem", &key),
        client_ca: Some(write("clients.pem", &clients.pem())),
    };
    let mut setup = Setup::new().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    provider(&setup.store, "fabrikam", Vec::new()).await;
    let config = Config::parse(RULES, "test", []).unwrap();
    setup.access = Access::Tokens(Authenticator::new(config.auth).unwrap());
    setup.tls = Some((files, servers.pem().into_bytes()));
    (setup.serve().await, clients)
}

async fn policy(service: &Running, client: &Client, method: Method, provider: &str) -> StatusCode {
    let path = format!("/providers/{provider}/policies/SgxEnclave?api-version=2022-08-01");
    let request = client.request(method, format!("{}{path}", service.url));
    request.body(unsigned(MINIMAL)).send().await.unwrap().status()
}

#[tokio::test]
async fn the_common_name_of_a_client_certificate_gives_its_roles_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (service, clients) = service(folder.path()).await;
    let with = |identity| service.client(|builder| builder.identity(identity));
    let pipeline = with(client_leaf(&clients, "pipeline"));
    let auditor = with(client_leaf(&clients, "auditor"));
    let stranger = with(client_leaf(&clients, "Pipeline"));
    let nobody = service.client(|builder| builder);
    let cases = [
        ("pipeline", &pipeline, Method::PUT, "contoso", 200),
        ("pipeline", &pipeline, Method::GET, "contoso", 200),
        ("pipeline", &pipeline, Method::GET, "fabrikam", 401),
        ("pipeline", &pipeline, Method::PUT, "fabrikam", 401),
        ("auditor", &auditor, Method::GET, "fabrikam", 200),
        ("auditor", &auditor, Method::PUT, "fabrikam", 401),
        ("stranger", &stranger, Method::GET, "contoso", 401),
        ("nobody", &nobody, Method::GET, "contoso", 401),
    ];
    for (name, client, method, provider, expected) in cases {
        let status = policy(&service, client, method.clone(), provider).await;
        assert_eq!(status.as_u16(), expected, "{name} {method} {provider}");
    }
}

#[tokio::test]
async fn the_holder_of_a_certificate_without_a_rule_is_nobody_at_the_shared_provider_too() {
    let folder = tempfile::tempdir().unwrap();
    let (service, clients) = service(folder.path()).await;
    for (name, expected) in [("auditor", 200), ("stranger", 401)] {
        let client = service.client(|builder| builder.identity(client_leaf(&clients, name)));
        let url = format!("{}/policies/SgxEnclave?api-version=2022-08-01", service.url);
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_bearer_token_counts_alone_where_there_is_a_certificate_too() {
    let folder = tempfile::tempdir().unwrap();
    let (service, clients) = service(folder.path()).await;
    let client = service.client(|builder| builder.identity(client_leaf(&clients, "auditor")));
    let url = format!("{}/policies/SgxEnclave?api-version=2022-08-01", service.url);
    let answer = client.get(&url).bearer_auth("unknown").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn certificates_of_other_cas_other_uses_or_other_times_are_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (service, clients) = service(folder.path()).await;
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    let cases = [
        ("foreign CA", client_leaf(&ca("clients"), "pipeline")),
        (
            "certificate of a server",
            identity(leaf(&clients, &["pipeline"], ExtendedKeyUsagePurpose::ServerAuth, |_| ())),
        ),
        (
            "expired",
            identity(leaf(&clients, &["pipeline"], usage, |params| {
                params.not_after = rcgen::date_time_ymd(2024, 1, 1);
            })),
        ),
    ];
    for (name, identity) in cases {
        let client = service.client(|builder| builder.identity(identity));
        let url = format!("{}/healthz", service.url);
        assert!(client.get(url).send().await.is_err(), "{name}");
    }
}

#[test]
fn rules_for_certificates_need_a_ca_that_issues_them() {
    let rule = "[[auth.certificates]]\ncommon_name = \"a\"\nrole = \"Owner\"\n";
    let error = Config::parse(rule, "test", []).unwrap_err().to_string();
    assert!(error.contains("auth.certificates"), "{error}");
    assert!(error.contains("server.tls.client_ca"), "{error}");
    let error = Config::parse(&RULES.replace("pipeline", ""), "test", []).unwrap_err().to_string();
    assert!(error.contains("auth.certificates[0]"), "{error}");
}
