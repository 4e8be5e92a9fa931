//! Lints of policies: what a policy may say but its author hardly meant. They refuse nothing.

use super::{Subject, Text, one};

pub(super) static SUBJECT: Subject = Subject { title: "Lints of policies", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "never-true",
        "Whether the conditions of a rule can hold.",
        "Two tests contradict each other, or a value is compared with what it never is.",
        "Correct one of the tests.",
    ),
    one(
        "always-true",
        "Whether a condition depends on the evidence.",
        "It is the negation of what can never hold.",
        "Correct the test, or leave the condition out.",
    ),
    one(
        "unknown-claim",
        "That something produces the claim that a rule tests.",
        "The name is misspelt, or the claim is of another kind of evidence.",
        "Take the name from `docs/claims.md`.",
    ),
    one(
        "selector-without-type",
        "That a selector says which claim it means.",
        "It does not test `type`, so any claim can satisfy it.",
        "Add `type==\"name\"`.",
    ),
    one(
        "selector-without-issuer",
        "That a claim which the client sends cannot satisfy a selector.",
        "It does not test `issuer`.",
        "Add `issuer==\"AttestationService\"`.",
    ),
    one(
        "impossible-value",
        "That the claim can have the value.",
        "The value has another type or form than every claim of that name.",
        "Compare with a value of the form that the claim has.",
    ),
    one(
        "upper-case-hex",
        "The case of hex digits.",
        "Claims are in lower case, so the text never equals one.",
        "Write the digits in lower case.",
    ),
    one(
        "comment-swallows-rule",
        "That a comment holds no rule.",
        "A comment goes to the end of its line, and a rule stands in that line.",
        "Begin a new line if the rule should count.",
    ),
    one(
        "invalid-query",
        "That a literal query is JMESPath.",
        "It is not, and every request that reaches it fails.",
        "Correct the query.",
    ),
    one(
        "suspicious-query",
        "That a literal query means what it seems to mean.",
        "A bare word is the name of a member, a text in quotes is no number, or a list is compared with null.",
        "Write literals in backticks, and compare lengths with a number.",
    ),
    one(
        "permit-after-denies",
        "That a permit rests on conditions.",
        "It permits whenever no denial fires, also where the claims that they test are missing.",
        "Permit on conditions that must be true.",
    ),
    one(
        "reserved-name",
        "That the token can hold the claim.",
        "The service makes the claim of that name itself, so a rule's is dropped.",
        "Issue it under another name.",
    ),
    one(
        "issue-in-authorization",
        "That claims are issued where they are meant to be.",
        "`issue` in `authorizationrules` adds a claim for later rules too.",
        "Move the rule to `issuancerules`.",
    ),
    one(
        "ineffective-property",
        "That a setting has an effect.",
        "It is unknown to the version of the policy, or to this kind of evidence.",
        "Correct its name, or leave it out.",
    ),
    one(
        "split-selector",
        "That tests of one claim stand in one selector.",
        "In two selectors another claim may satisfy each.",
        "Put all tests of one claim into one selector.",
    ),
    one(
        "quoted-scalar",
        "That numbers and booleans stand without quotes.",
        "In quotes it is text, which equals no number and no boolean.",
        "Leave the quotes out if the claim is no text.",
    ),
    one(
        "json-text-issued",
        "That a claim is no text of JSON.",
        "A query gives JSON as text, so the token holds \"true\" in place of true.",
        "Wrap the query into `JsonToClaimValue(…)`.",
    ),
    one(
        "nothing-permits",
        "That some rule can permit.",
        "There is no permit, or a rule always denies.",
        "Add a rule with `permit()`, or give the denial a condition.",
    ),
];
