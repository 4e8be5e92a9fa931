//! How evaluating a policy can fail.

use serde::Serialize;

use crate::ast::SectionKind;
use crate::limits::LimitExceeded;
use crate::named::named;
use crate::properties::SettingError;
use crate::span::Position;

named! {
    /// The stable names of evaluation failures.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum EvalSlug {
        /// A text that should be JSON is not.
        InvalidJson = "invalid-json",
        /// A query that is no JMESPath.
        InvalidJmespath = "invalid-jmespath",
        /// A query that fails on its document.
        JmespathRuntimeError = "jmespath-runtime-error",
        /// A JSON number with a fraction where a claim value is made.
        JsonFraction = "json-fraction",
        /// A JSON object where a claim value is made.
        JsonObject = "json-object",
        /// An array or object inside an array where a set is made.
        JsonNestedArray = "json-nested-array",
        /// A JSON integer beyond 64 bits.
        IntegerOutOfRange = "integer-out-of-range",
        /// A function got a value of the wrong kind.
        FunctionArgumentType = "function-argument-type",
        /// A function got no value or several where it takes one.
        FunctionArgumentNotSingle = "function-argument-not-single",
        /// A comparison with several values.
        ComparisonNotSingle = "comparison-not-single",
        /// A read-only value was issued.
        ReadOnlyClaimIssued = "read-only-claim-issued",
        /// A claim type that is not one non-empty string.
        InvalidType = "invalid-type",
        /// A value of another kind than the `valueType` beside it.
        ValueTypeMismatch = "value-type-mismatch",
        /// A setting of the wrong kind.
        WrongPropertyType = "wrong-property-type",
        /// A setting out of range.
        PropertyOutOfRange = "property-out-of-range",
        /// A setting that `configurationrules` does not have.
        UnknownConfigurationProperty = "unknown-configuration-property",
        /// One of our [`crate::Limits`].
        LimitExceeded = "limit-exceeded",
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
