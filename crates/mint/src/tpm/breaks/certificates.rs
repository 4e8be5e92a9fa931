//! Certificates of the endorsement key, of the attestation key, and of the CAs between.

use super::{Row, row};
use crate::der;
use crate::tpm::certificate::{
    self as x509, AIK_USAGE, BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, EXTENDED_KEY_USAGE,
    KEY_USAGE, NAME_CONSTRAINTS, PLATFORM_USAGE, SUBJECT_ALT_NAME, Subject, usage,
};
use crate::tpm::keys::RsaKey;
use crate::tpm::plan::POLICY;

/// An extension that nobody knows.
const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 2];

/// Breaks of certificates.
pub(super) const ROWS: &[Row] = &[
    row(
        "ek-trailing",
        "what follows the EK certificate is no fill",
        "ek-certificate-malformed",
        |plan| {
            plan.ek.fill = b"\xff\xff\xffmore".to_vec();
        },
    ),
    row("ek-signature", "the EK certificate is not signed", "ek-certificate-signature", |plan| {
        plan.ek.broken_signature = true;
    }),
    row(
        "ek-ca-absent",
        "no issuer of the EK comes along",
        "ek-certificate-issuer-unknown",
        |plan| {
            plan.send_ek_ca = false;
        },
    ),
    row("ek-issuer", "another CA issued the EK", "ek-certificate-issuer-unknown", |plan| {
        plan.ek.issuer = "Another TPM CA";
    }),
    row("ek-expired", "the EK certificate has expired", "ek-certificate-expired", |plan| {
        plan.ek.not_after = plan.ek.not_before.saturating_add_seconds(99 * 86_400);
    }),
    row("ek-is-ca", "the EK certificate is a CA's", "ek-certificate-is-ca", |plan| {
        plan.ek.set(BASIC_CONSTRAINTS, Some(x509::constraints(true)));
    }),
    row("ek-usage", "the EK may sign and not encrypt", "ek-certificate-key-usage", |plan| {
        plan.ek.set(KEY_USAGE, Some(usage::signature()));
    }),
    row("ek-no-usage", "the EK has no key usage", "ek-certificate-key-usage", |plan| {
        plan.ek.set(KEY_USAGE, None);
    }),
    row(
        "ek-of-platform",
        "the certificate is a platform's",
        "ek-certificate-extended-usage",
        |plan| plan.ek.set(EXTENDED_KEY_USAGE, Some(x509::extended(PLATFORM_USAGE))),
    ),
    row(
        "ek-without-names",
        "the EK has neither subject nor alternative name",
        "ek-certificate-subject",
        |plan| plan.ek.set(SUBJECT_ALT_NAME, None),
    ),
    row("ek-manufacturer", "the manufacturer is no identifier", "ek-certificate-tpm", |plan| {
        plan.ek.set(SUBJECT_ALT_NAME, Some(x509::tpm_name("MINT")));
    }),
    row(
        "ek-critical-extension",
        "the EK has a critical extension that nobody knows",
        "ek-certificate-critical-extension",
        |plan| plan.ek.set(UNKNOWN, Some(der::null())),
    ),
    row("tpm-ca-expired", "the manufacturer's CA has expired", "tpm-ca-expired", |plan| {
        plan.ek_ca.not_after = plan.ek_ca.not_before.saturating_add_seconds(99 * 86_400);
    }),
    row("tpm-ca-not-ca", "what issued the EK is no CA", "tpm-ca-not-ca", |plan| {
        plan.ek_ca.set(BASIC_CONSTRAINTS, Some(x509::constraints(false)));
    }),
    row("tpm-ca-usage", "the manufacturer's CA may not issue", "tpm-ca-key-usage", |plan| {
        plan.ek_ca.set(KEY_USAGE, Some(usage::signature()));
    }),
    row("tpm-ca-policy-twice", "the CA names a policy twice", "tpm-ca-policies", |plan| {
        plan.ek_ca.set(CERTIFICATE_POLICIES, Some(x509::policies(&[POLICY, POLICY])));
    }),
    row(
        "tpm-ca-policy-qualifier",
        "a critical policy has a qualifier that nobody knows",
        "tpm-ca-policies",
        |plan| {
            let qualifier = der::sequence(&[der::oid(UNKNOWN), der::null()]);
            let policy = der::sequence(&[der::oid(POLICY), der::sequence(&[qualifier])]);
            plan.ek_ca.set(CERTIFICATE_POLICIES, Some(der::sequence(&[policy])));
        },
    ),
    row(
        "tpm-ca-name-constraints",
        "the CA constrains names",
        "tpm-ca-critical-extension",
        |plan| plan.ek_ca.set(NAME_CONSTRAINTS, Some(der::sequence::<Vec<u8>>(&[]))),
    ),
    row(
        "aik-signature",
        "the AIK certificate is not signed",
        "aik-certificate-signature",
        |plan| {
            plan.aik.broken_signature = true;
        },
    ),
    row("aik-expired", "the AIK certificate has expired", "aik-certificate-expired", |plan| {
        plan.aik.not_after = plan.aik.not_before.saturating_add_seconds(99 * 86_400);
    }),
    row(
        "aik-early",
        "the AIK certificate is not valid yet",
        "aik-certificate-not-yet-valid",
        |plan| plan.aik.not_before = plan.aik.not_before.saturating_add_seconds(101 * 86_400),
    ),
    row("aik-issuer", "another CA issued the AIK", "aik-certificate-issuer-unknown", |plan| {
        plan.aik.issuer = "Another AIK CA";
    }),
    row("aik-usage", "the AIK may encrypt and not sign", "aik-certificate-key-usage", |plan| {
        plan.aik.set(KEY_USAGE, Some(usage::encipherment()));
    }),
    row(
        "aik-of-platform",
        "the AIK certificate is a platform's",
        "aik-certificate-extended-usage",
        |plan| plan.aik.set(EXTENDED_KEY_USAGE, Some(x509::extended(PLATFORM_USAGE))),
    ),
    row("aik-is-ca", "the AIK certificate is a CA's", "aik-certificate-is-ca", |plan| {
        plan.aik.set(BASIC_CONSTRAINTS, Some(x509::constraints(true)));
    }),
    row(
        "aik-of-other-key",
        "the AIK certificate is for another key",
        "ak-certificate-key",
        |plan| {
            plan.aik.key = Subject::Rsa(RsaKey::Other);
        },
    ),
    row(
        "ek-usage-of-aik",
        "the EK certificate is an AIK's",
        "ek-certificate-extended-usage",
        |plan| plan.ek.set(EXTENDED_KEY_USAGE, Some(x509::extended(AIK_USAGE))),
    ),
];
