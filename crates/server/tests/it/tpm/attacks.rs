//! Logs that were doctored, under quotes that are genuine.

#[path = "../../../../engine/tests/support/attacks.rs"]
mod table;

use avouch_mint::bootlog::{self, Bank, Ground, Notices};
use avouch_mint::tpm::TpmOptions;
use avouch_wire::decode_hex;
use reqwest::StatusCode;
use table::ATTACKS;

use super::recorded::vectors;
use super::{booted, check, converse, policy, report, service, set_policy, verified};
use crate::support::now;

/// The SHA-256 values of a machine, as `tpm2_pcrread` printed them.
fn sha256_values(yaml: &str) -> Vec<[u8; 32]> {
    let lines = yaml.lines().map(str::trim).skip_while(|line| !line.starts_with("sha256"));
    let values = lines.skip(1).take(24).map(|line| {
        let (_, hex) = line.split_once("0x").unwrap();
        decode_hex(hex.trim()).unwrap().try_into().unwrap()
    });
    values.collect()
}

#[tokio::test]
async fn recorded_attacks_are_refused_by_the_check_that_sees_them() {
    let Some(vectors) = vectors() else { return };
    let service = service().await;
    for (name, expected) in ATTACKS {
        let folder = vectors.join("tpm/attacks").join(name);
        let yaml = std::fs::read_to_string(folder.join("pcrs.yaml")).unwrap();
        let options = TpmOptions {
            log: std::fs::read(folder.join("eventlog.bin")).unwrap(),
            pcrs: sha256_values(&yaml),
            ..TpmOptions::new(now())
        };
        let (status, answer) = converse(&service, &options).await;
        match expected {
            Err(expected) => assert_eq!(check(status, &answer), expected, "{name}"),
            Ok(secure_boot) => {
                assert_eq!(status, StatusCode::OK, "{name}: {answer}");
                let claims = verified(&service, &report(&answer)).await;
                assert_eq!(claims["secureBootEnabled"], secure_boot, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_booted_is_in_the_report() {
    let service = service().await;
    let windows = "b:[type==\"bootDebuggingDisabled\"] => issue(claim=b);
                   v:[type==\"vbsEnabled\"] => issue(claim=v);";
    set_policy(&service, "", &policy("", windows)).await;
    for (boot, secure_boot, undebugged) in [
        (Ground::Linux, true, false),
        (Ground::LinuxOff, false, false),
        (Ground::LinuxInsecure, false, false),
        (Ground::Windows, true, false),
    ] {
        let (status, answer) = converse(&service, &booted(boot)).await;
        assert_eq!(status, StatusCode::OK, "{boot:?}: {answer}");
        let claims = verified(&service, &report(&answer)).await;
        assert_eq!(claims["secureBootEnabled"], secure_boot, "{boot:?}");
        // The minted CA is not Windows' own: nothing counts as measured by Windows.
        assert_eq!(claims["bootDebuggingDisabled"], undebugged, "{boot:?}");
    }
}

#[tokio::test]
async fn minted_breaks_of_logs_turn_nothing_good() {
    let service = service().await;
    for one in bootlog::breaks().filter(|one| format!("{:?}", one.ground).starts_with("Linux")) {
        let broken = bootlog::broken(one.name).unwrap().unwrap();
        let value = |pcr| broken.registers.get(Bank::Sha256, pcr).and_then(|v| v.try_into().ok());
        let options = TpmOptions {
            log: broken.log,
            pcrs: (0..24).map(|pcr| value(pcr).unwrap_or([0; 32])).collect(),
            ..TpmOptions::new(now())
        };
        let (status, answer) = converse(&service, &options).await;
        match one.notices {
            Notices::Refused(expected) => {
                assert_eq!(check(status, &answer), expected, "{}", one.name)
            }
            Notices::SecureBoot if status == StatusCode::OK => {
                let claims = verified(&service, &report(&answer)).await;
                assert_eq!(claims["secureBootEnabled"], false, "{}", one.name);
            }
            _ => assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST),
        }
    }
}
