//! The compliance status of a confidential VM is that of the reference values that it matches in
//! everything, and its absence is explained.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_engine::{Appraisal, AppraisalSettings, ReferenceSample, ReferenceValues};
use avouch_mint::snp::{SnpProduct, UvmForm, uvm_publisher};
use avouch_mint::{Options, TdQuoteFormat, mint};
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_wire::{EvidenceKind, Hex};
use support::{at, engine_for, policy_of, request};

const AT: &str = "2026-05-01T12:00:00Z";

fn appraise(kind: EvidenceKind, options: &Options, settings: &AppraisalSettings) -> Appraisal {
    let minted = mint(kind, options).unwrap();
    let engine = engine_for(&minted);
    engine.appraise(&request(&minted), &policy_of(kind), settings, at(AT)).unwrap()
}

/// Accepts all that verifies, so that what decides is whether reference values match.
fn settings(values: ReferenceValues) -> AppraisalSettings {
    let snp = avouch_snp::Acceptance::everything();
    let mut settings = AppraisalSettings { snp, ..AppraisalSettings::default() };
    settings.intel.refuse_migratable = false;
    settings.intel.refuse_service_td = false;
    settings.reference_values = Arc::new(values);
    settings
}

/// The status, as policies and tokens have it, and why there is none.
fn status(appraisal: &Appraisal) -> (Option<String>, Option<String>) {
    let by_policy =
        appraisal.incoming.iter().find(|claim| &*claim.claim_type == "x-ms-compliance-status");
    let by_policy = by_policy.map(|claim| claim.value.to_json());
    let avouch_engine::Decision::Permit(permitted) = &appraisal.decision else {
        panic!("{:?}", appraisal.decision)
    };
    let in_token = permitted.claims().get("x-ms-compliance-status").cloned();
    assert_eq!(by_policy, in_token);
    let mut why = appraisal.findings.iter().filter(|one| one.name == "no-compliance-status");
    let finding = why.next().map(|finding| finding.message.clone());
    assert!(why.next().is_none());
    (in_token.map(|status| status.as_str().unwrap().to_owned()), finding)
}

fn sample(kind: EvidenceKind, options: &Options) -> ReferenceSample {
    let appraisal = appraise(kind, options, &settings(ReferenceValues::default()));
    appraisal.facts.reference_subject().unwrap().sample("sample").unwrap()
}

fn snp_options() -> Options {
    let mut options = Options::new(at(AT));
    options.snp.guest_svn = 7;
    options.snp.measurement = Some([0x11; 48]);
    options.snp.id_key_digest = Some([0x22; 48]);
    options.snp.family_id = [0x33; 16];
    options.snp.image_id = [0x44; 16];
    options
}

/// One guest in all words that there are.
fn snp_values() -> avouch_snp::ReferenceValues {
    let ReferenceSample::Snp(mut entry) = sample(EvidenceKind::Snp, &snp_options()) else {
        panic!("a guest")
    };
    entry.family_id = Some(Hex([0x33; 16]));
    entry.image_id = Some(Hex([0x44; 16]));
    entry
}

fn only(entry: avouch_snp::ReferenceValues) -> AppraisalSettings {
    settings(ReferenceValues::default().with(ReferenceSample::Snp(entry)))
}

#[test]
fn a_guest_has_the_status_of_the_reference_values_that_it_gave_itself() {
    let settings = only(snp_values());
    let good = appraise(EvidenceKind::Snp, &snp_options(), &settings);
    assert_eq!(status(&good), (Some("azure-compliant-cvm".to_owned()), None));
}

#[test]
fn a_guest_that_differs_in_one_thing_has_none_and_it_is_told_in_what() {
    let settings = only(snp_values());
    type Change = fn(&mut Options);
    let siblings: [(&str, Change); 12] = [
        ("sample: measurement 1212", |o| o.snp.measurement = Some([0x12; 48])),
        ("sample: ID key digest 2323", |o| o.snp.id_key_digest = Some([0x23; 48])),
        ("sample: guest SVN is 6", |o| o.snp.guest_svn = 6),
        ("sample: FAMILY_ID is 34", |o| o.snp.family_id = [0x34; 16]),
        ("sample: IMAGE_ID is 45", |o| o.snp.image_id = [0x45; 16]),
        ("sample: VMPL is 1, expected 0", |o| o.snp.vmpl = 1),
        ("sample: VMPL is 4294967295", |o| o.snp.vmpl = u32::MAX),
        ("sample: guest policy 0xb001f allows debugging", |o| o.snp.policy |= 1 << 19),
        ("sample: guest policy 0x7001f allows a migration agent", |o| o.snp.policy |= 1 << 18),
        ("sample: product is Genoa", |o| o.snp.product = SnpProduct::Genoa),
        ("microcode of REPORTED_TCB is ", |o| o.snp.tcb.microcode -= 1),
        ("boot_loader of LAUNCH_TCB is 0", |o| {
            let launch = avouch_mint::snp::SnpTcb { boot_loader: 0, ..o.snp.tcb };
            o.snp.launch_tcb = Some(launch);
        }),
    ];
    for (why, change) in siblings {
        let mut options = snp_options();
        change(&mut options);
        let (found, finding) = status(&appraise(EvidenceKind::Snp, &options, &settings));
        let finding = finding.unwrap_or_else(|| panic!("{why}: {found:?}"));
        assert_eq!(found, None, "{why}");
        assert!(finding.contains("none of 1 reference values match"), "{finding}");
        assert!(finding.contains(why), "{finding} has no {why:?}");
    }
}

