//! The service that machines attest to: it trusts their TPMs' manufacturer and the key of their files.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::tpm::manufacturer_pem;
use crate::run::{command, output};

/// What tokens are to tell.
const POLICY: &str = include_str!("policy.txt");

/// A service that is stopped with the drill.
pub(super) struct Service {
    child: Child,
    pub(super) url: String,
    pub(super) ca: PathBuf,
}

impl Service {
    pub(super) fn start(
        folder: &Path,
        avouch: &Path,
        certificate: &Path,
        listed: &str,
    ) -> Result<Self, String> {
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| format!("{name}: {error}"))?;
            Ok::<_, String>(path)
        };
        let trusted = write("tpm-ca.pem", manufacturer_pem(folder)?)?;
        let listed = write("reference-values", listed.to_owned())?;
        let config = write(
            "avouch.toml",
            format!(
                "[tpm]\nenrolment = true\n\n[appraisal.trust_roots]\ntpm = [{:?}]\n\n\
                 [appraisal.files]\nkeys = [{:?}]\nreference_values = {:?}\n",
                trusted.display().to_string(),
                certificate.display().to_string(),
                listed.display().to_string()
            ),
        )?;
        let data = folder.join("data");
        super::tpm::fresh(&data)?;
        let mut serve = command(avouch, &["serve", "--dev", "--offline"]);
        serve
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .arg("--config")
            .arg(config);
        let mut child = serve
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the service: {error}"))?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut url).map_err(|error| error.to_string())?;
        }
        let ca = data.join("tls/ca.pem");
        let service = Self { child, url: url.trim().to_owned(), ca };
        let (policy, bearer) =
            (write("policy.txt", POLICY.to_owned())?, write("bearer", BEARER.to_owned())?);
        let mut set = command(avouch, &["policy-set", "tpm"]);
        set.arg(policy).args(["--url", &service.url, "--ca"]).arg(&service.ca);
        output(set.arg("--token-file").arg(bearer))?;
        Ok(service)
    }
}

/// In development any word is an administrator's.
pub(super) const BEARER: &str = "drill";

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
