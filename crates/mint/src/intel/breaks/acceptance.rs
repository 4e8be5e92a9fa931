//! Evidence that verifies, and that settings refuse.

use super::{Row, at_stage, chosen};
use crate::{Kss, Options, Stage, TD_DEBUG, TD_MIGRATABLE, TcbStatus, TdQuoteFormat};

/// SERVTD_EXT in TDATTRIBUTES.
const TD_SERVTD_EXT: u64 = 1 << 17;
/// One of the profiling bits in the first byte of TDATTRIBUTES.
const TD_PROFILING: u64 = 1 << 4;
const STATUS: &str = "accepted-tcb-status";

/// A row for evidence that verifies as `ground` prepares it.
const fn refused(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    ground: fn(&mut Options),
) -> Row {
    at_stage(chosen(name, what, expected_check, ground), Stage::Acceptance)
}

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    refused("tcb-out-of-date", "the platform is OutOfDate", STATUS, |options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        options.platform.advisory_ids = vec!["INTEL-SA-00837".to_owned()];
    }),
    refused("tcb-configuration-needed", "the platform is ConfigurationNeeded", STATUS, |options| {
        options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
        options.platform.advisory_ids = vec!["INTEL-SA-00657".to_owned()];
    }),
    refused(
        "tcb-configuration-and-sw-hardening-needed",
        "the platform is ConfigurationAndSWHardeningNeeded",
        STATUS,
        |options| {
            options.platform.tcb_status = TcbStatus::ConfigurationAndSwHardeningNeeded;
            options.platform.advisory_ids = vec!["INTEL-SA-00657".to_owned()];
        },
    ),
    refused(
        "tcb-out-of-date-configuration-needed",
        "the platform is OutOfDateConfigurationNeeded",
        STATUS,
        |options| {
            options.platform.tcb_status = TcbStatus::OutOfDateConfigurationNeeded;
            options.platform.advisory_ids = vec!["INTEL-SA-00657".to_owned()];
        },
    ),
    refused("qe-out-of-date", "the quoting enclave is OutOfDate", STATUS, |options| {
        options.platform.qe_status = TcbStatus::OutOfDate;
    }),
    refused("debug", "what is attested is debuggable", "debuggable", |options| {
        options.enclave.debug = true;
        options.td.attributes |= TD_DEBUG;
    }),
];

/// Breaks of SGX and Open Enclave.
pub(super) const SGX_ROWS: &[Row] = &[refused(
    "debug-with-kss",
    "the enclave is debuggable and uses KSS",
    "debuggable",
    |options| {
        options.enclave.debug = true;
        options.enclave.kss = Some(Kss::default());
    },
)];

/// Breaks of TDX.
pub(super) const TDX_ROWS: &[Row] = &[
    refused("module-out-of-date", "the TDX module is OutOfDate", STATUS, |options| {
        options.td.module_status = TcbStatus::OutOfDate;
    }),
    refused(
        "relaunch-advised",
        "the module was updated after the TD was launched",
        STATUS,
        relaunch,
    ),
    refused(
        "relaunch-advised-configuration-needed",
        "the module was updated after launch, and the platform needs configuration",
        STATUS,
        |options| {
            relaunch(options);
            options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
        },
    ),
    refused("profiling", "a profiling bit is set, without DEBUG", "debuggable", |options| {
        options.td.attributes |= TD_PROFILING;
    }),
    refused("migratable", "the TD can be migrated", "migratable", |options| {
        options.td.attributes |= TD_MIGRATABLE;
    }),
    refused("service-td-extension", "SERVTD_EXT is set", "service-td", |options| {
        options.td.attributes |= TD_SERVTD_EXT;
    }),
    refused("service-td", "a service TD is bound", "service-td", |options| {
        options.td.format = TdQuoteFormat::V5Td15;
        options.td.mr_service_td = options.seed.bytes("MRSERVICETD");
    }),
];

/// Launched under the old module, running under the new one.
fn relaunch(options: &mut Options) {
    options.td.format = TdQuoteFormat::V5Td15;
    let [module_svn, ..] = &mut options.td.tee_tcb_svn;
    *module_svn = 6;
}
