//! Evidence that verifies: its bindings do not hold, or strict settings refuse it.

use super::{Row, at_stage, chosen, row};
use crate::snp::options::SnpKey;
use crate::{HeldData, Options, Stage};

const fn binding(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut super::Plan),
) -> Row {
    at_stage(row(name, what, expected_check, apply), Stage::Binding)
}

/// Refused by settings alone.
const fn accepted_otherwise(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    prepare: fn(&mut Options),
) -> Row {
    at_stage(chosen(name, what, expected_check, prepare), Stage::Acceptance)
}

fn other_data() -> HeldData {
    HeldData::json(r#"{"minted-by":"avouch","purpose":"other"}"#)
}

/// Breaks of the bindings, and evidence for strict settings.
pub(super) const ROWS: &[Row] = &[
    binding(
        "runtime-data",
        "the runtime data are others than the report binds",
        "runtime-data",
        |plan| {
            plan.runtime_data = Some(other_data());
        },
    ),
    binding(
        "runtime-data-upper-half",
        "the upper half of REPORT_DATA is not zero",
        "runtime-data",
        |plan| {
            let data = other_data();
            plan.report.put(0x050, avouch_pki::digest::sha256(&data.bytes).as_bytes());
            plan.report.put(0x070, &[1]);
            plan.runtime_data = Some(data);
        },
    ),
    binding(
        "init-time-data",
        "the init-time data are others than the report binds",
        "init-time-data",
        |plan| {
            plan.init_time_data = Some(other_data());
        },
    ),
    accepted_otherwise("debuggable", "the host may debug the guest", "debuggable", |options| {
        options.snp.policy |= 1 << 19;
    }),
    accepted_otherwise(
        "migratable",
        "the guest may have a migration agent",
        "migratable",
        |options| {
            options.snp.policy |= 1 << 18;
        },
    ),
    accepted_otherwise(
        "host-requested",
        "the host asked for the report",
        "host-requested",
        |options| {
            options.snp.vmpl = u32::MAX;
        },
    ),
    accepted_otherwise("chip-id-masked", "the host masked CHIP_ID", "chip-id-masked", |options| {
        options.snp.key = SnpKey::Vcek;
        options.snp.mask_chip_id = true;
    }),
];
