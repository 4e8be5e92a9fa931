//! Reports at their worst: twice the input takes twice the instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_linear::{Shape, check};
use avouch_mint::vbs::{ReportSignature, VbsReport, module};
use avouch_vbs::{MODULES_MAX, Report};

/// A little less than the longest statement that is read.
const BYTES_MAX: usize = 120_000;

fn read(input: &[u8]) {
    drop(Report::parse(input));
}

/// A report of these modules, whose signature takes no time that differs.
fn report(blocks: Vec<u8>) -> Vec<u8> {
    let signature = ReportSignature::Zeros;
    VbsReport { blocks, signature, ..VbsReport::default() }.to_bytes("").unwrap()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "report-of-one-long-name",
        bytes_max: BYTES_MAX,
        make: |bytes| report(module(&"m".repeat(bytes / 2))),
        read,
    },
    Shape {
        name: "report-of-long-names",
        bytes_max: BYTES_MAX,
        make: |bytes| report(module(&"m".repeat(bytes / 2 / MODULES_MAX)).repeat(MODULES_MAX)),
        read,
    },
    Shape {
        name: "report-of-a-name-of-ends",
        bytes_max: BYTES_MAX,
        make: |bytes| report(module(&"\0".repeat(bytes / 2))),
        read,
    },
    Shape {
        name: "report-of-no-text",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let name = [&[0, 0xd8].repeat(bytes / 2), [0, 0].as_slice()].concat();
            let size = u32::try_from(name.len() + 108).unwrap().to_le_bytes();
            report([&1_u32.to_le_bytes(), size.as_slice(), &[0; 100], &name].concat())
        },
        read,
    },
];

#[test]
fn twice_the_report_takes_twice_the_instructions() {
    check("twice_the_report_takes_twice_the_instructions", SHAPES);
}
