//! The drill of a measured boot: virtual machines under emulation boot OVMF, Debian's shim, GRUB and kernel,
//! each with a software TPM, and attest from the inside to a service on the outside. What booted, which
//! file has no signature and which volume was swapped must show in the tokens.
//!
//! Everything is from Debian's packages. Machines reach nothing but the loopback interface of this one.

mod guest;
mod machine;
mod packages;
mod service;
mod tpm;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::guest::Guest;
use self::service::Service;
use crate::run::{Outcome, cargo, command, output, say, step, target};

/// What is different about one boot.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    name: &'static str,
    /// Firmware with Microsoft's keys that enforces Secure Boot.
    secure_boot: bool,
    /// The program that runs has its IMA signature.
    signed: bool,
    /// What the volume holds: one byte, over and over.
    content: u8,
}

/// What a volume holds unless somebody swapped it.
const CONTENT: u8 = b'a';

const SCENARIOS: [Scenario; 4] = [
    Scenario { name: "secure-boot-on", secure_boot: true, signed: true, content: CONTENT },
    Scenario { name: "secure-boot-off", secure_boot: false, signed: true, content: CONTENT },
    Scenario { name: "unsigned-file", secure_boot: true, signed: false, content: CONTENT },
    Scenario { name: "swapped-volume", secure_boot: true, signed: true, content: b'b' },
];

/// Boots every scenario, one after the other.
pub(crate) fn boot() -> Outcome {
    packages::install()?;
    let folder = target().join("boot");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut build = cargo(&["build", "--locked", "--package", "avouch", "--features", "tss"]);
    step("build the command with its attester", &mut build)?;
    let avouch = target().join("debug/avouch");
    let debian = packages::unpack(&folder)?;
    let keys = signing_key(&folder)?;
    tpm::manufacturer(&folder)?;
    let listed = guest::reference_values(&debian)?;
    let service = Service::start(&folder, &avouch, &keys.1, &listed)?;
    let expected = guest::root_digest(&folder.join("expected"), CONTENT)?;
    for scenario in SCENARIOS {
        let place = folder.join(scenario.name);
        let guest = Guest { avouch: &avouch, debian: &debian, key: &keys.0, service: &service };
        let media = guest.make(&place, scenario)?;
        let tpm = tpm::power_on(&folder, &place)?;
        let said = machine::run(scenario, &media, &tpm, &place)?;
        let claims = claims(&said)?;
        judge(scenario, &claims, &expected)?;
        say(&format!("== {}: the token tells it", scenario.name));
    }
    Ok(())
}

/// The key by which files are signed, and its certificate; made once.
fn signing_key(folder: &Path) -> Result<(PathBuf, PathBuf), String> {
    let (key, certificate) = (folder.join("ima.key"), folder.join("ima.pem"));
    if !certificate.exists() {
        let words = ["req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"];
        let mut openssl = command("openssl", &words);
        openssl.args(["-days", "3650", "-subj", "/CN=boot drill", "-keyout"]).arg(&key);
        output(openssl.arg("-out").arg(&certificate))?;
    }
    Ok((key, certificate))
}

/// The claims of the token that a machine obtained.
fn claims(said: &str) -> Result<Value, String> {
    let answer = said.lines().find_map(|line| line.strip_prefix("answer "));
    let answer = answer.ok_or_else(|| format!("the machine gave no answer:\n{said}"))?;
    let answer: Value = serde_json::from_str(answer).map_err(|error| format!("{error}: {said}"))?;
    match answer.get("claims") {
        Some(claims) => Ok(claims.clone()),
        None => Err(format!("the machine obtained no token: {answer}")),
    }
}

/// Compares what the token tells with what was done.
fn judge(scenario: Scenario, claims: &Value, expected_root: &str) -> Outcome {
    let text = claims.get("avouch-verity").map(Value::to_string).unwrap_or_default();
    let found = [
        ("secureBootEnabled", claims.get("secureBootEnabled") == Some(&Value::Bool(true))),
        (
            "avouch-ima-only-signed-or-listed",
            claims.get("avouch-ima-only-signed-or-listed") == Some(&Value::Bool(true)),
        ),
        ("avouch-verity with the expected root", text.contains(expected_root)),
        ("avouch-verity with a volume", text.contains("workload")),
        ("avouch-aik activated", claims.get("avouch-aik") == Some(&Value::from("activated"))),
    ];
    let expected = [scenario.secure_boot, scenario.signed, scenario.content == CONTENT, true, true];
    for ((name, found), expected) in found.into_iter().zip(expected) {
        if found != expected {
            let name = format!("{}: {name} is {found}, expected {expected}", scenario.name);
            return Err(format!("{name} in {claims:#}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{SCENARIOS, claims, judge};

    #[test]
    fn each_scenario_is_told_from_the_others_by_the_token() {
        let token = |secure: bool, signed: bool, root: &str| {
            json!({
                "secureBootEnabled": secure,
                "avouch-ima-only-signed-or-listed": signed,
                "avouch-aik": "activated",
                "avouch-verity": {"workload": root},
            })
        };
        let tokens = [
            token(true, true, "r1"),
            token(false, true, "r1"),
            token(true, false, "r1"),
            token(true, true, "r2"),
        ];
        for (at, scenario) in SCENARIOS.into_iter().enumerate() {
            for (other, token) in tokens.iter().enumerate() {
                assert_eq!(judge(scenario, token, "r1").is_ok(), at == other, "{at} {other}");
            }
        }
    }

    #[test]
    fn a_machine_without_a_token_is_told() {
        assert!(claims("note no module\nstatus 2\nanswer {\"error\":{}}").is_err());
        assert!(claims("status 0").is_err());
        assert_eq!(claims("answer {\"claims\":{\"a\":1}}").unwrap(), json!({"a": 1}));
    }
}
