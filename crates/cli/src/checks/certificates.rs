//! Checks of certificates and CRLs, whatever they are for.

use super::{Subject, Text, Thing, each, one};

const CERTIFICATES: &[Thing] = &[
    ("certificate", "a certificate of the signer's chain"),
    ("uvm-certificate", "a certificate of the UVM endorsement's chain"),
];
const PLAIN: &[Thing] = &[("certificate", "a certificate of the signer's chain")];
const UVM: &[Thing] = &[("uvm-certificate", "a certificate of the UVM endorsement's chain")];

const CHAIN: &str = "Send the whole chain as its CA issued it, the signer's certificate first.";
const CRL: &str = "Fetch the CRL anew from its CA.";

pub(super) static SUBJECT: Subject = Subject { title: "Certificates and CRLs", texts: TEXTS };

const TEXTS: &[Text] = &[
    each(
        CERTIFICATES,
        "-issuer-name",
        "That {} names the one above as its issuer.",
        "Certificates are missing, or in another order.",
        CHAIN,
    ),
    each(
        CERTIFICATES,
        "-signature",
        "That {} was signed by the key above it.",
        "It was altered, or the issuer has the same name and another key.",
        CHAIN,
    ),
    each(
        CERTIFICATES,
        "-not-yet-valid",
        "That {} was valid when judged.",
        "Its validity begins later, or the clock is behind.",
        "Wait, or set the clock.",
    ),
    each(
        CERTIFICATES,
        "-expired",
        "That {} was valid when judged.",
        "It has expired.",
        "Renew the certificate.",
    ),
    each(CERTIFICATES, "-issuer-not-ca", "That the issuer of {} is a CA.", "It is not.", CHAIN),
    each(
        CERTIFICATES,
        "-not-ca",
        "That {} is a CA where it must be one.",
        "Its basic constraints do not say so.",
        "Issue the CA certificate anew with `CA:TRUE`.",
    ),
    each(
        CERTIFICATES,
        "-ca-as-leaf",
        "That {} is no CA where a signer's certificate is expected.",
        "It is one.",
        "Sign with an end-entity certificate.",
    ),
    each(
        CERTIFICATES,
        "-key-usage",
        "The key usage of {}.",
        "It lacks keyCertSign (for a CA) or digitalSignature (for a signer).",
        "Issue it anew with the right key usage.",
    ),
    each(
        CERTIFICATES,
        "-path-length",
        "That the path to {} is not longer than allowed.",
        "There are more CAs than one above allows.",
        CHAIN,
    ),
    each(
        CERTIFICATES,
        "-critical-extension",
        "That every critical extension of {} is understood.",
        "It has one that is not.",
        "Issue it anew without that extension.",
    ),
    each(
        PLAIN,
        "-unsupported-constraint",
        "That {} has no constraints that are not implemented.",
        "It has name or policy constraints.",
        "Issue it anew without them.",
    ),
    each(
        PLAIN,
        "-foreign-root",
        "That the copy of the root in {} is the trust anchor.",
        "It has another key or name.",
        CHAIN,
    ),
    each(
        UVM,
        "-root",
        "That the copy of the root is the trust anchor of {}.",
        "It has another key or name.",
        CHAIN,
    ),
    one(
        "crl-malformed",
        "That the CRL can be read.",
        "It is damaged, too large, or of an unknown algorithm.",
        CRL,
    ),
    one(
        "crl-extension",
        "The extensions of the CRL.",
        "It is a delta or a partial list, which cannot stand alone.",
        "Fetch the complete CRL.",
    ),
    one(
        "crl-issuer-name",
        "That the CRL is of the CA that it is needed for.",
        "It is of another.",
        CRL,
    ),
    one("crl-issuer-key-usage", "That the CA may sign CRLs.", "Its key usage lacks cRLSign.", CRL),
    one(
        "crl-signature",
        "That the CA signed the CRL.",
        "It was altered, or is of another CA.",
        CRL,
    ),
    one(
        "crl-next-update",
        "That the CRL says when the next one comes.",
        "It does not, so that nobody knows how long it holds.",
        CRL,
    ),
    one(
        "crl-not-yet-valid",
        "That the CRL was current when judged.",
        "It is younger than the moment judged at.",
        "Set the clock, or load the CRL of that time.",
    ),
    one("crl-expired", "That the CRL was current when judged.", "Its next update is due.", CRL),
];
