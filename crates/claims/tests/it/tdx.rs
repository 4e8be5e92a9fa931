//! TDX.

use avouch_bootlog::ccel::ProvenLog;
use avouch_claims::SeenBy::Both;
use avouch_claims::{ServiceClaim, tdx, tdx_event_log};
use avouch_dcap::Body;
use avouch_mint::bootlog::{self, Bank, BootLog, Ground, LogEvent, uefi};
use avouch_mint::{Options, TcbStatus, TdQuoteFormat};
use avouch_wire::{EvidenceKind, Hex, encode_hex};
use serde_json::json;

use crate::expect::{
    Row, assert_claims, at, boolean, counting, counting_hex, integer, json as json_claim, text,
};
use crate::intel::minted;

/// A trust domain whose fields all differ. MRSIGNERSEAM and SEAMATTRIBUTES are zero, as those of
/// every module of Intel's.
fn options(attributes: u64) -> Options {
    let mut options = Options::new(at());
    options.runtime_data = None;
    let td = &mut options.td;
    td.tee_tcb_svn = [14, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19];
    td.tee_tcb_svn2 = [15, 1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20];
    td.attributes = attributes;
    td.xfam = 0x0006_18e7;
    td.mr_td = Some(counting(0x11));
    td.mr_seam = Some(counting(0x22));
    td.mr_config_id = Some(counting(0x33));
    td.mr_owner = counting(0x44);
    td.mr_owner_config = counting(0x55);
    td.rtmrs = Some([counting(0x66), counting(0x77), counting(0x88), counting(0x99)]);
    td.report_data = Some(counting(0xaa));
    options
}

fn claims(options: &Options) -> Vec<ServiceClaim> {
    let (_, quote) = minted(EvidenceKind::Tdx, options);
    let Body::Td(report) = quote.body() else { panic!("a quote of a trust domain") };
    tdx(report, quote.tcb().status, None)
}

/// What stands in its row, beside those that are the same for all.
struct Varying {
    attributes_hex: &'static str,
    debug_status: &'static str,
    debug: bool,
    key_locker: bool,
    perfmon: bool,
    protection_keys: bool,
    septve_disable: bool,
    status: &'static str,
}

/// A trust domain without any attribute.
const PLAIN: Varying = Varying {
    attributes_hex: "0000000000000000",
    debug_status: "disabled",
    debug: false,
    key_locker: false,
    perfmon: false,
    protection_keys: false,
    septve_disable: false,
    status: "UpToDate",
};

fn rows(varying: &Varying) -> Vec<Row> {
    vec![
        (Both, "eat_profile", text("https://aka.ms/maa-eat-profile-tdxvm")),
        (Both, "intuse", text("generic")),
        (Both, "dbgstat", text(varying.debug_status)),
        (Both, "attester_tcb_status", text(varying.status)),
        (Both, "tdx_mrtd", counting_hex(0x11, 48)),
        (Both, "tdx_mrseam", counting_hex(0x22, 48)),
        (Both, "tdx_mrsignerseam", text("00".repeat(48))),
        (Both, "tdx_mrconfigid", counting_hex(0x33, 48)),
        (Both, "tdx_mrowner", counting_hex(0x44, 48)),
        (Both, "tdx_mrownerconfig", counting_hex(0x55, 48)),
        (Both, "tdx_rtmr0", counting_hex(0x66, 48)),
        (Both, "tdx_rtmr1", counting_hex(0x77, 48)),
        (Both, "tdx_rtmr2", counting_hex(0x88, 48)),
        (Both, "tdx_rtmr3", counting_hex(0x99, 48)),
        (Both, "tdx_report_data", counting_hex(0xaa, 64)),
        (Both, "tdx_seam_attributes", text("0000000000000000")),
        (Both, "tdx_td_attributes", text(varying.attributes_hex)),
        (Both, "tdx_xfam", text("e718060000000000")),
        (Both, "tdx_tee_tcb_svn", text("0e0105060708090a0b0c0d0f10111213")),
        (Both, "tdx_seamsvn", integer(270)),
        (Both, "tdx_td_attributes_debug", boolean(varying.debug)),
        (Both, "tdx_td_attributes_key_locker", boolean(varying.key_locker)),
        (Both, "tdx_td_attributes_perfmon", boolean(varying.perfmon)),
        (Both, "tdx_td_attributes_protection_keys", boolean(varying.protection_keys)),
        (Both, "tdx_td_attributes_septve_disable", boolean(varying.septve_disable)),
        (Both, "avouch-tdx-module", text("TDX_01")),
        (Both, "avouch-tdx-module-svn", integer(14)),
    ]
}

