//! Only who asks for the attester's feature has a TPM library in the build.

use std::process::Command;

use crate::workspace;

/// The packages that the command is built from.
fn built(features: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["tree", "--offline", "-p", "avouch", "-e", "normal,build", "--prefix", "none"]);
    let output = command.args(features).current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_service_needs_no_tpm_library() {
    assert!(!built(&[]).contains("tss-esapi"));
    assert!(built(&["--features", "tss"]).contains("tss-esapi"));
}
