//! Software TPMs for machines, all of one manufacturer.

use std::path::{Path, PathBuf};

use crate::run::{Outcome, command, output};

/// Writes what makes TPMs of one manufacturer.
pub(super) fn manufacturer(folder: &Path) -> Outcome {
    let shown = folder.display();
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    std::fs::create_dir_all(folder.join("ca")).map_err(|error| error.to_string())?;
    write(
        "localca.conf",
        format!(
            "statedir = {shown}/ca\nsigningkey = {shown}/ca/signkey.pem\n\
             issuercert = {shown}/ca/issuercert.pem\ncertserial = {shown}/ca/certserial\n"
        ),
    )?;
    let options = "--platform-manufacturer Avouch\n--platform-version 1\n--platform-model drill\n";
    write("localca.options", options.to_owned())?;
    write(
        "setup.conf",
        format!(
            "create_certs_tool = /usr/bin/swtpm_localca\n\
             create_certs_tool_config = {shown}/localca.conf\n\
             create_certs_tool_options = {shown}/localca.options\n"
        ),
    )?;
    // The first TPM makes the CA.
    make(folder, &folder.join("first-tpm"))
}

fn make(folder: &Path, state: &Path) -> Outcome {
    fresh(state)?;
    let mut setup =
        command("swtpm_setup", &["--tpm2", "--create-ek-cert", "--pcr-banks", "sha256"]);
    setup.arg("--tpmstate").arg(state).arg("--config").arg(folder.join("setup.conf"));
    output(&mut setup).map(drop)
}

/// The certificates of the manufacturer, PEM.
pub(super) fn manufacturer_pem(folder: &Path) -> Result<String, String> {
    let read = |name: &str| {
        std::fs::read_to_string(folder.join("ca").join(name))
            .map_err(|error| format!("{name}: {error}"))
    };
    Ok([read("swtpm-localca-rootca-cert.pem")?, read("issuercert.pem")?].concat())
}

/// Makes a TPM and starts it; it ends with the machine that it is in. Gives its socket.
pub(super) fn power_on(folder: &Path, place: &Path) -> Result<PathBuf, String> {
    let (state, socket) = (place.join("tpm"), place.join("tpm.sock"));
    make(folder, &state)?;
    let mut swtpm =
        command("swtpm", &["socket", "--tpm2", "--terminate", "--daemon", "--tpmstate"]);
    swtpm.arg(format!("dir={}", state.display()));
    output(swtpm.arg("--ctrl").arg(format!("type=unixio,path={}", socket.display())))?;
    Ok(socket)
}

/// An empty folder.
pub(super) fn fresh(folder: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)
}
