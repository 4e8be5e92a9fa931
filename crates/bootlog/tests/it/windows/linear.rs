//! Twice the tags cost twice the instructions, and no more.

use avouch_bootlog::windows::Tag;
use avouch_linear::Shape;
use avouch_mint::bootlog::windows::{flag, tag, tagged};

/// The largest event accepted.
const BYTES: usize = 1 << 18;

const SHAPES: &[Shape] = &[
    Shape {
        name: "empty-tags",
        bytes_max: BYTES,
        make: |bytes| tags(bytes, &tagged(0x0007_0fff, &[])),
        read,
    },
    Shape { name: "modules", bytes_max: BYTES, make: |bytes| tags(bytes, &module()), read },
    Shape { name: "one-of-each-number", bytes_max: BYTES, make: numbers, read },
    Shape { name: "deep-containers", bytes_max: BYTES, make: |bytes| tags(bytes, &deep()), read },
];

fn read(bytes: &[u8]) {
    drop(Tag::parse_all(bytes));
}

fn tags(bytes: usize, tag: &[u8]) -> Vec<u8> {
    tag.repeat(bytes / tag.len())
}

fn module() -> Vec<u8> {
    tagged(tag::LOADEDMODULE_AGGREGATION, &flag(tag::IMAGEVALIDATED, true))
}

fn deep() -> Vec<u8> {
    (0..8).fold(Vec::new(), |inner, _| tagged(tag::ELAM_AGGREGATION, &inner))
}

fn numbers(bytes: usize) -> Vec<u8> {
    (0..u32::try_from(bytes / 8).unwrap())
        .flat_map(|number| tagged(0x0010_0000 + number, &[]))
        .collect()
}

#[test]
fn twice_the_tags_cost_twice() {
    avouch_linear::check("windows::linear::twice_the_tags_cost_twice", SHAPES);
}
