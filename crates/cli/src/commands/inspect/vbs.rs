//! Reports of VBS enclaves.

use avouch_vbs::Report;
use avouch_wire::encode_hex;

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

/// A report, header and signature included.
pub(super) fn report(input: &Input) -> Result<Inspection, String> {
    let report = Report::parse(&input.bytes).map_err(|error| error.to_string())?;
    Ok(Inspection::new("vbs-report", "report of a VBS enclave", fields(&report)))
}

/// Every field of a report.
pub(super) fn fields(report: &Report<'_>) -> Fields {
    let body: &avouch_vbs::ReportBody = report;
    Tree::of(body).into_fields().with("signature", encode_hex(report.untrusted_signature()))
}
