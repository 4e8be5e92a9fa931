//! SEV-SNP, with and without a compliance status.

use avouch_claims::SeenBy::Both;
use avouch_claims::{ServiceClaim, snp};
use avouch_mint::snp::{SnpProduct, SnpTcb};
use avouch_mint::{HeldData, Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_snp::{
    Crls, Endorsements, Report, TrustAnchors, VerifiedReport, verify_chain, verify_report,
};
use avouch_wire::EvidenceKind;

use crate::expect::{Row, assert_claims, at, boolean, counting, counting_hex, integer, text};

/// SHA-256 of the runtime data, and the zeros that fill the report data.
const REPORT_DATA: &str = "027359203dfc50105cd83ed4ff47f02ff5ed62b4b27611267aa566d15c7743b3\
                           0000000000000000000000000000000000000000000000000000000000000000";
/// SHA-256 of the init-time data.
const HOST_DATA: &str = "431b2097e23665362e23b1abe1c3a279e85326d3c1d8c08bdf96c997083a2569";

/// Bit 17, which is always set, and the least ABI version.
const POLICY: u64 = 0x2_001f;
const SMT: u64 = 1 << 16;
const MIGRATION: u64 = 1 << 18;
const DEBUG: u64 = 1 << 19;

/// A guest whose fields all differ; of the four TCBs every part differs too.
fn options(product: SnpProduct, policy: u64) -> Options {
    let mut options = Options::new(at());
    options.runtime_data = Some(HeldData::binary(*b"held by the enclave"));
    options.init_time_data = Some(HeldData::json(r#"{"since":"the start"}"#));
    let guest = &mut options.snp;
    guest.product = product;
    guest.policy = policy;
    guest.tcb = SnpTcb { fmc: 41, boot_loader: 42, tee: 43, snp: 44, microcode: 45 };
    guest.committed_tcb =
        Some(SnpTcb { fmc: 31, boot_loader: 32, tee: 33, snp: 34, microcode: 35 });
    guest.current_tcb = Some(SnpTcb { fmc: 51, boot_loader: 52, tee: 53, snp: 54, microcode: 55 });
    guest.launch_tcb = Some(SnpTcb { fmc: 46, boot_loader: 47, tee: 48, snp: 49, microcode: 50 });
    guest.vmpl = 3;
    guest.guest_svn = 0x0001_000b;
    guest.measurement = Some(counting(0x11));
    guest.id_key_digest = Some(counting(0x22));
    guest.author_key_digest = counting(0x33);
    guest.family_id = counting(0x44);
    guest.image_id = counting(0x55);
    guest.report_id = Some(counting(0x66));
    options
}

fn rows(debuggable: bool, migratable: bool, smt: bool) -> Vec<Row> {
    vec![
        (Both, "x-ms-sevsnpvm-authorkeydigest", counting_hex(0x33, 48)),
        (Both, "x-ms-sevsnpvm-bootloader-svn", integer(42)),
        (Both, "x-ms-sevsnpvm-familyId", counting_hex(0x44, 16)),
        (Both, "x-ms-sevsnpvm-guestsvn", integer(65547)),
        (Both, "x-ms-sevsnpvm-hostdata", text(HOST_DATA)),
        (Both, "x-ms-sevsnpvm-idkeydigest", counting_hex(0x22, 48)),
        (Both, "x-ms-sevsnpvm-imageId", counting_hex(0x55, 16)),
        (Both, "x-ms-sevsnpvm-is-debuggable", boolean(debuggable)),
        (Both, "x-ms-sevsnpvm-launchmeasurement", counting_hex(0x11, 48)),
        (Both, "x-ms-sevsnpvm-microcode-svn", integer(45)),
        (Both, "x-ms-sevsnpvm-migration-allowed", boolean(migratable)),
        (Both, "x-ms-sevsnpvm-reportdata", text(REPORT_DATA)),
        (Both, "x-ms-sevsnpvm-reportid", counting_hex(0x66, 32)),
        (Both, "x-ms-sevsnpvm-smt-allowed", boolean(smt)),
        (Both, "x-ms-sevsnpvm-snpfw-svn", integer(44)),
        (Both, "x-ms-sevsnpvm-tee-svn", integer(43)),
        (Both, "x-ms-sevsnpvm-vmpl", integer(3)),
    ]
}

fn verified(options: &Options) -> VerifiedReport {
    let minted = mint(EvidenceKind::Snp, options).unwrap();
    let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap().remove(0);
    let anchors = TrustAnchors::none().with_root(&Certificate::parse(&root).unwrap()).unwrap();
    let endorsements = Endorsements::parse(&[&minted.endorsements]).unwrap();
    let crls = Crls::verify(&endorsements.crls, &anchors, at()).unwrap().required();
    let key = verify_chain(&endorsements.chain, &anchors, &crls, at()).unwrap();
    let report = Report::parse(&minted.evidence).unwrap();
    verify_report(&report, &key, &crls, at()).unwrap()
}

fn claims(options: &Options) -> Vec<ServiceClaim> {
    snp(&verified(options), None)
}

#[test]
fn every_row_of_a_guest_with_each_allowance_alone() {
    for (policy, debuggable, migratable, smt) in [
        (POLICY, false, false, false),
        (POLICY | DEBUG, true, false, false),
        (POLICY | MIGRATION, false, true, false),
        (POLICY | SMT, false, false, true),
        (POLICY | DEBUG | MIGRATION | SMT, true, true, true),
    ] {
        let expected = rows(debuggable, migratable, smt);
        let found = claims(&options(SnpProduct::Milan, policy));
        assert_claims(&format!("policy {policy:#x}"), &found, &expected);
    }
}

#[test]
fn every_row_of_a_guest_of_each_product() {
    for product in SnpProduct::ALL {
        let found = claims(&options(product, POLICY));
        assert_claims(product.name(), &found, &rows(false, false, false));
    }
}

#[test]
fn the_compliance_status_is_claimed_as_it_is_given_and_is_not_made_without_one() {
    let report = verified(&options(SnpProduct::Milan, POLICY));
    let mut expected = rows(false, false, false);
    assert_claims("no status", &snp(&report, None), &expected);
    expected.push((Both, "x-ms-compliance-status", text("compliant-here")));
    assert_claims("a status", &snp(&report, Some("compliant-here")), &expected);
}
