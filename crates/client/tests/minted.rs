//! All four steps, on services whose TEE is minted, in every form that certificates carry evidence in; and
//! for each step what it refuses.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_client::{
    EnclaveMeasurement, GuestMeasurement, Measurement, Measurements, PublishedCode, RelyingParty,
    ServiceVerifier, TrustDomainMeasurement, TrustStep, TrustVerdict, UvmMeasurement,
    WorkloadMeasurement,
};
use avouch_engine::AppraisalSettings;
use avouch_mint::snp::{UvmForm, uvm_publisher};
use avouch_mint::{Break, Expected, Options, Stage, TcbStatus};
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_token::{Expectations, Outcome, SigningKey};
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use support::{Form, Service, at, expectations};

const FORMS: [(Form, EvidenceKind); 4] = [
    (Form::Bare, EvidenceKind::Sgx),
    (Form::Bare, EvidenceKind::Tdx),
    (Form::OpenEnclave, EvidenceKind::OpenEnclave),
    (Form::Described, EvidenceKind::Snp),
];

fn hex<const N: usize>(facts: &serde_json::Value, name: &str) -> Hex<N> {
    serde_json::from_value(facts[name].clone()).unwrap()
}

/// What a service runs, as its operator would publish it.
fn published(service: &Service, verifier: &ServiceVerifier) -> WorkloadMeasurement {
    let keys = service.keys();
    let facts = verifier.verify(&keys.keys()[0], at()).unwrap().facts();
    match service.minted.kind {
        EvidenceKind::Tdx => WorkloadMeasurement::Tdx(TrustDomainMeasurement {
            mr_td: hex(&facts, "mr_td"),
            rtmr0: Some(hex(&facts, "rtmr0")),
            rtmr1: hex(&facts, "rtmr1"),
            rtmr2: hex(&facts, "rtmr2"),
            rtmr3: Some(hex(&facts, "rtmr3")),
        }),
        EvidenceKind::Snp => WorkloadMeasurement::Snp(GuestMeasurement {
            measurement: Some(hex(&facts, "measurement")),
            uvm: None,
            host_data: Some(hex(&facts, "host_data")),
        }),
        _ => WorkloadMeasurement::Sgx(EnclaveMeasurement {
            mr_enclave: Some(hex(&facts, "mr_enclave")),
            mr_signer: Some(hex(&facts, "mr_signer")),
            isv_prod_id: Some(facts["isv_prod_id"].as_u64().unwrap().try_into().unwrap()),
            minimum_isv_svn: Some(facts["isv_svn"].as_u64().unwrap().try_into().unwrap()),
        }),
    }
}

fn in_force(workload: WorkloadMeasurement) -> Measurements {
    Measurements::new(vec![Measurement {
        name: "release 1".to_owned(),
        announced_at: UnixTime::EPOCH,
        in_force_from: UnixTime::EPOCH,
        replaces: None,
        withdrawn_at: None,
        workload,
    }])
    .unwrap()
}

fn verify(
    service: &Service,
    verifier: &ServiceVerifier,
    measurements: Option<&Measurements>,
) -> TrustVerdict {
    let party = RelyingParty {
        service: Some(verifier),
        code: measurements.map(PublishedCode::List),
        demands_evidence: true,
    };
    party.verify(&service.token(), &service.keys(), &expectations())
}

fn outcomes(verdict: &TrustVerdict) -> [Outcome; 4] {
    let [first, second, third, fourth, fifth] = verdict.steps();
    assert_eq!(fifth.outcome, Outcome::NotChecked);
    [first, second, third, fourth].map(|step| step.outcome)
}

fn failed(verdict: &TrustVerdict) -> &'static str {
    assert!(!verdict.is_fully_trusted() && verdict.accepted().is_none());
    verdict.failure().unwrap().name
}

#[test]
fn a_service_in_a_tee_is_trusted_in_all_four_steps_in_every_form_of_evidence() {
    for (form, kind) in FORMS {
        let service = Service::new(form, kind);
        let verifier = service.verifier();
        let measurements = in_force(published(&service, &verifier));
        let verdict = verify(&service, &verifier, Some(&measurements));
        assert_eq!(outcomes(&verdict), [Outcome::Passed; 4], "{kind}: {verdict:#?}");
        assert!(verdict.is_fully_trusted());
        assert_eq!(verdict.steps().each_ref().map(|step| step.step), TrustStep::ALL);
        // Without a list nothing is said of the code, and that is not trust in full.
        let verdict = verify(&service, &verifier, None);
        let unlisted = [Outcome::Passed, Outcome::Passed, Outcome::Passed, Outcome::NotChecked];
        assert_eq!(outcomes(&verdict), unlisted, "{kind}");
        assert!(!verdict.is_fully_trusted() && verdict.token().is_some());
    }
}

