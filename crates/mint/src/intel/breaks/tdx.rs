//! What only TDX has: quote v5, nested certification data, the module, relaunch.

use super::{Row, chosen, prepared, row};
use crate::{Options, TcbStatus, TdQuoteFormat};

/// Breaks of TDX.
pub(super) const ROWS: &[Row] = &[
    row(
        "outer-type-5",
        "the outer certification data is of type 5",
        "certification-data-type",
        |plan| plan.quote.outer_type = 5,
    ),
    row(
        "outer-length-long",
        "the outer certification data is declared 64 bytes longer than what is left",
        "certification-data-length",
        |plan| plan.quote.outer_length_skew = 64,
    ),
    row(
        "outer-length-short",
        "the outer certification data is declared one byte shorter than its content",
        "quote-structure",
        |plan| plan.quote.outer_length_skew = -1,
    ),
    v5(row("body-type-1", "a TDX quote announces an SGX body", "body-type", |plan| {
        plan.quote.body_type = 1;
    })),
    v5(row("body-type-9", "the body type does not exist", "body-type", |plan| {
        plan.quote.body_type = 9;
    })),
    v5(row(
        "body-type-2-size-648",
        "body type 2 comes with the size of type 3",
        "body-size",
        |plan| {
            plan.quote.body_type = 2;
        },
    )),
    v5(row(
        "body-type-4-size-648",
        "body type 4 comes with the size of type 3",
        "body-size",
        |plan| {
            plan.quote.body_type = 4;
        },
    )),
    v5(row(
        "body-size-long",
        "the body is declared one byte longer than its type",
        "body-size",
        |plan| {
            plan.quote.body_size_skew = 1;
        },
    )),
    v5(row(
        "body-size-huge",
        "the body is declared with about two gibibytes",
        "body-size",
        |plan| {
            plan.quote.body_size_skew = 0x7fff_0000;
        },
    )),
    row(
        "module-unknown",
        "no module identity has the major version of the TD",
        "tdx-module-identity",
        |plan| {
            plan.change_td(|td| {
                let [_, major, ..] = &mut td.tee_tcb_svn;
                *major = 0x0a;
            });
        },
    ),
    row(
        "module-identities-missing",
        "the TCB info has no module identities",
        "tdx-module-identity",
        |plan| {
            plan.tcb_info.content.tdx_module_identities = None;
        },
    ),
    row("module-mr-signer", "MRSIGNERSEAM is not zero", "tdx-module-mr-signer", |plan| {
        plan.change_td(|td| {
            let [first, ..] = &mut td.mr_signer_seam;
            *first = 1;
        });
    }),
    row(
        "module-mr-signer-of-version-0",
        "MRSIGNERSEAM of a module of version 0 is not zero",
        "tdx-module-mr-signer",
        |plan| {
            plan.change_td(|td| {
                let [_, major, ..] = &mut td.tee_tcb_svn;
                *major = 0;
                let [first, ..] = &mut td.mr_signer_seam;
                *first = 1;
            });
        },
    ),
    row("module-attributes", "SEAMATTRIBUTES is not zero", "tdx-module-attributes", |plan| {
        plan.change_td(|td| td.seam_attributes = 1);
    }),
    row(
        "module-attributes-unmasked",
        "SEAMATTRIBUTES has a bit outside the identity's mask",
        "tdx-module-attributes",
        |plan| {
            plan.change_td(|td| td.seam_attributes = 1);
            plan.change_modules(|module| module.attributes_mask = "0000000000000000".to_owned());
        },
    ),
    row(
        "module-attributes-agreed",
        "SEAMATTRIBUTES and the identities' attributes are one and the same, and not zero",
        "tdx-module-attributes",
        |plan| {
            plan.change_td(|td| td.seam_attributes = 1);
            plan.change_modules(|module| module.attributes = "0100000000000000".to_owned());
        },
    ),
    row("module-svn-below", "the module is below every level", "tdx-module-tcb-level", |plan| {
        plan.change_td(|td| {
            let [svn, ..] = &mut td.tee_tcb_svn;
            *svn = 4;
        });
    }),
    chosen("module-revoked", "the module's TCB level is revoked", "tcb-revoked", |options| {
        options.td.module_status = TcbStatus::Revoked
    }),
    row("seam-loader-below", "the SEAM loader is below every TCB level", "tcb-level", |plan| {
        plan.change_td(|td| {
            let [_, _, loader, ..] = &mut td.tee_tcb_svn;
            *loader = 3;
        });
    }),
    row(
        "module-of-version-0-below",
        "a module of version 0 is below every TCB level",
        "tcb-level",
        |plan| {
            plan.change_td(|td| {
                let [svn, major, ..] = &mut td.tee_tcb_svn;
                (*svn, *major) = (12, 0);
            });
        },
    ),
    v5(row(
        "current-module-unknown",
        "no module identity has the major version that runs now",
        "tdx-module-identity",
        |plan| {
            plan.change_td(|td| {
                let [_, major, ..] = &mut td.tee_tcb_svn2;
                *major = 0x0a;
            });
        },
    )),
    v5(row(
        "current-module-svn-below",
        "the module that runs now is below every level",
        "tdx-module-tcb-level",
        |plan| {
            plan.change_td(|td| {
                let [svn, ..] = &mut td.tee_tcb_svn2;
                *svn = 4;
            });
        },
    )),
    v5(row(
        "current-seam-loader-below",
        "the SEAM loader that runs now is below every TCB level",
        "tcb-level",
        |plan| {
            plan.change_td(|td| {
                let [_, _, loader, ..] = &mut td.tee_tcb_svn2;
                *loader = 3;
            });
        },
    )),
    v5(row(
        "current-module-revoked",
        "the level of the module that runs now is revoked",
        "tcb-revoked",
        |plan| {
            plan.change_td(|td| {
                let [svn, ..] = &mut td.tee_tcb_svn;
                *svn = 6;
            });
            plan.change_modules(|module| {
                if let Some(first) = module.tcb_levels.first_mut() {
                    first.tcb_status = TcbStatus::Revoked.name().to_owned();
                }
            });
        },
    )),
];

const fn v5(row: Row) -> Row {
    prepared(row, |options: &mut Options| options.td.format = TdQuoteFormat::V5Td15)
}
