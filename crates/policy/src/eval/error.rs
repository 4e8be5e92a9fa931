//! How evaluating a policy can fail.

use serde::Serialize;

use crate::ast::SectionKind;
use crate::limits::LimitExceeded;
use crate::properties::SettingError;
use crate::span::Position;

/// The stable names of evaluation failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvalSlug {
    /// A text that should be JSON is not.
    InvalidJson,
    /// A query that is no JMESPath.
    InvalidJmespath,
    /// A query that fails on its document.
    JmespathRuntimeError,
    /// A JSON number with a fraction where a claim value is made.
    JsonFraction,
    /// A JSON object where a claim value is made.
    JsonObject,
    /// An array or object inside an array where a set is made.
    JsonNestedArray,
    /// A JSON integer beyond 64 bits.
    IntegerOutOfRange,
    /// A function got a value of the wrong kind.
    FunctionArgumentType,
    /// A function got no value or several where it takes one.
    FunctionArgumentNotSingle,
    /// A comparison with several values.
    ComparisonNotSingle,
    /// A read-only value was issued.
    ReadOnlyClaimIssued,
    /// A claim type that is not one non-empty string.
    InvalidType,
    /// A value of another kind than the `valueType` beside it.
    ValueTypeMismatch,
    /// A setting of the wrong kind.
    WrongPropertyType,
    /// A setting out of range.
    PropertyOutOfRange,
    /// A setting that `configurationrules` does not have.
    UnknownConfigurationProperty,
    /// One of our [`crate::Limits`].
    LimitExceeded,
}

impl EvalSlug {
    /// Every slug.
    pub const ALL: [Self; 17] = [
        Self::InvalidJson,
        Self::InvalidJmespath,
        Self::JmespathRuntimeError,
        Self::JsonFraction,
        Self::JsonObject,
        Self::JsonNestedArray,
        Self::IntegerOutOfRange,
        Self::FunctionArgumentType,
        Self::FunctionArgumentNotSingle,
        Self::ComparisonNotSingle,
        Self::ReadOnlyClaimIssued,
        Self::InvalidType,
        Self::ValueTypeMismatch,
        Self::WrongPropertyType,
        Self::PropertyOutOfRange,
        Self::UnknownConfigurationProperty,
        Self::LimitExceeded,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid-json",
            Self::InvalidJmespath => "invalid-jmespath",
            Self::JmespathRuntimeError => "jmespath-runtime-error",
            Self::JsonFraction => "json-fraction",
            Self::JsonObject => "json-object",
            Self::JsonNestedArray => "json-nested-array",
            Self::IntegerOutOfRange => "integer-out-of-range",
            Self::FunctionArgumentType => "function-argument-type",
            Self::FunctionArgumentNotSingle => "function-argument-not-single",
            Self::ComparisonNotSingle => "comparison-not-single",
            Self::ReadOnlyClaimIssued => "read-only-claim-issued",
            Self::InvalidType => "invalid-type",
            Self::ValueTypeMismatch => "value-type-mismatch",
            Self::WrongPropertyType => "wrong-property-type",
            Self::PropertyOutOfRange => "property-out-of-range",
            Self::UnknownConfigurationProperty => "unknown-configuration-property",
            Self::LimitExceeded => "limit-exceeded",
        }
    }
}

impl Serialize for EvalSlug {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An evaluation failed; the request must be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {} (rule at {position} in {})", .slug.name(), .message, .section.name())]
pub struct EvalError {
    /// The kind of failure.
    pub slug: EvalSlug,
    /// The failure in one sentence.
    pub message: String,
    /// The section of the rule that failed.
    pub section: SectionKind,
    /// Which rule of the section, from 0.
    pub rule: usize,
    /// Where the rule begins.
    #[serde(flatten)]
    pub position: Position,
}

/// A failure before it is known which rule it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) slug: EvalSlug,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(slug: EvalSlug, message: impl Into<String>) -> Self {
        Self { slug, message: message.into() }
    }
}

impl From<LimitExceeded> for Failure {
    #[cold]
    fn from(exceeded: LimitExceeded) -> Self {
        Self::new(EvalSlug::LimitExceeded, exceeded.to_string())
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        let slug = match error {
            SettingError::Unknown(_) => EvalSlug::UnknownConfigurationProperty,
            SettingError::Kind { .. } => EvalSlug::WrongPropertyType,
            SettingError::Range { .. } => EvalSlug::PropertyOutOfRange,
        };
        Self::new(slug, error.to_string())
    }
}