#[test]
fn what_is_listed_twice_suffices_once_and_floors_are_lowest_values() {
    let settings = only(snp_values());
    let mut newer = snp_options();
    newer.snp.guest_svn = 8;
    newer.snp.tcb.microcode += 1;
    let good = appraise(EvidenceKind::Snp, &newer, &settings);
    assert_eq!(status(&good).0.as_deref(), Some("azure-compliant-cvm"));

    let mut entry = snp_values();
    entry.measurements.insert(Hex([0x12; 48]));
    let mut other = snp_options();
    other.snp.measurement = Some([0x12; 48]);
    assert!(status(&appraise(EvidenceKind::Snp, &other, &only(entry))).0.is_some());
}

#[test]
fn the_status_is_the_entry_s_else_the_file_s_and_the_first_match_counts() {
    let first = avouch_snp::ReferenceValues { name: "first".to_owned(), ..snp_values() };
    let own = Some("ours".to_owned());
    let second = avouch_snp::ReferenceValues {
        name: "second".to_owned(),
        compliance_status: own,
        ..snp_values()
    };
    let status_by = |entries: Vec<avouch_snp::ReferenceValues>| {
        let compliance_status = Some("of the file".to_owned());
        let values = ReferenceValues { compliance_status, snp: entries, tdx: Vec::new() };
        values.check().unwrap();
        status(&appraise(EvidenceKind::Snp, &snp_options(), &settings(values))).0.unwrap()
    };
    assert_eq!(status_by(vec![first.clone(), second.clone()]), "of the file");
    assert_eq!(status_by(vec![second.clone(), first.clone()]), "ours");
    let mut never = first;
    never.measurements = [Hex([0; 48])].into();
    assert_eq!(status_by(vec![never, second]), "ours");
}

#[test]
fn reference_values_go_before_the_endorsement_of_a_utility_vm() {
    let mut options = snp_options();
    options.snp.uvm = Some(UvmForm::Json);
    let publisher = uvm_publisher(&options).unwrap();
    let entry = UvmTrustEntry {
        issuer: publisher.issuer,
        feed: publisher.feed,
        minimum_svn: publisher.minimum_svn,
        compliance_status: Some("of the publisher".to_owned()),
    };
    let uvm = UvmTrust { entries: vec![entry] };
    let with = |values| AppraisalSettings { uvm: uvm.clone(), ..settings(values) };
    let none = with(ReferenceValues::default());
    let found = status(&appraise(EvidenceKind::Snp, &options, &none));
    assert_eq!(found, (Some("of the publisher".to_owned()), None));
    let values = ReferenceValues::default().with(ReferenceSample::Snp(snp_values()));
    let found = status(&appraise(EvidenceKind::Snp, &options, &with(values)));
    assert_eq!(found.0.as_deref(), Some("azure-compliant-cvm"));
}

#[test]
fn without_reference_values_there_is_no_status_and_it_is_told_why() {
    for (kind, title) in [(EvidenceKind::Snp, "SEV-SNP"), (EvidenceKind::Tdx, "TDX")] {
        let none = settings(ReferenceValues::default());
        let (found, finding) = status(&appraise(kind, &Options::new(at(AT)), &none));
        assert_eq!(found, None);
        assert!(finding.unwrap().ends_with(&format!("there are no reference values for {title}")));
    }
    // Enclaves are no VMs.
    let none = settings(ReferenceValues::default());
    let appraisal = appraise(EvidenceKind::Sgx, &Options::new(at(AT)), &none);
    assert_eq!(status(&appraisal), (None, None));
}

#[test]
fn a_trust_domain_matches_in_everything_or_has_none_and_it_is_told_in_what() {
    let mut good = Options::new(at(AT));
    good.td.mr_td = Some([0x11; 48]);
    let values = ReferenceValues::default().with(sample(EvidenceKind::Tdx, &good));
    let settings = settings(values);
    let found = status(&appraise(EvidenceKind::Tdx, &good, &settings));
    assert_eq!(found, (Some("azure-compliant-cvm".to_owned()), None));

    type Change = fn(&mut Options);
    let siblings: [(&str, Change); 4] = [
        ("sample: MRTD 1212", |o| o.td.mr_td = Some([0x12; 48])),
        ("sample: the TD is debuggable", |o| o.td.attributes |= 1),
        ("sample: the TD is migratable", |o| o.td.attributes |= 1 << 29),
        ("sample: a service TD is or may be bound", |o| {
            o.td.format = TdQuoteFormat::V5Td15;
            o.td.mr_service_td = [1; 48];
        }),
    ];
    for (why, change) in siblings {
        let mut options = good.clone();
        change(&mut options);
        let (found, finding) = status(&appraise(EvidenceKind::Tdx, &options, &settings));
        let finding = finding.unwrap_or_else(|| panic!("{why}: {found:?}"));
        assert_eq!(found, None, "{why}");
        assert!(finding.contains(why), "{finding} has no {why:?}");
    }
}