#[test]
fn evidence_for_another_key_fails_the_third_step_alone() {
    for (form, kind) in FORMS {
        let other = Service::new(form, kind);
        let key = Arc::new(SigningKey::generate(avouch_token::KeySpec::P256).unwrap());
        let thief = Service::of(key, form, other.minted.clone());
        let verifier = other.verifier();
        let measurements = in_force(published(&other, &verifier));
        let verdict = verify(&thief, &verifier, Some(&measurements));
        let stolen = [Outcome::Passed, Outcome::Passed, Outcome::Failed, Outcome::Passed];
        assert_eq!(outcomes(&verdict), stolen, "{kind}");
        assert_eq!(failed(&verdict), "service-key-binding", "{kind}");
    }
}

#[test]
fn each_field_of_a_measurement_counts() {
    let sgx = Service::new(Form::Bare, EvidenceKind::Sgx);
    let verifier = sgx.verifier();
    let WorkloadMeasurement::Sgx(good) = published(&sgx, &verifier) else { panic!() };
    let higher = good.minimum_isv_svn.map(|svn| svn + 1);
    for (other, field) in [
        (EnclaveMeasurement { mr_enclave: Some(Hex([7; 32])), ..good.clone() }, "MRENCLAVE"),
        (EnclaveMeasurement { mr_signer: Some(Hex([7; 32])), ..good.clone() }, "MRSIGNER"),
        (EnclaveMeasurement { isv_prod_id: Some(777), ..good.clone() }, "ISVPRODID"),
        (EnclaveMeasurement { minimum_isv_svn: higher, ..good.clone() }, "ISVSVN"),
    ] {
        refused_for(&sgx, &verifier, WorkloadMeasurement::Sgx(other), field);
    }
    // The signer's product of at least that version, whatever its code.
    let signer = EnclaveMeasurement { mr_enclave: None, ..good };
    let measurements = in_force(WorkloadMeasurement::Sgx(signer));
    assert!(verify(&sgx, &verifier, Some(&measurements)).is_fully_trusted());

    let tdx = Service::new(Form::Bare, EvidenceKind::Tdx);
    let verifier = tdx.verifier();
    let WorkloadMeasurement::Tdx(good) = published(&tdx, &verifier) else { panic!() };
    let (else_, some) = (Hex([7; 48]), Some(Hex([7; 48])));
    for (other, field) in [
        (TrustDomainMeasurement { mr_td: else_, ..good.clone() }, "MRTD"),
        (TrustDomainMeasurement { rtmr0: some, ..good.clone() }, "RTMR[0]"),
        (TrustDomainMeasurement { rtmr1: else_, ..good.clone() }, "RTMR[1]"),
        (TrustDomainMeasurement { rtmr2: else_, ..good.clone() }, "RTMR[2]"),
        (TrustDomainMeasurement { rtmr3: some, ..good.clone() }, "RTMR[3]"),
    ] {
        refused_for(&tdx, &verifier, WorkloadMeasurement::Tdx(other), field);
    }

    let snp = Service::new(Form::Described, EvidenceKind::Snp);
    let verifier = snp.verifier();
    let WorkloadMeasurement::Snp(good) = published(&snp, &verifier) else { panic!() };
    for (other, field) in [
        (GuestMeasurement { measurement: some, ..good.clone() }, "MEASUREMENT"),
        (GuestMeasurement { host_data: Some(Hex([7; 32])), ..good }, "HOST_DATA"),
    ] {
        refused_for(&snp, &verifier, WorkloadMeasurement::Snp(other), field);
    }
    // A measurement of another TEE says nothing of this one.
    let sgx_only = published(&sgx, &sgx.verifier());
    refused_for(&snp, &verifier, sgx_only, "none is for this TEE");
}

fn refused_for(
    service: &Service,
    verifier: &ServiceVerifier,
    workload: WorkloadMeasurement,
    field: &str,
) {
    let verdict = verify(service, verifier, Some(&in_force(workload)));
    assert_eq!(failed(&verdict), "service-measurement", "{field}");
    let reason = &verdict.steps()[3].reason;
    assert!(reason.contains(field), "{field}: {reason}");
    assert_eq!(verdict.steps()[2].outcome, Outcome::Passed);
}

