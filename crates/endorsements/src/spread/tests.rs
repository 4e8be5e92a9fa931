#![cfg(test)]
//! What a copy costs, counted in the parts that it does not share.

use super::*;

fn of(count: u32) -> Spread<u32, Vec<u32>> {
    let mut map: Spread<u32, Vec<u32>> = Spread::default();
    (0..count).for_each(|key| map.or_default(key).push(key));
    map
}

#[test]
fn one_more_of_ten_thousand_copies_one_part_and_leaves_the_other_map_as_it_was() {
    let before = of(10_000);
    let mut after = before.clone();
    after.or_default(10_000).push(1);
    let shared = before.parts.iter().filter(|(index, part)| Arc::ptr_eq(part, &after.parts[index]));
    assert_eq!((before.parts.len(), shared.count()), (256, 255));
    assert_eq!((before.len(), after.len()), (10_000, 10_001));
    assert!(!before.contains(&10_000) && after.get(&10_000) == Some(&vec![1]));
    // What is there already is changed in one of them only, too.
    after.or_default(7).push(8);
    assert_eq!((before.get(&7), after.get(&7)), (Some(&vec![7]), Some(&vec![7, 8])));
}

#[test]
fn every_key_is_found_and_seen_once() {
    let map = of(1_000);
    assert!((0..1_000).all(|key| map.get(&key) == Some(&vec![key])));
    let mut seen: Vec<u32> = map.iter().map(|(key, _)| *key).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..1_000));
    assert!(Spread::<u32, ()>::default().is_empty() && !map.is_empty());
}
