//! Minted boots: each setting shows, and what is broken in one point does not fool.

use avouch_bootlog::EventType;
use avouch_bootlog::windows::{NoIdentityKey, Session, TagId, WindowsAuthorities, WindowsFacts};
use avouch_mint::bootlog::windows::{flag, tag, tagged, trust_boundary};
use avouch_mint::bootlog::{
    BootLog, Ground, LogEvent, Notices, SecureBoot, Vbs, WindowsBoot, breaks, broken, event_type,
    secure_boot_keys, uefi, windows, windows_ca,
};
use avouch_pki::Certificate;
use avouch_pki::digest::sha256;
use avouch_wire::FailedCheck as _;

use super::{bare, believed, insert, over, read};

const IDKS: u32 = 0x0005_0023;

fn boot() -> BootLog {
    windows(&WindowsBoot::default()).unwrap()
}

fn refused(log: &BootLog) -> &'static str {
    read(log, |session| session.unwrap_err().check())
}

#[test]
fn a_genuine_boot_is_believed_with_every_setting() {
    believed(&boot(), |facts| {
        assert!(facts.complete);
        for weakness in [
            facts.boot_debugging,
            facts.kernel_debugging,
            facts.hypervisor_debugging,
            facts.test_signing,
            facts.flight_signing,
            facts.safe_mode,
            facts.win_pe,
        ] {
            assert_eq!(weakness, Some(false));
        }
        for strength in [
            facts.code_integrity,
            facts.elam,
            facts.hypervisor_launched,
            facts.vsm_launched,
            facts.vbs,
            facts.vsm_required,
            facts.secure_boot_required,
            facts.iommu_required,
            facts.mandatory_enforcement,
            facts.hvci,
            facts.modules_validated,
        ] {
            assert_eq!(strength, Some(true));
        }
        assert_eq!(facts.mmio_nx_required, None, "not measured");
        assert_eq!(facts.bitlocker_unlock, Some(5));
        assert_eq!((facts.boot_counter, facts.event_counter), (Some(42), Some(4200)));
        assert!(facts.application_svns().eq([7]));
        assert!(facts.data_execution_prevention().eq([1]));
        assert_eq!(
            facts.elam_drivers().next().unwrap().name.as_deref(),
            Some("Avouch Mint Defender")
        );
        let svns: Vec<_> = facts.modules().unwrap().map(|module| module.svn).collect();
        assert_eq!(svns, [Some(3), Some(5)]);
        assert_eq!(facts.authorities().map(Iterator::count), Some(2));
    });
}

