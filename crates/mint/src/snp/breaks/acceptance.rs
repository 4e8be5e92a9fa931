//! Evidence that verifies: its bindings do not hold, or strict settings refuse it.

use super::{Row, chosen, row};
use crate::snp::options::SnpKey;
use crate::{HeldData, Stage};

const fn binding(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut super::Plan),
) -> Row {
    let (mut named, recipe) = row(name, what, expected_check, apply);
    named.stage = Stage::Binding;
    (named, recipe)
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
    chosen(
        "debuggable",
        "the host may debug the guest",
        Stage::Acceptance,
        "debuggable",
        |options| {
            options.snp.policy |= 1 << 19;
        },
    ),
    chosen(
        "migratable",
        "the guest may have a migration agent",
        Stage::Acceptance,
        "migratable",
        |options| {
            options.snp.policy |= 1 << 18;
        },
    ),
    chosen(
        "host-requested",
        "the host asked for the report",
        Stage::Acceptance,
        "host-requested",
        |options| {
            options.snp.vmpl = u32::MAX;
        },
    ),
    chosen(
        "chip-id-masked",
        "the host masked CHIP_ID",
        Stage::Acceptance,
        "chip-id-masked",
        |options| {
            options.snp.key = SnpKey::Vcek;
            options.snp.mask_chip_id = true;
        },
    ),
];
