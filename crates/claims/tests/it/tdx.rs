//! TDX.

use avouch_claims::SeenBy::Both;
use avouch_claims::{ServiceClaim, tdx};
use avouch_dcap::Body;
use avouch_mint::{Options, TcbStatus, TdQuoteFormat};
use avouch_wire::EvidenceKind;

use crate::expect::{Row, assert_claims, at, boolean, counting, counting_hex, integer, text};
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
    tdx(report, quote.tcb().status)
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
