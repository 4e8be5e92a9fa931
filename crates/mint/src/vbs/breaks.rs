//! The named ways in which an enclave's evidence can be wrong.
//!
//! One table per concern. Everything after the point of the break is measured, quoted and signed as it
//! stands, so that only the check that it names refuses it.

mod boot;
mod report;
mod request;

use std::sync::LazyLock;

use super::build::{Plan, VbsOptions};
use crate::{Break, MintError, Stage};

/// How a break is made.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    /// Chooses options that give the break its ground.
    pub(super) prepare: fn(&mut VbsOptions),
    /// Changes the plan in one point.
    pub(super) apply: fn(&mut Plan) -> Result<(), MintError>,
}

/// A row of a table.
type Row = (Break, Recipe);

const fn row(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut Plan) -> Result<(), MintError>,
) -> Row {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare: |_| {}, apply })
}

/// A row whose options are the break.
const fn chosen(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    prepare: fn(&mut VbsOptions),
) -> Row {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare, apply: |_| Ok(()) })
}

const TABLES: [&[Row]; 3] = [report::ROWS, boot::ROWS, request::ROWS];

/// The breaks of an enclave's evidence.
#[must_use]
pub fn breaks() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> = LazyLock::new(|| named(&TABLES));
    &BREAKS
}

/// Those of the report by itself: whoever has the right key refuses them without the rest.
#[must_use]
pub fn of_report() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> = LazyLock::new(|| named(&[report::ROWS]));
    &BREAKS
}

/// Those of the boot that the key comes from.
#[must_use]
pub fn at_boot() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> = LazyLock::new(|| named(&[boot::ROWS]));
    &BREAKS
}

fn named(tables: &[&[Row]]) -> Vec<Break> {
    tables.iter().copied().flatten().map(|(named, _)| *named).collect()
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<Row> {
    TABLES.into_iter().flatten().find(|(named, _)| named.name == name).copied()
}
