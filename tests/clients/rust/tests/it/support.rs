//! What the tests share: the service, a credential, minted evidence.

use std::path::PathBuf;
use std::sync::Arc;

use azure_core::auth::{AccessToken, Secret, TokenCredential};
use azure_core::{RetryOptions, TransportOptions, Url};
pub(crate) use azure_guest_attestation_sdk::guest_attest::base64_url_encode as base64url;

/// From base64url without padding.
pub(crate) fn unpadded(text: &str) -> Vec<u8> {
    azure_guest_attestation_sdk::guest_attest::base64_url_decode(text).unwrap()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

pub(crate) fn url() -> Url {
    variable("AVOUCH_URL").parse().unwrap()
}

/// The issuer of the provider at the root: its URL without a slash at the end.
pub(crate) fn issuer() -> String {
    url().as_str().trim_end_matches('/').to_owned()
}

pub(crate) fn ca() -> Vec<u8> {
    std::fs::read(variable("AVOUCH_CA")).unwrap()
}

/// A file of minted evidence.
pub(crate) fn minted(case: &str, file: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(variable("AVOUCH_MINTED")).join(case).join(file)).unwrap()
}

/// The certificates among minted endorsements, as a host hands them to its guest.
pub(crate) fn certificates(case: &str) -> Vec<u8> {
    let text = String::from_utf8(minted(case, "endorsements.pem")).unwrap();
    let blocks = text.split_inclusive("-----END CERTIFICATE-----\n");
    let certificates = blocks.filter(|block| block.starts_with("-----BEGIN CERTIFICATE-----"));
    certificates.collect::<String>().into_bytes()
}

pub(crate) fn http() -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(&ca()).unwrap();
    reqwest::Client::builder().add_root_certificate(ca).no_proxy().build().unwrap()
}

pub(crate) fn transport() -> TransportOptions {
    TransportOptions::new(Arc::new(http()))
}

pub(crate) fn no_patience() -> RetryOptions {
    RetryOptions::none()
}

/// Any bearer token will do for `serve --dev`.
#[derive(Debug)]
pub(crate) struct Credential;

#[async_trait::async_trait]
impl TokenCredential for Credential {
    async fn get_token(&self, _scopes: &[&str]) -> azure_core::Result<AccessToken> {
        let hour = std::time::Duration::from_secs(3600);
        Ok(AccessToken::new(Secret::new("development"), time::OffsetDateTime::now_utc() + hour))
    }

    async fn clear_cache(&self) -> azure_core::Result<()> {
        Ok(())
    }
}
