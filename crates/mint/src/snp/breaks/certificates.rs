//! The certificates: who signed them, how, when they are valid, and what they may do.

use super::{Row, row};
use crate::snp::certificates::SubjectKey;
use crate::snp::extensions::Extension;
use crate::snp::keys::{RsaKey, RsaScheme};

/// Breaks of the certificates' links.
pub(super) const ROWS: &[Row] = &[
    row(
        "vek-signature",
        "a bit of the key's certificate signature is another",
        "vek-signature",
        |plan| {
            plan.vek.broken_signature = true;
        },
    ),
    row(
        "vek-signed-by-other",
        "another key signed the key's certificate",
        "vek-signature",
        |plan| {
            plan.vek.signer = RsaKey::Foreign;
        },
    ),
    row("vek-signed-by-root", "the root signed the key's certificate", "vek-signature", |plan| {
        plan.vek.signer = plan.root.signer;
    }),
    row("vek-expired", "the key's certificate expired a second ago", "vek-expired", |plan| {
        plan.vek.not_after = plan.one_second_ago();
    }),
    row(
        "vek-not-yet-valid",
        "the key's certificate becomes valid in a second",
        "vek-not-yet-valid",
        |plan| {
            plan.vek.not_before = plan.in_one_second();
        },
    ),
    row("vek-is-ca", "the key's certificate is a CA's", "vek-is-ca", |plan| {
        plan.vek.is_ca = true;
        plan.vek.may_sign_certificates = true;
    }),
    row("vek-p256", "the key is on P-256", "vek-key-kind", |plan| {
        plan.vek.key = SubjectKey::P256("snp p-256 endorsement key");
    }),
    row("vek-rsa", "the key is an RSA key", "vek-key-kind", |plan| {
        plan.vek.key = SubjectKey::Rsa(RsaKey::Foreign);
    }),
    row(
        "vek-pkcs1",
        "the key's certificate is signed by PKCS #1 v1.5",
        "vek-signature-algorithm",
        |plan| {
            plan.vek.scheme = RsaScheme::Pkcs1;
        },
    ),
    row(
        "vek-pss-sha256",
        "the key's certificate is signed by PSS with SHA-256",
        "vek-signature-algorithm",
        |plan| {
            plan.vek.scheme = RsaScheme::PssSha256;
        },
    ),
    row(
        "vek-pss-salt",
        "the key's certificate states a PSS salt of 32 bytes",
        "chain-certificate",
        |plan| {
            plan.vek.scheme = RsaScheme::PssSaltOf32;
        },
    ),
    row(
        "vek-critical-extension",
        "the key's certificate has an unknown critical extension",
        "vek-critical-extension",
        |plan| {
            let arcs = vec![1, 3, 6, 1, 4, 1, 3704, 1, 99];
            plan.vek.extensions.push(Extension { arcs, critical: true, value: vec![5, 0] });
        },
    ),
    row(
        "intermediate-signature",
        "a bit of the intermediate's signature is another",
        "intermediate-signature",
        |plan| {
            plan.intermediate.broken_signature = true;
        },
    ),
    row(
        "intermediate-foreign",
        "a foreign root of the same name signed the intermediate",
        "intermediate-signature",
        |plan| {
            plan.intermediate.signer = RsaKey::Foreign;
        },
    ),
    row(
        "intermediate-expired",
        "the intermediate expired a second ago",
        "intermediate-expired",
        |plan| {
            plan.intermediate.not_after = plan.one_second_ago();
        },
    ),
    row(
        "intermediate-not-yet-valid",
        "the intermediate becomes valid in a second",
        "intermediate-not-yet-valid",
        |plan| {
            plan.intermediate.not_before = plan.in_one_second();
        },
    ),
    row("intermediate-not-ca", "the intermediate is no CA", "intermediate-not-ca", |plan| {
        plan.intermediate.is_ca = false;
    }),
    row(
        "intermediate-key-usage",
        "the intermediate may not sign certificates",
        "intermediate-key-usage",
        |plan| {
            plan.intermediate.may_sign_certificates = false;
        },
    ),
    row(
        "intermediate-issuer",
        "the intermediate names another root",
        "intermediate-issuer-name",
        |plan| {
            plan.intermediate.issuer = format!("ARK-{}", plan.other_product().name());
        },
    ),
    row(
        "intermediate-pkcs1",
        "the intermediate is signed by PKCS #1 v1.5",
        "intermediate-signature-algorithm",
        |plan| {
            plan.intermediate.scheme = RsaScheme::Pkcs1;
        },
    ),
    row(
        "root-foreign",
        "the chain leads to a foreign root of the same name",
        "root-foreign",
        |plan| {
            plan.root.key = SubjectKey::Rsa(RsaKey::Foreign);
            plan.root.signer = RsaKey::Foreign;
            plan.intermediate.signer = RsaKey::Foreign;
        },
    ),
    row(
        "root-self-signature",
        "the root's copy is not signed by its key",
        "root-foreign",
        |plan| {
            plan.root.broken_signature = true;
        },
    ),
];
