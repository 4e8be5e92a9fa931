//! Checks of requests and of callers, by the service and by this command.

use super::{Subject, Text, one};

pub(super) static SUBJECT: Subject = Subject { title: "Requests and callers", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "request-body",
        "That the body of the request is the JSON object that the route takes.",
        "It is missing, is other JSON, names a member twice, or broke off.",
        "Send the object that docs/maa describes.",
    ),
    one(
        "request-head",
        "That the head of the request can be read in one way only.",
        "Its fields are malformed or contradict each other.",
        "Send HTTP through a usual client library.",
    ),
    one(
        "content-length",
        "The length of the body.",
        "It is no number, or is given twice.",
        "Send it once.",
    ),
    one(
        "content-encoding",
        "The coding of the body.",
        "Bodies are taken without any.",
        "Send the body uncompressed.",
    ),
    one(
        "transfer-encoding",
        "How the body is transferred.",
        "Only `chunked` is known, once.",
        "Send `chunked` or a length.",
    ),
    one(
        "host",
        "The `Host` of the request.",
        "It is missing, given twice or no host.",
        "Send the name of the attestation provider.",
    ),
    one(
        "nonce",
        "The nonce of the request.",
        "It is neither a text nor an integer.",
        "Send one of them.",
    ),
    one(
        "root-provider",
        "That the provider at the root of the service is changed by nobody.",
        "It is read-only.",
        "Create a provider of your own.",
    ),
    one(
        "token-unknown",
        "That the bearer token is known.",
        "It is none of the configured ones.",
        "Configure the token, or send another.",
    ),
    one(
        "client-certificate",
        "The certificate of the TLS client.",
        "It does not verify, or nobody is configured for it.",
        "Configure the caller, or send another certificate.",
    ),
    one(
        "draft-policy",
        "The draft policy in the request, for `avouch appraise`.",
        "It is not accepted as a policy.",
        "Correct the policy; `avouch policy check` helps.",
    ),
    one(
        "policy-text",
        "The policy that `avouch policy-set` was given.",
        "It cannot be read.",
        "Correct it; `avouch policy check` shows how.",
    ),
    one(
        "answer-claims",
        "The claims in the answer of a service.",
        "One that every service sends is missing or malformed.",
        "Ask whether the address is that of an attestation service.",
    ),
    one("read", "That a file can be read.", "The system says why not.", "Check path and rights."),
    one(
        "write",
        "That a file can be written.",
        "The system says why not.",
        "Check path, rights and space.",
    ),
    one(
        "usage",
        "The words of the call.",
        "One is unknown or missing.",
        "See `avouch COMMAND --help`.",
    ),
    one(
        "failed",
        "That the command could do its work.",
        "The message says what was wrong with the call or the machine.",
        "Correct it and try again.",
    ),
];
