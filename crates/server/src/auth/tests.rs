//! Who a request is from: its one bearer token, its client certificate, or nobody.

use axum::http::HeaderValue;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::*;
use crate::config::CertificateRule;

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn a_bearer_token_is_what_follows_the_scheme_in_the_one_field() {
    for value in ["Bearer a b", "bearer a b", "BEARER  a b ", "Bearer \ta b"] {
        assert_eq!(bearer(&headers(&[value])).unwrap(), "a b", "{value:?}");
    }
    for values in [
        &[][..],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer  \t "],
        &["a"],
        &["Basic a"],
        &["Bearers a"],
        &[" Bearer a"],
        &["Bearer\ta"],
        &["Bearer a", "Bearer a"],
        &["Bearer a", ""],
    ] {
        assert!(bearer(&headers(values)).is_err(), "{values:?}");
    }
    let mut opaque = HeaderMap::new();
    opaque.append(header::AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap());
    assert!(bearer(&opaque).is_err());
}

/// 2024-01-01 and 2026-01-01, in seconds since the epoch.
const BEGINS: i64 = 1_704_067_200;
const ENDS: i64 = 1_767_225_600;

fn certificate(names: &[&str]) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for name in names {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    Certificate::parse(made.der()).unwrap()
}

fn rule(common_name: &str, role: NamedRole, providers: Option<&[&str]>) -> CertificateRule {
    let providers = providers.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
    CertificateRule { common_name: common_name.to_owned(), role, providers }
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds).unwrap()
}

#[test]
fn a_client_certificate_names_its_holder_from_its_first_second_to_its_last() {
    let rules = [rule("pipeline", NamedRole::Provider(Role::Owner), None)];
    let certificate = certificate(&["pipeline"]);
    for (seconds, is_valid) in [
        (BEGINS - 1, false),
        (BEGINS, true),
        (BEGINS + 1, true),
        (ENDS - 1, true),
        (ENDS, true),
        (ENDS + 1, false),
    ] {
        let found = client_certificates::caller(&rules, &certificate, at(seconds));
        assert_eq!(found.is_ok(), is_valid, "{seconds}");
    }
}

#[test]
fn the_rules_for_a_name_give_its_roles_and_those_for_other_names_none() {
    let rules = [
        rule("pipeline", NamedRole::Provider(Role::Contributor), Some(&["contoso"])),
        rule("Pipeline", NamedRole::Provider(Role::Owner), None),
        rule("pipeline", NamedRole::Provider(Role::Reader), Some(&["fabrikam"])),
    ];
    let caller =
        |names: &[&str]| client_certificates::caller(&rules, &certificate(names), at(BEGINS));
    let pipeline = caller(&["pipeline"]).unwrap();
    let actor = pipeline.actor().unwrap();
    assert_eq!((actor.kind(), actor.id()), (avouch_store::ActorKind::Key, "certificate pipeline"));
    assert_eq!(pipeline.role_at("contoso"), Some(Role::Contributor));
    assert_eq!(pipeline.role_at("fabrikam"), Some(Role::Reader));
    assert_eq!(pipeline.role_at("northwind"), None);
    for names in [&["pipelines"][..], &["pipeline "], &[]] {
        assert!(caller(names).is_err(), "{names:?}");
    }
}

#[tokio::test]
async fn a_certificate_counts_where_there_is_no_token_and_where_callers_are_known() {
    let config = AuthConfig {
        certificates: vec![rule("pipeline", NamedRole::Provider(Role::Reader), None)],
        anonymous_attest: false,
        ..AuthConfig::default()
    };
    let tokens = Access::Tokens(Authenticator::new(config).unwrap());
    let certificate = certificate(&["pipeline"]);
    let known = tokens.authenticate(&headers(&[]), Some(&certificate), at(BEGINS)).await.unwrap();
    assert_eq!(known.role_at("contoso"), Some(Role::Reader));
    assert!(tokens.authenticate(&headers(&[]), None, at(BEGINS)).await.is_err());
    let token = headers(&["Bearer unknown"]);
    assert!(tokens.authenticate(&token, Some(&certificate), at(BEGINS)).await.is_err());
    assert!(!tokens.anonymous_attest("contoso"));

    let open = Access::AnyBearerIsAdministrator;
    let developer = open.authenticate(&token, None, at(BEGINS)).await.unwrap();
    let actor = developer.actor().unwrap();
    assert_eq!((actor.kind(), actor.id()), (avouch_store::ActorKind::User, "developer"));
    assert_eq!(developer.role_at("contoso"), Some(Role::Owner));
    assert_eq!(developer.readable(), None);
    assert!(open.authenticate(&headers(&[]), Some(&certificate), at(BEGINS)).await.is_err());
    assert!(open.anonymous_attest("contoso"));
}

#[tokio::test]
async fn each_static_token_of_32_bytes_and_more_is_its_own_caller() {
    let secrets = ["a".repeat(31), "b".repeat(32), "c".repeat(33)];
    let rows: String = secrets
        .iter()
        .zip([Role::Owner, Role::Contributor, Role::Reader])
        .map(|(secret, role)| {
            let sha256 = avouch_pki::digest::sha256(secret.as_bytes());
            let name = secret.len();
            format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{sha256}\"\nrole = \"{role:?}\"\n")
        })
        .collect();
    let authenticator = Authenticator::new(AuthConfig::default()).unwrap();
    let caller = async |secret: &str| {
        let found = authenticator.caller(secret, at(BEGINS)).await.ok()?;
        Some((found.actor().ok()?.id().to_owned(), found.role_at("contoso")?))
    };
    let [short, shortest, longer] = &secrets;
    assert_eq!(caller(shortest).await, None);
    authenticator.replace_tokens(StaticTokens::parse(&rows).unwrap());
    assert_eq!(caller(short).await, None);
    assert_eq!(caller(shortest).await, Some(("32".to_owned(), Role::Contributor)));
    assert_eq!(caller(longer).await, Some(("33".to_owned(), Role::Reader)));
    assert_eq!(caller(&"d".repeat(40)).await, None);
}
