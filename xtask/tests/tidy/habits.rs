//! One habit for one thing: where modules, tests and their helpers are, what heads a test, and how
//! imports stand.

use std::path::Path;

use super::{shown, sources};

/// Where Rust is that people read and write.
const FOLDERS: [&str; 4] = ["crates", "xtask", "drill", "fuzz/fuzz_targets"];

/// The parts of a path below the project.
fn parts(path: &Path) -> Vec<String> {
    shown(path).split('/').map(str::to_owned).collect()
}

/// Whether a file is a test program or one of its modules.
fn is_test(path: &Path) -> bool {
    parts(path).iter().any(|part| part == "tests" || part == "tests.rs")
}

/// `name.rs` beside the folder `name`. Only what several test programs share is `support/mod.rs`
/// directly below `tests`, where `support.rs` would be a program.
#[test]
fn a_module_with_parts_is_a_file_beside_its_folder() {
    for (path, _) in sources(&FOLDERS) {
        let parts = parts(&path);
        if let [.., tests, folder, file] = parts.as_slice()
            && file == "mod.rs"
        {
            let is_shared = tests == "tests" && folder == "support";
            assert!(is_shared, "{}: name it after its folder, or tests/support", shown(&path));
        }
    }
}

/// Unit tests of `name.rs` are in `name/tests.rs`, where `mod tests;` finds them.
#[test]
fn unit_tests_are_where_the_compiler_looks_for_them() {
    for (path, text) in sources(&["crates", "drill"]) {
        let name = shown(&path);
        assert!(!name.ends_with("_tests.rs"), "{name}: its place is name/tests.rs");
        let is_moved = name.contains("/src/") && text.contains(concat!("#[pa", "th"));
        assert!(!is_moved, "{name} moves a module");
    }
}

/// What `clippy.toml` allows in tests is allowed there once; a test program says that it is one.
#[test]
fn a_test_says_that_it_is_one_and_allows_nothing_that_tests_may() {
    let allowed = ["unwrap_used", "expect_used", "panic", "indexing_slicing", "print_std"];
    for (path, text) in sources(&["crates", "xtask"]) {
        let parts = parts(&path);
        let is_program = match parts.as_slice() {
            [.., tests, _] if tests == "tests" => true,
            [.., tests, _, file] if tests == "tests" => file == "main.rs",
            _ => false,
        };
        // A program without the harness is none to the compiler.
        if !is_test(&path) || text.contains("\nfn main()") {
            continue;
        }
        let says_so = text.lines().any(|line| line == concat!("#![cfg", "(test)]"));
        assert!(says_so || !is_program, "{} does not say that it is a test", shown(&path));
        for attribute in text.split(concat!("#![al", "low(")).skip(1) {
            let attribute = attribute.split(")]").next().unwrap();
            for lint in allowed {
                let again = attribute.contains(&format!("clippy::{lint}"));
                assert!(!again, "{} allows {lint} again", shown(&path));
            }
        }
    }
}

/// A `use` at the head of a file: 0 for `std`, 1 for crates and modules below, 2 for `crate`, `super`.
fn rank(line: &str) -> Option<u8> {
    let root = line.strip_prefix("use ")?.split([':', ';', ' ']).find(|part| !part.is_empty())?;
    Some(match root {
        "std" | "core" | "alloc" => 0,
        "crate" | "super" | "self" => 2,
        _ => 1,
    })
}

/// The first of a file's imports that is out of order: `std`, a blank line, crates, a blank line, what
/// is above in this crate.
fn disorder(text: &str) -> Option<String> {
    let mut last: Option<(u8, bool)> = None;
    let mut inside = false;
    for line in text.lines() {
        if inside {
            inside = !line.ends_with(';');
            continue;
        }
        match (rank(line), last) {
            (Some(rank), Some((before, blank))) if rank < before || (rank > before) != blank => {
                return Some(line.to_owned());
            }
            (Some(rank), _) => {
                last = Some((rank, false));
                inside = !line.ends_with(';');
            }
            (None, Some((rank, _))) if line.is_empty() => last = Some((rank, true)),
            (None, Some(_)) => return None,
            (None, None) => {}
        }
    }
    None
}

#[test]
fn imports_stand_in_three_groups() {
    for (path, text) in sources(&FOLDERS) {
        let wrong = disorder(&text);
        assert!(wrong.is_none(), "{}: {}", shown(&path), wrong.unwrap_or_default());
    }
}

#[test]
fn the_rule_on_imports_sees_what_it_is_for() {
    let good = "//! A.\n\nmod part;\n\nuse std::fs;\n\nuse serde::{\n    A,\n};\n\nuse crate::B;\nuse super::C;\n";
    assert_eq!(disorder(good), None);
    for bad in [
        "use crate::B;\n\nuse std::fs;\n",
        "use serde::A;\nuse crate::B;\n",
        "use std::fs;\n\nuse std::io;\n",
    ] {
        assert!(disorder(bad).is_some(), "{bad}");
    }
}
