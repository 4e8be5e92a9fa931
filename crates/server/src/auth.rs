//! Who may do what: bearer tokens, roles, and the answer 401.
//!
//! A request is authenticated once: [`Access::authenticate`] turns its bearer token, or without
//! one the certificate of its connection, into a [`Caller`] with roles, or into 401. What a route needs is a [`Role`] at its provider; lacking it
//! is 401 too, as with MAA (`docs/maa/service.md#roles`).

mod caller;
mod client_certificates;
mod oidc;
mod role;
mod static_tokens;

use std::sync::Arc;

use arc_swap::ArcSwap;
use avouch_pki::Certificate;
use avouch_wire::{FailedCheck as _, UnixTime};
use axum::http::{HeaderMap, header};
use thiserror::Error;

pub use caller::{Caller, Grant};
pub(crate) use oidc::{IssuerKeys, Spelling, may_be_rotated};
pub use oidc::{OidcError, OidcIssuer};
pub use role::{NamedRole, Role, VaultRole};
pub use static_tokens::{StaticTokens, StaticTokensError};

use crate::config::AuthConfig;
use crate::error::Fault;

/// Who may call the routes that need a token.
#[derive(Debug)]
pub enum Access {
    /// Any bearer token is an administrator: for development, on loopback only.
    AnyBearerIsAdministrator,
    /// Those whose tokens are known or verify.
    Tokens(Authenticator),
}

/// Static tokens and issuers of bearer tokens.
#[derive(Debug)]
pub struct Authenticator {
    tokens: ArcSwap<StaticTokens>,
    issuers: Vec<OidcIssuer>,
    config: AuthConfig,
}

/// Why authentication cannot be set up.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The token file.
    #[error(transparent)]
    Tokens(#[from] StaticTokensError),
    /// An issuer.
    #[error(transparent)]
    Issuer(#[from] OidcError),
}

impl Authenticator {
    /// Reads the token file and prepares the issuers; their keys are fetched when first needed.
    ///
    /// # Errors
    /// [`AuthError`].
    pub fn new(config: AuthConfig) -> Result<Self, AuthError> {
        let tokens = match &config.token_file {
            Some(file) => StaticTokens::load(file)?,
            None => StaticTokens::default(),
        };
        let issuers =
            config.issuers.iter().cloned().map(OidcIssuer::new).collect::<Result<_, _>>()?;
        Ok(Self { tokens: ArcSwap::from_pointee(tokens), issuers, config })
    }

    /// Takes other static tokens from now on.
    pub fn replace_tokens(&self, tokens: StaticTokens) {
        self.tokens.store(Arc::new(tokens));
    }

    async fn caller(&self, token: &str, at: UnixTime) -> Result<Caller, Fault> {
        if let Some(caller) = self.tokens.load().caller(token) {
            return Ok(caller);
        }
        // What is no JWT by its form can only have been meant as a static token.
        if token.matches('.').count() != 2 {
            return Err(Fault::unauthorized("token-unknown: the bearer token is not known here"));
        }
        let hint = avouch_token::peek_bearer(token)
            .map_err(|error| Fault::unauthorized(format!("{}: {error}", error.check())))?;
        let issuer = self.issuers.iter().find(|one| one.name() == hint.untrusted_issuer);
        let issuer = issuer.ok_or_else(|| {
            Fault::unauthorized("token-issuer: the issuer of the bearer token is not known here")
        })?;
        issuer.caller(token, at).await
    }
}

impl Access {
    /// The caller of a request that has an `Authorization` header, or came on a connection whose
    /// client presented a certificate. Where there are both, the header alone counts.
    ///
    /// # Errors
    /// 401 without either, or with a token or certificate that is not accepted; 503 if the token's
    /// issuer does not answer.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        certificate: Option<&Certificate>,
        at: UnixTime,
    ) -> Result<Caller, Fault> {
        if let (Self::Tokens(authenticator), Some(certificate)) = (self, certificate)
            && !headers.contains_key(header::AUTHORIZATION)
        {
            return client_certificates::caller(
                &authenticator.config.certificates,
                certificate,
                at,
            );
        }
        let token = bearer(headers)?;
        match self {
            Self::AnyBearerIsAdministrator => Ok(Caller::developer()),
            Self::Tokens(authenticator) => authenticator.caller(token, at).await,
        }
    }

    /// Whether the attest routes of a provider need no token.
    #[must_use]
    pub fn anonymous_attest(&self, provider: &str) -> bool {
        match self {
            Self::AnyBearerIsAdministrator => true,
            Self::Tokens(authenticator) => authenticator.config.anonymous_attest(provider),
        }
    }
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (fields.next(), fields.next());
    if second.is_some() {
        return Err(Fault::unauthorized("The request has more than one Authorization field."));
    }
    first
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Fault::unauthorized("This route needs a bearer token."))
}

#[cfg(test)]
mod tests;
