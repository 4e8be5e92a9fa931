//! The report's signature.

use super::{Row, row};

/// Order of the P-384 group, little-endian.
const P384_ORDER: [u8; 48] = [
    0x73, 0x29, 0xc5, 0xcc, 0x6a, 0x19, 0xec, 0xec, 0x7a, 0xa7, 0xb0, 0x48, 0xb2, 0x0d, 0x1a, 0x58,
    0xdf, 0x2d, 0x37, 0xf4, 0x81, 0x4d, 0x63, 0xc7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];
/// Offsets of R, S and what follows.
const R: usize = 0x2a0;
const S: usize = 0x2e8;
const TAIL: usize = 0x330;

fn put(report: &mut [u8], offset: usize, bytes: &[u8]) {
    for (to, from) in report.iter_mut().skip(offset).zip(bytes) {
        *to = *from;
    }
}

fn flip(report: &mut [u8], offset: usize) {
    if let Some(byte) = report.get_mut(offset) {
        *byte ^= 1;
    }
}

fn reverse(report: &mut [u8], offset: usize) {
    if let Some(scalar) = report.get_mut(offset..).and_then(<[u8]>::first_chunk_mut::<48>) {
        scalar.reverse();
    }
}

/// Breaks of the signature and of what it covers.
pub(super) const ROWS: &[Row] = &[
    row("signature-bit", "a bit of S is another", "report-signature", |plan| {
        plan.report.after_signing = Some(|report| flip(report, S));
    }),
    row("signature-big-endian", "R and S are big-endian", "report-signature", |plan| {
        plan.report.after_signing = Some(|report| {
            reverse(report, R);
            reverse(report, S);
        });
    }),
    row("signature-swapped", "R and S are swapped", "report-signature", |plan| {
        plan.report.after_signing = Some(|report| {
            let (r, s) =
                (report.get(R..S).map(<[u8]>::to_vec), report.get(S..TAIL).map(<[u8]>::to_vec));
            put(report, R, &s.unwrap_or_default());
            put(report, S, &r.unwrap_or_default());
        });
    }),
    row("signature-of-other-key", "another key signed the report", "report-signature", |plan| {
        plan.report.signer = "snp other endorsement key";
    }),
    row(
        "measurement-bit",
        "a bit of the measurement changed after signing",
        "report-signature",
        |plan| {
            plan.report.after_signing = Some(|report| flip(report, 0x090));
        },
    ),
    row(
        "report-data-bit",
        "a bit of REPORT_DATA changed after signing",
        "report-signature",
        |plan| {
            plan.report.after_signing = Some(|report| flip(report, 0x050 + 63));
        },
    ),
    row("policy-debug-bit", "the debug bit changed after signing", "report-signature", |plan| {
        plan.report.after_signing = Some(|report| {
            if let Some(byte) = report.get_mut(0x00a) {
                *byte ^= 0x08;
            }
        });
    }),
    row("signature-r-padding", "a byte after R's 48 is set", "signature-padding", |plan| {
        plan.report.after_signing = Some(|report| flip(report, R + 48));
    }),
    row("signature-s-padding", "the last byte of S's 72 is set", "signature-padding", |plan| {
        plan.report.after_signing = Some(|report| flip(report, S + 71));
    }),
    row(
        "signature-tail",
        "a reserved byte after the signature is set",
        "signature-reserved",
        |plan| {
            plan.report.after_signing = Some(|report| flip(report, TAIL));
        },
    ),
    row("signature-end", "the last byte of the report is set", "signature-reserved", |plan| {
        plan.report.after_signing = Some(|report| flip(report, 0x49f));
    }),
    row("signature-zero", "R and S are zero", "signature-range", |plan| {
        plan.report.after_signing = Some(|report| put(report, R, &[0; 144]));
    }),
    row("signature-r-order", "R is the order of the group", "signature-range", |plan| {
        plan.report.after_signing = Some(|report| put(report, R, &P384_ORDER));
    }),
    row("signature-s-all-ones", "S is the largest 384-bit number", "signature-range", |plan| {
        plan.report.after_signing = Some(|report| put(report, S, &[0xff; 48]));
    }),
];
