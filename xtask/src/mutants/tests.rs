//! The tool finds, builds and judges mutants of toy crates.

use std::path::{Path, PathBuf};

use super::edit::{Edit, Owner, render};
use super::explain::Explanations;
use super::find::{Next, find};
use super::plan::Plan;
use super::{Subject, Wish, try_all};

/// What can change in a text, without its function.
fn changes(text: &str) -> Vec<String> {
    let found = find("toy.rs", text, Next::default()).unwrap();
    found.mutants.into_iter().map(|mutant| mutant.change).collect()
}

fn has(text: &str, change: &str) {
    let all = changes(text);
    assert!(all.iter().any(|one| one == change), "{change} is not among {all:#?}");
}

#[test]
fn comparisons_change_at_their_bound_and_to_their_opposite() {
    let text = "fn f(a: u8, b: u8) -> bool { let c = a < b; c }";
    has(text, "`a < b` becomes `a <= b`");
    has(text, "`a < b` becomes `!(a < b)`");
}

#[test]
fn conditions_always_or_never_hold_and_lose_each_side() {
    let text = "fn f(a: bool, b: bool) { if a && g(b) { h(); } }";
    for change in [
        "`a && g(b)` is always true",
        "`a && g(b)` is always false",
        "`a && g(b)` becomes `a || g(b)`",
        "`a` is always true",
        "`g(b)` is always true",
        "`h();` is dropped",
    ] {
        has(text, change);
    }
}

#[test]
fn conditions_that_bind_names_never_hold_and_lose_the_rest() {
    let text = "fn f(a: Option<u8>) { if let Some(b) = a && g(b) { h(b); } }";
    has(text, "`if let Some(b) = a && g(b)` never holds");
    has(text, "`g(b)` is always true");
}

#[test]
fn functions_answer_at_once_and_checks_are_dropped() {
    let text = "fn f() -> Result<(), E> { g()?; h() }";
    assert_eq!(
        changes(text),
        ["returns Ok(()) at once", "`h()` at the end is dropped", "`g()?;` is dropped"]
    );
    assert_eq!(
        changes("fn f() -> bool { true }"),
        ["returns false at once", "`true` becomes `false`"]
    );
}

#[test]
fn rows_fields_arguments_and_arms_change_places_with_their_neighbours() {
    has("fn f() { g([(\"a\", x()), (\"b\", y())]); }", "`\"a\"` and `\"b\"` of rows change places");
    has(
        "fn f() { v.push(r(\"a\", x())); v.push(r(\"b\", y())); }",
        "`\"a\"` and `\"b\"` of rows change places",
    );
    has("fn f() { g(S { a: x, b: y }); }", "fields `a: x` and `b: y` change places");
    has("fn f() { g(S { a, b }); }", "fields `a` and `b` change places");
    has("fn f() { g(reported, current); }", "`reported` and `current` as arguments change places");
    has("fn f() { let v = vec![r(x), r(y)]; }", "row `r(x)` is left out");
    let text = "fn f(a: A) -> u8 { match a { A::X => 1, A::Y => 2, _ => 3 } }";
    has(text, "arms `A::X` and `A::Y` change places");
    has(text, "arm `A::Y` is left out");
}

#[test]
fn constants_have_mutants_where_the_program_reads_them() {
    let text = "const LIMIT: usize = 64; fn f(a: usize) -> Option<()> { (a > LIMIT).then(g) }";
    has(text, "`64` becomes `65`");
    let found = find("toy.rs", text, Next::default()).unwrap();
    assert_eq!(found.sites, ["LIMIT"]);
}

#[test]
fn tests_types_and_patterns_are_left_alone() {
    let text = "#[cfg(test)] mod tests { fn f() -> bool { 1 < 2 } }
        struct S([u8; 7]); fn g(a: u8) { match a { 3..=4 => {} _ => {} } }
        impl std::fmt::Debug for S { fn fmt(&self) -> bool { false } }";
    assert_eq!(changes(text), ["returns () at once", "arm `3..=4` is left out"].get(..1).unwrap());
}

#[test]
fn equal_changes_in_one_function_are_told_apart_and_do_not_depend_on_lines() {
    let (text, moved) = ("fn f() { g(); g(); }", "\n\nfn f() {\n g();\n\n g(); }");
    assert_eq!(changes(text), ["returns () at once", "`g();` is dropped", "`g();` is dropped (2)"]);
    assert_eq!(changes(text), changes(moved));
}

#[test]
fn edits_nest_and_know_where_they_stand() {
    let edit = |range, before: &str, after: &str, number| Edit {
        range,
        before: before.to_owned(),
        after: after.to_owned(),
        replaces: false,
        owner: Owner::Mutant(number),
    };
    let edits = [edit(0..5, "(", ")", 1), edit(0..1, "[", "]", 2), edit(5..5, "!", "", 3)];
    let rendered = render("a + b;", &edits.iter().collect::<Vec<_>>());
    assert_eq!(rendered.text, "([a] + b)!;");
    assert_eq!((rendered.pieces[1].before.clone(), rendered.pieces[1].after.clone()), (1..2, 3..4));
}

