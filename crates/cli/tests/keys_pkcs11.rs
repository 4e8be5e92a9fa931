//! A master key in a PKCS#11 token: SoftHSM's, which the tests install.
#![cfg(test)]

mod support;

use std::process::{Command, Stdio};

use serde_json::Value;
use support::signed::files;
use support::softhsm::{CONFIGURATION, MODULES, PIN, Tokens};
use support::{run, text};

fn opens(list: &Value) -> Vec<bool> {
    list["keys"].as_array().unwrap().iter().map(|key| key["opens"].as_bool().unwrap()).collect()
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
