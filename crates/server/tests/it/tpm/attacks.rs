//! Logs that were doctored, under quotes that are genuine.

use avouch_mint::bootlog::{self, Bank, Ground, Notices};
use avouch_mint::tpm::TpmOptions;
use avouch_wire::decode_hex;
use reqwest::StatusCode;

use super::recorded::vectors;
use super::{booted, check, converse, policy, report, service, set_policy, verified};
use crate::support::now;

/// What is refused of recorded machines, and what they are otherwise.
const ATTACKS: [(&str, Result<bool, &str>); 29] = [
    ("00-control-sb-off", Ok(false)),
    ("02-retype-to-unused-then-append", Err("secure-boot-type")),
    ("03-retype-to-noaction-then-append", Err("log-replay")),
    ("04-secureboot-data-flipped-digest-kept", Err("secure-boot-digest")),
    ("06-pcr7-events-missing", Err("secure-boot-register")),
    ("07-sha1-digests-match-data-sha256-do-not", Err("secure-boot-digest")),
    ("09-bootapp-retyped-and-appended", Ok(false)),
    ("10-control-mok-insecure", Ok(false)),
    ("11-control-sb-on", Ok(true)),
    ("12-moksbstate-retyped-as-action", Err("secure-boot-type")),
    ("13-moksbstate-moved-to-pcr14", Err("log-replay")),
    ("15-second-moksbstate-00-appended", Ok(false)),
    ("17-second-secureboot-appended", Err("secure-boot-order")),
    ("18-secureboot-retyped-variable-boot-then-appended", Err("secure-boot-type")),
    ("19-secureboot-digest-over-value-only", Err("secure-boot-digest")),
    ("20-secureboot-in-no-action-event", Ok(false)),
    ("22-secureboot-event-duplicated-in-log-only", Err("log-replay")),
    ("24-pcr7-sha256-digests-absent", Err("secure-boot-register")),
    ("25-sha1-only-log-both-banks-quoted", Err("secure-boot-bank")),
    ("27-last-event-cut", Err("log-structure")),
    ("28-last-event-missing", Err("log-replay")),
    ("29-startuplocality-3-but-started-at-0", Err("log-replay")),
    ("31-startuplocality-in-pcr7", Ok(true)),
    ("32-kernel-cmdline-edited-digest-kept", Ok(true)),
    ("34-windows-log-with-vbs-extended-under-linux", Ok(true)),
    ("35-control-windows", Ok(true)),
    ("36-vbs-tags-after-wbcl-separator", Ok(true)),
    ("37-control-windows-testsigning-on", Ok(true)),
    ("38-windows-testsigning-data-cleared-digest-kept", Err("windows-digest")),
];

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
