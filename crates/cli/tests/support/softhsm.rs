//! A PKCS#11 token: SoftHSM's, which the tests install.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::service::Installation;
use super::{Folder, Run, command, run};

pub const PIN: &str = "pin-87654321";
pub const MODULES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
/// Where SoftHSM reads its configuration from.
pub const CONFIGURATION: &str = "SOFTHSM2_CONF";

/// A folder with tokens.
pub struct Tokens {
    pub folder: Folder,
    pub module: &'static str,
}

impl Tokens {
    /// `None` where there is no SoftHSM, and it is not demanded.
    pub fn new(name: &str) -> Option<Self> {
        let module = MODULES.into_iter().find(|module| Path::new(module).exists());
        let Some(module) = module else {
            // CI demands a software TPM; this comes from the same list of packages.
            assert!(
                std::env::var_os("AVOUCH_SWTPM_REQUIRED").is_none(),
                "softhsm2 is not installed"
            );
            eprintln!("skipped: no SoftHSM");
            return None;
        };
        let folder = Folder::new(name);
        std::fs::create_dir_all(folder.join("tokens")).unwrap();
        let tokens = folder.join("tokens").display().to_string();
        folder.write("softhsm2.conf", format!("directories.tokendir = {tokens}\n"));
        Some(Self { folder, module })
    }

    pub fn configuration(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    pub fn call(&self, program: &str, words: &[&str]) {
        let output = self.output(program, words);
        assert!(output.status.success(), "{program} {words:?}: {output:?}");
    }

    fn output(&self, program: &str, words: &[&str]) -> Output {
        let mut call = Command::new(program);
        call.args(words).env(CONFIGURATION, self.configuration());
        call.stdin(Stdio::null()).output().unwrap()
    }

    /// What OpenSC's tool does with a token, as its user.
    pub fn tool(&self, token: &str, more: &[&str]) -> Output {
        let words = ["--module", self.module, "--token-label", token, "--login", "--pin", PIN];
        self.output("pkcs11-tool", &[&words[..], more].concat())
    }

    /// What it says of each private key.
    pub fn private_keys(&self, token: &str) -> Vec<String> {
        let listed = self.tool(token, &["--list-objects", "--type", "privkey"]);
        assert!(listed.status.success(), "{listed:?}");
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.split("Private Key Object").skip(1).map(str::to_owned).collect()
    }

    pub fn token(&self, label: &str) {
        let words = ["--init-token", "--free", "--label", label, "--so-pin", "so-12345678"];
        self.call("softhsm2-util", &[&words[..], &["--pin", PIN]].concat());
    }

    pub fn key(&self, token: &str, label: &str, more: &[&str]) {
        let words = ["--module", self.module, "--token-label", token, "--login", "--pin", PIN];
        let generate = ["--keygen", "--key-type", "GENERIC:32", "--usage-sign", "--label", label];
        self.call("pkcs11-tool", &[&words[..], &generate, more].concat());
    }

    /// A service whose master key is this token's, with these settings in place of the usual ones.
    pub fn installation(&self, name: &str, token: &str, key: &str) -> Installation {
        let installation = Installation::new(name, "");
        installation.folder.write("pin", format!("{PIN}\n"));
        self.configure(&installation, token, key);
        installation
    }

    pub fn configure(&self, installation: &Installation, token: &str, key: &str) {
        let config = std::fs::read_to_string(installation.config()).unwrap();
        let config = config.split("[signing.pkcs11]").next().unwrap();
        let section = format!(
            "[signing.pkcs11]\nmodule = \"{}\"\ntoken = \"{token}\"\nkey = \"{key}\"\n\
             pin_file = \"pin\"\n",
            self.module
        );
        installation.folder.write("avouch.toml", format!("{config}{section}"));
    }

    pub fn list(&self, installation: &Installation) -> Run {
        self.run(installation, "list")
    }

    /// `avouch key`.
    pub fn run(&self, installation: &Installation, line: &str) -> Run {
        let mut call = command();
        call.args(["--output", "json", "key"]).args(line.split(' '));
        call.args(["--config", "avouch.toml"]).env(CONFIGURATION, self.configuration());
        run(call.current_dir(installation.folder.path()).stdin(Stdio::null()))
    }
}
