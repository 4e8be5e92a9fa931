//! Checks of the endorsements of a utility VM.

use super::{Subject, Text, one};

const RESEND: &str = "Send the endorsement as the host gave it (`reference-info-base64`), or none.";
const SIGNER: &str = "Send the publisher's own endorsement; do not trust this one.";

pub(super) static SUBJECT: Subject =
    Subject { title: "Endorsements of a utility VM", texts: TEXTS };

const TEXTS: &[Text] = &[
    one("uvm-size", "The size of the endorsement.", "It is larger than any.", RESEND),
    one("uvm-cose", "That it is a tagged COSE_Sign1.", "It is damaged or another thing.", RESEND),
    one(
        "uvm-header",
        "Its protected headers.",
        "One that is needed is missing or malformed.",
        RESEND,
    ),
    one("uvm-algorithm", "The signature algorithm.", "Only PS384 and ES384 are accepted.", SIGNER),
    one(
        "uvm-critical-header",
        "That its critical headers are understood.",
        "One is not.",
        "Update Avouch if the publisher's form is new.",
    ),
    one(
        "uvm-mixed-forms",
        "That its headers are of one generation.",
        "Those of the old form stand beside CWT claims.",
        SIGNER,
    ),
    one("uvm-certificate", "That its certificates can be read.", "One is damaged.", RESEND),
    one(
        "uvm-chain-length",
        "How many certificates it has.",
        "They are too few or too many.",
        RESEND,
    ),
    one(
        "uvm-thumbprint",
        "That the thumbprint is that of the signer's certificate.",
        "It names another.",
        SIGNER,
    ),
    one("uvm-did", "The issuer, a `did:x509`.", "It is not of the form in use.", SIGNER),
    one(
        "uvm-untrusted",
        "That issuer and feed are on the trust list.",
        "They are not; the evidence counts as not compliant.",
        "Add issuer and feed to the trust list if you trust the publisher.",
    ),
    one(
        "uvm-did-fingerprint",
        "That a CA of the chain has the fingerprint in the issuer's identifier.",
        "None has.",
        SIGNER,
    ),
    one(
        "uvm-extended-key-usage",
        "That the signer's certificate has the usage in the issuer's identifier.",
        "It has not.",
        SIGNER,
    ),
    one(
        "uvm-signed-in-future",
        "That the time of signing has come.",
        "It has not: the clock is behind, or `--at` lies too early.",
        "Set the clock, or judge at a later moment.",
    ),
    one("uvm-signature", "That the signer signed it.", "It was altered.", SIGNER),
    one("uvm-payload", "That the payload is of its form.", "It is not.", SIGNER),
    one(
        "uvm-svn",
        "That the security version is at the floor of the trust list.",
        "The utility VM is older.",
        "Update the host's utility VM, or lower the floor.",
    ),
    one(
        "uvm-measurement",
        "That it endorses the measurement of the report.",
        "It is the endorsement of another utility VM.",
        "Send the one that is for this guest.",
    ),
];
