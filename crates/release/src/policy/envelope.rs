//! How a policy is carried: `{"contentType","data","immutable"}`.

use avouch_wire::base64url::{self, DecodeError};
use avouch_wire::{excerpt, failed_check};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{Operators, POLICY_BYTES_MAX, PolicyErrors, Problem, ReleasePolicy};

/// What stands for a content type that is not given.
const CONTENT_TYPE: &str = "application/json; charset=utf-8";
/// Longest content type, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 128;

/// A release policy as it is imported, kept and shown: the text as it was given, the policy read from
/// it, and whether it may ever change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEnvelope {
    content_type: String,
    data: Vec<u8>,
    is_immutable: bool,
    policy: ReleasePolicy,
}

/// Why a value is not the envelope of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// No object.
    #[error("release policy is not an object")]
    NotObject,
    /// A member that is not known.
    #[error("release policy has a member {}", excerpt(.0))]
    UnknownMember(String),
    /// A member of another type.
    #[error("{name} of the release policy is not {expected}")]
    Kind {
        /// Its name.
        name: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// No `data`.
    #[error("release policy has no data")]
    NoData,
    /// Another content type than JSON.
    #[error("content type of the release policy is {}, expected application/json", excerpt(.0))]
    ContentType(String),
    /// `data` is no base64url.
    #[error("data of the release policy: {0}")]
    Base64(#[from] DecodeError),
    /// The policy is wrong.
    #[error("release policy: {0}")]
    Policy(#[from] PolicyErrors),
}

failed_check!(EnvelopeError {
    Self::NotObject
    | Self::UnknownMember(_)
    | Self::Kind { .. }
    | Self::NoData
    | Self::ContentType(_)
    | Self::Base64(_) => "release-policy-envelope",
    Self::Policy(errors) => (first_check(errors), Problem::checks()),
});

fn first_check(errors: &PolicyErrors) -> &'static str {
    use avouch_wire::FailedCheck as _;
    errors.all().first().map_or("release-policy-json", |error| error.problem.check())
}

/// Why a policy was not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the release policy is immutable")]
pub struct PolicyIsImmutable;

failed_check!(PolicyIsImmutable {
    Self => "release-policy-immutable",
});

impl PolicyEnvelope {
    /// Reads the `release_policy` of a key that is created, imported or changed.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn parse(value: &Value, operators: Operators) -> Result<Self, EnvelopeError> {
        let members = value.as_object().ok_or(EnvelopeError::NotObject)?;
        let known = ["contentType", "data", "immutable"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(EnvelopeError::UnknownMember(other.clone()));
        }
        let content_type = match text(members, "contentType")? {
            None => CONTENT_TYPE,
            Some(content_type) if is_json(content_type) => content_type,
            Some(other) => return Err(EnvelopeError::ContentType(other.to_owned())),
        };
        let is_immutable = match members.get("immutable") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(is_immutable)) => *is_immutable,
            Some(_) => {
                return Err(EnvelopeError::Kind { name: "immutable", expected: "a boolean" });
            }
        };
        let data = text(members, "data")?.ok_or(EnvelopeError::NoData)?;
        // What is longer is refused by its length, without decoding it.
        let bytes_max = POLICY_BYTES_MAX.saturating_mul(2);
        let data = base64url::decode(avouch_wire::beginning(data, bytes_max))?;
        let policy = ReleasePolicy::parse(&data, operators)?;
        Ok(Self { content_type: content_type.to_owned(), data, is_immutable, policy })
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &ReleasePolicy {
        &self.policy
    }

    /// The policy's text as it was given.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Whether it may never be changed.
    #[must_use]
    pub const fn is_immutable(&self) -> bool {
        self.is_immutable
    }

    /// The envelope as keys show it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "contentType": self.content_type,
            "data": base64url::encode(&self.data),
            "immutable": self.is_immutable,
        })
    }

    /// The envelope as answers to a release show it: without `immutable`.
    pub(crate) fn to_json_of_answer(&self) -> Value {
        json!({
            "contentType": self.content_type,
            "data": base64url::encode(&self.data),
        })
    }

    /// The policy that stands when this one is to be replaced by another. An immutable one stays for
    /// ever; naming it again, as it is, changes nothing and is allowed.
    ///
    /// # Errors
    /// [`PolicyIsImmutable`].
    pub fn replaced_by(self, other: Self) -> Result<Self, PolicyIsImmutable> {
        if self.is_immutable && self != other {
            return Err(PolicyIsImmutable);
        }
        Ok(other)
    }
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, EnvelopeError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(EnvelopeError::Kind { name, expected: "a string" }),
    }
}

/// `application/json`, perhaps with the character set that JSON has anyway.
fn is_json(content_type: &str) -> bool {
    let (media_type, parameter) =
        content_type.split_once(';').map_or((content_type, None), |(t, p)| (t, Some(p.trim())));
    let is_utf8 = |parameter: &str| {
        ["charset=utf-8", "charset=\"utf-8\""].iter().any(|p| parameter.eq_ignore_ascii_case(p))
    };
    content_type.len() <= CONTENT_TYPE_BYTES_MAX
        && media_type.trim().eq_ignore_ascii_case("application/json")
        && parameter.is_none_or(is_utf8)
}
