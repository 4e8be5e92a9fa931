//! A master key in a PKCS#11 token: SoftHSM's, which the tests install.
#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::service::Installation;
use support::{Folder, Run, command, run, text};

const PIN: &str = "pin-87654321";
const MODULES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
/// Where SoftHSM reads its configuration from.
const CONFIGURATION: &str = "SOFTHSM2_CONF";

/// A folder with tokens.
struct Tokens {
    folder: Folder,
    module: &'static str,
}

impl Tokens {
    /// `None` where there is no SoftHSM, and it is not demanded.
    fn new(name: &str) -> Option<Self> {
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

    fn configuration(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    fn call(&self, program: &str, words: &[&str]) {
        let mut call = Command::new(program);
        call.args(words).env(CONFIGURATION, self.configuration());
        let output = call.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{program} {words:?}: {output:?}");
    }

    fn token(&self, label: &str) {
        let words = ["--init-token", "--free", "--label", label, "--so-pin", "so-12345678"];
        self.call("softhsm2-util", &[&words[..], &["--pin", PIN]].concat());
    }

    fn key(&self, token: &str, label: &str, more: &[&str]) {
        let words = ["--module", self.module, "--token-label", token, "--login", "--pin", PIN];
        let generate = ["--keygen", "--key-type", "GENERIC:32", "--usage-sign", "--label", label];
        self.call("pkcs11-tool", &[&words[..], &generate, more].concat());
    }

    /// A service whose master key is this token's, with these settings in place of the usual ones.
    fn installation(&self, name: &str, token: &str, key: &str) -> Installation {
        let installation = Installation::new(name, "");
        installation.folder.write("pin", format!("{PIN}\n"));
        self.configure(&installation, token, key);
        installation
    }

    fn configure(&self, installation: &Installation, token: &str, key: &str) {
        let config = std::fs::read_to_string(installation.config()).unwrap();
        let config = config.split("[signing.pkcs11]").next().unwrap();
        let section = format!(
            "[signing.pkcs11]\nmodule = \"{}\"\ntoken = \"{token}\"\nkey = \"{key}\"\n\
             pin_file = \"pin\"\n",
            self.module
        );
        installation.folder.write("avouch.toml", format!("{config}{section}"));
    }

    fn list(&self, installation: &Installation) -> Run {
        let words = ["--output", "json", "key", "list", "--config", "avouch.toml"];
        let mut call = command();
        call.args(words).env(CONFIGURATION, self.configuration());
        run(call.current_dir(installation.folder.path()).stdin(Stdio::null()))
    }
}

fn opens(list: &Value) -> Vec<bool> {
    list["keys"].as_array().unwrap().iter().map(|key| key["opens"].as_bool().unwrap()).collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

#[test]
fn keys_open_where_the_token_answers_and_nowhere_else() {
    let Some(tokens) = Tokens::new("pkcs11") else { return };
    tokens.token("avouch");
    tokens.key("avouch", "master", &["--sensitive"]);
    let installation = tokens.installation("pkcs11-service", "avouch", "master");
    drop(installation.start_with(CONFIGURATION, tokens.configuration().as_os_str()));
    let list = tokens.list(&installation).expect_status(0).json();
    assert!(opens(&list).len() >= 4 && opens(&list).iter().all(|opens| *opens), "{list}");
    // It starts again, with the same keys.
    drop(installation.start_with(CONFIGURATION, tokens.configuration().as_os_str()));
    let again = tokens.list(&installation).expect_status(0).json();
    assert_eq!(again, list);

    // Another key of the same token opens nothing.
    tokens.key("avouch", "other", &["--sensitive"]);
    tokens.configure(&installation, "avouch", "other");
    let other = tokens.list(&installation).expect_status(0).json();
    assert!(opens(&other).iter().all(|opens| !opens), "{other}");
    assert_ne!(text(&other["master_key"]), text(&list["master_key"]));
    let mut serve = installation.command();
    let refused = run(serve.env(CONFIGURATION, tokens.configuration())).expect_status(2);
    assert!(refused.stderr.contains("wrapped under master key"), "{}", refused.stderr);

    // Neither the PIN nor a private key is in what was written or said.
    let said = format!("{list}{other}{}", refused.stderr);
    let mut places = files(&installation.folder.join("data"));
    places.push(("said".to_owned(), said.into_bytes()));
    let begins = b"-----BEGIN PRIVATE KEY";
    for (name, bytes) in &places {
        for secret in [PIN.as_bytes(), begins] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
        }
    }
    assert!(places.iter().any(|(name, _)| name.ends_with("avouch.db")));
}

#[test]
fn a_token_a_key_or_a_pin_that_is_not_right_is_told_apart() {
    let Some(tokens) = Tokens::new("pkcs11-refused") else { return };
    tokens.token("avouch");
    tokens.token("spare");
    tokens.key("avouch", "master", &["--sensitive"]);
    tokens.key("avouch", "twice", &["--sensitive"]);
    tokens.key("avouch", "twice", &["--sensitive"]);
    tokens.key("avouch", "loose", &["--extractable"]);
    let installation = tokens.installation("pkcs11-refusals", "avouch", "master");
    let said = || tokens.list(&installation).expect_status(2).stderr;
    for (token, key, expected) in [
        ("nothing", "master", "0 tokens are labelled \"nothing\""),
        ("spare", "master", "0 secret keys are labelled \"master\""),
        ("avouch", "absent", "0 secret keys are labelled \"absent\""),
        ("avouch", "twice", "2 secret keys are labelled \"twice\""),
        ("avouch", "loose", "could be taken out of the token"),
    ] {
        tokens.configure(&installation, token, key);
        let said = said();
        assert!(said.contains(expected), "{token} {key}: {said}");
        assert!(said.contains("signing.pkcs11") && !said.contains(PIN), "{said}");
    }
    tokens.configure(&installation, "avouch", "master");
    installation.folder.write("pin", "pin-00000000");
    let wrong = said();
    assert!(wrong.contains("refuses the PIN") && !wrong.contains("00000000"), "{wrong}");
    let config = std::fs::read_to_string(installation.config()).unwrap();
    let without = config.replace(tokens.module, "/nonexistent.so");
    installation.folder.write("avouch.toml", without);
    assert!(said().contains("/nonexistent.so cannot be used"), "{}", said());
    installation.folder.write("avouch.toml", config.replace("pin_file = \"pin\"\n", ""));
    assert!(said().contains("pin_variable"), "{}", said());
    let both = config.replace("[signing]\n", "[signing]\nmaster_key_file = \"pin\"\n");
    installation.folder.write("avouch.toml", both);
    assert!(said().contains("only one can count"), "{}", said());
}

#[test]
fn the_page_can_be_followed() {
    let Some(tokens) = Tokens::new("pkcs11-page") else { return };
    tokens.token("avouch");
    let page = include_str!("../../../docs/keys-pkcs11.md").replace(MODULES[0], tokens.module);
    let block = |language: &str| {
        let start = format!("```{language}\n");
        page.split(&start).nth(1).unwrap().split("```").next().unwrap().to_owned()
    };
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &block("sh")]).env("PIN", PIN);
    shell.env(CONFIGURATION, tokens.configuration()).stdin(Stdio::null());
    assert!(shell.output().unwrap().status.success(), "{}", block("sh"));
    let installation = tokens.installation("pkcs11-page-service", "avouch", "master");
    let config = std::fs::read_to_string(installation.config()).unwrap();
    let config = config.split("[signing.pkcs11]").next().unwrap();
    installation.folder.write("avouch.toml", format!("{config}{}", block("toml")));
    drop(installation.start_with(CONFIGURATION, tokens.configuration().as_os_str()));
    let list = tokens.list(&installation).expect_status(0).json();
    assert!(opens(&list).iter().all(|opens| *opens), "{list}");
}
