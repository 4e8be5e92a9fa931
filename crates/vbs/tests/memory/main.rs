//! Memory for a report: bounded by what was sent, counted by the allocator of this program.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_mint::vbs::{VbsReport, module};
use avouch_vbs::{MODULES_MAX, Report};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a report takes whatever its length.
const FREE_BYTES: usize = 1 << 10;

/// The most that is held at once while a report is read, beyond the report itself.
fn peak(bytes: &[u8]) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let report = Report::parse(bytes).unwrap();
    let peak = ALLOCATOR.peak_usage() - before;
    assert!(report.modules.len() <= MODULES_MAX);
    peak
}

/// What one byte buys: at most two, whatever the report is filled with.
#[test]
fn a_report_takes_at_most_twice_its_length() {
    for (what, name, count) in [
        ("no module", String::new(), 0),
        ("modules without names", String::new(), MODULES_MAX),
        ("modules with names", "module.dll".to_owned(), MODULES_MAX),
        ("one long name", "m".repeat(60_000), 1),
        // Three bytes in UTF-8 for two in UTF-16.
        ("one long name of other letters", "\u{20ac}".repeat(60_000), 1),
        ("long names", "\u{20ac}".repeat(900), MODULES_MAX),
    ] {
        let report = VbsReport { blocks: module(&name).repeat(count), ..VbsReport::default() };
        let bytes = report.to_bytes("").unwrap();
        let peak = peak(&bytes);
        println!("{what}: {} bytes, {peak} more at most", bytes.len());
        assert!(peak <= 2 * bytes.len() + FREE_BYTES, "{what}: {peak} for {}", bytes.len());
    }
}
