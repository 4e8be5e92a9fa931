//! Each window of validity, missed by one second at either end.

use avouch_wire::UnixTime;

use super::{Row, row};
use crate::intel::plan::Plan;

impl Plan {
    const fn one_second_ago(&self) -> UnixTime {
        self.at.saturating_add_seconds(-1)
    }

    const fn in_one_second(&self) -> UnixTime {
        self.at.saturating_add_seconds(1)
    }
}

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row(
        "pck-expired",
        "the PCK certificate expired a second ago",
        "pck-certificate-expired",
        |plan| {
            plan.pck.not_after = plan.one_second_ago();
        },
    ),
    row(
        "pck-not-yet-valid",
        "the PCK certificate becomes valid in a second",
        "pck-certificate-not-yet-valid",
        |plan| plan.pck.not_before = plan.in_one_second(),
    ),
    row(
        "pck-ca-expired",
        "the PCK CA certificate expired a second ago",
        "pck-ca-certificate-expired",
        |plan| plan.pck_ca.not_after = plan.one_second_ago(),
    ),
    row(
        "pck-ca-not-yet-valid",
        "the PCK CA certificate becomes valid in a second",
        "pck-ca-certificate-not-yet-valid",
        |plan| plan.pck_ca.not_before = plan.in_one_second(),
    ),
    row(
        "tcb-signer-expired",
        "the TCB signing certificate expired a second ago",
        "tcb-signing-certificate-expired",
        |plan| plan.tcb_signer.not_after = plan.one_second_ago(),
    ),
    row(
        "tcb-signer-not-yet-valid",
        "the TCB signing certificate becomes valid in a second",
        "tcb-signing-certificate-not-yet-valid",
        |plan| plan.tcb_signer.not_before = plan.in_one_second(),
    ),
    row(
        "tcb-info-expired",
        "the TCB info's nextUpdate was a second ago",
        "tcb-info-expired",
        |plan| {
            plan.tcb_info.content.next_update = plan.one_second_ago();
        },
    ),
    row(
        "tcb-info-not-yet-valid",
        "the TCB info's issueDate is in a second",
        "tcb-info-not-yet-valid",
        |plan| plan.tcb_info.content.issue_date = plan.in_one_second(),
    ),
    row(
        "qe-identity-expired",
        "the QE identity's nextUpdate was a second ago",
        "qe-identity-expired",
        |plan| plan.qe_identity.content.next_update = plan.one_second_ago(),
    ),
    row(
        "qe-identity-not-yet-valid",
        "the QE identity's issueDate is in a second",
        "qe-identity-not-yet-valid",
        |plan| plan.qe_identity.content.issue_date = plan.in_one_second(),
    ),
    row(
        "root-crl-expired",
        "the root CRL's nextUpdate was a second ago",
        "root-ca-crl-expired",
        |plan| {
            let next_update = plan.one_second_ago();
            plan.change_root_crl(|crl| crl.next_update = Some(next_update));
        },
    ),
    row(
        "root-crl-not-yet-valid",
        "the root CRL's thisUpdate is in a second",
        "root-ca-crl-not-yet-valid",
        |plan| {
            let this_update = plan.in_one_second();
            plan.change_root_crl(|crl| crl.this_update = this_update);
        },
    ),
    row(
        "pck-crl-expired",
        "the PCK CRL's nextUpdate was a second ago",
        "pck-crl-expired",
        |plan| {
            let next_update = plan.one_second_ago();
            plan.change_pck_crl(|crl| crl.next_update = Some(next_update));
        },
    ),
    row(
        "pck-crl-not-yet-valid",
        "the PCK CRL's thisUpdate is in a second",
        "pck-crl-not-yet-valid",
        |plan| {
            let this_update = plan.in_one_second();
            plan.change_pck_crl(|crl| crl.this_update = this_update);
        },
    ),
];
