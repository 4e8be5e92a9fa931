//! The named ways to break Intel evidence.
//!
//! One table per concern; a kind has the tables that apply to it. A row says what is wrong, which
//! check must refuse, and how the plan is changed.

mod signatures;

use std::sync::LazyLock;

use super::plan::Plan;
use crate::{Break, Kind, Options, Stage};

/// How a break is made.
#[derive(Clone, Copy)]
pub(crate) struct Recipe {
    /// Chooses options that give the break its ground, such as a v5 quote.
    pub(crate) prepare: fn(&mut Options),
    /// Changes the plan in one point.
    pub(crate) apply: fn(&mut Plan),
}

/// A row of a table.
type Row = (Break, Recipe);

/// A row whose evidence is refused by verification.
const fn row(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut Plan),
) -> Row {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare: |_| {}, apply })
}

/// The same row, refused at another step.
const fn at_stage((mut named, recipe): Row, stage: Stage) -> Row {
    named.stage = stage;
    (named, recipe)
}

/// The same row on other ground.
const fn prepared((named, mut recipe): Row, prepare: fn(&mut Options)) -> Row {
    recipe.prepare = prepare;
    (named, recipe)
}

/// The tables of a kind.
const fn tables(kind: Kind) -> &'static [&'static [Row]] {
    match kind {
        Kind::Sgx => &[signatures::ROWS],
        Kind::OpenEnclave => &[signatures::ROWS],
        Kind::Tdx => &[signatures::ROWS],
        Kind::Snp => &[],
    }
}

/// The breaks of a kind.
pub(crate) fn breaks(kind: Kind) -> &'static [Break] {
    static SGX: LazyLock<Vec<Break>> = LazyLock::new(|| named(Kind::Sgx));
    static OPEN_ENCLAVE: LazyLock<Vec<Break>> = LazyLock::new(|| named(Kind::OpenEnclave));
    static TDX: LazyLock<Vec<Break>> = LazyLock::new(|| named(Kind::Tdx));
    match kind {
        Kind::Sgx => &SGX,
        Kind::OpenEnclave => &OPEN_ENCLAVE,
        Kind::Tdx => &TDX,
        Kind::Snp => &[],
    }
}

fn named(kind: Kind) -> Vec<Break> {
    tables(kind).iter().copied().flatten().map(|(named, _)| *named).collect()
}

/// The row of this name.
pub(crate) fn find(kind: Kind, name: &str) -> Option<Row> {
    tables(kind).iter().copied().flatten().find(|(named, _)| named.name == name).copied()
}
