//! The TCB in the report against the TCB that the key was certified for.

use super::{Row, on_milan, on_turin, prepared, row};
use crate::snp::extensions::{BOOT_LOADER, FMC, MICROCODE, SNP, SPL_4, SPL_5, SPL_7, TEE, level};

/// Breaks of the TCB binding.
pub(super) const ROWS: &[Row] = &[
    row("tcb-boot-loader", "the key is for a later boot loader", "tcb-mismatch", |plan| {
        plan.set_vek_extension(BOOT_LOADER, level(5));
    }),
    row("tcb-tee", "the key is for an earlier TEE", "tcb-mismatch", |plan| {
        plan.set_vek_extension(TEE, level(1));
    }),
    row("tcb-snp", "the key is for earlier SNP firmware", "tcb-mismatch", |plan| {
        plan.set_vek_extension(SNP, level(23));
    }),
    row("tcb-microcode", "the key is for earlier microcode", "tcb-mismatch", |plan| {
        plan.set_vek_extension(MICROCODE, level(218));
    }),
    row("tcb-microcode-0", "the key is for microcode 0", "tcb-mismatch", |plan| {
        plan.set_vek_extension(MICROCODE, level(0));
    }),
    prepared(
        row("tcb-fmc", "the key is for another FMC", "tcb-mismatch", |plan| {
            plan.set_vek_extension(FMC, level(0));
        }),
        on_turin,
    ),
    prepared(
        row("tcb-spl-4", "the key has a level for a reserved byte", "tcb-mismatch", |plan| {
            plan.set_vek_extension(SPL_4, level(1));
        }),
        on_milan,
    ),
    row("tcb-spl-5", "the key has a level for a reserved byte", "tcb-mismatch", |plan| {
        plan.set_vek_extension(SPL_5, level(1));
    }),
    row("tcb-spl-7", "the key has a level for a reserved byte", "tcb-mismatch", |plan| {
        plan.set_vek_extension(SPL_7, level(128));
    }),
    row(
        "tcb-reported-reserved",
        "a reserved byte of REPORTED_TCB is set",
        "tcb-reserved",
        |plan| {
            plan.report.put(0x185, &[1]);
        },
    ),
    row("tcb-current-reserved", "a reserved byte of CURRENT_TCB is set", "tcb-reserved", |plan| {
        plan.report.put(0x03d, &[1]);
    }),
    row(
        "tcb-committed-reserved",
        "a reserved byte of COMMITTED_TCB is set",
        "tcb-reserved",
        |plan| {
            plan.report.put(0x1e4, &[1]);
        },
    ),
    row("tcb-launch-reserved", "a reserved byte of LAUNCH_TCB is set", "tcb-reserved", |plan| {
        plan.report.put(0x1f5, &[0x80]);
    }),
    row("tcb-microcode-up", "REPORTED_TCB states later microcode", "tcb-mismatch", |plan| {
        plan.report.put(0x187, &[220]);
    }),
    row(
        "tcb-current-for-reported",
        "the key is for CURRENT_TCB, REPORTED_TCB is lower",
        "tcb-mismatch",
        |plan| plan.report.put(0x187, &[115]),
    ),
];