#[test]
fn every_row_of_a_trust_domain_with_each_attribute_alone() {
    let cases = [
        (0, PLAIN),
        (
            1,
            Varying {
                attributes_hex: "0100000000000000",
                debug_status: "enabled",
                debug: true,
                ..PLAIN
            },
        ),
        // Profiling: under debug, and yet not the bit of that name.
        (2, Varying { attributes_hex: "0200000000000000", debug_status: "enabled", ..PLAIN }),
        (1 << 28, Varying { attributes_hex: "0000001000000000", septve_disable: true, ..PLAIN }),
        (1 << 30, Varying { attributes_hex: "0000004000000000", protection_keys: true, ..PLAIN }),
        (1 << 31, Varying { attributes_hex: "0000008000000000", key_locker: true, ..PLAIN }),
        (1 << 63, Varying { attributes_hex: "0000000000000080", perfmon: true, ..PLAIN }),
    ];
    for (attributes, expected) in cases {
        let what = format!("attributes {attributes:#x}");
        assert_claims(&what, &claims(&options(attributes)), &rows(&expected));
    }
}

#[test]
fn the_compliance_status_is_claimed_as_it_is_given() {
    let (_, quote) = minted(EvidenceKind::Tdx, &options(0));
    let Body::Td(report) = quote.body() else { panic!("a quote of a trust domain") };
    let mut expected = rows(&PLAIN);
    expected.push((Both, "x-ms-compliance-status", text("compliant-here")));
    let found = tdx(report, quote.tcb().status, Some("compliant-here"));
    assert_claims("a status", &found, &expected);
}

#[test]
fn a_module_that_is_listed_with_the_platform_has_no_name() {
    let (_, quote) = minted(EvidenceKind::Tdx, &options(0));
    let Body::Td(report) = quote.body() else { panic!("a quote of a trust domain") };
    let mut report = report.clone();
    let named = |report: &avouch_dcap::TdReport| {
        let claims = tdx(report, avouch_dcap::TcbStatus::UpToDate, None);
        claims.iter().filter(|claim| claim.name.starts_with("avouch-tdx-module")).count()
    };
    assert_eq!(named(&report), 2);
    report.tee_tcb_svn.0.0[1] = 0;
    assert_eq!(named(&report), 0);
}

#[test]
fn every_form_of_quote_gives_the_same_rows() {
    for format in [
        TdQuoteFormat::V4,
        TdQuoteFormat::V5Td10,
        TdQuoteFormat::V5Td15,
        TdQuoteFormat::V5Td15Extended,
    ] {
        let mut options = options(1 << 28);
        options.td.format = format;
        let expected =
            Varying { attributes_hex: "0000001000000000", septve_disable: true, ..PLAIN };
        assert_claims(&format!("{format:?}"), &claims(&options), &rows(&expected));
    }
}

#[test]
fn the_tcb_status_is_the_one_that_the_quote_verified_with() {
    for (status, name) in [
        (TcbStatus::SwHardeningNeeded, "SWHardeningNeeded"),
        (TcbStatus::ConfigurationNeeded, "ConfigurationNeeded"),
        (TcbStatus::ConfigurationAndSwHardeningNeeded, "ConfigurationAndSWHardeningNeeded"),
        (TcbStatus::OutOfDate, "OutOfDate"),
        (TcbStatus::OutOfDateConfigurationNeeded, "OutOfDateConfigurationNeeded"),
    ] {
        let mut options = options(0);
        options.platform.tcb_status = status;
        let expected = Varying { status: name, ..PLAIN };
        assert_claims(name, &claims(&options), &rows(&expected));
    }
}

