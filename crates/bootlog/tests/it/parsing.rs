//! What is no log is refused, with the structure, the field and the place.

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::replay::{Verdict, judge, values};
use avouch_bootlog::tcg::{DATA_LIMIT, EVENT_LIMIT, Form, LOG_LIMIT, Log, LogError};
use avouch_bootlog::uefi::{Guid, PartitionTable, Variable, signatures};
use avouch_bootlog::{Digest, EventType, HashAlgorithm, Register, RegisterMap, RegisterValues};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, LogForm, event_type, uefi};
use avouch_wire::{FailedCheck as _, ParseErrorKind};

use crate::support::{TPM, judged, minted};

fn sha256_log(events: impl IntoIterator<Item = LogEvent>) -> BootLog {
    let mut log = BootLog::new(LogForm::CryptoAgile(vec![Bank::Sha256]));
    events.into_iter().for_each(|event| log.push(event));
    log
}

fn refused(bytes: &[u8]) -> LogError {
    Log::parse(bytes, TPM).unwrap_err()
}

/// An event in the form with one digest.
fn sha1_event(register: u32, event_type: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    let head = [register.to_le_bytes(), event_type.to_le_bytes()].concat();
    [head, vec![0; 20], length.to_le_bytes().to_vec(), data.to_vec()].concat()
}

/// The header of the crypto-agile form with these pairs of algorithm and digest length.
fn header(algorithms: &[(u16, u16)]) -> Vec<u8> {
    let mut data = b"Spec ID Event03\0\0\0\0\0\0\x02\0\x02".to_vec();
    data.extend(u32::try_from(algorithms.len()).unwrap().to_le_bytes());
    for (id, length) in algorithms {
        data.extend(id.to_le_bytes());
        data.extend(length.to_le_bytes());
    }
    data.push(0);
    sha1_event(0, event_type::NO_ACTION, &data)
}

#[test]
fn a_log_cut_anywhere_but_between_events_is_refused() {
    let (bytes, _) = minted(&Ground::Linux.log().unwrap());
    let log = Log::parse(&bytes, TPM).unwrap();
    let boundaries: Vec<usize> = log.events().map(|event| event.offset()).collect();
    for end in (1..bytes.len()).rev().step_by(7) {
        let parsed = Log::parse(&bytes[..end], TPM);
        let fill_begins = bytes[..end].iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let at_boundary = boundaries.iter().any(|at| (fill_begins..=end).contains(at));
        assert_eq!(parsed.is_ok(), at_boundary && end >= boundaries[1], "cut at {end}");
    }
}

#[test]
fn fill_of_one_value_may_follow_and_nothing_else() {
    let mut log = Ground::Linux.log().unwrap();
    let expected = log.events.len() + 1;
    for fill in [0x00, 0xff] {
        log.fill = vec![fill; 4096];
        let (bytes, _) = minted(&log);
        assert_eq!(Log::parse(&bytes, TPM).unwrap().events().len(), expected);
    }
    for fill in [vec![0x5a; 64], vec![0, 0, 0, 0xff], [vec![0; 64], vec![1]].concat()] {
        log.fill = fill;
        let (bytes, _) = minted(&log);
        assert!(Log::parse(&bytes, TPM).is_err(), "{:?}", log.fill);
    }
}

#[test]
fn no_bytes_and_fill_alone_are_no_log() {
    for bytes in [&[][..], &[0; 64], &[0xff; 64]] {
        assert_eq!(refused(bytes), LogError::Empty);
    }
}

#[test]
fn a_log_without_a_header_is_of_the_sha_1_form() {
    let bytes = sha1_event(4, event_type::SEPARATOR, &[1]);
    let log = Log::parse(&bytes, TPM).unwrap();
    assert_eq!((log.form(), log.algorithms()), (&Form::Sha1, &[HashAlgorithm::Sha1][..]));
    assert_eq!(log.events().next().unwrap().untrusted_type(), EventType::SEPARATOR);
}