#[test]
fn a_trust_domain_below_the_floor_of_its_platform_or_on_one_without_has_none() {
    let options = Options::new(at(AT));
    let ReferenceSample::Tdx(entry) = sample(EvidenceKind::Tdx, &options) else { panic!("a TD") };
    let found = |change: &dyn Fn(&mut avouch_dcap::ReferenceValues)| {
        let mut entry = entry.clone();
        change(&mut entry);
        entry.check().unwrap();
        let values = ReferenceValues::default().with(ReferenceSample::Tdx(entry));
        status(&appraise(EvidenceKind::Tdx, &options, &settings(values)))
    };
    assert!(found(&|_| {}).0.is_some());
    assert!(found(&|entry| entry.minimum_tcb.clear()).0.is_some(), "none is demanded");
    let refused = |why: &str, change: &dyn Fn(&mut avouch_dcap::ReferenceValues)| {
        let (status, finding) = found(change);
        assert_eq!(status, None, "{why}");
        let finding = finding.unwrap();
        assert!(finding.contains(why), "{finding}");
    };
    refused("has no floor in minimum_tcb", &|entry| {
        let floor = entry.minimum_tcb.pop_first().unwrap().1;
        entry.minimum_tcb.insert(Hex([9; 6]), floor);
    });
    refused("SGX component 3 is ", &|entry| {
        let floor = entry.minimum_tcb.values_mut().next().unwrap();
        floor.sgx_components[2] += 1;
    });
    refused("PCESVN is ", &|entry| {
        entry.minimum_tcb.values_mut().next().unwrap().pce_svn += 1;
    });
    refused("TDX component 3 is ", &|entry| {
        let floor = entry.minimum_tcb.values_mut().next().unwrap();
        floor.tdx_components.as_mut().unwrap()[2] += 1;
    });
}

#[test]
fn reference_values_that_would_match_by_accident_are_refused() {
    let entry = snp_values();
    let refused = |change: &dyn Fn(&mut avouch_snp::ReferenceValues)| {
        let mut entry = entry.clone();
        change(&mut entry);
        ReferenceValues::default()
            .with(ReferenceSample::Snp(entry))
            .check()
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&|entry| entry.name = " ".to_owned()).contains("name is empty"));
    let blank = Some(String::new());
    assert!(refused(&|entry| entry.compliance_status = blank.clone()).contains("_status is empty"));
    let any = refused(&|entry| {
        entry.measurements.clear();
        entry.id_key_digests.clear();
    });
    assert!(any.contains("every guest would match"), "{any}");
    let any = refused(&|entry| {
        entry.measurements.clear();
        entry.minimum_guest_svn = None;
    });
    assert!(any.contains("need minimum_guest_svn"), "{any}");
    let zeros = refused(&|entry| entry.id_key_digests = [Hex([0; 48])].into());
    assert!(zeros.contains("zeros"), "{zeros}");
    assert!(refused(&|entry| entry.minimum_tcb.clear()).contains("names no product"));
    let floor = refused(&|entry| {
        entry.minimum_tcb.values_mut().for_each(|floor| floor.reported = None);
    });
    assert!(floor.contains("minimum_tcb.Milan has no floor"), "{floor}");

    let ReferenceSample::Tdx(td) = sample(EvidenceKind::Tdx, &Options::new(at(AT))) else {
        panic!("a TD")
    };
    let refused = |change: &dyn Fn(&mut avouch_dcap::ReferenceValues)| {
        let mut td = td.clone();
        change(&mut td);
        ReferenceValues::default().with(ReferenceSample::Tdx(td)).check().unwrap_err().to_string()
    };
    assert!(refused(&|td| td.name.clear()).contains("name is empty"));
    assert!(refused(&|td| td.measurements.clear()).contains("every TD would match"));
    let floor = refused(&|td| {
        td.minimum_tcb.values_mut().for_each(|floor| floor.tdx_components = None);
    });
    assert!(floor.contains("has no tdx_components"), "{floor}");

    let twice = ReferenceValues::default()
        .with(ReferenceSample::Snp(entry.clone()))
        .with(ReferenceSample::Tdx(td));
    assert!(twice.check().unwrap_err().to_string().contains("two entries are named \"sample\""));
    let nothing =
        ReferenceValues { compliance_status: Some(" ".to_owned()), ..ReferenceValues::default() };
    assert!(nothing.check().is_err());
}

#[test]
fn a_guest_without_an_id_block_gives_no_id_key() {
    let mut options = snp_options();
    options.snp.id_key_digest = Some([0; 48]);
    let ReferenceSample::Snp(entry) = sample(EvidenceKind::Snp, &options) else {
        panic!("a guest")
    };
    assert!(entry.id_key_digests.is_empty() && entry.minimum_guest_svn.is_none());
    assert!(status(&appraise(EvidenceKind::Snp, &options, &only(entry))).0.is_some());
}
