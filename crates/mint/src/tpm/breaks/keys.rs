//! Public areas of the endorsement key and of the attestation key.

use super::{Row, row};
use crate::tpm::keys::RsaKey;
use crate::tpm::plan::Plan;

/// Clears attributes of the attestation key.
fn without(plan: &mut Plan, bit: u32) {
    plan.ak_public.attributes &= !(1_u32.rotate_left(bit));
}

/// Sets attributes of the attestation key.
fn with(plan: &mut Plan, bit: u32) {
    plan.ak_public.attributes |= 1_u32.rotate_left(bit);
}

/// Breaks of public areas.
pub(super) const ROWS: &[Row] = &[
    row("ek-other-key", "the EK is not the one certified", "credential-ek-certificate", |plan| {
        plan.ek_public.key = RsaKey::Other;
    }),
    row("ek-not-restricted", "the EK is not restricted", "credential-ek", |plan| {
        plan.ek_public.attributes &= !0x0001_0000;
    }),
    row("ek-signs", "the EK signs", "credential-ek", |plan| {
        plan.ek_public.attributes |= 0x0004_0000;
    }),
    row("ek-no-cipher", "the EK has no cipher", "credential-ek", |plan| {
        plan.ek_public.cipher = false;
    }),
    row("ak-not-restricted", "the AK signs whatever it is handed", "ak-restricted", |plan| {
        without(plan, 16);
    }),
    row("ak-does-not-sign", "the AK does not sign", "ak-sign", |plan| without(plan, 18)),
    row("ak-decrypts", "the AK decrypts", "ak-decrypt", |plan| with(plan, 17)),
    row("ak-can-leave", "the AK can leave its TPM", "ak-fixed-tpm", |plan| without(plan, 1)),
    row("ak-can-move", "the AK can be moved", "ak-fixed-parent", |plan| without(plan, 4)),
    row("ak-imported", "the AK was not made in the TPM", "ak-origin", |plan| without(plan, 5)),
    row("ak-x509-sign", "the AK signs certificates of others' shaping", "ak-x509-sign", |plan| {
        with(plan, 19);
    }),
    row(
        "ak-undefined-attribute",
        "the AK has an undefined attribute",
        "tpm-public-attributes",
        |plan| {
            with(plan, 12);
        },
    ),
    row("ak-no-scheme", "the AK fixes no scheme", "ak-scheme", |plan| {
        plan.ak_public.scheme = None;
    }),
    row("ak-sha1", "the AK signs over SHA-1", "ak-weak-scheme", |plan| {
        plan.ak_public.scheme = Some((0x0014, 0x0004));
    }),
    row("ak-decryption-scheme", "the AK has a scheme of decryption", "ak-scheme", |plan| {
        plan.ak_public.scheme = Some((0x0017, 0x000b));
    }),
    row("ak-cipher", "the AK has a cipher", "ak-symmetric", |plan| plan.ak_public.cipher = true),
    row("ak-policy-length", "the AK's policy is no digest", "tpm-public-auth-policy", |plan| {
        plan.ak_public.auth_policy = vec![1; 20];
    }),
    row("ak-no-name", "the AK has no Name", "tpm-public-name-algorithm", |plan| {
        plan.ak_public.name_algorithm = 0x0010;
    }),
    row("ak-type", "the AK is a keyed hash", "tpm-public-type", |plan| {
        plan.ak_public.kind = 0x0008;
    }),
    row("ak-length", "the AK says another length than it has", "tpm-public-key", |plan| {
        plan.ak_public.key_bits = 3072;
    }),
];