#[test]
fn a_guest_of_another_privilege_level_is_not_the_published_code() {
    let service = Service::with(Form::Described, |mut options| {
        options.snp.vmpl = 1;
        (EvidenceKind::Snp, options)
    });
    let verifier = service.verifier();
    refused_for(&service, &verifier, published(&service, &verifier), "VMPL");
}

/// A guest whose utility VM is of a version, and settings by which its publisher counts.
fn service_with_utility_vm(svn: u64) -> (Service, AppraisalSettings) {
    let service = Service::with(Form::Described, |mut options| {
        options.snp.uvm = Some(UvmForm::Json);
        options.snp.uvm_svn = svn;
        (EvidenceKind::Snp, options)
    });
    let UvmMeasurement { issuer, feed, .. } = utility_vm(svn);
    let mut settings = ServiceVerifier::settings();
    let trusted = UvmTrustEntry { issuer, feed, minimum_svn: 1, compliance_status: None };
    settings.uvm = UvmTrust { entries: vec![trusted] };
    (service, settings)
}

/// The utility VM of that publisher, of a version at least.
fn utility_vm(minimum_svn: u64) -> UvmMeasurement {
    let publisher = uvm_publisher(&Options::new(at())).unwrap();
    UvmMeasurement { issuer: publisher.issuer, feed: publisher.feed, minimum_svn }
}

#[test]
fn a_utility_vm_counts_by_publisher_feed_and_version() {
    let (service, settings) = service_with_utility_vm(101);
    let publisher = utility_vm(1);
    let verifier = service.verifier_with(settings);
    let WorkloadMeasurement::Snp(exact) = published(&service, &verifier) else { panic!() };
    let of = |issuer: &str, feed: &str, minimum_svn: u64| {
        WorkloadMeasurement::Snp(GuestMeasurement {
            measurement: None,
            uvm: Some(UvmMeasurement { issuer: issuer.into(), feed: feed.into(), minimum_svn }),
            host_data: exact.host_data,
        })
    };
    let (issuer, feed) = (publisher.issuer.as_str(), publisher.feed.as_str());
    let good = verify(&service, &verifier, Some(&in_force(of(issuer, feed, 101))));
    assert!(good.is_fully_trusted(), "{good:#?}");
    refused_for(&service, &verifier, of(issuer, feed, 102), "SVN of the utility VM");
    refused_for(&service, &verifier, of(issuer, "other", 101), "feed of the utility VM");
    refused_for(&service, &verifier, of("did:x509:0:sha256:x", feed, 101), "issuer of the utility");
    // Nobody vouches for the utility VM of a guest whose publisher does not count.
    let plain = service.verifier();
    refused_for(&service, &plain, of(issuer, feed, 101), "no endorsement of the utility VM");
}

#[test]
fn every_way_to_break_evidence_fails_the_second_step_by_its_own_check() {
    for (form, kind) in FORMS {
        let (mut tried, mut by_own_check) = (0, 0);
        // The others carry what an SGX quote is signed with, too: some of their breaks will do.
        let all = [EvidenceKind::Sgx, EvidenceKind::Snp].contains(&kind);
        // Here no publisher of utility VMs counts: what is wrong with an endorsement of theirs is nothing.
        let chosen = |one: &&Break| match all {
            true => !one.name.starts_with("uvm-"),
            false => one.name.starts_with("quote-"),
        };
        for one in avouch_mint::breaks(kind).iter().filter(chosen) {
            let service = Service::with(form, |options| (kind, options.broken(one.name)));
            let Expected::Refused { stage: Stage::Verification, check } = service.minted.expected
            else {
                continue;
            };
            // The minted root is not the root of every break, and some cannot be loaded at all.
            let Some(verifier) = service.try_verifier() else { continue };
            let verdict = verify(&service, &verifier, None);
            // What does not begin like a quote is none, before anything else is asked of it; and
            // endorsements for another platform are none for this one.
            assert!(verdict.accepted().is_none(), "{kind} {} is accepted", one.name);
            let found = failed(&verdict);
            let instead = ["service-evidence", "endorsements-missing"].contains(&found);
            assert!(found == check || instead, "{kind} {}: {found}, expected {check}", one.name);
            by_own_check += usize::from(found == check);
            assert_eq!(outcomes(&verdict)[..2], [Outcome::Passed, Outcome::Failed]);
            tried += 1;
        }
        assert!(
            tried > (if all { 40 } else { 2 }) && tried - by_own_check < 12,
            "{kind}: {by_own_check} of {tried}"
        );
    }
}

