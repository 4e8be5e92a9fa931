//! The stable names of everything that can be wrong with a policy text.

/// What is wrong, as a name that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Slug {
    /// A token that no continuation allows.
    UnexpectedToken,
    /// The text ends too early.
    UnexpectedEnd,
    /// A character that begins no token, or bytes that are not UTF-8.
    InvalidCharacter,
    /// A string without its closing quote on the same line.
    UnterminatedString,
    /// A backslash before anything but `"` and `\`.
    InvalidEscape,
    /// An integer beyond 64 bits.
    IntegerOutOfRange,
    /// A version other than 1.0, 1.1 and 1.2.
    UnsupportedVersion,
    /// `configurationrules` before version 1.1.
    SectionNotInVersion,
    /// `!` before version 1.2.
    OperatorNotInVersion,
    /// A function before version 1.2.
    FunctionNotInVersion,
    /// A verb in a section that does not have it.
    ActionNotAllowedInSection,
    /// A name that no earlier condition of the rule binds.
    UnknownIdentifier,
    /// A name bound twice in a rule.
    DuplicateIdentifier,
    /// A reserved word as a name.
    ReservedIdentifier,
    /// A name on a negated condition.
    LabelOnNegatedCondition,
    /// A condition on a configuration rule.
    ConfigurationRuleCondition,
    /// `<` and siblings on something that is no Integer.
    OperatorNotSupportedForType,
    /// A literal of a kind that the property cannot have.
    WrongLiteralType,
    /// An empty literal as claim type.
    EmptyType,
    /// An action without `type`.
    MissingType,
    /// An action without `value`.
    MissingValue,
    /// A property given twice in an action.
    DuplicateProperty,
    /// `issuer` in an action.
    PropertyNotAssignable,
    /// A `valueType` that is no kind of value.
    InvalidValueType,
    /// A function that does not exist.
    UnknownFunction,
    /// Too few or too many arguments.
    WrongArgumentCount,
    /// A known setting with a value of the wrong kind.
    WrongPropertyType,
    /// A known setting with a value out of range.
    PropertyOutOfRange,
    /// A setting that `configurationrules` does not have.
    UnknownConfigurationProperty,
    /// One of our [`crate::Limits`].
    LimitExceeded,
}

impl Slug {
    /// Every slug.
    pub const ALL: [Self; 30] = [
        Self::UnexpectedToken,
        Self::UnexpectedEnd,
        Self::InvalidCharacter,
        Self::UnterminatedString,
        Self::InvalidEscape,
        Self::IntegerOutOfRange,
        Self::UnsupportedVersion,
        Self::SectionNotInVersion,
        Self::OperatorNotInVersion,
        Self::FunctionNotInVersion,
        Self::ActionNotAllowedInSection,
        Self::UnknownIdentifier,
        Self::DuplicateIdentifier,
        Self::ReservedIdentifier,
        Self::LabelOnNegatedCondition,
        Self::ConfigurationRuleCondition,
        Self::OperatorNotSupportedForType,
        Self::WrongLiteralType,
        Self::EmptyType,
        Self::MissingType,
        Self::MissingValue,
        Self::DuplicateProperty,
        Self::PropertyNotAssignable,
        Self::InvalidValueType,
        Self::UnknownFunction,
        Self::WrongArgumentCount,
        Self::WrongPropertyType,
        Self::PropertyOutOfRange,
        Self::UnknownConfigurationProperty,
        Self::LimitExceeded,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnexpectedToken => "unexpected-token",
            Self::UnexpectedEnd => "unexpected-end",
            Self::InvalidCharacter => "invalid-character",
            Self::UnterminatedString => "unterminated-string",
            Self::InvalidEscape => "invalid-escape",
            Self::IntegerOutOfRange => "integer-out-of-range",
            Self::UnsupportedVersion => "unsupported-version",
            Self::SectionNotInVersion => "section-not-in-version",
            Self::OperatorNotInVersion => "operator-not-in-version",
            Self::FunctionNotInVersion => "function-not-in-version",
            Self::ActionNotAllowedInSection => "action-not-allowed-in-section",
            Self::UnknownIdentifier => "unknown-identifier",
            Self::DuplicateIdentifier => "duplicate-identifier",
            Self::ReservedIdentifier => "reserved-identifier",
            Self::LabelOnNegatedCondition => "label-on-negated-condition",
            Self::ConfigurationRuleCondition => "configuration-rule-condition",
            Self::OperatorNotSupportedForType => "operator-not-supported-for-type",
            Self::WrongLiteralType => "wrong-literal-type",
            Self::EmptyType => "empty-type",
            Self::MissingType => "missing-type",
            Self::MissingValue => "missing-value",
            Self::DuplicateProperty => "duplicate-property",
            Self::PropertyNotAssignable => "property-not-assignable",
            Self::InvalidValueType => "invalid-value-type",
            Self::UnknownFunction => "unknown-function",
            Self::WrongArgumentCount => "wrong-argument-count",
            Self::WrongPropertyType => "wrong-property-type",
            Self::PropertyOutOfRange => "property-out-of-range",
            Self::UnknownConfigurationProperty => "unknown-configuration-property",
            Self::LimitExceeded => "limit-exceeded",
        }
    }
}

impl serde::Serialize for Slug {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