/// The claims of a log whose registers hold what it says, but for those that are given.
fn log_claims(log: &BootLog, other: &[(usize, [u8; 48])]) -> Vec<ServiceClaim> {
    let mut rtmrs = log.registers().rtmrs();
    for (index, value) in other {
        rtmrs[*index] = *value;
    }
    let [one, two, three, four] = rtmrs.map(Hex);
    let bytes = log.to_bytes().unwrap();
    tdx_event_log(&ProvenLog::prove(&bytes, [&one, &two, &three, &four]).unwrap())
}

fn sha256(bytes: &[u8]) -> String {
    encode_hex(&Bank::Sha256.digest(&[bytes]))
}

/// The SHA-384 digests of the images that a minted domain starts.
fn images() -> serde_json::Value {
    let digest = |image: &str| encode_hex(&Bank::Sha384.digest(&[image.as_bytes()]));
    json!([digest("shim of the mint"), digest("GRUB of the mint")])
}

fn key_rows() -> Vec<Row> {
    let keys = bootlog::secure_boot_keys().unwrap();
    let list = |content: &[u8]| uefi::signature_list(uefi::CERT_X509, content);
    let db = [list(&keys.windows_ca), list(&keys.third_party_ca)].concat();
    let dbx = uefi::signature_list(uefi::CERT_SHA256, &[0xdb; 32]);
    vec![
        (Both, "avouch-secure-boot-pk", text(sha256(&list(&keys.platform_key)))),
        (Both, "avouch-secure-boot-kek", text(sha256(&list(&keys.key_exchange_key)))),
        (Both, "avouch-secure-boot-db", text(sha256(&db))),
        (Both, "avouch-secure-boot-dbx", text(sha256(&dbx))),
    ]
}

#[test]
fn an_event_log_gives_exactly_these_claims() {
    let third_party = bootlog::secure_boot_keys().unwrap().third_party_ca;
    let db = json!([{"source": "db", "sha256": sha256(&third_party)}]);
    let registers = json!(["rtmr0", "rtmr1", "rtmr2"]);
    for (ground, is_on, authorities) in [
        (Ground::TrustDomain, true, db.clone()),
        (Ground::TrustDomainOff, false, json!([])),
        (Ground::TrustDomainInsecure, false, db),
    ] {
        let summary =
            json!({"registers": registers, "images": images(), "authorities": authorities});
        let expected = [
            key_rows(),
            vec![
                (Both, "avouch-event-log", json_claim(summary)),
                (Both, "avouch-secure-boot", boolean(is_on)),
            ],
        ];
        let claims = log_claims(&ground.log().unwrap(), &[]);
        assert_claims(&format!("{ground:?}"), &claims, &expected.concat());
    }
}

#[test]
fn of_a_register_that_the_log_does_not_explain_there_are_no_claims() {
    // Events of one register only; the others hold something.
    let mut log = Ground::TrustDomain.log().unwrap();
    log.events.retain(|event| event.register == 2);
    let other = [(0, [7; 48]), (2, [8; 48]), (3, [9; 48])];
    let summary = json!({"registers": ["rtmr1"], "images": images()});
    let expected = [(Both, "avouch-event-log", json_claim(summary))];
    assert_claims("RTMR1 alone", &log_claims(&log, &other), &expected);

    let mut log = Ground::TrustDomain.log().unwrap();
    log.events.retain(|event| event.register == 3);
    let other = [(0, [7; 48]), (1, [8; 48])];
    let expected = [(Both, "avouch-event-log", json_claim(json!({"registers": ["rtmr2"]})))];
    assert_claims("RTMR2 alone", &log_claims(&log, &other), &expected);
}

#[test]
fn lists_that_would_make_huge_tokens_are_left_out() {
    let mut log = Ground::TrustDomain.log().unwrap();
    let image = LogEvent::application("again.efi", b"GRUB of the mint");
    for images in 2..=65 {
        let claims = log_claims(&log, &[]);
        let summary = claims.iter().find(|claim| claim.name == "avouch-event-log").unwrap();
        let summary = summary.value.to_json();
        let shown = summary.get("images").map(|shown| shown.as_array().unwrap().len());
        assert_eq!(shown, (images <= 64).then_some(images));
        log.push(image.clone());
    }
}