#[test]
fn a_debuggable_service_and_one_on_an_outdated_platform_are_refused_unless_accepted() {
    let debuggable = Service::with(Form::Bare, |mut options| {
        options.enclave.debug = true;
        (EvidenceKind::Sgx, options)
    });
    let verdict = verify(&debuggable, &debuggable.verifier(), None);
    assert_eq!(failed(&verdict), "debuggable");
    let mut settings = ServiceVerifier::settings();
    settings.intel.refuse_debuggable = false;
    let lenient = debuggable.verifier_with(settings);
    let verdict = verify(&debuggable, &lenient, None);
    assert!(verdict.failure().is_none(), "{verdict:#?}");
    // It is told of each step what it is worth; what is wrong is still wrong.
    let listed = in_force(published(&debuggable, &lenient));
    let verdict = verify(&debuggable, &lenient, Some(&listed));
    assert_eq!(outcomes(&verdict), [Outcome::Passed; 4]);
    let told = |verdict: &TrustVerdict| {
        verdict.steps().each_ref().map(|step| step.reason.contains("its host can debug it"))
    };
    assert_eq!(told(&verdict), [false, true, true, true, false]);
    let other = Service::new(Form::Bare, EvidenceKind::Tdx);
    let unlisted = in_force(published(&other, &other.verifier()));
    let verdict = verify(&debuggable, &lenient, Some(&unlisted));
    assert_eq!(failed(&verdict), "service-measurement");
    let good = Service::new(Form::Bare, EvidenceKind::Sgx);
    let mut settings = ServiceVerifier::settings();
    settings.intel.refuse_debuggable = false;
    let verdict = verify(&good, &good.verifier_with(settings), None);
    assert_eq!(told(&verdict), [false; 5], "it cannot be debugged");

    let outdated = Service::with(Form::Bare, |mut options| {
        options.platform.tcb_status = TcbStatus::OutOfDate;
        (EvidenceKind::Sgx, options)
    });
    let verdict = verify(&outdated, &outdated.verifier(), None);
    assert_eq!(failed(&verdict), "accepted-tcb-status");
    let mut settings = ServiceVerifier::settings();
    settings.intel.tcb_statuses = "any".parse().unwrap();
    let verdict = verify(&outdated, &outdated.verifier_with(settings), None);
    assert!(verdict.failure().is_none(), "{verdict:#?}");
}

#[test]
fn a_foreign_root_proves_nothing() {
    for (form, kind) in FORMS {
        let service = Service::new(form, kind);
        let vendors_alone =
            support::verifier("", service.endorsements().unwrap(), ServiceVerifier::settings());
        let verdict = verify(&service, &vendors_alone, None);
        assert_eq!(outcomes(&verdict)[1], Outcome::Failed, "{kind}");
        assert!(verdict.accepted().is_none());
    }
}

#[test]
fn evidence_of_an_unknown_tee_is_refused_and_none_only_if_it_is_demanded() {
    let key = || Arc::new(SigningKey::generate(avouch_token::KeySpec::P256).unwrap());
    let good = Service::new(Form::Described, EvidenceKind::Snp);
    let mut unknown = Service::of(Arc::clone(&good.key), Form::Described, good.minted.clone());
    let extension = avouch_token::EvidenceExtension::Described {
        evidence_json: support::document(&good.minted),
        tee_kind: "someothertee".to_owned(),
    };
    unknown.certificate =
        avouch_token::provider_certificate(&*good.key, support::ISSUER, Some(&extension)).unwrap();
    assert_eq!(failed(&verify(&unknown, &good.verifier(), None)), "service-tee");

    let mut bare = Service::of(key(), Form::Described, good.minted.clone());
    bare.certificate =
        avouch_token::provider_certificate(&*bare.key, support::ISSUER, None).unwrap();
    let verifier = good.verifier();
    assert_eq!(failed(&verify(&bare, &verifier, None)), "service-evidence-absent");
    let undemanding =
        RelyingParty { service: Some(&verifier), code: None, demands_evidence: false };
    let verdict = undemanding.verify(&bare.token(), &bare.keys(), &expectations());
    assert!(verdict.token().is_some() && !verdict.is_fully_trusted());
    let listed = in_force(published(&good, &verifier));
    let listing = RelyingParty { code: Some(PublishedCode::List(&listed)), ..undemanding };
    let verdict = listing.verify(&bare.token(), &bare.keys(), &expectations());
    assert_eq!(failed(&verdict), "service-evidence-absent");
}