#[test]
fn a_header_names_each_bank_once_by_its_true_digest_length() {
    for (algorithms, check) in [
        (&[(0x0b_u16, 32_u16), (0x0b, 32)][..], "log-algorithms"),
        (&[(0x0b, 31)], "log-algorithms"),
        (&[(0x0b, 0xffff)], "log-algorithms"),
        (&[(0x99, 32)], "log-algorithms"),
        (&[(0x0b, 32); 40], "log-structure"),
    ] {
        assert_eq!(refused(&header(algorithms)).check(), check, "{algorithms:x?}");
    }
    assert!(Log::parse(&header(&[(0x0b, 32), (0x12, 32), (0x27, 32)]), TPM).is_ok());
}

#[test]
fn a_header_that_goes_on_behind_its_vendor_info_is_refused_with_the_place() {
    let whole = header(&[(0x0b, 32)]);
    let data = [&whole[32..], &[7]].concat();
    let LogError::Structure(error) = refused(&sha1_event(0, event_type::NO_ACTION, &data)) else {
        panic!("not refused as a structure");
    };
    assert_eq!((error.structure, error.field), ("TCG_EfiSpecIdEvent", "end"));
    assert_eq!(error.offset, 32 + data.len() - 1);
    assert_eq!(error.kind, ParseErrorKind::Trailing { extra: 1 });
}

/// A crypto-agile event with these digests and lengths as they are given.
fn agile_event(register: u32, count: u32, digests: &[(u16, usize)], length: u32) -> Vec<u8> {
    let mut bytes = header(&[(0x0b, 32), (0x04, 20)]);
    for number in [register, event_type::IPL, count] {
        bytes.extend(number.to_le_bytes());
    }
    for (id, length) in digests {
        bytes.extend(id.to_le_bytes());
        bytes.extend(vec![0x77; *length]);
    }
    bytes.extend(length.to_le_bytes());
    bytes
}

#[test]
fn digests_are_those_that_the_header_announced_each_once() {
    for (count, digests, check) in [
        (1_u32, &[(0x0c_u16, 48_usize)][..], "log-digests"),
        (2, &[(0x0b, 32), (0x0b, 32)], "log-digests"),
        (0, &[], "log-digests"),
        (3, &[(0x0b, 32), (0x04, 20), (0x0b, 32)], "log-structure"),
        (u32::MAX, &[(0x0b, 32)], "log-structure"),
    ] {
        assert_eq!(refused(&agile_event(4, count, digests, 0)).check(), check, "{digests:x?}");
    }
    for digests in [&[(0x0b, 32), (0x04, 20)][..], &[(0x04, 20), (0x0b, 32)], &[(0x0b, 32)]] {
        let count = u32::try_from(digests.len()).unwrap();
        let mut bytes = agile_event(4, count, digests, 1);
        bytes.push(9);
        assert!(Log::parse(&bytes, TPM).is_ok(), "{digests:x?}");
    }
}

#[test]
fn an_event_of_no_register_is_refused_unless_it_extends_nothing() {
    for register in [24, 0xffff_ffff] {
        let mut event = LogEvent::new(0, event_type::IPL, [1]);
        event.register = register;
        let (bytes, _) = minted(&sha256_log([event.clone()]));
        assert!(matches!(refused(&bytes), LogError::Register { sequence: 1, .. }));
        event.event_type = event_type::NO_ACTION;
        let (bytes, _) = minted(&sha256_log([event]));
        let log = Log::parse(&bytes, TPM).unwrap();
        assert_eq!(log.events().nth(1).unwrap().untrusted_register(), None);
    }
}

#[test]
fn limits_are_named_with_the_place() {
    let bytes = agile_event(4, 1, &[(0x0b, 32)], DATA_LIMIT + 1);
    assert_eq!(refused(&bytes).check(), "log-structure");
    let many = sha1_event(4, event_type::IPL, &[1]).repeat(EVENT_LIMIT + 1);
    let error = refused(&many);
    assert_eq!(error, LogError::TooManyEvents { limit: EVENT_LIMIT, offset: EVENT_LIMIT * 33 });
    assert_eq!(refused(&vec![1; LOG_LIMIT + 1]).check(), "log-length");
    let most = sha1_event(4, event_type::IPL, &[1]).repeat(EVENT_LIMIT);
    assert_eq!(Log::parse(&most, TPM).unwrap().events().len(), EVENT_LIMIT);
}

