//! TCB info and QE identity: well signed, and wrong in what they say.

use super::{Row, chosen, prepared, row};
use crate::{
    Options,
    intel::{
        enclave_report::{FLAG_DEBUG, FLAG_PROVISION_KEY},
        levels,
        options::{TcbInfoVersion, TcbStatus},
        tcb_info::TcbInfo,
    },
};

/// Sets the first SGX component of every level.
fn set_first_component(info: &mut TcbInfo, svn: u32) {
    for level in &mut info.tcb_levels {
        if let Some(first) = level.tcb.sgx.first_mut() {
            *first = svn;
        }
    }
}

/// Writes a member of an object twice.
fn repeat_member(text: String, member: &str) -> String {
    text.replacen(member, &format!("{member},{member}"), 1)
}

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row("fmspc", "the TCB info is for another FMSPC", "fmspc", |plan| {
        plan.tcb_info.content.fmspc = "00906ed50000".to_owned();
    }),
    row("pce-id", "the TCB info is for another PCEID", "pce-id", |plan| {
        plan.tcb_info.content.pce_id = "0100".to_owned();
    }),
    row("tcb-level-none", "the platform is below every TCB level", "tcb-level", |plan| {
        set_first_component(&mut plan.tcb_info.content, 200);
        // The levels differ in that component only; one of them is enough.
        plan.tcb_info.content.tcb_levels.truncate(1);
    }),
    row("pce-svn-below", "the PCESVN is below every TCB level", "tcb-level", |plan| {
        plan.change_levels(|level| level.tcb.pce_svn = 14);
    }),
    chosen("tcb-revoked", "the platform's TCB level is revoked", "tcb-revoked", |options| {
        options.platform.tcb_status = TcbStatus::Revoked
    }),
    chosen("qe-revoked", "the quoting enclave's TCB level is revoked", "tcb-revoked", |options| {
        options.platform.qe_status = TcbStatus::Revoked
    }),
    row(
        "tcb-status-unknown",
        "a TCB level has a status that is not Intel's",
        "tcb-info-malformed",
        |plan| {
            plan.change_levels(|level| level.tcb_status = "Fine".to_owned());
        },
    ),
    row("tcb-type-1", "the TCB info's tcbType is 1", "tcb-info-malformed", |plan| {
        plan.tcb_info.content.tcb_type = 1;
    }),
    row("tcb-info-version-4", "the TCB info's version is 4", "tcb-info-malformed", |plan| {
        plan.tcb_info.content.version = 4;
    }),
    row(
        "tcb-info-id-unknown",
        "the TCB info's id is neither SGX nor TDX",
        "tcb-info-malformed",
        |plan| {
            plan.tcb_info.content.id = Some("SNP");
        },
    ),
    row("tcb-info-id-missing", "the TCB info has no id", "tcb-info-malformed", |plan| {
        plan.tcb_info.content.id = None;
    }),
    row("tcb-levels-empty", "the TCB info has no levels", "tcb-info-malformed", |plan| {
        plan.tcb_info.content.tcb_levels.clear();
    }),
    row("tcb-levels-equal", "two TCB levels ask for the same", "tcb-info-malformed", |plan| {
        let first = plan.tcb_info.content.tcb_levels.first().cloned();
        plan.tcb_info.content.tcb_levels.extend(first);
    }),
    row("tcb-15-components", "TCB levels have 15 SGX components", "tcb-info-malformed", |plan| {
        plan.change_levels(|level| level.tcb.sgx.truncate(15));
    }),
    row("tcb-17-components", "TCB levels have 17 SGX components", "tcb-info-malformed", |plan| {
        plan.change_levels(|level| level.tcb.sgx.push(0));
    }),
    row("tcb-component-256", "a component of a TCB level is 256", "tcb-info-malformed", |plan| {
        set_first_component(&mut plan.tcb_info.content, 256);
        plan.tcb_info.content.tcb_levels.truncate(1);
    }),
    row(
        "tcb-component-negative",
        "a component of a TCB level is negative",
        "tcb-info-malformed",
        |plan| {
            plan.tcb_info.edit = Some(|text| text.replacen("\"svn\":", "\"svn\":-", 1));
        },
    ),
    row(
        "tcb-component-float",
        "a component of a TCB level is a fraction",
        "tcb-info-malformed",
        |plan| {
            plan.tcb_info.edit = Some(|text| text.replacen("\"svn\":", "\"svn\":0.", 1));
        },
    ),
    row(
        "tcb-info-not-json",
        "the TCB info is signed, but is no JSON",
        "tcb-info-malformed",
        |plan| {
            plan.tcb_info.edit = Some(|text| text.replacen(':', ";", 1));
        },
    ),
    row("tcb-info-deep", "the TCB info nests 200 arrays", "tcb-info-malformed", |plan| {
        plan.tcb_info.edit = Some(|text| {
            let nest = format!("{{\"more\":{}{},", "[".repeat(200), "]".repeat(200));
            text.replacen('{', &nest, 1)
        });
    }),
    row("tcb-info-duplicate-key", "the TCB info has two versions", "tcb-info-malformed", |plan| {
        plan.tcb_info.edit = Some(|text| repeat_member(text, "\"version\":3"));
    }),
    row(
        "tcb-info-duplicate-levels",
        "the TCB info has two lists of levels, the second one empty",
        "tcb-info-malformed",
        |plan| plan.tcb_info.edit = Some(|text| text.replacen('{', "{\"tcbLevels\":[],", 1)),
    ),
    row("tcb-info-date", "the TCB info's issueDate is no RFC 3339", "tcb-info-malformed", |plan| {
        plan.tcb_info.edit = Some(|text| text.replacen("\"issueDate\":\"", "\"issueDate\":\"X", 1));
    }),
    row("qe-mr-signer", "the quoting enclave has another MRSIGNER", "qe-mr-signer", |plan| {
        let [first, ..] = &mut plan.quote.qe_report.mr_signer;
        *first ^= 1;
    }),
    row("qe-prod-id", "the quoting enclave has another ISVPRODID", "qe-isv-prod-id", |plan| {
        plan.quote.qe_report.isv_prod_id = 9;
    }),
    row("qe-attributes", "the quoting enclave lacks PROVISION_KEY", "qe-attributes", |plan| {
        plan.quote.qe_report.flags &= !FLAG_PROVISION_KEY;
    }),
    row("qe-misc-select", "the quoting enclave has another MISCSELECT", "qe-misc-select", |plan| {
        plan.quote.qe_report.misc_select = 1;
    }),
    row(
        "qe-debug",
        "the quoting enclave is debuggable, and the identity's mask lets that pass",
        "qe-debuggable",
        |plan| {
            plan.quote.qe_report.flags |= FLAG_DEBUG;
            plan.qe_identity.content.attributes_mask =
                "F9FFFFFFFFFFFFFF0000000000000000".to_owned();
        },
    ),
    row("qe-svn-below", "the quoting enclave is below every level", "qe-tcb-level", |plan| {
        plan.quote.qe_report.isv_svn = 1;
    }),
    row(
        "qe-identity-of-qve",
        "the identity is that of the verification enclave",
        "qe-identity-id",
        |plan| {
            plan.qe_identity.content.id = "QVE";
        },
    ),
    row(
        "qe-status-unknown",
        "a level of the identity has a platform's status",
        "qe-identity-malformed",
        |plan| {
            for level in &mut plan.qe_identity.content.tcb_levels {
                level.tcb_status = TcbStatus::ConfigurationNeeded.name().to_owned();
            }
        },
    ),
    row("qe-levels-empty", "the identity has no levels", "qe-identity-malformed", |plan| {
        plan.qe_identity.content.tcb_levels.clear();
    }),
    row("qe-identity-version-1", "the identity's version is 1", "qe-identity-malformed", |plan| {
        plan.qe_identity.content.version = 1;
    }),
    row("qe-identity-duplicate-key", "the identity has two ids", "qe-identity-malformed", |plan| {
        plan.qe_identity.edit = Some(|text| repeat_member(text, "\"version\":2"));
    }),
];

