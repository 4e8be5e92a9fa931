//! House rules as tests: what ARCHITECTURE.md promises is looked up in the files.
#![cfg(test)]

#[path = "tidy/citations.rs"]
mod citations;
#[path = "tidy/features.rs"]
mod features;
#[path = "tidy/habits.rs"]
mod habits;
#[path = "tidy/tools.rs"]
mod tools;
#[path = "tidy/toy_kind.rs"]
mod toy_kind;
#[path = "tidy/tpm_library.rs"]
mod tpm_library;
#[path = "tidy/vocabulary.rs"]
mod vocabulary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each of these may depend on within the workspace, closer than its layer says.
const NARROWER: [(&str, &[&str]); 5] = [
    ("wire", &[]),
    ("pki", &["wire"]),
    ("policy", &[]),
    ("token", &["wire", "pki"]),
    ("mint", &["wire", "pki"]),
];

/// Evidence that is composed of another kind's: the only case in which one kind knows of another.
const COMPOSED: [(&str, &str); 1] = [("azure", "tpm")];

/// The crates with the layers that the workspace's manifest gives them; without one, those beside.
fn layers() -> BTreeMap<String, Option<u8>> {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let (mut layer, mut found) = (None, BTreeMap::new());
    for line in manifest.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("# Layer ") {
            layer = Some(rest.split(',').next().unwrap().parse().unwrap());
        } else if line.starts_with("# Beside") {
            layer = None;
        } else if let Some(rest) = line.strip_prefix("\"crates/") {
            found.insert(rest.trim_end_matches("\",").to_owned(), layer);
        }
    }
    found
}

/// The source folders of the crates of these layers.
fn folders_of(wanted: &[u8]) -> Vec<String> {
    let of = |(name, layer): (String, Option<u8>)| {
        layer.filter(|layer| wanted.contains(layer)).map(|_| format!("crates/{name}/src"))
    };
    layers().into_iter().filter_map(of).collect()
}

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
    let layers = layers();
    assert!(layers.len() > 14 && layers["wire"] == Some(0) && layers["mint"].is_none());
    for (name, own) in layers.iter().filter_map(|(name, layer)| Some((name, (*layer)?))) {
        for dependency in dependencies(name) {
            if name == "cli" && dependency == "mint" {
                continue;
            }
            let below = layers.get(dependency.as_str()).copied().flatten();
            // Kinds of evidence know nothing of each other.
            let allowed = below.is_some_and(|below| below < own || (below == own && own != 1))
                || COMPOSED.contains(&(name.as_str(), dependency.as_str()));
            assert!(allowed, "{name} (layer {own}) depends on {dependency} ({below:?})");
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
    let layers = layers();
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(layers.contains_key(&name), "crates/{name} is no member with a layer");
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "crates/{name} sets its own lints");
    }
    let root = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    assert!(root.contains("unsafe_code = \"forbid\""));
}

/// No clock and no randomness below the edge: both are arguments.
#[test]
fn nothing_below_the_edge_reads_a_clock_or_makes_randomness() {
    let mut folders = folders_of(&[0, 1, 2, 3]);
    // Keys and tokens are made of randomness.
    folders.retain(|folder| folder != "crates/token/src");
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
    let mut folders = folders_of(&[1]);
    folders.push("crates/pki/src".to_owned());
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    for (path, text) in sources(&folders) {
        if shown(&path).ends_with("tests.rs") {
            continue;
        }
        assert!(!text.contains("serde_json::Value"), "{} handles JSON values", shown(&path));
    }
}

/// HTTP is the server's; nothing below it knows a status code.
#[test]
fn nothing_below_the_server_knows_http() {
    let is_below =
        |name: &str, layer: Option<u8>| name == "store" || layer.is_some_and(|layer| layer < 4);
    for (name, _) in layers().into_iter().filter(|(name, layer)| is_below(name, *layer)) {
        let manifest = workspace().join("crates").join(&name).join("Cargo.toml");
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
