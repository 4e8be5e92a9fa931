//! Guest attestation through the whole appraisal: a recorded machine of Azure's, and its siblings that must
//! be refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod support;

use std::path::Path;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, DataType, Decision,
    Engine, HeldData, PolicyInForce, ReferenceSample, ReferenceValues, Refused, TokenForm,
};
use avouch_mint::bootlog::Ground;
use avouch_mint::tpm::{GuestClient, Isolation};
use avouch_mint::{Minted, Options, mint};
use avouch_pki::pem;
use avouch_policy::{Claim, Decision as PolicyDecision};
use avouch_wire::{EvidenceKind, base64url};
use serde_json::{Value, json};
use support::{at, engine_for, policy_of, vectors};

/// In the validity of the recorded machine's certificate.
const THEN: &str = "2025-01-01T00:00:00Z";

fn engine() -> Engine {
    Engine::new(Anchors::built_in(), Arc::new(EndorsementSet::default()))
}

fn request(evidence: Vec<u8>) -> AppraisalRequest {
    AppraisalRequest {
        kind: EvidenceKind::AzureGuest,
        evidence,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    }
}

fn default_policy() -> PolicyInForce {
    PolicyInForce::default_for(EvidenceKind::AzureGuest).unwrap()
}

fn appraised(document: &Value, moment: &str) -> Result<Appraisal, AppraisalError> {
    let request = request(serde_json::to_vec(document).unwrap());
    engine().appraise(&request, &default_policy(), &AppraisalSettings::default(), at(moment))
}

