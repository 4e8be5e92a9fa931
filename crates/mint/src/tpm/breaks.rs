//! The named ways to break TPM evidence.
//!
//! One table per concern. A row says what is wrong, which check must refuse, and how the plan is changed.
//! Everything after the point of the break is signed as it stands.

mod certificates;
mod keys;
mod quote;
mod request;

use std::sync::LazyLock;

use super::options::TpmOptions;
use super::plan::Plan;
use crate::{Break, Stage};

/// How a break is made.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    /// Chooses options that give the break its ground, such as a form of the request.
    pub(super) prepare: fn(&mut TpmOptions),
    /// Changes the plan in one point.
    pub(super) apply: fn(&mut Plan),
}

/// A row of a table.
type Row = (Break, Recipe);

const fn row(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut Plan),
) -> Row {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare: |_| {}, apply })
}

/// The same row on other ground.
const fn prepared((named, recipe): Row, prepare: fn(&mut TpmOptions)) -> Row {
    (named, Recipe { prepare, ..recipe })
}

/// Beginnings of the names of breaks that only an enrolment shows.
const ENROLMENT: [&str; 3] = ["ek-", "tpm-ca-", "ak-"];

fn staged(named: Break) -> Break {
    match ENROLMENT.iter().any(|start| named.name.starts_with(start)) {
        true => Break { stage: Stage::Enrolment, ..named },
        false => named,
    }
}

const TABLES: [&[Row]; 4] = [certificates::ROWS, keys::ROWS, quote::ROWS, request::ROWS];

/// The breaks of TPM evidence.
#[must_use]
pub fn breaks() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> =
        LazyLock::new(|| TABLES.into_iter().flatten().map(|(named, _)| staged(*named)).collect());
    &BREAKS
}

/// Those that a request can show, or an enrolment: a request says neither where its attestation key stands
/// in the TPM nor by which scheme it signs.
#[must_use]
pub fn request_breaks() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> = LazyLock::new(|| {
        let hidden = ["tpm-qualified-signer", "tpm-signature-scheme"];
        breaks().iter().filter(|one| !hidden.contains(&one.expected_check)).copied().collect()
    });
    &BREAKS
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<Row> {
    TABLES.into_iter().flatten().find(|(named, _)| named.name == name).copied()
}
