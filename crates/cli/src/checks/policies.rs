//! Policies: that they cannot be read, that they refuse, and that they fail while they run.

use super::{Subject, Text, one};

const VERSION: &str = "Write a later `version` in the first line.";
const LOOK: &str = "`avouch policy check FILE` shows the place and the correction.";
const EXPLAIN: &str = "`avouch appraise FILE --explain` shows rule by rule what was decided.";

pub(super) static SUBJECT: Subject = Subject { title: "Policies", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "deny-issued",
        "The decision of the policy.",
        "A rule issued deny for these claims.",
        EXPLAIN,
    ),
    one(
        "no-permit",
        "The decision of the policy.",
        "No rule issued permit for these claims.",
        EXPLAIN,
    ),
    one(
        "policy-configuration",
        "The `configurationrules` of the policy.",
        "A rule of that section failed.",
        LOOK,
    ),
    one(
        "invalid-json",
        "That a text is JSON where a rule reads it as such.",
        "It is not.",
        EXPLAIN,
    ),
    one("invalid-jmespath", "That a query is JMESPath.", "It is not.", LOOK),
    one(
        "jmespath-runtime-error",
        "That a query can be answered for its document.",
        "A function got a value of the wrong kind.",
        "Guard the query, for example with `not_null` or a type test.",
    ),
    one(
        "json-fraction",
        "That a number of JSON is whole where it becomes a claim.",
        "Claims know integers only.",
        "Issue it as text.",
    ),
    one(
        "json-object",
        "That JSON is no object where it becomes a claim.",
        "Claims hold single values.",
        "Query the member that you mean.",
    ),
    one(
        "json-nested-array",
        "That an array of JSON is flat where it becomes claims.",
        "It holds arrays or objects.",
        "Query a flat array, for example with `[]`.",
    ),
    one(
        "integer-out-of-range",
        "That an integer has at most 64 bits.",
        "It has more.",
        "Write it as text.",
    ),
    one(
        "function-argument-type",
        "The kinds of a function's arguments.",
        "One is of another kind.",
        "See the function's arguments in docs/policy.md.",
    ),
    one(
        "function-argument-not-single",
        "That a function gets one value.",
        "It got none or several.",
        "Bind one claim by a narrower condition.",
    ),
    one(
        "comparison-not-single",
        "That a comparison has one value on each side.",
        "One side has several.",
        "Compare claims that occur once.",
    ),
    one(
        "read-only-claim-issued",
        "That a rule issues only what may be issued.",
        "It issued a read-only value.",
        "Issue a value of your own.",
    ),
    one(
        "invalid-type",
        "That a claim's type is one non-empty text.",
        "It is not.",
        "Give `type` a text.",
    ),
    one(
        "value-type-mismatch",
        "That a value is of the kind that `valueType` says.",
        "It is of another.",
        "Correct `valueType`, or leave it out.",
    ),
    one(
        "wrong-property-type",
        "That a setting has a value of its kind.",
        "It has another kind.",
        LOOK,
    ),
    one("property-out-of-range", "That a setting is in its range.", "It is not.", LOOK),
    one(
        "unknown-configuration-property",
        "That `configurationrules` sets what exists.",
        "There is no such setting.",
        LOOK,
    ),
    one(
        "limit-exceeded",
        "That the policy stays within the limits of size and work.",
        "It is too large, too deep, or takes too many steps on these claims.",
        "Make it smaller; split queries that walk large documents.",
    ),
    one(
        "unexpected-token",
        "The grammar of the policy.",
        "Something else was expected at this place.",
        LOOK,
    ),
    one(
        "unexpected-end",
        "The grammar of the policy.",
        "The text ends too early, often for want of `;` or `}`.",
        LOOK,
    ),
    one(
        "invalid-character",
        "The characters of the policy.",
        "One begins nothing, or the text is not UTF-8.",
        LOOK,
    ),
    one(
        "unterminated-string",
        "That strings end on their line.",
        "A closing quote is missing.",
        LOOK,
    ),
    one(
        "invalid-escape",
        "What stands behind a backslash.",
        "Only `\\\"` and `\\\\` are known.",
        LOOK,
    ),
    one(
        "unsupported-version",
        "The version of the policy.",
        "Known are 1.0, 1.1 and 1.2.",
        "Write one of them.",
    ),
    one(
        "section-not-in-version",
        "That the section exists in the policy's version.",
        "`configurationrules` came with 1.1.",
        VERSION,
    ),
    one(
        "operator-not-in-version",
        "That the operator exists in the policy's version.",
        "`!` came with 1.2.",
        VERSION,
    ),
    one(
        "function-not-in-version",
        "That the function exists in the policy's version.",
        "Functions came with 1.2.",
        VERSION,
    ),
    one(
        "action-not-allowed-in-section",
        "That the action belongs into the section.",
        "Another section has it.",
        LOOK,
    ),
    one(
        "unknown-identifier",
        "That names are bound before they are used.",
        "No earlier condition of the rule binds it.",
        LOOK,
    ),
    one("duplicate-identifier", "That a rule binds a name once.", "It binds it twice.", LOOK),
    one(
        "reserved-identifier",
        "That a name is no word of the language.",
        "It is one.",
        "Use another name.",
    ),
    one(
        "label-on-negated-condition",
        "That negated conditions bind no name.",
        "There is no claim that it could stand for.",
        "Take the name off.",
    ),
    one(
        "configuration-rule-condition",
        "That configuration rules have no conditions.",
        "One has.",
        "Leave the condition out.",
    ),
    one(
        "operator-not-supported-for-type",
        "That `<` and its like compare integers.",
        "Something else was compared.",
        LOOK,
    ),
    one(
        "wrong-literal-type",
        "That a literal is of the kind that the property has.",
        "It is of another.",
        LOOK,
    ),
    one("empty-type", "That a claim type is not empty.", "It is.", "Give it a name."),
    one("missing-type", "That an action has `type`.", "It has none.", "Add `type=\"…\"`."),
    one("missing-value", "That an action has `value`.", "It has none.", "Add `value=…`."),
    one(
        "duplicate-property",
        "That an action has each property once.",
        "It has one twice.",
        "Take one away.",
    ),
    one(
        "property-not-assignable",
        "That an action sets only what can be set.",
        "`issuer` is always this service.",
        "Leave it out.",
    ),
    one("invalid-value-type", "That `valueType` is a kind of value.", "It is none.", LOOK),
    one("unknown-function", "That the function exists.", "There is none of that name.", LOOK),
    one(
        "wrong-argument-count",
        "How many arguments a function gets.",
        "They are too few or too many.",
        LOOK,
    ),
];