/// The recorded document of a Trusted Launch machine with Windows, if recordings are there.
fn trusted_launch() -> Option<Value> {
    let path = vectors()?.join("tpm/azure/trusted-launch-windows/attestation-info.json");
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

#[test]
fn the_recorded_trusted_launch_machine_is_permitted_with_the_claims_of_such_machines() {
    let Some(document) = trusted_launch() else { return };
    let appraisal = appraised(&document, THEN).unwrap();
    assert!(appraisal.roots.iter().all(|root| root.is_built_in));
    assert_eq!(appraisal.roots[0].label, "Global Virtual TPM CA - 01");
    let claims = appraisal.permitted().unwrap().claims();
    let key = &claims["x-ms-runtime"]["keys"][0];
    assert_eq!((&key["kid"], &key["kty"]), (&json!("TpmEphemeralEncryptionKey"), &json!("RSA")));
    assert_eq!((&key["key_ops"], &key["e"]), (&json!(["encrypt"]), &json!("AQAB")));
    let modulus = base64url::decode(key["n"].as_str().unwrap()).unwrap();
    let public = document["TpmInfo"]["EncKeyPub"].as_str().unwrap();
    let public = base64url::decode_either(public).unwrap();
    assert!(public.ends_with(&modulus));
    assert_eq!(claims["x-ms-runtime"]["client-payload"], document["ClientPayload"]);
    assert!(!claims.contains_key("avouch-trust-root"));
    assert!(!claims.contains_key("x-ms-isolation-tee"));
    let mut rest: Vec<(&str, &Value)> = claims
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-ms-runtime" | "x-ms-policy-hash"))
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    rest.sort_by_key(|(name, _)| *name);
    let expected = json!({
        "avouch-aik": "certified",
        "secureboot": true,
        "x-ms-attestation-type": "azurevm",
        "x-ms-azurevm-attestation-protocol-ver": "2.0",
        "x-ms-azurevm-attested-pcrs": [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14],
        "x-ms-azurevm-bootdebug-enabled": false,
        "x-ms-azurevm-dbvalidated": true,
        "x-ms-azurevm-dbxvalidated": true,
        "x-ms-azurevm-debuggersdisabled": true,
        "x-ms-azurevm-default-securebootkeysvalidated": true,
        "x-ms-azurevm-elam-enabled": false,
        "x-ms-azurevm-flightsigning-enabled": false,
        "x-ms-azurevm-hvci-policy": 0,
        "x-ms-azurevm-hypervisordebug-enabled": false,
        "x-ms-azurevm-is-windows": true,
        "x-ms-azurevm-kerneldebug-enabled": false,
        "x-ms-azurevm-osbuild": "NotApplicable",
        "x-ms-azurevm-osdistro": "Microsoft",
        "x-ms-azurevm-ostype": "Windows",
        "x-ms-azurevm-osversion-major": 10,
        "x-ms-azurevm-osversion-minor": 0,
        "x-ms-azurevm-signingdisabled": true,
        "x-ms-azurevm-testsigning-enabled": false,
        "x-ms-azurevm-vmid": "93654188-C3A9-4BDE-B6D7-D7A8802F4D8E",
        "x-ms-ver": "1.0",
    });
    let rest: Value = rest
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(rest, expected);
}

/// Every claim of the recorded tokens is there, and of the same JSON type.
#[test]
fn a_token_has_every_claim_that_recorded_tokens_have() {
    let (Some(document), Some(vectors)) = (trusted_launch(), vectors()) else { return };
    let claims = appraised(&document, THEN).unwrap().permitted().unwrap().claims();
    has_claims_of(
        &claims,
        &recorded_token(&vectors, "trusted-launch-windows-2022"),
        "x-ms-azurevm-",
    );
}

/// The same of a confidential machine, the claims of its hardware included.
#[test]
fn a_confidential_machines_token_has_every_claim_that_a_recorded_one_has() {
    let Some(vectors) = vectors() else { return };
    let recorded = recorded_token(&vectors, "cvm-windows-2023");
    let minted = minted(|options| options.guest.isolation = Isolation::Snp);
    let status = Some("azure-compliant-cvm".to_owned());
    let values = ReferenceValues { compliance_status: status, ..ReferenceValues::default() };
    let appraisal = judged_by(&minted, values.with(sample(&minted))).unwrap();
    let claims = appraisal.permitted().unwrap().claims();
    has_claims_of(&claims, &recorded, "avouch-vtpm-");
    let nested = |token: &serde_json::Map<String, Value>| {
        token["x-ms-isolation-tee"].as_object().unwrap().clone()
    };
    has_claims_of(&nested(&claims), &nested(&recorded), "");
    let status = "x-ms-compliance-status";
    assert_eq!(nested(&claims)[status], nested(&recorded)[status]);
    let runtime = |token| nested(token)["x-ms-runtime"].as_object().unwrap().clone();
    has_claims_of(&runtime(&claims), &runtime(&recorded), "");
}

fn recorded_token(vectors: &Path, name: &str) -> serde_json::Map<String, Value> {
    let path = vectors.join(format!("tpm/azure/maa-tokens/{name}.jwt"));
    let token = std::fs::read_to_string(path).unwrap();
    let payload = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Every recorded claim but those of the issuer; those of Azure's machines under another prefix.
fn has_claims_of(
    claims: &serde_json::Map<String, Value>,
    recorded: &serde_json::Map<String, Value>,
    prefix: &str,
) {
    let of_issuer = ["exp", "iat", "iss", "jti", "nbf"];
    for (name, value) in recorded.iter().filter(|(name, _)| !of_issuer.contains(&name.as_str())) {
        let name = name.replace("x-ms-azurevm-", prefix);
        let ours = claims.get(&name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(value), "{name}");
    }
}

#[test]
fn it_counts_in_the_validity_of_its_keys_certificate_only() {
    let Some(document) = trusted_launch() else { return };
    for (moment, check) in [
        ("2024-02-06T23:59:59Z", Some("aik-certificate-not-yet-valid")),
        ("2024-02-07T00:00:00Z", None),
        ("2025-10-30T00:00:00Z", None),
        ("2025-10-30T00:00:01Z", Some("aik-certificate-expired")),
    ] {
        assert_eq!(
            appraised(&document, moment).err().map(|error| error.check()),
            check,
            "{moment}"
        );
    }
}

/// One event of each register, flipped in its data.
#[test]
fn a_log_that_was_changed_is_refused_or_has_nothing_good_said_by_it() {
    let Some(document) = trusted_launch() else { return };
    let log = base64url::decode_either(document["TcgLogs"].as_str().unwrap()).unwrap();
    let with = |log: &[u8]| {
        let mut changed = document.clone();
        changed["TcgLogs"] = base64url::encode_standard(log).into();
        appraised(&changed, THEN)
    };
    let whole = with(&log).unwrap().permitted().unwrap().claims();
    let (mut refused, mut denied) = (0, 0);
    for place in (0..log.len()).step_by(331) {
        let mut changed = log.clone();
        changed[place] ^= 1;
        match with(&changed).map(Appraisal::permitted) {
            Err(_) => refused += 1,
            Ok(Err(_)) => denied += 1,
            // Covered by nothing, or by a digest of another bank alone: it says no more than the whole one.
            Ok(Ok(permitted)) => {
                for (name, value) in &permitted.claims() {
                    assert_eq!(whole.get(name), Some(value), "byte {place}: {name}");
                }
            }
        }
    }
    assert!(refused > 150, "{refused} refused, {denied} denied");
    let nothing = with(&[]).unwrap();
    let Decision::Deny(Refused::Policy { check, .. }) = nothing.decision else {
        panic!("permitted")
    };
    assert_eq!(check, "deny-issued");
}

/// The machine's own log of another state does not explain this quote.
#[test]
fn a_machine_that_hides_what_windows_measured_is_not_taken_for_linux() {
    let Some(mut document) = trusted_launch() else { return };
    let log = base64url::decode_either(document["TcgLogs"].as_str().unwrap()).unwrap();
    // What the sender says of its system changes no fact.
    document["OSType"] = base64url::encode_standard("Linux").into();
    let appraisal = appraised(&document, THEN).unwrap();
    let claims = appraisal.permitted().unwrap().claims();
    assert_eq!(
        (&claims["x-ms-azurevm-is-windows"], &claims["x-ms-azurevm-ostype"]),
        (&json!(true), &json!("Linux"))
    );
    // One of Windows' events is retyped, so that the log of PCR 12 leads elsewhere.
    let tag = 0x06_u32.to_le_bytes();
    let pcr12 = [12_u32.to_le_bytes(), tag].concat();
    let place = log.windows(8).position(|window| window == pcr12).unwrap();
    let mut moved = log.clone();
    moved[place] = 10;
    document["TcgLogs"] = base64url::encode_standard(&moved).into();
    let appraisal = appraised(&document, THEN).unwrap();
    let claim = |name: &str| {
        let found = appraisal.incoming.iter().find(|claim| &*claim.claim_type == name);
        found.unwrap().value.to_json()
    };
    assert_eq!(claim("x-ms-azurevm-is-windows"), json!(false));
    assert_eq!(claim("x-ms-azurevm-debuggersdisabled"), json!(false));
    assert_eq!(claim("x-ms-azurevm-signingdisabled"), json!(false));
    assert!(!appraisal.is_permitted());
}

/// What the default policy demands, of Azure's machines and of others.
const DEMANDED: [&str; 6] = [
    "secureboot",
    "PREFIX-default-securebootkeysvalidated",
    "PREFIX-debuggersdisabled",
    "PREFIX-signingdisabled",
    "PREFIX-dbvalidated",
    "PREFIX-dbxvalidated",
];

/// The default policy's decision where everything that it demands holds, but this.
fn decided_without(missing: Option<&str>, prefix: &str) -> PolicyDecision {
    let policy = default_policy();
    let claim =
        |name: &&str| Claim::service(name.replace("PREFIX", prefix), Some(*name) != missing);
    let claims: Vec<Claim> = DEMANDED.iter().map(claim).collect();
    policy.policy().evaluate(&claims, policy.limits()).unwrap().decision
}

fn is_demanded(condition: &str) {
    assert!(DEMANDED.contains(&condition));
    for prefix in ["x-ms-azurevm", "avouch-vtpm"] {
        assert_eq!(decided_without(None, prefix), PolicyDecision::Permit);
        let decision = decided_without(Some(condition), prefix);
        assert!(matches!(decision, PolicyDecision::Deny(_)), "{prefix}: {decision:?}");
    }
}

#[test]
fn the_default_policy_denies_a_machine_without_secure_boot() {
    is_demanded("secureboot");
}

#[test]
fn the_default_policy_denies_a_machine_with_other_secure_boot_keys() {
    is_demanded("PREFIX-default-securebootkeysvalidated");
}

#[test]
fn the_default_policy_denies_a_machine_that_can_be_debugged() {
    is_demanded("PREFIX-debuggersdisabled");
}

#[test]
fn the_default_policy_denies_a_machine_that_takes_test_signatures() {
    is_demanded("PREFIX-signingdisabled");
}

#[test]
fn the_default_policy_denies_a_machine_with_another_db() {
    is_demanded("PREFIX-dbvalidated");
}

#[test]
fn the_default_policy_denies_a_machine_with_an_old_dbx() {
    is_demanded("PREFIX-dbxvalidated");
}

#[test]
fn data_that_nothing_in_it_binds_are_refused() {
    let Some(document) = trusted_launch() else { return };
    let mut request = request(serde_json::to_vec(&document).unwrap());
    request.runtime_data = Some(HeldData { bytes: b"{}".to_vec(), data_type: DataType::Json });
    let error = engine()
        .appraise(&request, &default_policy(), &AppraisalSettings::default(), at(THEN))
        .unwrap_err();
    assert_eq!(error.check(), "guest-held-data");
}

const MINTED_AT: &str = "2026-05-01T12:00:00Z";

fn minted(change: impl FnOnce(&mut Options)) -> Minted {
    let mut options = Options::new(at(MINTED_AT));
    change(&mut options);
    mint(EvidenceKind::AzureGuest, &options).unwrap()
}

fn judged(minted: &Minted, policy: &PolicyInForce) -> Appraisal {
    let (request, settings) = (support::request(minted), AppraisalSettings::default());
    engine_for(minted).appraise(&request, policy, &settings, at(MINTED_AT)).unwrap()
}

fn permitted(minted: &Minted) -> serde_json::Map<String, Value> {
    let policy = policy_of(EvidenceKind::AzureGuest);
    judged(minted, &policy).permitted().unwrap().claims()
}

/// Whose root an operator names, nothing is called Azure's.
#[test]
fn machines_of_other_hosts_have_the_same_facts_under_names_that_say_so() {
    for isolation in Isolation::ALL {
        for client in [GuestClient::Library, GuestClient::Tool] {
            let minted = minted(|options| {
                (options.guest.isolation, options.guest.client) = (isolation, client);
            });
            let claims = permitted(&minted);
            assert_eq!(claims["x-ms-attestation-type"], "vtpm");
            assert_eq!(
                claims["avouch-vtpm-attested-pcrs"],
                json!([0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14])
            );
            assert_eq!(claims["avouch-vtpm-osversion-major"], 24);
            assert_eq!(claims["secureboot"], true);
            assert_eq!(claims["avouch-vtpm-is-windows"], false);
            assert_eq!(claims["avouch-vtpm-debuggersdisabled"], true, "no Windows");
            assert_eq!(claims["avouch-vtpm-signingdisabled"], true, "no Windows");
            assert_eq!(claims["avouch-vtpm-default-securebootkeysvalidated"], false);
            let foreign = claims["avouch-trust-root"].clone();
            let roots = foreign.as_array().map_or(1, Vec::len);
            assert_eq!(roots, if isolation == Isolation::TrustedLaunch { 1 } else { 2 });
            let text = serde_json::to_string(&claims).unwrap().to_lowercase();
            assert!(!text.contains("azure"), "{text}");
            let payload = &claims["x-ms-runtime"]["client-payload"];
            match client {
                GuestClient::Library => assert_eq!(payload["nonce"], "bWludGVk"),
                GuestClient::Tool => assert_eq!(payload["nested"]["list"], json!([1, 2])),
            }
        }
    }
}

/// What reference values make of minted evidence.
fn judged_by(minted: &Minted, values: ReferenceValues) -> Result<Appraisal, AppraisalError> {
    let (engine, request) = (engine_for(minted), support::request(minted));
    let reference_values = Arc::new(values);
    let settings = AppraisalSettings { reference_values, ..AppraisalSettings::default() };
    engine.appraise(&request, &policy_of(EvidenceKind::AzureGuest), &settings, at(MINTED_AT))
}

/// The reference values that it gives, of a paravisor.
fn sample(minted: &Minted) -> ReferenceSample {
    let appraisal = judged(minted, &policy_of(EvidenceKind::AzureGuest));
    assert!(appraisal.facts.rests_on_paravisor());
    appraisal.facts.reference_subject().unwrap().sample("own").unwrap().of_paravisor()
}

fn finding(appraisal: &Appraisal, name: &str) -> Option<String> {
    let mut findings = appraisal.findings.iter();
    findings.find(|finding| finding.name == name).map(|finding| finding.message.clone())
}

/// The claims that are issued, beside the findings of a name.
fn issued(appraisal: Appraisal, name: &str) -> (serde_json::Map<String, Value>, Option<String>) {
    let told = finding(&appraisal, name);
    (appraisal.permitted().unwrap().claims(), told)
}

#[test]
fn a_confidential_machine_has_its_hardwares_claims_nested() {
    for (isolation, own_type, name) in [
        (Isolation::Snp, "sevsnpvm", "x-ms-sevsnpvm-launchmeasurement"),
        (Isolation::Tdx, "tdxvm", "tdx_mrtd"),
    ] {
        let minted = minted(|options| options.guest.isolation = isolation);
        let known = ReferenceValues::default().with(sample(&minted));
        let (claims, told) = issued(judged_by(&minted, known).unwrap(), "no-known-paravisor");
        assert_eq!(told, None);
        assert_eq!(claims["avouch-paravisor-known"], true);
        let tee = &claims["x-ms-isolation-tee"];
        assert_eq!(tee["x-ms-attestation-type"], own_type);
        assert!(tee[name].is_string(), "{tee}");
        assert_eq!(tee["x-ms-runtime"]["keys"][0]["kid"], "HCLAkPub");
        let id = &tee["x-ms-runtime"]["vm-configuration"]["vmUniqueId"];
        assert_eq!(*id, claims["avouch-vtpm-vmid"]);
        assert!(tee.get("x-ms-ver").is_none() && tee.get("x-ms-policy-hash").is_none());
    }
    let launch = permitted(&minted(|_| {}));
    assert!(!launch.contains_key("x-ms-isolation-tee"));
    assert!(!launch.contains_key("avouch-paravisor-known"));
}

/// Root in some guest has a report made that names the attestation key of any machine, and any machine's name.
#[test]
fn hardware_whose_paravisor_nobody_knows_is_marked_and_names_no_machine() {
    for isolation in [Isolation::Snp, Isolation::Tdx] {
        let minted = minted(|options| options.guest.isolation = isolation);
        let mut plain = sample(&minted);
        match &mut plain {
            ReferenceSample::Snp(entry) => entry.paravisor = false,
            ReferenceSample::Tdx(entry) => entry.paravisor = false,
        }
        let of_other = sample(&self::minted(|options| {
            options.guest.isolation = isolation;
            options.snp.measurement = Some([0x5b; 48]);
            options.td.mr_td = Some([0x5b; 48]);
        }));
        for (values, why) in [
            (ReferenceValues::default(), "there are no reference values of a paravisor for"),
            (ReferenceValues::default().with(plain), "there are no reference values of a"),
            (
                ReferenceValues::default().with(of_other),
                "none of 1 reference values of a paravisor",
            ),
        ] {
            let (claims, told) = issued(judged_by(&minted, values).unwrap(), "no-known-paravisor");
            let told = told.unwrap();
            assert!(told.starts_with("no x-ms-compliance-status") && told.contains(why), "{told}");
            assert_eq!(claims["avouch-aik"], "certified");
            assert_eq!(claims["avouch-paravisor-known"], false, "{isolation:?}");
            let tee = &claims["x-ms-isolation-tee"];
            assert_eq!(tee.get("x-ms-compliance-status"), None, "{isolation:?}");
            assert_eq!(claims.get("avouch-vtpm-vmid"), None, "{isolation:?}");
        }
    }
}

/// Of a genuine report nobody knows whose paravisor bound the key, unless an operator says so.
#[test]
fn without_a_certificate_only_a_paravisor_that_an_operator_names_vouches_for_the_key() {
    let minted = minted(|options| {
        options.guest.isolation = Isolation::Snp;
        options.snp.measurement = Some([0x5a; 48]);
        options.break_name = Some("snp-not-vouched".to_owned());
    });
    let (engine, request) = (engine_for(&minted), support::request(&minted));
    let policy = policy_of(EvidenceKind::AzureGuest);
    let mut settings = AppraisalSettings::default();
    let error = engine.appraise(&request, &policy, &settings, at(MINTED_AT)).unwrap_err();
    assert_eq!(error.check(), "guest-ak-not-vouched");
    // What another machine of the same paravisor gives, which has a certificate.
    let known = self::minted(|options| {
        options.guest.isolation = Isolation::Snp;
        options.snp.measurement = Some([0x5a; 48]);
    });
    let known = judged(&known, &policy);
    assert!(
        known.findings.iter().any(|finding| finding.message.contains("no x-ms-compliance-status")),
        "{:?}",
        known.findings
    );
    let sample = known.facts.reference_subject().unwrap().sample("paravisor").unwrap();
    let values = |sample| Arc::new(ReferenceValues::default().with(sample));
    settings.reference_values = values(sample.clone().of_paravisor());
    let appraisal = engine.appraise(&request, &policy, &settings, at(MINTED_AT)).unwrap();
    let claims = appraisal.permitted().unwrap().claims();
    assert_eq!(claims["avouch-aik"], "reported");
    // Reference values of a plain guest, or of another one, vouch for nothing here.
    let other = self::sample(&self::minted(|options| options.guest.isolation = Isolation::Snp));
    for values in [values(sample), values(other)] {
        settings.reference_values = values;
        let error = engine.appraise(&request, &policy, &settings, at(MINTED_AT)).unwrap_err();
        assert_eq!(error.check(), "guest-ak-not-vouched");
    }
}

/// A certificate that nobody here trusts says nothing; one of another key, or none at all, contradicts.
#[test]
fn a_certificate_beside_a_known_paravisor_is_of_its_key_and_told_of_where_it_does_not_count() {
    let minted = minted(|options| options.guest.isolation = Isolation::Snp);
    let values = ReferenceValues::default().with(sample(&minted));
    let info: Value = serde_json::from_slice(&minted.evidence).unwrap();
    let judged = |engine: &Engine, certificate: &str| {
        let mut changed = info.clone();
        changed["TpmInfo"]["AikCert"] = certificate.into();
        let reference_values = Arc::new(values.clone());
        let settings = AppraisalSettings { reference_values, ..AppraisalSettings::default() };
        let request = request(serde_json::to_vec(&changed).unwrap());
        engine.appraise(&request, &policy_of(EvidenceKind::AzureGuest), &settings, at(MINTED_AT))
    };
    let own = info["TpmInfo"]["AikCert"].as_str().unwrap();
    let trusting = engine_for(&minted);
    let (claims, told) = issued(judged(&trusting, own).unwrap(), "ak-certificate-refused");
    assert_eq!((&claims["avouch-aik"], told), (&json!("certified"), None));
    let distrusting = support::engine_without(&minted, "tpm");
    let (claims, told) = issued(judged(&distrusting, own).unwrap(), "ak-certificate-refused");
    assert_eq!(claims["avouch-aik"], "reported");
    let told = told.unwrap();
    assert!(told.contains("does not count"), "{told}");
    let of_ca = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap().remove(0);
    for (certificate, check) in [
        (base64url::encode_standard(of_ca), "ak-certificate-key"),
        ("Z2FyYmFnZQ==".into(), "aik-certificate-malformed"),
    ] {
        let error = judged(&trusting, &certificate).unwrap_err();
        assert_eq!(error.check(), check, "{error}");
    }
}

/// Nobody is to take a machine of another host for one of Azure's, unless an operator says so.
#[test]
fn a_machine_of_another_host_has_the_status_that_an_operator_names_and_no_other() {
    for isolation in [Isolation::Snp, Isolation::Tdx] {
        let minted = minted(|options| options.guest.isolation = isolation);
        let (engine, request) = (engine_for(&minted), support::request(&minted));
        let policy = policy_of(EvidenceKind::AzureGuest);
        let values = ReferenceValues::default().with(sample(&minted));
        let status = |values: &ReferenceValues| {
            let reference_values = Arc::new(values.clone());
            let settings = AppraisalSettings { reference_values, ..AppraisalSettings::default() };
            let appraisal = engine.appraise(&request, &policy, &settings, at(MINTED_AT)).unwrap();
            let told = appraisal.findings.iter().find(|it| it.name == "no-compliance-status");
            let told = told.map(|finding| finding.message.clone());
            let claims = appraisal.permitted().unwrap().claims();
            assert_eq!(claims["x-ms-attestation-type"], "vtpm");
            let text = serde_json::to_string(&claims).unwrap();
            let tee = &claims["x-ms-isolation-tee"];
            (tee.get("x-ms-compliance-status").cloned(), told, text.contains("azure"))
        };
        let (found, told, says_azure) = status(&values);
        assert_eq!((found, says_azure), (None, false), "{isolation:?}");
        let told = told.unwrap();
        assert!(told.contains("own matches and names none"), "{told}");
        // At the head of the file, or beside the entry.
        for named in ["ours", "azure-compliant-cvm"] {
            let head =
                ReferenceValues { compliance_status: Some(named.to_owned()), ..values.clone() };
            let mut own = values.clone();
            own.snp.iter_mut().for_each(|it| it.compliance_status = Some(named.to_owned()));
            own.tdx.iter_mut().for_each(|it| it.compliance_status = Some(named.to_owned()));
            for values in [head, own] {
                let (found, told, _) = status(&values);
                assert_eq!((found, told), (Some(named.into()), None), "{isolation:?}");
            }
        }
    }
}

#[test]
fn a_machine_without_secure_boot_is_denied_by_the_default_policy() {
    let policy = default_policy();
    for boot in [Ground::LinuxOff, Ground::LinuxInsecure, Ground::Linux] {
        let minted = minted(|options| options.tpm.boot = boot);
        let decision = judged(&minted, &policy).decision;
        let Decision::Deny(refused) = decision else { panic!("{boot:?}") };
        assert_eq!(refused.check(), "deny-issued", "{boot:?}: its keys are nobody's");
    }
}
