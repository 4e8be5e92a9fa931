//! Reports of trust domains: which bytes are which field, which bit has which name.

use avouch_dcap::{TdAttributes, TdReport, TdReportKind};
use avouch_wire::{Cursor, Hex};

/// Bytes that differ from field to field.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 256 * 31) % 251).expect("a byte")).collect()
}

fn parse(kind: TdReportKind) -> TdReport {
    let bytes = bytes(kind.bytes());
    let mut cursor = Cursor::new("TdReport", &bytes);
    let report = TdReport::parse(&mut cursor, kind).expect("parses");
    assert!(cursor.is_empty(), "{kind:?} is read to its end");
    report
}

const KINDS: [(TdReportKind, usize); 3] =
    [(TdReportKind::Td10, 584), (TdReportKind::Td15, 648), (TdReportKind::Td15Extended, 885)];

#[test]
fn each_field_has_its_place() {
    for (kind, length) in KINDS {
        assert_eq!(kind.bytes(), length);
        let (report, bytes) = (parse(kind), bytes(length));
        assert_eq!(report.kind, kind);
        let facts = serde_json::to_value(&report).expect("json");
        for (name, at, length) in [
            ("tee_tcb_svn", 0, 16),
            ("mr_seam", 16, 48),
            ("mr_signer_seam", 64, 48),
            ("seam_attributes", 112, 8),
            ("td_attributes", 120, 8),
            ("xfam", 128, 8),
            ("mr_td", 136, 48),
            ("mr_config_id", 184, 48),
            ("mr_owner", 232, 48),
            ("mr_owner_config", 280, 48),
            ("rtmr0", 328, 48),
            ("rtmr1", 376, 48),
            ("rtmr2", 424, 48),
            ("rtmr3", 472, 48),
            ("report_data", 520, 64),
            ("tee_tcb_svn2", 584, 16),
            ("mr_service_td", 600, 48),
            ("td_id", 649, 32),
            ("device_info_hash", 681, 48),
            ("initial_service_td_hash", 729, 48),
            ("initial_service_td_attributes", 777, 8),
            ("initial_cpu_svn", 785, 16),
            ("initial_tee_tcb_svn", 801, 16),
            ("initial_tee_fmspc", 817, 12),
            ("current_service_td_hash", 829, 48),
            ("current_service_td_attributes", 877, 8),
        ] {
            let expected = bytes.get(at..at + length).map(avouch_wire::encode_hex);
            assert_eq!(facts[name].as_str(), expected.as_deref(), "{kind:?} {name}");
        }
        assert_eq!(facts.get("vm_id").and_then(|id| id.as_u64()), {
            bytes.get(648).copied().map(u64::from)
        });
    }
}

#[test]
fn numbers_are_read_from_the_lowest_byte() {
    let report = parse(TdReportKind::Td10);
    let (svn, bytes) = (report.tee_tcb_svn, bytes(584));
    assert_eq!(svn.components()[..], bytes[..16]);
    assert_eq!((svn.module_svn(), svn.module_major_version()), (bytes[0], bytes[1]));
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
    assert_eq!((report.td_attributes.bits(), report.xfam.bits()), (number(120), number(128)));
}

#[test]
fn each_attribute_is_one_bit_and_has_one_name() {
    let names = [
        (0, "DEBUG"),
        (1, "TUD_1"),
        (2, "TUD_2"),
        (3, "TUD_3"),
        (4, "TUD_4"),
        (5, "TUD_5"),
        (6, "TUD_6"),
        (7, "TUD_7"),
        (16, "ICSSD"),
        (17, "SERVTD_EXT"),
        (27, "LASS"),
        (28, "SEPT_VE_DISABLE"),
        (29, "MIGRATABLE"),
        (30, "PKS"),
        (31, "KL"),
        (62, "TPA"),
        (63, "PERFMON"),
    ];
    for number in 0..64 {
        let found = TdAttributes(Hex((1_u64 << number).to_le_bytes()));
        assert_eq!(found.bits(), 1_u64 << number);
        let name = names.iter().find(|(bit, _)| *bit == number).map(|(_, name)| *name);
        assert_eq!(found.names(), Vec::from_iter(name), "{number}");
        assert_eq!(found.is_untrusted(), number < 8, "{number}");
        for (bit, is_set) in [
            (0, found.debug()),
            (16, found.icssd()),
            (17, found.service_td_extension()),
            (27, found.lass()),
            (28, found.septve_disable()),
            (29, found.migratable()),
            (30, found.protection_keys()),
            (31, found.key_locker()),
            (62, found.tpa()),
            (63, found.perfmon()),
        ] {
            assert_eq!(is_set, bit == number, "{number}: {bit}");
        }
    }
    let all = TdAttributes(Hex([0xff; 8]));
    assert_eq!(all.names(), names.map(|(_, name)| name), "lowest first");
}

#[test]
fn a_service_td_shows_in_any_of_four_places() {
    let with = |at: Option<usize>| {
        let mut bytes = vec![0; TdReportKind::Td15Extended.bytes()];
        if let Some(at) = at {
            bytes[at] = 2;
        }
        let mut cursor = Cursor::new("TdReport", &bytes);
        let kind = TdReportKind::Td15Extended;
        TdReport::parse(&mut cursor, kind).expect("parses").has_service_td()
    };
    assert!(!with(None));
    // SERVTD_EXT, MRSERVICETD, the first and the present service TD.
    for at in [122, 600, 647, 729, 776, 829, 876] {
        assert!(with(Some(at)), "{at}");
    }
    for at in [120, 121, 123, 599, 648, 728, 777, 828, 877] {
        assert!(!with(Some(at)), "{at}");
    }
    let bare = TdReport::parse(&mut Cursor::new("TdReport", &[0; 584]), TdReportKind::Td10);
    assert!(!bare.expect("parses").has_service_td());
}
