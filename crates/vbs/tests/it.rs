//! Reports of VBS enclaves, by the key that a measured boot of Windows proves.
#![cfg(test)]

use avouch_bootlog::replay::judge;
use avouch_bootlog::tcg::Log;
use avouch_bootlog::windows::{Chain, Session, WindowsAuthorities, WindowsFacts};
use avouch_bootlog::{Algorithm, Digest, RegisterMap};
use avouch_mint::bootlog::windows::{tagged, trust_boundary};
use avouch_mint::bootlog::{BootLog, LogEvent, SecureBoot, WindowsBoot, windows, windows_ca};
use avouch_mint::vbs::{VbsReport, breaks, broken, identity_key_info};
use avouch_pki::digest::sha256;
use avouch_vbs::{Report, SigningKey, VerifyError, verify_report};
use avouch_wire::FailedCheck as _;

const STATEMENT: &[u8] = br#"{"challenge":"AQ"}"#;
const IDKS: u32 = 0x0005_0023;
const IDK: u32 = 0x0005_0020;

/// Puts the identity key, under this number of a tag, before the separators of PCR 12.
fn measure_key(log: &mut BootLog, id: u32) {
    let separator = |event: &LogEvent| event.register == 12 && event.data == b"WBCL";
    let at = log.events.iter().position(separator).unwrap();
    log.push(trust_boundary(12, &[tagged(id, &identity_key_info().unwrap())]));
    let event = log.events.pop().unwrap();
    log.events.insert(at, event);
}

fn boot() -> BootLog {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    measure_key(&mut log, IDKS);
    log
}

/// The key that a log proves on the machine that it came from.
fn proven_key(log: &BootLog) -> Result<SigningKey, &'static str> {
    let bytes = log.to_bytes().unwrap();
    let parsed = Log::parse(&bytes, RegisterMap::Tpm).unwrap();
    let registers = log.registers();
    let values = registers.iter().map(|(bank, index, value)| {
        let algorithm = Algorithm::from_tpm_id(bank.tpm_id()).unwrap();
        (RegisterMap::Tpm.register(index).unwrap(), Digest::new(algorithm, value).unwrap())
    });
    let judged = judge(&parsed, &values.collect());
    let ca = WindowsAuthorities::new([sha256(&windows_ca().unwrap())]);
    let session =
        Session::read(judged.strong_bank().unwrap(), &ca).map_err(|error| error.check())?;
    let facts = WindowsFacts::of(&Chain::new(vec![session]).unwrap());
    let key = facts.identity_signing_key.map_err(|error| error.check())?;
    Ok(SigningKey::of(key.modulus, key.exponent).unwrap())
}

fn check(bytes: &[u8], key: &SigningKey) -> Result<(), &'static str> {
    let report = Report::parse(bytes).map_err(|error| error.check())?;
    verify_report(report, key, STATEMENT).map(|_| ()).map_err(|error| error.check())
}

#[test]
fn a_report_by_the_key_of_the_boot_is_verified_with_its_facts() {
    let key = proven_key(&boot()).unwrap();
    let bytes = VbsReport::over(STATEMENT).to_bytes().unwrap();
    let report = verify_report(Report::parse(&bytes).unwrap(), &key, STATEMENT).unwrap();
    assert_eq!((report.enclave_svn, report.secure_kernel_svn, report.platform_svn), (7, 8, 9));
    assert_eq!((report.flags, report.signing_level, report.enclave_type), (0, 12, 0x10));
    assert_eq!(report.owner_id.0, [0x0d; 32]);
    assert_eq!(report.unique_id.0, [0x01; 32]);
    assert_eq!(report.author_id.0, [0x0a; 32]);
    assert_eq!((report.family_id.0, report.image_id.0), ([0xfa; 16], [0x1a; 16]));
    assert_eq!((report.modules.len(), report.modules[0].svn), (1, 3));
    assert_eq!(report.modules[0].name, "avouch.dll");
}

#[test]
fn an_enclave_that_can_be_debugged_is_told_and_not_refused() {
    let key = proven_key(&boot()).unwrap();
    let report = VbsReport { flags: 7, ..VbsReport::over(STATEMENT) };
    assert_eq!(check(&report.to_bytes().unwrap(), &key), Ok(()));
}

#[test]
fn every_break_is_refused_by_its_check() {
    let key = proven_key(&boot()).unwrap();
    for named in breaks() {
        let bytes = broken(named, STATEMENT).to_bytes().unwrap();
        assert_eq!(check(&bytes, &key), Err(named.check), "{}", named.name);
    }
    assert!(breaks().count() >= 25);
}

#[test]
fn a_report_cut_anywhere_is_refused() {
    let bytes = VbsReport::over(STATEMENT).to_bytes().unwrap();
    assert!((0..bytes.len()).all(|end| Report::parse(&bytes[..end]).is_err()));
}

#[test]
fn a_report_vouches_for_the_bytes_as_they_were_sent() {
    let key = proven_key(&boot()).unwrap();
    let bytes = VbsReport::over(STATEMENT).to_bytes().unwrap();
    let rewritten = br#"{ "challenge": "AQ" }"#;
    let found = verify_report(Report::parse(&bytes).unwrap(), &key, rewritten);
    assert_eq!(found.unwrap_err(), VerifyError::EnclaveData);
}

#[test]
fn a_key_measured_while_secure_boot_was_off_is_none() {
    let off = WindowsBoot { secure_boot: SecureBoot::Off, ..WindowsBoot::default() };
    let mut log = windows(&off).unwrap();
    measure_key(&mut log, IDKS);
    assert_eq!(proven_key(&log).unwrap_err(), "windows-secure-boot");
}

#[test]
fn a_key_in_a_retyped_event_is_none() {
    let mut log = boot();
    let key = identity_key_info().unwrap();
    let holds = |event: &LogEvent| event.data.ends_with(&key);
    log.find(holds).unwrap().event_type = avouch_mint::bootlog::event_type::IPL;
    assert_eq!(proven_key(&log).unwrap_err(), "windows-type");
}

#[test]
fn a_key_measured_after_the_separator_is_none() {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    log.push(trust_boundary(12, &[tagged(IDKS, &identity_key_info().unwrap())]));
    assert_eq!(proven_key(&log).unwrap_err(), "windows-identity-key");
}

#[test]
fn the_key_for_decryption_signs_nothing() {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    measure_key(&mut log, IDK);
    assert_eq!(proven_key(&log).unwrap_err(), "windows-identity-key");
}

#[test]
fn a_key_that_is_too_short_or_has_the_exponent_1_is_none() {
    for (modulus, exponent) in [
        (&[0xff; 128][..], &[1, 0, 1][..]),
        (&[0xff; 256], &[1]),
        (&[0xff; 256], &[0, 0, 1]),
        (&[0xff; 256], &[1, 0, 0]),
        (&[], &[1, 0, 1]),
    ] {
        let error = SigningKey::of(modulus, exponent).unwrap_err();
        assert_eq!(error.check(), "vbs-report-key");
    }
}
