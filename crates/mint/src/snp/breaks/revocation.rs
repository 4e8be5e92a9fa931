//! The root's revocation list.

use super::{Row, prepared, row};
use crate::Options;
use crate::snp::certificates::RevocationList;
use crate::snp::extensions::Extension;
use crate::snp::keys::{RsaKey, RsaScheme};

fn with_crl(options: &mut Options) {
    options.snp.with_crl = true;
}

const fn crl_row(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut super::Plan),
) -> Row {
    prepared(row(name, what, expected_check, apply), with_crl)
}

fn add_extension(crl: &mut RevocationList, arcs: &[u64], value: &[u8]) {
    crl.extensions.push(Extension { arcs: arcs.to_vec(), critical: true, value: value.to_vec() });
}

/// Breaks of the CRL.
pub(super) const ROWS: &[Row] = &[
    crl_row(
        "intermediate-revoked",
        "the CRL names the intermediate",
        "intermediate-revoked",
        |plan| {
            let serial = plan.intermediate.serial;
            plan.change_crl(|crl| crl.revoked_serials.push(serial));
        },
    ),
    crl_row("crl-signature", "a bit of the CRL's signature is another", "crl-signature", |plan| {
        plan.change_crl(|crl| crl.broken_signature = true);
    }),
    crl_row(
        "crl-foreign",
        "a foreign root of the same name signed the CRL",
        "crl-signature",
        |plan| {
            plan.change_crl(|crl| crl.signer = RsaKey::Foreign);
        },
    ),
    crl_row(
        "crl-issuer",
        "the CRL is that of a root that is not trusted",
        "crl-issuer-name",
        |plan| {
            plan.change_crl(|crl| crl.issuer = "ARK-Venice".to_owned());
        },
    ),
    crl_row("crl-pkcs1", "the CRL is signed by PKCS #1 v1.5", "crl-signature-algorithm", |plan| {
        plan.change_crl(|crl| crl.scheme = RsaScheme::Pkcs1);
    }),
    crl_row("crl-expired", "the CRL's nextUpdate was a second ago", "crl-expired", |plan| {
        let next_update = plan.one_second_ago();
        plan.change_crl(|crl| crl.next_update = Some(next_update));
    }),
    crl_row(
        "crl-not-yet-valid",
        "the CRL's thisUpdate is in a second",
        "crl-not-yet-valid",
        |plan| {
            let this_update = plan.in_one_second();
            plan.change_crl(|crl| crl.this_update = this_update);
        },
    ),
    crl_row("crl-no-next-update", "the CRL has no nextUpdate", "crl-next-update", |plan| {
        plan.change_crl(|crl| crl.next_update = None);
    }),
    crl_row("crl-delta", "the CRL is a delta CRL", "crl-extension", |plan| {
        plan.change_crl(|crl| add_extension(crl, &[2, 5, 29, 27], &[2, 1, 1]));
    }),
];
