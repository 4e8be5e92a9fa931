//! The named ways to break SEV-SNP evidence.
//!
//! One table per concern. A row says what is wrong, which check must refuse, and how the plan is
//! changed. Each holds for every product and kind of key, unless its options choose one.

mod acceptance;
mod certificates;
mod chain;
mod extensions;
mod report;
mod revocation;
mod signature;
mod tcb;
mod uvm;

use std::sync::LazyLock;

use super::options::{SnpKey, SnpProduct};
use super::plan::Plan;
use crate::breaks::{at_stage, chosen, prepared, row};
use crate::{Break, Options};

/// A row of a table.
type Row = crate::breaks::Row<Plan>;

fn with_vcek(options: &mut Options) {
    options.snp.key = SnpKey::Vcek;
}

fn with_vlek(options: &mut Options) {
    options.snp.key = SnpKey::Vlek;
}

fn with_version_5(options: &mut Options) {
    options.snp.report_version = 5;
}

fn on_turin(options: &mut Options) {
    with_vcek(options);
    options.snp.report_version = 5;
    options.snp.product = SnpProduct::Turin;
}

fn on_milan(options: &mut Options) {
    options.snp.product = SnpProduct::Milan;
}

const TABLES: [&[Row]; 9] = [
    report::ROWS,
    signature::ROWS,
    tcb::ROWS,
    certificates::ROWS,
    extensions::ROWS,
    chain::ROWS,
    revocation::ROWS,
    acceptance::ROWS,
    uvm::ROWS,
];

/// The breaks of SEV-SNP evidence.
pub(crate) fn breaks() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> =
        LazyLock::new(|| TABLES.into_iter().flatten().map(|(named, _)| *named).collect());
    &BREAKS
}

/// The row of this name.
pub(crate) fn find(name: &str) -> Option<Row> {
    TABLES.into_iter().flatten().find(|(named, _)| named.name == name).copied()
}