#[test]
fn an_explanation_needs_a_reason_and_a_survivor() {
    let entry = |reason: &str, mutants: &str| {
        Explanations::parse(&format!("[[survivor]]\nreason = '{reason}'\nmutants = [{mutants}]"))
    };
    let change = "'a.rs | f | `1` becomes*'";
    assert!(entry(" ", change).is_err());
    assert!(entry("a capacity", "'a.rs | f'").is_err());
    let read = entry("a capacity", change).unwrap();
    assert_eq!(read.reason("a.rs | f | `1` becomes `2`"), Some("a capacity"));
    assert_eq!(read.reason("a.rs | g | `1` becomes `2`"), None);
    assert!(read.stale(&["a.rs"], &["a.rs | f | `1` becomes `2`"]).is_empty());
    assert_eq!(read.stale(&["a.rs"], &["a.rs | f | `2` becomes `1`"]).len(), 1);
    assert!(read.stale(&["b.rs"], &[]).is_empty());
}

#[test]
fn an_explanation_of_a_kind_leaves_out_what_its_star_stands_for() {
    let text = "[[survivor]]\nreason = 'a message'\n\
        mutants = ['a/*.rs | * | fields `expected*` and `*` change places', 'b.rs | f | x']";
    let read = Explanations::parse(text).unwrap();
    let swap = "fields `expected: 1` and `found` change places";
    assert_eq!(read.reason(&format!("a/b/c.rs | T::f | {swap}")), Some("a message"));
    assert_eq!(read.reason("b.rs | f | x"), Some("a message"));
    for other in [
        format!("b/c.rs | T::f | {swap}"),
        format!("a/b/c.rs | T::f | {swap} (2)"),
        "a/c.rs | f | fields `found` and `expected` change places".to_owned(),
        "b.rs | f | xy".to_owned(),
        "b.rs | f".to_owned(),
    ] {
        assert_eq!(read.reason(&other), None, "{other}");
    }
    // One of a kind in many files may be missing, the one of a single file not.
    assert_eq!(read.stale(&["a/c.rs", "b.rs"], &[]), ["b.rs | f | x"]);
}

const TOY: &str = r#"//! A toy.
/// The most.
pub const MOST: u32 = 3;
/// Doubles what is not too much; `const`, and with something that cannot be exchanged.
pub const fn double(n: u32) -> u32 {
    n + n
}
/// Whether it is allowed; nobody tests the number 4.
pub fn allowed(n: u32, name: &str) -> bool {
    n <= MOST && !name.is_empty()
}
/// Counts down.
pub fn down(mut n: u32) -> u32 {
    while n > 0 {
        n -= 1;
    }
    n
}
/// Text and a number cannot change places.
pub fn pair(name: &str, n: u32) -> (String, u32) {
    make(name.to_owned(), n)
}
fn make(name: String, n: u32) -> (String, u32) {
    (name, n)
}
"#;
const TOY_TESTS: &str = r#"
#[test]
fn doubles() { assert_eq!(toy::double(3), 6); }
#[test]
fn allows() {
    assert!(toy::allowed(2, "a"));
    assert!(!toy::allowed(9, "a"));
    assert!(!toy::allowed(2, ""));
}
#[test]
fn counts() { assert_eq!(toy::down(3), 0); }
#[test]
fn pairs() { assert_eq!(toy::pair("a", 1), ("a".to_owned(), 1)); }
"#;

static TOY_SUBJECT: [Subject; 1] = [Subject {
    name: "toy",
    folder: "crates/toy",
    package: "toy",
    sources: &["crates/toy/src"],
    tests: &["toy"],
}];

fn toy_workspace() -> PathBuf {
    let root = crate::run::target().join("mutants-toy");
    let package = "[package]\nname = \"toy\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/toy\"]\n"),
        ("crates/toy/Cargo.toml", package),
        ("crates/toy/src/lib.rs", TOY),
        ("crates/toy/tests/it.rs", TOY_TESTS),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn toy_figures(root: &Path, explained: &str) -> super::report::Figures {
    let mut wish = Wish::read(&["--fresh", "--jobs", "2"]).unwrap();
    wish.subjects = TOY_SUBJECT.iter().collect();
    let explanations = Explanations::parse(explained).unwrap();
    let plan = Plan::new(root, &TOY_SUBJECT).unwrap();
    try_all(&wish, plan, &explanations, root, &root.join("target")).unwrap().pop().unwrap()
}

#[test]
fn survivors_of_a_toy_crate_are_those_that_no_test_notices() {
    let explained = "[[survivor]]\nreason = 'never: it does not end'\n\
        mutants = ['crates/toy/src/lib.rs | down | `n > 0` becomes `n >= 0`']\n";
    let figures = toy_figures(&toy_workspace(), explained);
    let survivors = figures.survivors.join("\n");
    for expected in [
        "MOST: `3` becomes `4`",
        "MOST: `3` becomes `2`",
        "allowed: `n <= MOST` becomes `n < MOST`",
        "down: returns 0 at once",
    ] {
        assert!(survivors.contains(expected), "{expected} is not among\n{survivors}");
    }
    for caught in
        ["double: `n + n`", "allowed: `!name.is_empty()` is always", "down: `n > 0` becomes"]
    {
        assert!(!survivors.contains(caught), "{caught} is among\n{survivors}");
    }
    assert!(figures.timed_out > 0, "a loop without end counts as caught: {figures:?}");
    assert!(figures.not_compiled > 0, "text for a number does not compile: {figures:?}");
    assert_eq!(figures.stale.len(), 1, "the explained mutant is caught: {figures:?}");
}
