//! Evidence for the clients: minted at the present time, and recorded.

use std::path::Path;

use crate::run::{Outcome, command, step};

/// The cases that the tests expect: folder, kind, form of the runtime data, and more words.
const CASES: [(&str, &str, &str, &[&str]); 7] = [
    ("sgx-json", "sgx", "json", &[]),
    ("sgx-binary", "sgx", "binary", &[]),
    ("sgx-processor", "sgx", "json", &["--pck-ca", "processor"]),
    ("open-enclave-json", "open-enclave", "json", &[]),
    ("open-enclave-binary", "open-enclave", "binary", &[]),
    ("snp-json", "snp", "json", &[]),
    ("tdx-json", "tdx", "json", &[]),
];

/// Mints every case; returns the words that make a service accept them.
pub(crate) fn mint(avouch: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    // A case of an earlier run may have had another form of runtime data.
    remove(folder)?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    let held = folder.join("held");
    std::fs::write(&held, r#"{"keys":[{"kid":"k1"}], "note":"bound"}"#).map_err(failed)?;
    let mut words = Vec::new();
    for (name, kind, form, more) in CASES {
        let out = folder.join(name);
        let mut mint = command(avouch, &["mint", kind, "--runtime-data-type", form]);
        mint.args(more).arg("--runtime-data").arg(&held).arg("--out").arg(&out);
        mint.stdout(std::process::Stdio::null());
        step(&format!("mint {name}"), &mut mint)?;
        let endorsements = if kind == "snp" { "endorsements.pem" } else { "endorsements.json" };
        for (option, file) in [("--endorsements", endorsements), ("--trust-root", "root.pem")] {
            words.extend([option.to_owned(), out.join(file).display().to_string()]);
        }
    }
    Ok(words)
}

/// Removes a folder of an earlier run, if it is there.
pub(crate) fn remove(folder: &Path) -> Outcome {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The moment at which the collateral for the recorded evidence was in force.
const RECORDED_AT: &str = "2025-06-26T17:00:00Z";
const RECORDED_COLLATERAL: &str = "intel/collateral/sgx-00906ed50000-e19-2025-06-04.json";

/// The words that make a service accept the recorded evidence: its platform is out of date by any
/// collateral that is left.
pub(crate) fn recorded(vectors: &Path) -> Vec<String> {
    let collateral = vectors.join(RECORDED_COLLATERAL).display().to_string();
    ["--appraise-at", RECORDED_AT, "--endorsements", &collateral, "--accept-tcb-status", "any"]
        .map(str::to_owned)
        .to_vec()
}