/// Breaks of SGX and Open Enclave.
pub(super) const SGX_ROWS: &[Row] = &[
    row("tcb-info-of-tdx", "the TCB info is one for TDX", "tcb-info-id", |plan| {
        plan.tcb_info.content.id = Some("TDX");
        plan.tcb_info.content.tdx_module = Some(levels::tdx_module());
        plan.change_levels(|level| level.tcb.tdx = Some(vec![0; 16]));
    }),
    row(
        "tdx-module-in-sgx",
        "the TCB info for SGX has a TDX module",
        "tcb-info-malformed",
        |plan| {
            plan.tcb_info.content.tdx_module = Some(levels::tdx_module());
        },
    ),
    row("qe-identity-of-td-qe", "the identity says it is of the TD QE", "qe-identity-id", |plan| {
        plan.qe_identity.content.id = "TD_QE";
    }),
    prepared(
        row(
            "tcb-info-v2-duplicate-key",
            "a TCB info of version 2 has two FMSPCs",
            "tcb-info-malformed",
            |plan| {
                plan.tcb_info.edit = Some(|text| {
                    text.replacen("\"fmspc\":", "\"fmspc\":\"000000000000\",\"fmspc\":", 1)
                });
            },
        ),
        v2,
    ),
];

fn v2(options: &mut Options) {
    options.platform.tcb_info_version = TcbInfoVersion::V2;
}

