//! Keys that may be released: what they are, and when they may leave.

use avouch_pki::PublicKey;
use avouch_wire::{UnixTime, base64url, failed_check};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::PolicyEnvelope;
use crate::material::public_members;

/// One version of a key, with all that decides about its release.
#[derive(Debug)]
pub struct KeyVersion {
    /// Its identifier, a URL with vault, name and version.
    pub kid: String,
    /// Whether it is shown as a key of a hardware module, with `-HSM` after its type.
    pub is_hsm: bool,
    /// What it may be used for (`key_ops`).
    pub operations: Vec<String>,
    /// Its attributes.
    pub attributes: KeyAttributes,
    /// When it may be released; never, if there is none.
    pub release_policy: Option<PolicyEnvelope>,
    /// Its public half; a secret key has none. The key itself is asked for only when all is judged.
    pub public_key: Option<PublicKey>,
}

/// Attributes of a key, as Key Vault has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAttributes {
    /// Whether it may be used at all.
    pub is_enabled: bool,
    /// Whether it may leave the vault.
    pub is_exportable: bool,
    /// First moment at which it may be used (`nbf`).
    pub not_before: Option<UnixTime>,
    /// Moment from which on it may not be used (`exp`).
    pub expires_at: Option<UnixTime>,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

/// Why a key is not released, whatever the token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// It may not be used at all.
    #[error("key is disabled")]
    Disabled,
    /// It may not leave the vault.
    #[error("key is not exportable")]
    NotExportable,
    /// Nothing says when it may be released.
    #[error("key has no release policy")]
    NoPolicy,
    /// It may not be used yet.
    #[error("key is not to be used before {not_before}, judged at {at}")]
    NotYetValid {
        /// Its `nbf`.
        not_before: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
    /// It may no longer be used.
    #[error("key has expired at {expires_at}, judged at {at}")]
    Expired {
        /// Its `exp`.
        expires_at: UnixTime,
        /// The moment of judgement.
        at: UnixTime,
    },
}

failed_check!(KeyRefusal {
    Self::Disabled => "key-enabled",
    Self::NotExportable => "key-exportable",
    Self::NoPolicy => "key-release-policy",
    Self::NotYetValid { .. } | Self::Expired { .. } => "key-window",
});

impl KeyVersion {
    /// The policy by which the key may be released at that moment: it is enabled, exportable, in its
    /// window, and has one.
    ///
    /// # Errors
    /// [`KeyRefusal`].
    pub fn policy_at(&self, at: UnixTime) -> Result<&PolicyEnvelope, KeyRefusal> {
        let KeyAttributes { is_enabled, is_exportable, not_before, expires_at, .. } =
            self.attributes;
        if !is_enabled {
            return Err(KeyRefusal::Disabled);
        }
        if !is_exportable {
            return Err(KeyRefusal::NotExportable);
        }
        if let Some(not_before) = not_before.filter(|not_before| at < *not_before) {
            return Err(KeyRefusal::NotYetValid { not_before, at });
        }
        if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at <= at) {
            return Err(KeyRefusal::Expired { expires_at, at });
        }
        self.release_policy.as_ref().ok_or(KeyRefusal::NoPolicy)
    }

    /// The public JWK: `kid`, `kty`, `key_ops`, and `n`, `e` or `crv`, `x`, `y`.
    #[must_use]
    pub fn public_jwk(&self) -> Map<String, Value> {
        let mut members = public_members(self.public_key.as_ref(), self.is_hsm);
        members.insert("kid".to_owned(), self.kid.as_str().into());
        members.insert("key_ops".to_owned(), self.operations.clone().into());
        members
    }
}

impl KeyAttributes {
    /// As Key Vault writes them, times in seconds since 1970.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let moments = [
            ("nbf", self.not_before),
            ("exp", self.expires_at),
            ("created", Some(self.created_at)),
            ("updated", Some(self.updated_at)),
        ];
        members.insert("enabled".to_owned(), self.is_enabled.into());
        members.insert("exportable".to_owned(), self.is_exportable.into());
        for (name, moment) in moments {
            if let Some(moment) = moment {
                members.insert(name.to_owned(), moment.seconds().into());
            }
        }
        Value::Object(members)
    }
}

/// `key_hsm` and other parts are base64url of JSON.
pub(crate) fn encoded(json: &Value) -> String {
    base64url::encode(avouch_wire::json::to_canonical(json))
}
