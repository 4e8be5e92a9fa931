//! House rules as tests: what ARCHITECTURE.md promises is looked up in the files.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "tidy/citations.rs"]
mod citations;
#[path = "tidy/features.rs"]
mod features;
#[path = "tidy/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates by layer; a crate may depend on its own layer and those below. `mint` and `xtask` stand
/// beside.
const LAYERS: [(u8, &[&str]); 5] = [
    (0, &["wire", "pki"]),
    (1, &["dcap", "snp"]),
    (2, &["claims", "policy", "token"]),
    (3, &["engine"]),
    (4, &["endorsements", "store", "server", "cli"]),
];
/// What stands beside the layers: made for tests, and for showing.
const BESIDE: [&str; 3] = ["mint", "linear", "features"];
/// What each of these may depend on within the workspace, closer than its layer says.
const NARROWER: [(&str, &[&str]); 7] = [
    ("wire", &[]),
    ("pki", &["wire"]),
    ("dcap", &["wire", "pki"]),
    ("snp", &["wire", "pki"]),
    ("policy", &[]),
    ("token", &["wire", "pki"]),
    ("mint", &["wire", "pki"]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with("target") && name != "node_modules" && name != ".git" {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// Rust files below these folders of the workspace, with their text.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    folders.iter().for_each(|folder| files(&workspace().join(folder), ".rs", &mut found));
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// Workspace crates that a crate names under `[dependencies]`.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest = workspace().join("crates").join(krate).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let section = text.split("\n[").find(|part| part.starts_with("dependencies]"));
    let lines = section.unwrap_or_default().lines();
    lines
        .filter_map(|line| line.strip_prefix("avouch-"))
        .map(|rest| rest.split(['.', ' ', '=']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn dependencies_point_downward_only() {
    let layer: BTreeMap<&str, u8> =
        LAYERS.iter().flat_map(|(n, crates)| crates.iter().map(move |name| (*name, *n))).collect();
    for (name, own) in &layer {
        for dependency in dependencies(name) {
            if *name == "cli" && dependency == "mint" {
                continue;
            }
            let below = layer.get(dependency.as_str());
            assert!(
                below.is_some_and(|below| below <= own),
                "{name} (layer {own}) depends on {dependency} ({below:?})"
            );
        }
    }
    for (name, allowed) in NARROWER {
        for dependency in dependencies(name) {
            assert!(allowed.contains(&dependency.as_str()), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn every_crate_is_in_a_layer_and_takes_the_lints_of_the_workspace() {
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let listed = LAYERS.iter().any(|(_, crates)| crates.contains(&name.as_str()));
        assert!(listed || BESIDE.contains(&name.as_str()), "crates/{name} is in no layer");
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "crates/{name} sets its own lints");
    }
    let root = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    assert!(root.contains("unsafe_code = \"forbid\""));
}

/// No clock and no randomness below the edge: both are arguments.
#[test]
fn nothing_below_the_edge_reads_a_clock_or_makes_randomness() {
    let pure = ["wire", "pki", "dcap", "snp", "claims", "policy", "engine"];
    let folders: Vec<String> = pure.iter().map(|name| format!("crates/{name}/src")).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    for (path, text) in sources(&folders) {
        for word in
            ["SystemTime::now", "Instant::now", "now_utc", "SystemRandom", "std::net", "std::fs"]
        {
            let exempt =
                word == "std::fs" && shown(&path).ends_with("policy/src/corpus/directory.rs");
            assert!(exempt || !text.contains(word), "{} uses {word}", shown(&path));
        }
    }
}

/// Verified facts travel as types; JSON appears when they become claims or are shown.
#[test]
fn evidence_crates_hand_on_no_json_values() {
    for (path, text) in sources(&["crates/dcap/src", "crates/snp/src", "crates/pki/src"]) {
        if shown(&path).ends_with("tests.rs") {
            continue;
        }
        assert!(!text.contains("serde_json::Value"), "{} handles JSON values", shown(&path));
    }
}

/// HTTP is the server's; nothing below it knows a status code.
#[test]
fn nothing_below_the_server_knows_http() {
    let below = ["wire", "pki", "dcap", "snp", "claims", "policy", "token", "engine", "store"];
    for name in below {
        let manifest = workspace().join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        for library in ["axum", "hyper", "reqwest", "http.workspace", "http ="] {
            assert!(!text.contains(library), "crates/{name} depends on {library}");
        }
    }
}

#[test]
fn every_file_can_be_read_in_one_sitting() {
    const LINES_MAX: usize = 900;
    for (path, text) in sources(&["crates", "xtask", "drill", "fuzz/fuzz_targets"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", shown(&path));
    }
}

#[test]
fn nothing_is_left_undone_or_allowed_without_a_reason() {
    // Spelled in two parts, so that this file does not name them itself.
    let words = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    for (path, text) in sources(&["crates", "xtask", "drill", "fuzz/fuzz_targets"]) {
        for word in words.iter().chain(&marks) {
            assert!(!text.contains(word), "{} holds {word}", shown(&path));
        }
        let compact: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for start in [concat!("#[al", "low("), concat!("#![al", "low(")] {
            for part in compact.split(start).skip(1) {
                let attribute = part.split(")]").next().unwrap();
                assert!(attribute.contains("reason ="), "{}: allow({attribute})", shown(&path));
            }
        }
    }
}

#[test]
fn no_file_names_a_path_of_somebodys_machine() {
    let mut found = Vec::new();
    for ending in [".rs", ".md", ".toml", ".py", ".js", ".json", ".yml", ".sh"] {
        files(&workspace(), ending, &mut found);
    }
    let roots = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];
    for path in found {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for root in roots {
            assert!(!text.contains(root), "{} names {root}", shown(&path));
        }
    }
}

#[test]
fn every_fuzz_target_is_declared_and_told() {
    let manifest = fs::read_to_string(workspace().join("fuzz/Cargo.toml")).unwrap();
    let handbook = fs::read_to_string(workspace().join("docs/assurance.md")).unwrap();
    for (path, _) in sources(&["fuzz/fuzz_targets"]) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not declared");
        assert!(
            handbook.contains(&format!("\n| `{name}` |")),
            "{name} is not in docs/assurance.md"
        );
    }
}

/// Every case of the vectors' manifests says what it must give, so that a test can hold us to it.
#[test]
fn every_vector_in_a_manifest_has_an_expectation() {
    let folder = std::env::var_os("AVOUCH_VECTORS")
        .map_or_else(|| workspace().join("../shared/vectors"), PathBuf::from);
    let manifest = folder.join("intel/manifest.json");
    let Ok(text) = fs::read_to_string(&manifest) else {
        assert!(
            std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
            "{} is required",
            manifest.display()
        );
        return;
    };
    let entries: serde_json::Value = serde_json::from_str(&text).unwrap();
    for entry in entries.as_array().unwrap() {
        for case in entry["cases"].as_array().unwrap() {
            let expected = !case["status"].is_null() || !case["error"].is_null();
            assert!(expected, "{} has a case without status or error", entry["file"]);
        }
    }
}
