//! The report's own fields: each wrong one is signed like the rest.

use super::{Row, on_turin, prepared, row, with_vcek, with_version_5};

/// Breaks of the report's layout and of its product and chip.
pub(super) const ROWS: &[Row] = &[
    row("report-truncated", "the report lacks its last byte", "report-length", |plan| {
        plan.report.after_signing = Some(|report| report.truncate(0x49f));
    }),
    row("report-extended", "a byte follows the report", "report-length", |plan| {
        plan.report.after_signing = Some(|report| report.push(0));
    }),
    row("version-1", "the report is of version 1", "report-version", |plan| {
        plan.report.put(0x000, &[1]);
    }),
    prepared(
        row("version-6", "the report is of version 6", "report-version", |plan| {
            plan.report.put(0x000, &[6]);
        }),
        with_version_5,
    ),
    row("version-7", "the report is of version 7", "report-version", |plan| {
        plan.report.put(0x000, &[7]);
    }),
    row("signature-algorithm-0", "SIGNATURE_ALGO is 0", "signature-algorithm", |plan| {
        plan.report.put(0x034, &[0]);
    }),
    row("signing-key-none", "SIGNING_KEY is 7, none", "signing-key", |plan| {
        plan.report.put(0x048, &[7 << 2]);
    }),
    row("signing-key-chip-secret", "SIGNING_KEY is 2, chip-secret VCEK", "signing-key", |plan| {
        plan.report.put(0x048, &[2 << 2]);
    }),
    row("chip-key-masked", "MASK_CHIP_KEY is set", "chip-key-masked", |plan| {
        plan.report.flip(0x048, 0x02);
    }),
    row("key-flag-5", "a reserved key flag is set", "key-flags-reserved", |plan| {
        plan.report.flip(0x048, 0x20);
    }),
    row("vmpl-4", "VMPL is 4", "vmpl", |plan| plan.report.put(0x030, &[4])),
    row("policy-bit-17", "bit 17 of the guest policy is 0", "policy-reserved-bit", |plan| {
        plan.report.flip(0x00a, 0x02);
    }),
    row("reserved-0x4c", "a reserved byte after the key flags is set", "report-reserved", |plan| {
        plan.report.flip(0x04c, 1);
    }),
    row("reserved-0x18b", "a reserved byte after the CPUID is set", "report-reserved", |plan| {
        plan.report.flip(0x18b, 1);
    }),
    row(
        "reserved-0x1eb",
        "the reserved byte after the current version is set",
        "report-reserved",
        |plan| plan.report.flip(0x1eb, 1),
    ),
    row(
        "reserved-0x1ef",
        "the reserved byte after the committed version is set",
        "report-reserved",
        |plan| plan.report.flip(0x1ef, 1),
    ),
    row(
        "reserved-0x29f",
        "the last reserved byte before the signature is set",
        "report-reserved",
        |plan| plan.report.flip(0x29f, 0x80),
    ),
    prepared(
        row("product-of-report", "the CPUID is another product's", "product-mismatch", |plan| {
            let cpuid = plan.other_product().cpuid();
            plan.report.put(0x188, &cpuid);
        }),
        with_version_5,
    ),
    prepared(
        row("product-unknown", "the CPUID is that of Venice", "product-unknown", |plan| {
            plan.report.put(0x188, &[0x1a, 0x50, 0]);
        }),
        with_version_5,
    ),
    row(
        "signing-key-of-other-kind",
        "SIGNING_KEY is that of the other kind of key",
        "signing-key-mismatch",
        |plan| plan.report.flip(0x048, 1 << 2),
    ),
    prepared(
        row("chip-id", "CHIP_ID is another chip's", "chip-id-mismatch", |plan| {
            plan.report.flip(0x1a0, 1);
        }),
        with_vcek,
    ),
    prepared(
        row("chip-id-tail", "CHIP_ID goes on after Turin's 8 bytes", "chip-id-mismatch", |plan| {
            plan.report.put(0x1a8, &[1]);
        }),
        on_turin,
    ),
];
