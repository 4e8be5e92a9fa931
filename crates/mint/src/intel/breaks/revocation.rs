//! Revocation, and lists that say nothing about it.

use super::{Row, row};
use crate::{
    der,
    intel::plan::{Keys, Link},
    x509::Extension,
};

const OID_DELTA_CRL_INDICATOR: &[u64] = &[2, 5, 29, 27];
const OID_ISSUING_DISTRIBUTION_POINT: &[u64] = &[2, 5, 29, 28];

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row(
        "pck-revoked",
        "the PCK certificate is on the PCK CRL",
        "pck-certificate-revoked",
        |plan| {
            let serial = plan.pck.serial.clone();
            plan.change_pck_crl(|crl| crl.revoked_serials.push(serial));
        },
    ),
    row("pck-ca-revoked", "the PCK CA is on the root CRL", "pck-ca-certificate-revoked", |plan| {
        let serial = plan.pck_ca.serial.clone();
        plan.change_root_crl(|crl| crl.revoked_serials.push(serial));
    }),
    row(
        "tcb-signer-revoked",
        "the TCB signing certificate is on the root CRL",
        "tcb-signing-certificate-revoked",
        |plan| {
            let serial = plan.tcb_signer.serial.clone();
            plan.change_root_crl(|crl| crl.revoked_serials.push(serial));
        },
    ),
    row(
        "pck-ca-of-quote-revoked",
        "the PCK CA in the quote, not the one of the same key in the collateral, is on the root CRL",
        "pck-ca-certificate-revoked",
        |plan| {
            let serial = plan.reissued_ca.serial.clone();
            plan.quote_chain = vec![Link::Pck, Link::ReissuedCa, Link::Root];
            plan.change_root_crl(|crl| crl.revoked_serials.push(serial));
        },
    ),
    row(
        "qe-identity-signer-revoked",
        "the certificate behind the QE identity, not the one of the same key behind the TCB info, is \
         on the root CRL",
        "tcb-signing-certificate-revoked",
        |plan| {
            let serial = plan.reissued_signer.serial.clone();
            plan.qe_identity_chain = vec![Link::ReissuedSigner, Link::Root];
            plan.change_root_crl(|crl| crl.revoked_serials.push(serial));
        },
    ),
    row("pck-crl-missing", "there is no PCK CRL", "collateral-malformed", |plan| {
        plan.pck_crl = None;
    }),
    row("root-crl-missing", "there is no root CRL", "collateral-malformed", |plan| {
        plan.root_crl = None;
    }),
    row(
        "pck-crl-of-other-ca",
        "the PCK CRL is the good list of the CA that did not issue the PCK certificate",
        "pck-crl-of-other-ca",
        |plan| {
            let other = plan.other_ca.subject;
            plan.pck_crl_chain = vec![Link::OtherCa, Link::Root];
            plan.change_pck_crl(|crl| {
                crl.issuer = other;
                crl.signer = Keys::OTHER_CA;
            });
        },
    ),
    row(
        "pck-crl-of-ca-with-same-name",
        "the PCK CRL is the good list of a CA with the name of the PCK certificate's and another key",
        "pck-crl-of-other-ca",
        |plan| {
            plan.other_ca.subject = plan.pck_ca.subject;
            plan.pck_crl_chain = vec![Link::OtherCa, Link::Root];
            plan.change_pck_crl(|crl| crl.signer = Keys::OTHER_CA);
        },
    ),
    row(
        "pck-crl-of-ca-with-same-key",
        "the PCK CRL is the good list of a CA with the key of the PCK certificate's and another name",
        "pck-crl-of-other-ca",
        |plan| {
            let other = plan.other_ca.subject;
            plan.other_ca.key = Keys::PCK_CA;
            plan.pck_crl_chain = vec![Link::OtherCa, Link::Root];
            plan.change_pck_crl(|crl| crl.issuer = other);
        },
    ),
    row(
        "pck-crl-by-other-ca",
        "the PCK CRL is issued and signed by the other CA; its chain names the right one",
        "pck-crl-issuer",
        |plan| {
            let other = plan.other_ca.subject;
            plan.change_pck_crl(|crl| {
                crl.issuer = other;
                crl.signer = Keys::OTHER_CA;
            });
        },
    ),
    row(
        "root-crl-as-pck-crl",
        "the root CRL stands where the PCK CRL belongs",
        "pck-crl-issuer",
        |plan| plan.pck_crl = plan.root_crl.clone(),
    ),
    row(
        "pck-crl-as-root-crl",
        "the PCK CRL stands where the root CRL belongs",
        "root-ca-crl-issuer",
        |plan| plan.root_crl = plan.pck_crl.clone(),
    ),
    row("pck-crl-delta", "the PCK CRL is a delta CRL", "pck-crl-extension", |plan| {
        plan.change_pck_crl(|crl| {
            crl.extensions.push(Extension {
                oid: OID_DELTA_CRL_INDICATOR,
                critical: true,
                value: der::integer_u64(1),
            });
        });
    }),
    row(
        "root-crl-partial",
        "the root CRL covers a part of the certificates only",
        "root-ca-crl-extension",
        |plan| {
            plan.change_root_crl(|crl| {
                // IssuingDistributionPoint with onlyContainsUserCerts [1] TRUE.
                let value = der::sequence(&[der::implicit(1, &[0xff])]);
                crl.extensions.push(Extension {
                    oid: OID_ISSUING_DISTRIBUTION_POINT,
                    critical: true,
                    value,
                });
            });
        },
    ),
    row(
        "pck-crl-without-next-update",
        "the PCK CRL does not say when the next one comes",
        "pck-crl-expired",
        |plan| plan.change_pck_crl(|crl| crl.next_update = None),
    ),
    row("pck-crl-empty", "the PCK CRL has no bytes", "pck-crl-malformed", |plan| {
        plan.pck_crl_edit = Vec::clear;
    }),
    row("pck-crl-truncated", "the PCK CRL lacks its last byte", "pck-crl-malformed", |plan| {
        plan.pck_crl_edit = |der| der.truncate(der.len().saturating_sub(1));
    }),
    row("root-crl-empty", "the root CRL has no bytes", "root-ca-crl-malformed", |plan| {
        plan.root_crl_edit = Vec::clear;
    }),
    row("root-crl-trailing", "bytes follow the root CRL", "root-ca-crl-malformed", |plan| {
        plan.root_crl_edit = |der| der.extend([5, 0]);
    }),
];