type Look = fn(&WindowsFacts<'_>) -> Option<bool>;

#[test]
fn each_weakness_shows_alone() {
    let clean = WindowsBoot::default;
    let looks: [(&str, Look); 8] = [
        ("boot debugging", |facts| facts.boot_debugging),
        ("kernel debugging", |facts| facts.kernel_debugging),
        ("hypervisor debugging", |facts| facts.hypervisor_debugging),
        ("test signing", |facts| facts.test_signing),
        ("flight signing", |facts| facts.flight_signing),
        ("safe mode", |facts| facts.safe_mode),
        ("WinPE", |facts| facts.win_pe),
        ("no code integrity", |facts| facts.code_integrity.map(|on| !on)),
    ];
    let boots = [
        WindowsBoot { boot_debugging: true, ..clean() },
        WindowsBoot { kernel_debugging: true, ..clean() },
        WindowsBoot { hypervisor_debugging: true, ..clean() },
        WindowsBoot { test_signing: true, ..clean() },
        WindowsBoot { flight_signing: true, ..clean() },
        WindowsBoot { safe_mode: true, ..clean() },
        WindowsBoot { win_pe: true, ..clean() },
        WindowsBoot { code_integrity: false, ..clean() },
    ];
    for (set, boot) in boots.iter().enumerate() {
        believed(&windows(boot).unwrap(), |facts| {
            for (index, (name, look)) in looks.iter().enumerate() {
                assert_eq!(look(&facts), Some(index == set), "{name} in boot {set}");
            }
        });
    }
}

#[test]
fn each_requirement_of_vbs_shows_alone() {
    let all = Vbs { vsm_required: true, mandatory: true, iommu_required: true, hvci: true };
    for (vbs, expected) in [
        (Some(Vbs { vsm_required: false, ..all }), [Some(false), Some(true), Some(true)]),
        (Some(Vbs { mandatory: false, ..all }), [Some(false), Some(true), Some(true)]),
        (Some(Vbs { iommu_required: false, ..all }), [Some(true), Some(false), Some(true)]),
        (Some(Vbs { hvci: false, ..all }), [Some(true), Some(true), Some(false)]),
        (None, [None, None, None]),
    ] {
        let log = windows(&WindowsBoot { vbs, ..WindowsBoot::default() }).unwrap();
        believed(&log, |facts| {
            assert_eq!([facts.vbs, facts.iommu_required, facts.hvci], expected, "{vbs:?}");
        });
    }
}

#[test]
fn one_boot_component_with_a_weakness_is_enough_and_one_without_a_strength() {
    for (tag, value) in [(tag::TESTSIGNING, true), (tag::CODEINTEGRITY, false)] {
        for register in [12, 13] {
            let mut log = boot();
            insert(&mut log, trust_boundary(register, &[flag(tag, value)]));
            believed(&log, |facts| {
                let found = if value { facts.test_signing } else { facts.code_integrity };
                assert_eq!(found, Some(value), "{tag:#x} in {register}");
            });
        }
    }
}

#[test]
fn without_pcr_13_and_14_what_rests_on_them_is_not_proven() {
    let log = boot();
    let (bytes, mut registers) = crate::support::minted(&log);
    for bank in log.form.banks() {
        for index in [13, 14] {
            registers.set(*bank, index, vec![0x5a; bank.digest(&[]).len()]);
        }
    }
    over(&bytes, &registers, |session| {
        let facts = super::facts(session.unwrap());
        assert_eq!(facts.test_signing, Some(false));
        assert_eq!(facts.vbs, Some(true));
        assert!(facts.modules().is_none() && facts.modules_validated.is_none());
        assert!(facts.authorities().is_none());
    });
}

#[test]
fn without_pcr_12_nothing_is_proven() {
    let log = boot();
    let (bytes, mut registers) = crate::support::minted(&log);
    for bank in log.form.banks() {
        registers.set(*bank, 12, vec![0x5a; bank.digest(&[]).len()]);
    }
    let check = over(&bytes, &registers, |session| session.unwrap_err().check());
    assert_eq!(check, "windows-register");
}

#[test]
fn no_break_of_a_boot_of_windows_is_believed() {
    let mut broken_boots = 0;
    for named in breaks().filter(|named| named.notices == Notices::Windows) {
        let broken = broken(named.name).unwrap().unwrap();
        over(&broken.log, &broken.registers, |session| {
            assert!(session.is_err(), "{}: {}", named.name, named.what);
        });
        broken_boots += 1;
    }
    assert!(broken_boots >= 6, "only {broken_boots}");
}

#[test]
fn secure_boot_that_is_off_proves_nothing_of_windows() {
    let off = WindowsBoot { secure_boot: SecureBoot::Off, ..WindowsBoot::default() };
    assert_eq!(refused(&windows(&off).unwrap()), "windows-secure-boot");
}

#[test]
fn a_boot_of_linux_is_none_of_windows() {
    assert_eq!(refused(&Ground::Linux.log().unwrap()), "windows-authority");
}

/// An event that only shim measures, with the right digest, is enough.
#[test]
fn whatever_shim_left_in_pcr_7_ends_belief() {
    let mut log = boot();
    log.push(LogEvent::authority(uefi::SHIM, "SbatLevel", b"sbat,1,2024\n"));
    assert_eq!(refused(&log), "windows-authority");
}

#[test]
fn what_is_in_the_place_of_tags_must_be_tags() {
    let tags = flag(tag::TESTSIGNING, false);
    let text = LogEvent::new(12, event_type::IPL, b"grub_cmd: boot".as_slice());
    let uncovered = bare(12, &tags).measuring(b"something else".as_slice());
    let cut = bare(12, &tags[..tags.len() - 1]);
    for (event, check) in
        [(text, "windows-type"), (uncovered, "windows-digest"), (cut, "structure")]
    {
        let mut log = boot();
        insert(&mut log, event);
        assert_eq!(refused(&log), check);
    }
}

#[test]
fn the_separator_must_be_there_once_and_say_so() {
    let separator = |log: &BootLog, register| {
        let is = |event: &LogEvent| event.register == register && event.data == b"WBCL";
        log.events.iter().position(is).unwrap()
    };
    for register in [12, 13, 14] {
        let mut missing = boot();
        missing.events.remove(separator(&missing, register));
        assert_eq!(refused(&missing), "windows-separator");

        let mut twice = boot();
        twice.push(LogEvent::new(register, event_type::SEPARATOR, *b"WBCL"));
        assert_eq!(refused(&twice), "windows-separator");

        let mut hidden = boot();
        let end = LogEvent::new(register, event_type::EVENT_TAG, b"other".as_slice());
        hidden.push(end.measuring(*b"WBCL"));
        assert_eq!(refused(&hidden), "windows-separator", "by its digest it is a second one");

        let mut retyped = boot();
        let at = separator(&retyped, register);
        retyped.events[at].event_type = EventType::EVENT_TAG.0;
        assert_eq!(refused(&retyped), "windows-separator");
    }
}

/// Numbers with the highest bit are not measured by themselves.
#[test]
fn tags_that_are_not_measured_count_within_a_container_only() {
    let weak = flag(tag::TESTSIGNING, true);
    for (container, expected) in [(0xc001_0004, false), (tag::TRUSTBOUNDARY, true)] {
        let mut log = boot();
        insert(&mut log, bare(12, &tagged(container, &weak)));
        believed(&log, |facts| assert_eq!(facts.test_signing, Some(expected), "{container:#x}"));
    }
}

#[test]
fn tags_in_pcr_11_are_not_read() {
    let mut log = boot();
    log.push(trust_boundary(11, &[flag(tag::TESTSIGNING, true), idks(3)]));
    believed(&log, |facts| {
        assert_eq!(facts.test_signing, Some(false));
        assert_eq!(facts.identity_signing_key, Err(NoIdentityKey::NotMeasured));
    });
}

/// The tag of an identity key with one byte throughout.
fn idks(byte: u8) -> Vec<u8> {
    tagged(IDKS, &key(1, 2048, &[1, 0, 1], &[byte; 256]))
}

fn key(algorithm: u32, bits: u32, exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let numbers = [algorithm, bits, length(exponent), length(modulus)].map(u32::to_le_bytes);
    [&numbers.concat(), exponent, modulus].concat()
}

fn with_keys(keys: &[Vec<u8>], vbs: Option<Vbs>) -> BootLog {
    let mut log = windows(&WindowsBoot { vbs, ..WindowsBoot::default() }).unwrap();
    for key in keys {
        insert(&mut log, trust_boundary(12, std::slice::from_ref(key)));
    }
    log
}

#[test]
fn the_identity_key_of_a_boot_is_the_one_that_all_its_tags_name() {
    let vbs = WindowsBoot::default().vbs;
    for keys in [vec![idks(3)], vec![idks(3), idks(3)]] {
        believed(&with_keys(&keys, vbs), |facts| {
            let key = facts.identity_signing_key.unwrap();
            assert_eq!((key.modulus(), key.exponent()), (&[3; 256][..], &[1, 0, 1][..]));
        });
    }
}

#[test]
fn two_identity_keys_or_one_without_secure_mode_are_none() {
    let vbs = WindowsBoot::default().vbs.unwrap();
    let unwanted = Vbs { vsm_required: false, ..vbs };
    for (keys, vbs, expected) in [
        (vec![idks(3), idks(4)], Some(vbs), NoIdentityKey::Two),
        (vec![idks(3)], Some(unwanted), NoIdentityKey::NoSecureMode),
        (vec![idks(3)], None, NoIdentityKey::NoSecureMode),
        (vec![], Some(vbs), NoIdentityKey::NotMeasured),
    ] {
        believed(&with_keys(&keys, vbs), |facts| {
            assert_eq!(facts.identity_signing_key, Err(expected));
        });
    }
}

#[test]
fn an_identity_key_of_another_form_is_none() {
    for bytes in [
        key(2, 2048, &[1, 0, 1], &[3; 256]),
        key(1, 2040, &[1, 0, 1], &[3; 256]),
        [key(1, 2048, &[1, 0, 1], &[3; 256]), vec![0]].concat(),
        key(1, 2048, &[1, 0, 1], &[3; 256])[..200].to_vec(),
    ] {
        let log = with_keys(&[tagged(IDKS, &bytes)], WindowsBoot::default().vbs);
        believed(&log, |facts| {
            assert!(matches!(facts.identity_signing_key, Err(NoIdentityKey::Form(_))));
        });
    }
}

#[test]
fn a_key_measured_after_the_separator_or_in_another_register_is_none() {
    let mut late = boot();
    late.push(trust_boundary(12, &[idks(3)]));
    let mut elsewhere = boot();
    insert(&mut elsewhere, trust_boundary(13, &[idks(3)]));
    for log in [late, elsewhere] {
        believed(&log, |facts| {
            assert_eq!(facts.identity_signing_key, Err(NoIdentityKey::NotMeasured));
        });
    }
}

#[test]
fn a_key_outside_of_a_trust_boundary_is_none() {
    let id = TagId::VSM_IDKS_INFO;
    let (elam, boundary) = (tag::ELAM_AGGREGATION, tag::TRUSTBOUNDARY);
    for event in [
        bare(12, &idks(3)),
        bare(12, &tagged(elam, &idks(3))),
        trust_boundary(12, &[tagged(elam, &idks(3))]),
        bare(12, &tagged(elam, &tagged(boundary, &idks(3)))),
    ] {
        // A key in its place beside it makes it no better.
        for before in [vec![], vec![idks(3)]] {
            let mut log = with_keys(&before, WindowsBoot::default().vbs);
            insert(&mut log, event.clone());
            believed(&log, |facts| {
                assert_eq!(facts.identity_signing_key, Err(NoIdentityKey::Place { id }));
            });
        }
    }
}

#[test]
fn each_reason_for_no_identity_key_has_a_check_of_its_own() {
    let mut checks = NoIdentityKey::checks();
    checks.sort_unstable();
    checks.dedup();
    assert_eq!(checks.len(), 5);
}

#[test]
fn both_forms_of_logs_and_logs_with_one_bank_for_windows_are_read() {
    use avouch_mint::bootlog::{Bank, LogForm};
    for form in [LogForm::CryptoAgile(vec![Bank::Sha256]), LogForm::CryptoAgile(vec![Bank::Sha384])]
    {
        let log = windows(&WindowsBoot { form, ..WindowsBoot::default() }).unwrap();
        believed(&log, |facts| assert_eq!(facts.test_signing, Some(false)));
    }
    let log = windows(&WindowsBoot { only_sha256: true, ..WindowsBoot::default() }).unwrap();
    believed(&log, |facts| assert_eq!(facts.test_signing, Some(false)));
}

#[test]
fn a_log_that_both_boots_and_resumes_is_refused() {
    let mut log = boot();
    insert(&mut log, trust_boundary(12, &[tagged(tag::TRANSFER_CONTROL, &2_u32.to_le_bytes())]));
    assert_eq!(refused(&log), "windows-transfer");
}

#[test]
fn a_counter_with_two_values_is_refused() {
    let mut log = boot();
    insert(&mut log, trust_boundary(12, &[tagged(tag::BOOTCOUNTER, &43_u64.to_le_bytes())]));
    assert_eq!(refused(&log), "windows-tag");
}

#[test]
fn sessions_are_of_banks_that_boot_facts_rest_on() {
    let (bytes, registers) = crate::support::minted(&boot());
    over(&bytes, &registers, |session: Result<Session<'_>, _>| {
        let algorithm = session.unwrap().measured().algorithm();
        assert_eq!(algorithm, avouch_bootlog::HashAlgorithm::Sha256);
    });
}

