//! Logs of real machines: tags as the manifest lists them, facts as the machines were set up.

use std::collections::BTreeSet;

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::replay::{Judged, judge, values};
use avouch_bootlog::windows::{
    Measured, NoIdentityKey, Session, Start, Tag, TagId, WindowsAuthorities, WindowsError,
};
use avouch_wire::FailedCheck as _;

use super::{bank, count, facts};
use crate::support::{Machine, expected, parse, read, vectors};

const LOGS: [&str; 9] = [
    "azure/trusted-launch-windows/eventlog.bin",
    "windows/guardoss-DESKTOP-MIMU51J-EPP-ESET/eventlog.bin",
    "windows/guardoss-IMN-SUPERMICRO-EPP-MSDefender/eventlog.bin",
    "windows/guardoss-r340/eventlog.bin",
    "windows/guardoss-t480s/eventlog.bin",
    "windows/guardoss-tpm12_windows_lenovo_x1carbonv3.bin",
    "windows/guardoss-windows_event_log.bin",
    "windows/guardoss-x1carbon-vsm-keys.bin",
    "windows/windows_gcp_shielded_vm.log.bin",
];

/// Looks at a log judged by what it replays to.
fn over<T>(path: &str, look: impl FnOnce(&Judged<'_>) -> T) -> Option<T> {
    vectors("tpm")?;
    let bytes = read(path);
    let log = parse(&bytes);
    Some(look(&judge(&log, &values(&log))))
}

fn session<'a>(judged: &Judged<'a>) -> Result<Session<'a>, WindowsError> {
    Session::read(bank(judged), &WindowsAuthorities::default())
}

/// The values of the tags of one name, in containers or outside.
fn distinct(measured: &Measured<'_>, name: &str) -> BTreeSet<u64> {
    fn take<'a>(tags: &mut dyn Iterator<Item = Tag<'a>>, name: &str, values: &mut BTreeSet<u64>) {
        for tag in tags {
            take(&mut tag.members(), name, values);
            let named = tag.id.name().map(|name| name.trim_start_matches("VBS_"));
            let bytes = tag.bytes().unwrap_or_default();
            if named == Some(name.trim_start_matches("VBS_")) {
                values.insert(
                    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)),
                );
            }
        }
    }
    let mut values = BTreeSet::new();
    measured.events().for_each(|event| take(&mut event.tags(), name, &mut values));
    values
}

#[test]
fn every_recorded_log_has_the_tags_that_its_manifest_lists() {
    if vectors("tpm").is_none() {
        return;
    }
    let mut listed = 0;
    for (path, case) in expected() {
        let Some(windows) = case.get("windows").filter(|_| path.ends_with(".bin")) else {
            continue;
        };
        // Doctored, and a boot of shim, which extends PCR 14 by what no digest covers.
        if path.contains("38-windows") || path.contains("34-windows") {
            continue;
        }
        listed += 1;
        over(&path, |judged| {
            let measured = Measured::read(bank(judged)).unwrap_or_else(|e| panic!("{path}: {e}"));
            for (name, values) in windows["tags_before_wbcl"].as_object().unwrap() {
                let values: BTreeSet<u64> =
                    values.as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
                assert_eq!(distinct(&measured, name), values, "{path}: {name}");
            }
            let all = |id| (12..=14).map(|register| count(&measured, register, id)).sum::<usize>();
            let modules = all(TagId::LOADEDMODULE_AGGREGATION);
            assert_eq!(windows["loaded_module_entries"], modules, "{path}");
            assert_eq!(windows["elam_aggregation"], all(TagId::ELAM_AGGREGATION) > 0, "{path}");
            let keys = windows["vsm_keys"].as_array().unwrap().len();
            assert_eq!(all(TagId::VSM_IDK_INFO) + all(TagId::VSM_IDKS_INFO), keys, "{path}");
        });
    }
    assert!(listed >= 7, "only {listed}");
}

#[test]
fn tags_of_every_recorded_machine_are_read_whatever_its_secure_boot_is() {
    for path in LOGS {
        over(path, |judged| {
            let measured = Measured::read(bank(judged)).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(count(&measured, 12, TagId::TESTSIGNING) >= 1, "{path}");
        });
    }
}

#[test]
fn windows_is_believed_of_machines_that_started_nothing_else() {
    for path in LOGS {
        over(path, |judged| {
            let expected = match path {
                path if path.contains("DESKTOP") || path.contains("SUPERMICRO") => {
                    Err("windows-secure-boot")
                }
                _ => Ok(()),
            };
            let found = session(judged).map(|_| ()).map_err(|error| error.check());
            assert_eq!(found, expected, "{path}");
        });
    }
}

