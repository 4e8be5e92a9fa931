//! The event log beside a trust domain's quote: what the quote explains becomes facts and claims, and
//! what is not of this boot is refused.
#![cfg(test)]

mod support;

use avouch_engine::{
    Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Capsule, Decision, Judged,
    PolicyInForce,
};
use avouch_mint::bootlog::{Ground, LogEvent, SecureBoot, TdBoot, td};
use avouch_mint::{Minted, Options, mint};
use avouch_wire::EvidenceKind;
use serde_json::{Value, json};
use support::{at, engine_for, request};

const AT: &str = "2026-05-01T12:00:00Z";

fn minted(boot: TdBoot) -> Minted {
    let mut options = Options::new(at(AT));
    options.td.boot = Some(boot);
    mint(EvidenceKind::Tdx, &options).unwrap()
}

fn appraise(minted: &Minted, request: &AppraisalRequest) -> Result<Appraisal, AppraisalError> {
    let policy = PolicyInForce::default_for(request.kind).unwrap();
    engine_for(minted).appraise(request, &policy, &AppraisalSettings::default(), at(AT))
}

/// What is said of minted evidence with another log than its own.
fn with_log(minted: &Minted, log: Option<Vec<u8>>) -> Result<Appraisal, &'static str> {
    let request = AppraisalRequest { event_log: log, ..request(minted) };
    appraise(minted, &request).map_err(|error| error.check())
}

fn claims(appraisal: Appraisal) -> serde_json::Map<String, Value> {
    appraisal.permitted().unwrap().claims()
}

#[test]
fn a_log_that_the_quote_explains_becomes_facts_and_claims() {
    let minted = minted(TdBoot::default());
    let appraisal = with_log(&minted, minted.event_log.clone()).unwrap();
    let facts = appraisal.facts.to_json();
    assert_eq!(facts["secure_boot"], true);
    let log = &facts["event_log"];
    assert_eq!(log["secure_boot"], true);
    assert_eq!(log["registers"]["rtmr0"]["verdict"], "explained");
    assert_eq!(log["registers"]["rtmr0"]["value"], facts["rtmr0"]);
    assert_eq!(log["registers"]["rtmr3"]["verdict"], "not-logged");
    assert_eq!(log["images"][0]["untrusted_path"], "\\EFI\\BOOT\\BOOTX64.EFI");
    assert_eq!(log["untrusted_command_lines"], json!(["/boot/vmlinuz root=/dev/vda2 ro quiet"]));
    let claims = claims(appraisal);
    assert_eq!(claims["avouch-secure-boot"], true);
    assert_eq!(claims["avouch-event-log"]["registers"], json!(["rtmr0", "rtmr1", "rtmr2"]));
    // What the guest's boot loader says is no claim: root in the domain can make it up.
    assert!(!format!("{claims:?}").contains("vmlinuz"));
}

#[test]
fn without_a_log_facts_and_claims_are_those_of_the_quote_alone() {
    let minted = minted(TdBoot::default());
    let appraisal = with_log(&minted, None).unwrap();
    let facts = appraisal.facts.to_json();
    assert!(facts.get("secure_boot").is_none() && facts.get("event_log").is_none());
    let claims = claims(appraisal);
    let own: Vec<&str> =
        claims.keys().map(String::as_str).filter(|name| name.starts_with("avouch-")).collect();
    assert_eq!(own, ["avouch-tdx-module", "avouch-tdx-module-svn", "avouch-trust-root"]);
}

#[test]
fn a_policy_can_require_secure_boot_and_gets_no_claim_that_is_not_proven() {
    let text = "version=1.0; authorizationrules{ \
                c:[type==\"avouch-secure-boot\", issuer==\"AttestationService\", value==true] \
                => permit(); }; issuancerules{};";
    let policy = PolicyInForce::from_text(text).unwrap();
    let permitted = |minted: &Minted, log: Option<Vec<u8>>| {
        let request = AppraisalRequest { event_log: log, ..request(minted) };
        let settings = AppraisalSettings::default();
        let appraisal = engine_for(minted).appraise(&request, &policy, &settings, at(AT)).unwrap();
        appraisal.is_permitted()
    };
    let on = minted(TdBoot::default());
    assert!(permitted(&on, on.event_log.clone()));
    assert!(!permitted(&on, None), "the same domain without its log");
    let off = minted(TdBoot { secure_boot: SecureBoot::Off, ..TdBoot::default() });
    assert!(!permitted(&off, off.event_log.clone()));
    let unmeasured = minted(TdBoot { secure_boot: SecureBoot::Absent, ..TdBoot::default() });
    assert!(!permitted(&unmeasured, unmeasured.event_log.clone()));
    let insecure = minted(TdBoot { mok_sb_state: Some(vec![1]), ..TdBoot::default() });
    assert!(!permitted(&insecure, insecure.event_log.clone()));
}

