//! A running service that ends with its handle.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::run::{command, say};

/// Where the vault answers: the clients' tests see to it that the name is found.
const VAULT_HOST: &str = "vault.localhost";
/// What the tests of relying parties exchange tokens for.
const CONFIGURATION: &str = r#"
[[token_exchange.providers.default.audiences]]
audience = "https://sts.example"
subject = "{x-ms-attestation-type}/{x-ms-sgx-mrsigner}"

[[token_exchange.providers.default.audiences]]
audience = "https://nonce.example"
subject = "{x-ms-attestation-type}/{x-ms-sgx-mrsigner}"
audience_bound_by = "nonce"
"#;

/// `avouch serve --dev` on a free port.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
}

impl Service {
    /// Starts it and waits until it prints its URL.
    pub(crate) fn start(avouch: &Path, data_dir: &Path, words: &[String]) -> Result<Self, String> {
        let mut serve = command(avouch, &["serve", "--dev", "--listen", "127.0.0.1:0"]);
        let configuration = data_dir.with_extension("toml");
        std::fs::write(&configuration, CONFIGURATION)
            .map_err(|error| format!("{}: {error}", configuration.display()))?;
        serve.arg("--config").arg(configuration);
        serve.arg("--data-dir").arg(data_dir).args(words);
        serve.env("AVOUCH_ENDORSEMENTS__SERVER__ENABLED", "true");
        serve.env("AVOUCH_VAULT__HOST", VAULT_HOST);
        serve.env("AVOUCH_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = serve.spawn().map_err(|error| format!("{}: {error}", avouch.display()))?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut url).map_err(|error| error.to_string())?;
        }
        let url = url.trim().to_owned();
        let service = Self { child, url, ca: data_dir.join("tls/ca.pem") };
        if service.url.is_empty() {
            return Err("the service ended before it answered".to_owned());
        }
        say(&format!("service at {}", service.url));
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