/// What rests on a certificate of an operator's choice names it; what rests on Microsoft's names none.
#[test]
fn a_boot_by_a_certificate_of_an_operators_choice_names_it() {
    let (der, other) = (windows_ca().unwrap(), secure_boot_keys().unwrap().shim_vendor);
    let certificate = |der: &[u8]| Certificate::parse_for_its_key(der).unwrap();
    let (mine, other) = (certificate(&der), certificate(&other));
    let roots = |windows: &WindowsAuthorities| {
        let (bytes, registers) = crate::support::minted(&boot());
        let log = crate::support::parse(&bytes);
        let judged = crate::support::judged(&log, &registers);
        let session = Session::read(super::bank(&judged), windows);
        session.map(|session| session.roots().to_vec()).map_err(|error| error.check())
    };
    let chosen = WindowsAuthorities::default().with(&mine).with(&other).with(&mine);
    let found = roots(&chosen).unwrap();
    assert_eq!(found.len(), 1, "that which let nothing run is not named");
    assert!(!found[0].is_built_in && found[0].label.starts_with("Avouch Mint Windows CA"));
    assert_eq!(found[0].key_sha256, sha256(mine.public_key().spki_der()));
    assert_eq!(roots(&WindowsAuthorities::default().with(&other)), Err("windows-authority"));
    let microsofts = WindowsAuthorities::new([sha256(&der)]);
    assert_eq!(roots(&microsofts), Ok(vec![]));
    assert_eq!(roots(&microsofts.with(&mine)), Ok(vec![]), "it is Microsoft's already");
}
