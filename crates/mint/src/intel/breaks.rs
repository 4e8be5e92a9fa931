//! The named ways to break Intel evidence.
//!
//! One table per concern; a kind has the tables that apply to it. A row says what is wrong, which
//! check must refuse, and how the plan is changed.

mod acceptance;
mod bindings;
mod certificates;
mod documents;
mod event_log;
mod revocation;
mod signatures;
mod structure;
mod tdx;
mod validity;

use std::sync::LazyLock;

use avouch_wire::EvidenceKind;

use super::plan::Plan;
use crate::Break;
use crate::breaks::{at_stage, chosen, prepared, row};

/// A row of a table.
type Row = crate::breaks::Row<Plan>;

/// The tables that apply to every Intel kind.
const COMMON: [&[Row]; 8] = [
    signatures::ROWS,
    certificates::ROWS,
    revocation::ROWS,
    validity::ROWS,
    structure::ROWS,
    documents::ROWS,
    bindings::ROWS,
    acceptance::ROWS,
];
const SGX: [&[Row]; 5] = [
    structure::BARE_ROWS,
    structure::SGX_ROWS,
    documents::SGX_ROWS,
    bindings::SGX_ROWS,
    acceptance::SGX_ROWS,
];
const OPEN_ENCLAVE: [&[Row]; 4] =
    [documents::SGX_ROWS, bindings::SGX_ROWS, bindings::OPEN_ENCLAVE_ROWS, acceptance::SGX_ROWS];
const TDX: [&[Row]; 7] = [
    structure::BARE_ROWS,
    structure::TDX_ROWS,
    tdx::ROWS,
    event_log::ROWS,
    documents::TDX_ROWS,
    bindings::TDX_ROWS,
    acceptance::TDX_ROWS,
];

/// Every row of a kind.
fn rows(kind: EvidenceKind) -> impl Iterator<Item = Row> {
    let own: &[&[Row]] = match kind {
        EvidenceKind::Sgx => &SGX,
        EvidenceKind::OpenEnclave => &OPEN_ENCLAVE,
        EvidenceKind::Tdx => &TDX,
        _ => return Vec::new().into_iter(),
    };
    let tables = COMMON.iter().chain(own);
    tables.copied().flatten().copied().collect::<Vec<_>>().into_iter()
}

/// The breaks of a kind.
pub(crate) fn breaks(kind: EvidenceKind) -> &'static [Break] {
    static SGX: LazyLock<Vec<Break>> = LazyLock::new(|| named(EvidenceKind::Sgx));
    static OPEN_ENCLAVE: LazyLock<Vec<Break>> = LazyLock::new(|| named(EvidenceKind::OpenEnclave));
    static TDX: LazyLock<Vec<Break>> = LazyLock::new(|| named(EvidenceKind::Tdx));
    match kind {
        EvidenceKind::Sgx => &SGX,
        EvidenceKind::OpenEnclave => &OPEN_ENCLAVE,
        EvidenceKind::Tdx => &TDX,
        _ => &[],
    }
}

fn named(kind: EvidenceKind) -> Vec<Break> {
    rows(kind).map(|(named, _)| named).collect()
}

/// The row of this name.
pub(crate) fn find(kind: EvidenceKind, name: &str) -> Option<Row> {
    rows(kind).find(|(named, _)| named.name == name)
}