#[test]
fn the_locality_counts_only_before_pcr_0_is_extended_and_under_pcr_0() {
    let extend = || LogEvent::new(0, event_type::S_CRTM_VERSION, [1]);
    let mut elsewhere = LogEvent::startup_locality(3);
    elsewhere.register = 7;
    for (events, locality) in [
        (vec![LogEvent::startup_locality(3), extend()], 3),
        (vec![LogEvent::startup_locality(4), extend()], 4),
        (vec![extend(), LogEvent::startup_locality(3)], 0),
        (vec![elsewhere, extend()], 0),
        (vec![LogEvent::new(0, EventType::EFI_HCRTM_EVENT.0, *b"HCRTM"), extend()], 4),
        (vec![extend(), LogEvent::new(0, EventType::EFI_HCRTM_EVENT.0, *b"HCRTM")], 0),
    ] {
        let (bytes, _) = minted(&sha256_log(events.clone()));
        let log = Log::parse(&bytes, TPM).unwrap();
        assert_eq!(log.untrusted_startup_locality(), locality, "{events:?}");
    }
    for events in [
        vec![LogEvent::startup_locality(2), extend()],
        vec![LogEvent::startup_locality(3), LogEvent::startup_locality(3), extend()],
    ] {
        let (bytes, _) = minted(&sha256_log(events));
        assert_eq!(refused(&bytes).check(), "log-locality");
    }
}

#[test]
fn a_register_without_events_must_hold_its_reset_value() {
    let (bytes, registers) = minted(&sha256_log([LogEvent::separator(4)]));
    let log = Log::parse(&bytes, TPM).unwrap();
    let verdict = |judged: &avouch_bootlog::replay::Judged<'_>, pcr| {
        judged.strong_bank().unwrap().verdict(Register::Pcr(pcr)).unwrap().clone()
    };
    let judged = judged(&log, &registers);
    assert_eq!(verdict(&judged, 4).name(), "explained");
    for pcr in [0, 7, 16, 17, 22, 23] {
        assert_eq!(verdict(&judged, pcr).name(), "not-logged", "{pcr}");
    }
    let mut extended: RegisterValues = values(&log);
    let foreign = Digest::new(HashAlgorithm::Sha256, &[7; 32]).unwrap();
    extended.insert(Register::Pcr(7), foreign);
    assert!(matches!(verdict(&judge(&log, &extended), 7), Verdict::Unexplained { .. }));
}

#[test]
fn a_bank_that_the_log_does_not_have_explains_nothing() {
    let (bytes, _) = minted(&sha256_log([LogEvent::separator(7)]));
    let log = Log::parse(&bytes, TPM).unwrap();
    let mut quoted = RegisterValues::new();
    quoted.insert(Register::Pcr(7), Digest::new(HashAlgorithm::Sha384, &[7; 48]).unwrap());
    let judged = judge(&log, &quoted);
    let bank = judged.bank(HashAlgorithm::Sha384).unwrap();
    assert!(matches!(bank.verdict(Register::Pcr(7)), Some(Verdict::BankMissing { .. })));
    assert_eq!(BootFacts::read(&judged).bank, None);
}

/// SM3 is read and not computed.
#[test]
fn a_bank_of_sm3_is_read_and_explains_nothing() {
    let mut bytes = header(&[(0x12, 32)]);
    for number in [7_u32, event_type::SEPARATOR, 1] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(0x12_u16.to_le_bytes());
    bytes.extend([0x77; 32]);
    bytes.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(sha1_event(0, 3, &[])[..0].iter());
    // The data are fill as well as a separator: one more byte ends the doubt.
    let Err(LogError::Structure(_)) = Log::parse(&bytes[..bytes.len() - 5], TPM) else {
        panic!("a cut event was read");
    };
    let log = Log::parse(&bytes, TPM);
    let log = log.unwrap();
    assert_eq!(log.algorithms(), [HashAlgorithm::Sm3]);
    let mut quoted = RegisterValues::new();
    quoted.insert(Register::Pcr(7), Digest::new(HashAlgorithm::Sm3, &[7; 32]).unwrap());
    let judged = judge(&log, &quoted);
    let verdict = judged.bank(HashAlgorithm::Sm3).unwrap().verdict(Register::Pcr(7)).unwrap();
    assert!(matches!(verdict, Verdict::BankMissing { .. }));
    assert!(judged.strong_bank().is_none());
    assert_eq!(values(&log), RegisterValues::new());
}