#[test]
fn a_trusted_launch_machine_shows_its_settings() {
    over(LOGS[0], |judged| {
        let facts = facts(session(judged).unwrap());
        assert_eq!((facts.start, facts.complete), (Start::Boot, true));
        for (name, found, expected) in [
            ("boot debugging", facts.boot_debugging, Some(false)),
            ("kernel debugging", facts.kernel_debugging, Some(false)),
            ("hypervisor debugging", facts.hypervisor_debugging, Some(false)),
            ("test signing", facts.test_signing, Some(false)),
            ("flight signing", facts.flight_signing, Some(false)),
            ("safe mode", facts.safe_mode, Some(false)),
            ("WinPE", facts.win_pe, Some(false)),
            ("code integrity", facts.code_integrity, Some(true)),
            ("ELAM", facts.elam, Some(false)),
            ("hypervisor", facts.hypervisor_launched, Some(false)),
            ("VSM", facts.vsm_launched, Some(false)),
            ("VBS", facts.vbs, None),
            ("HVCI", facts.hvci, None),
            ("IOMMU", facts.iommu_required, None),
            ("modules", facts.modules_validated, Some(true)),
        ] {
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(facts.bitlocker_unlock, Some(0));
        assert_eq!(facts.boot_counter, Some(3));
        assert_eq!(facts.identity_signing_key, Err(NoIdentityKey::NotMeasured));
        assert_eq!(facts.boot_revocation_lists().next().unwrap().digest.len(), 32);
        let first = facts.modules().unwrap().next().unwrap();
        let path = first.path.unwrap().to_lowercase();
        assert_eq!(path, "\\windows\\system32\\winload.efi");
    });
}

#[test]
fn a_notebook_with_virtual_secure_mode_shows_its_keys() {
    over("windows/guardoss-x1carbon-vsm-keys.bin", |judged| {
        let facts = facts(session(judged).unwrap());
        assert_eq!(facts.vsm_launched, Some(true));
        assert_eq!(facts.vsm_required, Some(true));
        assert_eq!(facts.vbs, Some(true), "only VSM_REQUIRED is logged");
        assert_eq!(facts.mandatory_enforcement, None);
        assert_eq!(facts.hvci, Some(true));
        assert_eq!(facts.microsoft_boot_chain_required, Some(true));
        assert_eq!(facts.hypervisor_debugging, Some(false));
        assert_eq!(facts.bitlocker_unlock, Some(5));
        assert_eq!(facts.elam, Some(true));
        assert_eq!(facts.elam_drivers().next().unwrap().name.as_deref(), Some("Windows Defender"));
        assert_eq!(facts.si_policies().next().unwrap().name.as_deref(), Some("DriverSiPolicy.p7b"));
        let (one, other) = (facts.identity_key.unwrap(), facts.identity_signing_key.unwrap());
        assert_eq!((one.exponent(), one.modulus().len()), (&[1, 0, 1][..], 256));
        assert_eq!((other.exponent(), other.modulus().len()), (&[1, 0, 1][..], 256));
        assert_ne!(one, other);
    });
}

#[test]
fn a_log_of_a_resume_alone_proves_nothing_good_of_the_system() {
    over("windows/guardoss-windows_event_log.bin", |judged| {
        let facts = facts(session(judged).unwrap());
        assert_eq!((facts.start, facts.complete), (Start::Resume, false));
        for fact in [
            facts.boot_debugging,
            facts.kernel_debugging,
            facts.test_signing,
            facts.safe_mode,
            facts.code_integrity,
            facts.elam,
            facts.vbs,
        ] {
            assert_eq!(fact, None);
        }
    });
}

/// Its option ROMs ran by the UEFI CA, which would have let shim run too without another event.
#[test]
fn a_machine_whose_option_roms_others_signed_is_believed_for_its_one_boot_loader() {
    if vectors("tpm").is_none() {
        return;
    }
    let machine = Machine::recorded("windows/guardoss-r340");
    let judged = machine.judged();
    let boot = BootFacts::read(&judged);
    assert!(boot.authorities.iter().any(|authority| !authority.after_separator));
    assert!(session(&judged).is_ok());

    let mut values = machine.values.clone();
    let other = *values
        .get(avouch_bootlog::HashAlgorithm::Sha256, avouch_bootlog::Register::Pcr(0))
        .unwrap();
    values.insert(avouch_bootlog::Register::Pcr(4), other);
    let bytes = read("windows/guardoss-r340/eventlog.bin");
    let log = parse(&bytes);
    let error = session(&judge(&log, &values)).unwrap_err();
    assert_eq!(error.check(), "windows-authority", "{error}");
}

#[test]
fn another_list_of_authorities_decides_what_counts_as_windows() {
    over(LOGS[0], |judged| {
        let nobody = WindowsAuthorities::new([]);
        let error = Session::read(bank(judged), &nobody).unwrap_err();
        assert_eq!(error.check(), "windows-authority");
    });
}
