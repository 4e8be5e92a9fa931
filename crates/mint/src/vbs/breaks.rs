//! The named ways in which a report of a VBS enclave can be wrong.

use super::{VbsReport, block, module};

/// One named way in which a report can be wrong; everything else in it is right.
#[derive(Debug, Clone, Copy)]
pub struct VbsBreak {
    /// Name in kebab case.
    pub name: &'static str,
    /// The check that refuses it.
    pub check: &'static str,
    apply: fn(&mut VbsReport),
}

const STRUCTURE: &str = "vbs-report-structure";

const BREAKS: &[VbsBreak] = &[
    row("package-size-more", STRUCTURE, |report| report.package_size_off_by = 1),
    row("package-size-less", STRUCTURE, |report| report.package_size_off_by = u32::MAX),
    row("version-0", STRUCTURE, |report| report.version = 0),
    row("version-2", STRUCTURE, |report| report.version = 2),
    row("scheme-0", STRUCTURE, |report| report.scheme = 0),
    row("scheme-2", STRUCTURE, |report| report.scheme = 2),
    row("reserved", STRUCTURE, |report| report.reserved = 1),
    row("trailing", STRUCTURE, |report| report.trailing = vec![0]),
    row("report-size-more", STRUCTURE, |report| report.report_size_off_by = 1),
    row("report-size-less", STRUCTURE, |report| report.report_size_off_by = u32::MAX),
    row("report-version-2", STRUCTURE, |report| report.report_version = 2),
    row("enclave-data-short", STRUCTURE, |report| report.enclave_data.truncate(32)),
    row("block-type-0", STRUCTURE, |report| report.blocks = block(0, &[0; 120])),
    row("block-type-2", STRUCTURE, |report| report.blocks = block(2, &[0; 120])),
    row("block-size-0", STRUCTURE, |report| sized(report, 0)),
    row("block-size-7", STRUCTURE, |report| sized(report, 7)),
    row("block-size-8", STRUCTURE, |report| sized(report, 8)),
    row("block-over", STRUCTURE, |report| sized(report, 4096)),
    row("block-cut", STRUCTURE, |report| report.blocks.truncate(40)),
    row("name-without-end", STRUCTURE, |report| {
        report.blocks.truncate(report.blocks.len().saturating_sub(2));
        let size = u32::try_from(report.blocks.len()).unwrap_or_default();
        sized(report, size);
    }),
    row("name-with-two-ends", STRUCTURE, |report| report.blocks = module("a\0b")),
    row("modules-65", STRUCTURE, |report| report.blocks = module("m").repeat(65)),
    row("statement-edited", "vbs-report-signature", |report| report.edit_signed = true),
    row("other-signer", "vbs-report-signature", |report| report.signed_by_identity = false),
    row("other-data", "vbs-report-data", |report| report.enclave_data = vec![7; 64]),
];

const fn row(name: &'static str, check: &'static str, apply: fn(&mut VbsReport)) -> VbsBreak {
    VbsBreak { name, check, apply }
}

/// Writes another size into the first block.
fn sized(report: &mut VbsReport, size: u32) {
    if let Some(field) = report.blocks.get_mut(4..8) {
        field.copy_from_slice(&size.to_le_bytes());
    }
}

/// The ways in which a report can be broken.
pub fn breaks() -> impl Iterator<Item = &'static VbsBreak> {
    BREAKS.iter()
}

/// The report over `statement` with this one point wrong.
#[must_use]
pub fn broken(named: &VbsBreak, statement: &[u8]) -> VbsReport {
    let mut report = VbsReport::over(statement);
    (named.apply)(&mut report);
    report
}