#[test]
fn indices_of_a_trust_domain_are_its_own() {
    assert_eq!(RegisterMap::Tdx.register(0), Some(Register::MrTd));
    assert_eq!(RegisterMap::Tdx.register(4), Some(Register::Rtmr(3)));
    assert_eq!(RegisterMap::Tdx.register(5), None);
    assert_eq!(RegisterMap::Tpm.register(23), Some(Register::Pcr(23)));
    assert_eq!(RegisterMap::Tpm.register(24), None);
}

#[test]
fn algorithms_are_known_by_their_numbers() {
    for algorithm in HashAlgorithm::ALL {
        assert_eq!(HashAlgorithm::from_tpm_id(algorithm.tpm_id()), Some(algorithm));
        let digest = algorithm.hash(&[b"a", b"bc"]);
        assert_eq!(digest, algorithm.hash(&[b"abc"]), "{algorithm}");
        let length = digest.map(|digest| digest.as_bytes().len());
        let computed = algorithm != HashAlgorithm::Sm3;
        assert_eq!(length, computed.then_some(algorithm.digest_length()), "{algorithm}");
    }
    let known = (0..=u16::MAX).filter(|id| HashAlgorithm::from_tpm_id(*id).is_some()).count();
    assert_eq!(known, HashAlgorithm::ALL.len());
}

#[test]
fn variables_have_exact_lengths() {
    let whole = uefi::variable(uefi::GLOBAL, "SecureBoot", &[1]);
    let variable = Variable::parse(&whole).unwrap();
    assert!(variable.is(Guid::GLOBAL, "SecureBoot") && variable.data == [1]);
    for end in 0..whole.len() {
        assert!(Variable::parse(&whole[..end]).is_err(), "{end}");
    }
    assert!(Variable::parse(&[whole.clone(), vec![0]].concat()).is_err());
    for field in [16, 24] {
        let mut huge = whole.clone();
        huge[field..field + 8].copy_from_slice(&[0xff; 8]);
        assert_eq!(Variable::parse(&huge).unwrap_err().offset, field);
    }
    let mut surrogate = whole;
    surrogate[32..34].copy_from_slice(&[0x00, 0xd8]);
    assert_eq!(Variable::parse(&surrogate).unwrap_err().field, "UnicodeName");
}

#[test]
fn signature_lists_fill_their_variable_exactly() {
    let list = uefi::signature_list(uefi::CERT_SHA256, &[0xdb; 32]);
    let two = [list.clone(), list.clone()].concat();
    assert_eq!(signatures(&two).unwrap().len(), 2);
    assert!(signatures(&[]).unwrap().is_empty());
    for (field, value) in [(16, 0_u32), (16, 27), (16, u32::MAX), (20, 1), (20, u32::MAX)] {
        let mut broken = list.clone();
        broken[field..field + 4].copy_from_slice(&value.to_le_bytes());
        assert!(signatures(&broken).is_err(), "{field}: {value}");
    }
    for size in [0_u32, 15, 16, 47, 49, u32::MAX] {
        let mut broken = list.clone();
        broken[24..28].copy_from_slice(&size.to_le_bytes());
        assert!(signatures(&broken).is_err(), "size {size}");
    }
    assert!(signatures(&list[..list.len() - 1]).is_err());
}

#[test]
fn partition_tables_have_exact_lengths() {
    let whole = uefi::partition_table();
    let table = PartitionTable::parse(&whole).unwrap();
    assert!(table.partitions().len() > 0);
    for end in (0..whole.len()).step_by(5) {
        assert!(PartitionTable::parse(&whole[..end]).is_err(), "{end}");
    }
    let mut many = whole.clone();
    many[92..100].copy_from_slice(&[0xff; 8]);
    assert!(PartitionTable::parse(&many).is_err());
    let mut small = whole;
    small[84..88].copy_from_slice(&[0; 4]);
    assert!(PartitionTable::parse(&small).is_err());
}

#[test]
fn guids_show_as_documents_write_them() {
    assert_eq!(Guid::GLOBAL.to_string(), "8BE4DF61-93CA-11D2-AA0D-00E098032B8C");
    let stored = [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11];
    assert!(Guid::GLOBAL.0.starts_with(&stored));
}