#[test]
fn without_endorsements_nothing_is_said_unless_it_is_demanded_and_a_stolen_quote_is_still_seen() {
    let service = Service::new(Form::Bare, EvidenceKind::Sgx);
    let nothing = || avouch_endorsements::EndorsementSet::default();
    let verifier =
        support::verifier(&service.minted.root_pem, nothing(), ServiceVerifier::settings());
    assert_eq!(failed(&verify(&service, &verifier, None)), "endorsements-missing");
    let party = RelyingParty { service: Some(&verifier), code: None, demands_evidence: false };
    let verdict = party.verify(&service.token(), &service.keys(), &expectations());
    let unknown = [Outcome::Passed, Outcome::NotChecked, Outcome::NotChecked, Outcome::NotChecked];
    assert_eq!(outcomes(&verdict), unknown);
    let key = Arc::new(SigningKey::generate(avouch_token::KeySpec::P256).unwrap());
    let thief = Service::of(key, Form::Bare, service.minted.clone());
    let verdict = party.verify(&thief.token(), &thief.keys(), &expectations());
    assert_eq!(failed(&verdict), "service-key-binding");

    let blind = RelyingParty { service: None, code: None, demands_evidence: true };
    let verdict = blind.verify(&service.token(), &service.keys(), &expectations());
    assert_eq!(failed(&verdict), "service-evidence");
}

#[test]
fn an_unsecured_token_is_refused_where_evidence_of_the_service_is_demanded() {
    let service = Service::new(Form::Bare, EvidenceKind::Sgx);
    let verifier = service.verifier();
    let listed = in_force(published(&service, &verifier));
    let token = service.unsecured();
    let allowing = Expectations { allow_unsecured: true, ..expectations() };
    let lenient = RelyingParty { service: Some(&verifier), code: None, demands_evidence: false };
    let verdict = lenient.verify(&token, &service.keys(), &allowing);
    assert!(matches!(verdict.accepted(), Some(avouch_token::Accepted::Unsecured(_))));
    assert_eq!(outcomes(&verdict), [Outcome::NotChecked; 4]);
    let demanding = RelyingParty { demands_evidence: true, ..lenient };
    let listing = RelyingParty { code: Some(PublishedCode::List(&listed)), ..lenient };
    let blind = RelyingParty { service: None, ..demanding };
    for party in [demanding, listing, blind] {
        let verdict = party.verify(&token, &service.keys(), &allowing);
        assert_eq!(failed(&verdict), "service-evidence");
        assert_eq!(verdict.steps()[1].outcome, Outcome::Failed);
        assert!(verdict.steps()[1].reason.contains("nobody signed"), "{verdict:?}");
    }
}

#[test]
fn where_the_token_fails_nothing_is_asked_of_the_service() {
    let service = Service::new(Form::Bare, EvidenceKind::Sgx);
    let verifier = service.verifier();
    let party = RelyingParty { service: Some(&verifier), code: None, demands_evidence: true };
    let other = Expectations { issuer: Some("https://other.example".into()), ..expectations() };
    let verdict = party.verify(&service.token(), &service.keys(), &other);
    assert_eq!(failed(&verdict), "token-issuer");
    assert_eq!(outcomes(&verdict)[1..], [Outcome::NotChecked; 3]);
    let nobody = Expectations { issuer: None, ..expectations() };
    let verdict = party.verify(&service.token(), &service.keys(), &nobody);
    assert_eq!(outcomes(&verdict)[0], Outcome::NotChecked, "whose token it is was not checked");
    assert!(!verdict.is_fully_trusted());
}