/// Breaks of TDX.
pub(super) const TDX_ROWS: &[Row] = &[
    row("qe-identity-of-qe", "the identity says it is of the SGX QE", "qe-identity-id", |plan| {
        plan.qe_identity.content.id = "QE";
    }),
    row("tcb-info-of-sgx", "the TCB info is one for SGX", "tcb-info-id", |plan| {
        let info = &mut plan.tcb_info.content;
        info.id = Some("SGX");
        info.tdx_module = None;
        info.tdx_module_identities = None;
        plan.change_levels(|level| level.tcb.tdx = None);
    }),
    row("tcb-info-v2", "the TCB info has version 2, which knows no TDX", "tcb-info-id", |plan| {
        let info = &mut plan.tcb_info.content;
        (info.version, info.id) = (2, None);
        info.tdx_module = None;
        info.tdx_module_identities = None;
        plan.change_levels(|level| {
            (level.tcb.flat, level.tcb.tdx) = (true, None);
            level.advisory_ids.clear();
        });
    }),
    row("tdx-module-missing", "the TCB info has no tdxModule", "tcb-info-malformed", |plan| {
        plan.tcb_info.content.tdx_module = None;
    }),
    row("tdx-15-components", "TCB levels have 15 TDX components", "tcb-info-malformed", |plan| {
        plan.change_levels(|level| level.tcb.tdx.iter_mut().for_each(|svns| svns.truncate(15)));
    }),
    row("tdx-17-components", "TCB levels have 17 TDX components", "tcb-info-malformed", |plan| {
        plan.change_levels(|level| level.tcb.tdx.iter_mut().for_each(|svns| svns.push(0)));
    }),
    row(
        "tdx-components-missing",
        "TCB levels have no TDX components",
        "tcb-info-malformed",
        |plan| {
            plan.change_levels(|level| level.tcb.tdx = None);
        },
    ),
    row(
        "module-levels-empty",
        "the module identities have no levels",
        "tcb-info-malformed",
        |plan| {
            plan.change_modules(|module| module.tcb_levels.clear());
        },
    ),
    row(
        "module-levels-equal",
        "two levels of a module ask for the same",
        "tcb-info-malformed",
        |plan| {
            plan.change_modules(|module| {
                let first = module.tcb_levels.first().cloned();
                module.tcb_levels.extend(first);
            });
        },
    ),
    row(
        "module-status-unknown",
        "a level of a module has a platform's status",
        "tcb-info-malformed",
        |plan| {
            plan.change_modules(|module| {
                for level in &mut module.tcb_levels {
                    level.tcb_status = TcbStatus::SwHardeningNeeded.name().to_owned();
                }
            });
        },
    ),
];
