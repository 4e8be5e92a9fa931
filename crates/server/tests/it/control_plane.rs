//! The control plane: providers as resources of Azure Resource Manager.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod bodies;
mod cloud;
mod connections;
mod deletion;
mod isolation;
mod lists;
mod providers;
mod roles;

use avouch_store::Store;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::tokens::{Token, access};
use crate::support::{Running, Setup};

pub(crate) const VERSION: &str = "api-version=2021-06-01";
pub(crate) const SUBSCRIPTION: &str = "aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb";

/// A service, the store below it, and the token that requests bear unless they say otherwise.
pub(crate) struct Fixture {
    pub(crate) service: Running,
    pub(crate) store: Store,
    token: String,
}

/// An answer; the body is null where there is none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and body.
    pub(crate) fn done(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// An error in Azure's shape: code and message, nothing else.
    pub(crate) fn refused(self, status: u16, code: &str, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        let error = self.body["error"].as_object().unwrap();
        let members: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(members, ["code", "message"]);
        assert_eq!(error["code"], code, "{}", self.body);
        assert_eq!(self.headers["x-ms-error-code"], code);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
}

impl Fixture {
    /// Every bearer is an administrator.
    pub(crate) async fn new() -> Self {
        Self::over(Store::memory().await.unwrap()).await
    }

    /// The same over a store.
    pub(crate) async fn over(store: Store) -> Self {
        let setup = Setup { store: store.clone(), ..Setup::new().await };
        Self { service: setup.serve().await, store, token: "t".to_owned() }
    }

    /// Rows of name, role and providers; the token of each is its name repeated.
    pub(crate) async fn with_tokens(rows: &[(&str, &str, &[&str])]) -> Self {
        let secrets: Vec<String> = rows.iter().map(|(name, ..)| token_of(name)).collect();
        let tokens: Vec<Token<'_>> = rows
            .iter()
            .zip(&secrets)
            .map(|(&(name, role, providers), secret)| Token { name, secret, role, providers })
            .collect();
        let mut setup = Setup::new().await;
        setup.access = access(&tokens, "");
        let store = setup.store.clone();
        Self { service: setup.serve().await, store, token: String::new() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: impl ToString) -> Answer {
        self.send_as(&self.token, method, path, body).await
    }

    /// Sends with another token; an empty one is none.
    pub(crate) async fn send_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: impl ToString,
    ) -> Answer {
        let mut request = self.service.request(method, path).body(body.to_string());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, headers, body }
    }

    pub(crate) async fn create(&self, group: &str, name: &str, body: &Value) -> Answer {
        self.send(Method::PUT, &path(group, name), body).await
    }

    pub(crate) async fn get(&self, group: &str, name: &str) -> Answer {
        self.send(Method::GET, &path(group, name), "").await
    }

    pub(crate) async fn delete(&self, group: &str, name: &str) -> Answer {
        self.send(Method::DELETE, &path(group, name), "").await
    }
}

pub(crate) fn token_of(name: &str) -> String {
    name.repeat(32 / name.len() + 1)
}

/// The path of a provider's resource, with a version.
pub(crate) fn path(group: &str, name: &str) -> String {
    below(group, name, "")
}

/// A path below a provider's resource, with a version.
pub(crate) fn below(group: &str, name: &str, rest: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Attestation/\
         attestationProviders/{name}{rest}?{VERSION}"
    )
}