/// Code that was withdrawn or replaced does not come back as something broader.
#[test]
fn retired_code_passes_only_as_what_says_at_least_as_exactly_what_runs() {
    let listed = |old: &WorkloadMeasurement, new: &WorkloadMeasurement, withdrawn: bool| {
        let entry = |name: &str, days: i64, workload: &WorkloadMeasurement| Measurement {
            name: name.to_owned(),
            announced_at: UnixTime::EPOCH,
            in_force_from: UnixTime::EPOCH.saturating_add_seconds(days * 86_400),
            replaces: None,
            withdrawn_at: None,
            workload: workload.clone(),
        };
        let mut old = entry("old", 0, old);
        old.withdrawn_at = withdrawn.then_some(UnixTime::EPOCH);
        // What is withdrawn is not replaced: it was in force as long as the new one is.
        Measurements::new(vec![old, entry("new", i64::from(!withdrawn), new)]).unwrap()
    };
    let sgx = Service::new(Form::Bare, EvidenceKind::Sgx);
    let WorkloadMeasurement::Sgx(whole) = published(&sgx, &sgx.verifier()) else { panic!() };
    let exact =
        EnclaveMeasurement { mr_enclave: whole.mr_enclave, ..EnclaveMeasurement::default() };
    let product = EnclaveMeasurement { mr_enclave: None, ..whole.clone() };
    let lower = EnclaveMeasurement { minimum_isv_svn: Some(0), ..product.clone() };
    let [whole, exact, product, lower] =
        [whole, exact, product, lower].map(WorkloadMeasurement::Sgx);

    let tdx = Service::new(Form::Bare, EvidenceKind::Tdx);
    let WorkloadMeasurement::Tdx(td) = published(&tdx, &tdx.verifier()) else { panic!() };
    let open = TrustDomainMeasurement { rtmr0: None, ..td.clone() };
    let wider = TrustDomainMeasurement { rtmr3: None, ..td.clone() };
    let [td, open, wider] = [td, open, wider].map(WorkloadMeasurement::Tdx);

    let snp = Service::new(Form::Described, EvidenceKind::Snp);
    let WorkloadMeasurement::Snp(guest) = published(&snp, &snp.verifier()) else { panic!() };
    let any_host = GuestMeasurement { host_data: None, ..guest.clone() };
    let [guest, any_host] = [guest, any_host].map(WorkloadMeasurement::Snp);

    // A guest that is known by its utility VM, by its launch digest, or by both.
    let (vm, vm_settings) = service_with_utility_vm(101);
    let WorkloadMeasurement::Snp(by_digest) = published(&vm, &vm.verifier()) else { panic!() };
    let of = |measurement, uvm, host_data| {
        WorkloadMeasurement::Snp(GuestMeasurement { measurement, uvm, host_data })
    };
    let (digest, host) = (by_digest.measurement, by_digest.host_data);
    let [vm_100, vm_101] = [100, 101].map(|svn| of(None, Some(utility_vm(svn)), host));
    let by_both = of(digest, Some(utility_vm(101)), host);
    let digest_anywhere = of(digest, None, None);
    let by_digest = of(digest, None, host);

    // The old one, the new one; whether the new one lets pass what was replaced, and what was withdrawn.
    for (service, old, new, after_replaced, after_withdrawn) in [
        (&sgx, &exact, &product, false, false),
        (&sgx, &exact, &lower, false, false),
        (&sgx, &product, &lower, false, false),
        (&sgx, &exact, &exact, true, false),
        (&sgx, &product, &product, true, false),
        (&sgx, &lower, &product, true, true),
        (&sgx, &product, &exact, true, true),
        (&sgx, &exact, &whole, true, false),
        (&tdx, &td, &open, false, false),
        (&tdx, &td, &wider, false, false),
        (&tdx, &open, &wider, false, false),
        (&tdx, &td, &td, true, false),
        (&tdx, &open, &td, true, true),
        (&tdx, &wider, &td, true, true),
        (&snp, &guest, &any_host, false, false),
        (&snp, &guest, &guest, true, false),
        (&snp, &any_host, &guest, true, true),
        (&sgx, &whole, &product, false, false),
        (&sgx, &lower, &whole, true, true),
        (&vm, &vm_101, &vm_100, false, false),
        (&vm, &vm_100, &vm_101, true, true),
        (&vm, &vm_101, &vm_101, true, false),
        (&vm, &by_digest, &vm_101, false, false),
        (&vm, &by_both, &vm_101, false, false),
        (&vm, &vm_101, &by_digest, true, true),
        (&vm, &vm_101, &by_both, true, true),
        (&vm, &vm_101, &digest_anywhere, false, false),
    ] {
        let verifier = match std::ptr::eq(service, &vm) {
            true => service.verifier_with(vm_settings.clone()),
            false => service.verifier(),
        };
        for (withdrawn, passes) in [(false, after_replaced), (true, after_withdrawn)] {
            let list = listed(old, new, withdrawn);
            let verdict = verify(service, &verifier, Some(&list));
            assert_eq!(verdict.is_fully_trusted(), passes, "{old:?} {new:?} {withdrawn}");
            if !passes {
                assert_eq!(failed(&verdict), "service-measurement-retired");
            }
        }
    }
}