#[test]
fn a_log_of_another_boot_or_of_a_tpm_or_no_log_at_all_is_refused() {
    let minted = minted(TdBoot::default());
    let bytes = |log: avouch_mint::bootlog::BootLog| Some(log.to_bytes().unwrap());
    let mut longer = td(&TdBoot::default()).unwrap();
    longer.push(LogEvent::efi_action(5, "Exit Boot Services Invocation"));
    for (what, log, check) in [
        ("another boot's", bytes(Ground::TrustDomainOff.log().unwrap()), "ccel-replay"),
        ("an event more", bytes(longer), "ccel-replay"),
        ("a TPM's", bytes(Ground::Linux.log().unwrap()), "log-register"),
        ("nothing", Some(Vec::new()), "log-empty"),
        ("fill", Some(vec![0xff; 64]), "log-empty"),
        ("text", Some(b"{\"events\": [1, 2, 3, 4, 5, 6, 7]}".to_vec()), "log-register"),
        ("too much", Some(vec![0xff; (4 << 20) + 1]), "log-length"),
    ] {
        assert_eq!(with_log(&minted, log).err(), Some(check), "{what}");
    }
}

#[test]
fn a_log_is_read_for_evidence_that_verified_only() {
    let mut minted = minted(TdBoot::default());
    let middle = minted.evidence.len() / 2;
    minted.evidence[middle] ^= 1;
    let request = AppraisalRequest {
        evidence: minted.evidence.clone(),
        event_log: Some(Vec::new()),
        ..request(&minted)
    };
    let check = appraise(&minted, &request).unwrap_err().check();
    assert_ne!(check, "log-empty");
}

#[test]
fn evidence_without_such_registers_takes_no_log() {
    let log = Ground::TrustDomain.log().unwrap().to_bytes().unwrap();
    for kind in [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Snp] {
        let minted = mint(kind, &Options::new(at(AT))).unwrap();
        assert!(with_log(&minted, None).is_ok(), "{kind}");
        assert_eq!(with_log(&minted, Some(log.clone())).err(), Some("event-log-kind"), "{kind}");
    }
}

#[test]
fn a_register_that_the_log_has_no_events_of_stays_unexplained_and_refuses_nothing() {
    let log = td(&TdBoot::default()).unwrap();
    let mut options = Options::new(at(AT));
    let mut rtmrs = log.registers().rtmrs();
    rtmrs[3] = [7; 48];
    options.td.rtmrs = Some(rtmrs);
    let minted = mint(EvidenceKind::Tdx, &options).unwrap();
    let appraisal = with_log(&minted, Some(log.to_bytes().unwrap())).unwrap();
    let facts = appraisal.facts.to_json();
    assert_eq!(facts["event_log"]["registers"]["rtmr3"]["verdict"], "unexplained");
    assert_eq!(facts["secure_boot"], true);
    assert!(matches!(appraisal.decision, Decision::Permit(_)));
}

#[test]
fn a_capsule_holds_the_log_and_judges_it_again() {
    let minted = minted(TdBoot::default());
    let (request, settings) = (request(&minted), AppraisalSettings::default());
    let policy = PolicyInForce::default_for(EvidenceKind::Tdx).unwrap();
    let said = engine_for(&minted).appraise(&request, &policy, &settings, at(AT));
    let outcome = said.as_ref();
    let (policy, settings) = (&policy, &settings);
    let judged =
        Judged { request: &request, api_version: None, policy, settings, at: at(AT), outcome };
    let capsule = Capsule::of(&judged);
    let read = Capsule::read(capsule.to_json().as_bytes()).unwrap();
    assert_eq!(read.request, request);
    assert!(read.request.event_log.is_some());
}

#[test]
fn the_policy_of_the_page_permits_the_domain_whose_values_it_names_and_no_other() {
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/tdx.md");
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, policy) = page.split_once("version=1.0;").unwrap();
    let template = format!("version=1.0;{}", policy.split("```").next().unwrap());
    let minted = minted(TdBoot::default());
    let known = claims(with_log(&minted, minted.event_log.clone()).unwrap());
    let value = |name: &str| known[name].as_str().unwrap().to_owned();
    let (mrtd, db) = (value("tdx_mrtd"), value("avouch-secure-boot-db"));
    let permits = |mrtd: &str, db: &str| {
        let text = template.replace(&"0".repeat(96), mrtd).replace(&"0".repeat(64), db);
        let policy = PolicyInForce::from_text(&text).unwrap();
        let (request, settings) = (request(&minted), AppraisalSettings::default());
        let said = engine_for(&minted).appraise(&request, &policy, &settings, at(AT));
        said.unwrap().is_permitted()
    };
    assert!(permits(&mrtd, &db));
    assert!(!permits(&"7".repeat(96), &db), "other firmware");
    assert!(!permits(&mrtd, &"7".repeat(64)), "other keys");
}
