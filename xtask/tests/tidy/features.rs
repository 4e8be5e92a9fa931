//! One set of features for what the workspace is built from: whichever crate's tests are asked for,
//! nothing is built again that was built for another's.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::workspace;

/// Every package with its features, as the tests of the selected crates are built.
fn built(selection: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["tree", "--offline", "-e", "normal,build,dev"]);
    command.args(["--prefix", "none", "-f", "{p}|{f}"]).args(selection);
    let output = command.current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.contains('|') && !line.contains(" (/"));
    lines.map(|line| line.replace(" (*)", "").replace(" (proc-macro)", "")).collect()
}

#[test]
fn the_tests_of_every_crate_are_built_with_the_features_of_the_workspace() {
    let all = built(&["--workspace"]);
    assert!(all.len() > 100, "{all:?}");
    let crates = fs::read_dir(workspace().join("crates")).unwrap().map(|entry| {
        let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
        manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().replace('"', "")
    });
    for name in crates {
        let own = built(&["-p", &name]);
        let others: Vec<_> = own.difference(&all).collect();
        assert!(others.is_empty(), "{name} wants other features (crates/features): {others:#?}");
    }
}
