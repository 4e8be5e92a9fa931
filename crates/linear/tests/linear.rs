//! The measure itself: it passes what is linear and refuses what is not.
#![cfg(test)]

use std::hint::black_box;

use avouch_linear::{Shape, check};

const LINEAR: &[Shape] = &[Shape {
    name: "sum",
    bytes_max: 1 << 20,
    make: |bytes| vec![7; bytes],
    read: |input| {
        black_box(input.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    },
}];

const QUADRATIC: &[Shape] = &[Shape {
    name: "pairs",
    bytes_max: 1 << 12,
    make: |bytes| vec![7; bytes],
    read: |input| {
        let equal = |one| input.iter().filter(|other| black_box(**other) == one).count();
        black_box(input.iter().map(|one| equal(*one)).sum::<usize>());
    },
}];

#[test]
fn what_reads_each_byte_once_is_linear() {
    check("what_reads_each_byte_once_is_linear", LINEAR);
}

#[test]
fn what_compares_all_with_all_is_not() {
    if std::env::var_os("AVOUCH_LINEAR_TASK").is_some() {
        return check("what_compares_all_with_all_is_not", QUADRATIC);
    }
    let refused = std::panic::catch_unwind(|| {
        check("what_compares_all_with_all_is_not", QUADRATIC);
    });
    let measured = std::env::var_os("AVOUCH_LINEAR").is_some();
    assert_eq!(refused.is_err(), measured, "a search in pairs must be refused");
}
