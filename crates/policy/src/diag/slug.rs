//! The stable names of everything that can be wrong with a policy text.

use crate::named::named;

named! {
    /// What is wrong, as a name that never changes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum Slug {
        /// A token that no continuation allows.
        UnexpectedToken = "unexpected-token",
        /// The text ends too early.
        UnexpectedEnd = "unexpected-end",
        /// A character that begins no token, or bytes that are not UTF-8.
        InvalidCharacter = "invalid-character",
        /// A string without its closing quote on the same line.
        UnterminatedString = "unterminated-string",
        /// A backslash before anything but `"` and `\`.
        InvalidEscape = "invalid-escape",
        /// An integer beyond 64 bits.
        IntegerOutOfRange = "integer-out-of-range",
        /// A version other than 1.0, 1.1 and 1.2.
        UnsupportedVersion = "unsupported-version",
        /// `configurationrules` before version 1.1.
        SectionNotInVersion = "section-not-in-version",
        /// `!` before version 1.2.
        OperatorNotInVersion = "operator-not-in-version",
        /// A function before version 1.2.
        FunctionNotInVersion = "function-not-in-version",
        /// A verb in a section that does not have it.
        ActionNotAllowedInSection = "action-not-allowed-in-section",
        /// A name that no earlier condition of the rule binds.
        UnknownIdentifier = "unknown-identifier",
        /// A name bound twice in a rule.
        DuplicateIdentifier = "duplicate-identifier",
        /// A reserved word as a name.
        ReservedIdentifier = "reserved-identifier",
        /// A name on a negated condition.
        LabelOnNegatedCondition = "label-on-negated-condition",
        /// A condition on a configuration rule.
        ConfigurationRuleCondition = "configuration-rule-condition",
        /// `<` and siblings on something that is no Integer.
        OperatorNotSupportedForType = "operator-not-supported-for-type",
        /// A literal of a kind that the property cannot have.
        WrongLiteralType = "wrong-literal-type",
        /// An empty literal as claim type.
        EmptyType = "empty-type",
        /// An action without `type`.
        MissingType = "missing-type",
        /// An action without `value`.
        MissingValue = "missing-value",
        /// A property given twice in an action.
        DuplicateProperty = "duplicate-property",
        /// `issuer` in an action.
        PropertyNotAssignable = "property-not-assignable",
        /// A `valueType` that is no kind of value.
        InvalidValueType = "invalid-value-type",
        /// A function that does not exist.
        UnknownFunction = "unknown-function",
        /// Too few or too many arguments.
        WrongArgumentCount = "wrong-argument-count",
        /// A known setting with a value of the wrong kind.
        WrongPropertyType = "wrong-property-type",
        /// A known setting with a value out of range.
        PropertyOutOfRange = "property-out-of-range",
        /// A setting that `configurationrules` does not have.
        UnknownConfigurationProperty = "unknown-configuration-property",
        /// One of our [`crate::Limits`].
        LimitExceeded = "limit-exceeded",
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
