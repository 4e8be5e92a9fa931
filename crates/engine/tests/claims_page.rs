//! `docs/claims.md` tells of every claim: it is written from the claims' descriptions and from minted
//! evidence. `AVOUCH_WRITE_CLAIMS=1` writes it anew.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use avouch_claims::{Description, Form, SeenBy, describe, descriptions};
use avouch_dcap::{PlatformException, TcbFloor};
use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalRequest, AppraisalSettings, Challenged, Engine, Nonce,
    PolicyInForce, TokenForm, Vendor, policy_vocabulary,
};
use avouch_mint::bootlog::{Ground, TdBoot};
use avouch_mint::snp::{UvmForm, uvm_publisher};
use avouch_mint::tpm::{self, TpmMachine};
use avouch_mint::vbs;
use avouch_mint::{HeldData, Kss, Options, mint};
use avouch_pki::Certificate;
use avouch_policy::lint::{KnownClaim, LintSlug, ValueForm, lint};
use avouch_policy::{Limits, Policy};
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_token::policy_jws::{JwsContent, PolicySigner, SignedForm, create_signed};
use avouch_token::{KeySpec, Payload, PayloadError, SigningKey, provider_certificate};
use avouch_tpm::protocol::ContextKey;
use avouch_wire::{DefaultPolicy, EvidenceKind, Hex, base64url};
use serde_json::{Map, Value, json};
use support::{at, engine_for, request};

const AT: &str = "2026-05-01T12:00:00Z";
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/claims.md");

/// A signed policy that issues a claim.
fn policy() -> PolicyInForce {
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let certificate = provider_certificate(&key, "https://signer.example", None).unwrap();
    let chain = [Certificate::parse(&certificate).unwrap()];
    let signer = PolicySigner::new(&key, &chain).unwrap();
    let text = "version=1.0; authorizationrules{=> permit();}; \
                issuancerules{=> issue(type=\"team\", value=\"blue\");};";
    let jws = create_signed(JwsContent::Policy(text), SignedForm::Compact, signer).unwrap();
    PolicyInForce::from_jws(jws.as_bytes()).unwrap()
}

/// What minted evidence says under one name, and to whom.
#[derive(Debug, Clone, Default)]
struct Seen {
    by_policy: Option<Value>,
    in_token: Option<Value>,
}

impl Seen {
    /// As tokens have it, or else as policies do, with JSON read.
    fn value(&self) -> Value {
        let text = self.by_policy.clone();
        self.in_token.clone().or(text).expect("seen by somebody")
    }

    fn by_whom(&self) -> &'static str {
        match (&self.by_policy, &self.in_token) {
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "policy",
            (None, _) => "token",
        }
    }
}

/// Adds what a policy and a relying party see.
fn add(found: &mut BTreeMap<String, Seen>, appraisal: Appraisal) {
    for claim in &appraisal.incoming {
        let value = serde_json::to_value(claim).unwrap()["value"].clone();
        found.entry(claim.claim_type.to_string()).or_default().by_policy = Some(value);
    }
    let permitted = appraisal.permitted().unwrap();
    for (name, value) in permitted.claims() {
        found.entry(name.clone()).or_default().in_token = Some(value.clone());
    }
}

/// Every claim that can be made of evidence of a kind.
fn claims_of(kind: EvidenceKind) -> BTreeMap<String, Seen> {
    let mut found = match kind {
        EvidenceKind::Tpm => tpm_claims(),
        EvidenceKind::AzureGuest => guest_claims(),
        _ => claims_of_one_message(kind),
    };
    // What the policy issued itself.
    found.remove("team").unwrap();
    found
}

/// Those of a machine that slept, measured files, and enrolled.
fn tpm_claims() -> BTreeMap<String, Seen> {
    let at = at(AT);
    let machine = TpmMachine { boot: Ground::Linux, measures_files: true };
    let measured = machine.measurements().unwrap();
    let options = tpm::TpmOptions {
        form: tpm::RequestForm::SecondAfterSleep,
        log: measured.log,
        ima: measured.ima,
        pcrs: measured.pcrs,
        ..tpm::TpmOptions::new(at)
    };
    let minted = tpm::mint(&options).unwrap();
    let key = ContextKey::new(&[1; 32]).unwrap();
    let enrolment = support::enrolment(&minted);
    let sealed = enrolment.seal(&key, [2; 12]).unwrap();
    let enrolled = tpm::mint(&tpm::TpmOptions { enrolment: Some(sealed), ..options }).unwrap();
    let enclave = vbs::mint(&vbs::VbsOptions::new(at)).unwrap();
    let roots = format!("{}{}", minted.aik_root_pem, minted.ek_root_pem);
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), roots.as_bytes()).unwrap();
    let windows = enclave.windows_ca_pem.as_bytes();
    let anchors = anchors.with_roots(Some(Vendor::Windows), windows).unwrap();
    let engine = Engine::new(anchors, Arc::new(EndorsementSet::default()));
    let mut found = BTreeMap::new();
    for (minted, enrolment) in [(enclave.tpm, None), (minted, None), (enrolled, Some(enrolment))] {
        let challenged =
            Some(Challenged { challenge: minted.challenge.to_vec(), aik: None, enrolment });
        let request = AppraisalRequest {
            kind: EvidenceKind::Tpm,
            evidence: minted.request.into_bytes(),
            runtime_data: None,
            init_time_data: None,
            event_log: None,
            challenged,
            nonce: None,
            token_form: TokenForm::Current,
        };
        let settings = AppraisalSettings::default();
        add(&mut found, engine.appraise(&request, &policy(), &settings, at).unwrap());
    }
    // What the client says of itself.
    found.remove("urn:avouch:custom-claim:site").unwrap();
    // MAA's reports have both names of the version.
    found.get_mut("ver").unwrap().in_token.take().unwrap();
    found
}

/// Those of a confidential machine and of another. Nobody can mint one of Azure's, whose facts have other names and are the
/// same.
fn guest_claims() -> BTreeMap<String, Seen> {
    let mut found = BTreeMap::new();
    for isolation in [tpm::Isolation::Snp, tpm::Isolation::TrustedLaunch] {
        let mut options = Options::new(at(AT));
        options.guest.isolation = isolation;
        let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
        let nonce = Some(Nonce::Text("123456".to_owned()));
        let request = AppraisalRequest { nonce, ..request(&minted) };
        let settings = support::vouched_for(&minted, AppraisalSettings::default(), at(AT));
        let engine = engine_for(&minted);
        add(&mut found, engine.appraise(&request, &policy(), &settings, at(AT)).unwrap());
    }
    let of_azure: Vec<(String, Seen)> = found
        .iter()
        .filter_map(|(name, seen)| {
            let name = name.strip_prefix("avouch-vtpm-")?;
            Some((format!("x-ms-azurevm-{name}"), seen.clone()))
        })
        .collect();
    found.extend(of_azure);
    found
}

fn claims_of_one_message(kind: EvidenceKind) -> BTreeMap<String, Seen> {
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    for held in [HeldData::json(r#"{"claim":"mine"}"#), HeldData::binary(*b"held data")] {
        let mut options = Options::new(at(AT));
        options.runtime_data = Some(held);
        options.init_time_data = Some(HeldData::json(r#"{"claim":"mine"}"#));
        options.enclave.kss = Some(Kss::default());
        options.snp.uvm = Some(UvmForm::Json);
        options.td.boot = Some(TdBoot::default());
        let publisher = uvm_publisher(&options).unwrap();
        let entry = UvmTrustEntry {
            issuer: publisher.issuer,
            feed: publisher.feed,
            minimum_svn: publisher.minimum_svn,
            compliance_status: Some("azure-compliant-uvm".to_owned()),
        };
        let settings = AppraisalSettings {
            uvm: UvmTrust { entries: vec![entry] },
            ..AppraisalSettings::default()
        };
        let minted = mint(kind, &options).unwrap();
        let settings = support::vouched_for(&minted, settings, at(AT));
        let nonce = Some(Nonce::Text("123456".to_owned()));
        let request = AppraisalRequest { nonce, ..request(&minted) };
        let appraisal =
            engine_for(&minted).appraise(&request, &policy(), &settings, at(AT)).unwrap();
        add(&mut found, appraisal);
    }
    if matches!(kind, EvidenceKind::Sgx | EvidenceKind::OpenEnclave | EvidenceKind::Tdx) {
        add(&mut found, excepted(kind));
    }
    found
}

/// Of a platform that no TCB level fits, accepted by an exception.
fn excepted(kind: EvidenceKind) -> Appraisal {
    let minted = mint(kind, &Options::new(at(AT)).broken("tcb-level-none")).unwrap();
    let minimum_tcb = TcbFloor {
        sgx_components: [0; 16],
        pce_svn: 1,
        tdx_components: (kind == EvidenceKind::Tdx).then_some([0; 16]),
    };
    let mut settings = AppraisalSettings::default();
    settings.intel.platform_exceptions = vec![PlatformException {
        name: "hosts of our cloud".to_owned(),
        fmspc: Hex(Options::new(at(AT)).platform.fmspc),
        reason: "the cloud maintains them".to_owned(),
        minimum_tcb,
        until: at("2027-06-30T23:59:59Z"),
    }];
    engine_for(&minted).appraise(&request(&minted), &policy(), &settings, at(AT)).unwrap()
}

/// The kinds whose claims differ: Open Enclave's are those of SGX.
const KINDS: [(EvidenceKind, &str); 5] = [
    (EvidenceKind::Sgx, "SGX and Open Enclave"),
    (EvidenceKind::Tdx, "TDX"),
    (EvidenceKind::Snp, "SEV-SNP"),
    (EvidenceKind::Tpm, "TPM, and VBS enclaves"),
    (EvidenceKind::AzureGuest, "Guest attestation"),
];

fn all() -> Vec<(&'static str, BTreeMap<String, Seen>)> {
    KINDS.iter().map(|(kind, title)| (*title, claims_of(*kind))).collect()
}

/// Names that only the issuer may fill, with what they look like.
fn issuer_examples() -> [(&'static str, Value); 5] {
    [
        ("iss", json!("https://localhost:8443")),
        ("iat", json!(at(AT).seconds())),
        ("nbf", json!(at(AT).seconds())),
        ("exp", json!(at(AT).seconds() + 28_800)),
        ("jti", json!("5c".repeat(32))),
    ]
}

fn is_of_form(value: &Value, form: Form) -> bool {
    let text = value.as_str();
    let is_lower_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match form {
        Form::Hex(bytes) => text.is_some_and(|text| text.len() == 2 * bytes && is_lower_hex(text)),
        Form::Base64Url(bytes) => {
            text.is_some_and(|text| base64url::decode(text).is_ok_and(|found| found.len() == bytes))
        }
        Form::AnyBase64Url => text.is_some_and(|text| base64url::decode(text).is_ok()),
        Form::Integer => value.is_i64(),
        Form::Boolean => value.is_boolean(),
        Form::Text => text.is_some(),
        Form::Json => {
            let read = text.map(|text| serde_json::from_str(text).unwrap_or_default());
            read.as_ref().unwrap_or(value).is_object()
        }
        Form::JsonArray => {
            let read = text.map(|text| serde_json::from_str(text).unwrap_or_default());
            read.as_ref().unwrap_or(value).is_array()
        }
        Form::AsSent => true,
    }
}

#[test]
fn every_claim_is_described_and_nothing_else_is() {
    let mut found: BTreeSet<String> = issuer_examples().map(|(name, _)| name.to_owned()).into();
    for (title, claims) in all() {
        for (name, seen) in &claims {
            let description = describe(name).unwrap_or_else(|| panic!("{title}: {name}"));
            for value in [&seen.by_policy, &seen.in_token].into_iter().flatten() {
                assert!(is_of_form(value, description.form), "{name}: {value}");
            }
        }
        found.extend(claims.into_keys());
    }
    let described: Vec<&str> = descriptions().map(|description| description.name).collect();
    let distinct: BTreeSet<String> = described.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), described.len(), "a claim is described twice");
    assert_eq!(distinct, found);
    for (name, value) in issuer_examples() {
        assert!(is_of_form(&value, describe(name).unwrap().form), "{name}");
        let claims = Map::from_iter([(name.to_owned(), value)]);
        assert!(matches!(
            Payload::new(&claims, avouch_token::TokenTimes::attestation(at(AT))),
            Err(PayloadError::Reserved { .. })
        ));
    }
}

#[test]
fn the_tables_say_who_sees_a_claim() {
    for (title, claims) in all() {
        for (name, seen) in claims {
            let told = describe(&name).unwrap().seen_by;
            let expected = match seen.by_whom() {
                "both" => SeenBy::Both,
                "policy" => SeenBy::Policy,
                _ => SeenBy::Token,
            };
            assert_eq!(told, expected, "{title}: {name}");
        }
    }
}

#[test]
fn policies_are_checked_by_exactly_the_claims_that_they_are_given() {
    for kind in EvidenceKind::appraised() {
        let vocabulary = policy_vocabulary(Some(kind));
        assert!(vocabulary.is_complete, "{kind}");
        let known: Vec<&str> = vocabulary.claims.iter().map(|claim| claim.name).collect();
        let distinct: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), known.len(), "{kind}: a name is listed twice");
        let given = claims_of(kind).into_iter().filter(|(_, seen)| seen.by_policy.is_some());
        let mut given: BTreeSet<String> = given.map(|(name, _)| name).collect();
        if kind == EvidenceKind::AzureGuest {
            given.insert("x-ms-inittime".to_owned());
        }
        if kind.answers_challenge() {
            // It has no place for such data.
            given.extend(["x-ms-runtime".to_owned(), "x-ms-inittime".to_owned()]);
        }
        assert_eq!(distinct, given, "{kind}");
    }
}

#[test]
fn policies_are_checked_by_the_length_and_alphabet_of_every_claim_that_has_one() {
    let of_all = policy_vocabulary(None);
    assert!(!of_all.is_complete && of_all.has_client_claims && of_all.settings.is_none());
    assert_eq!(of_all.attestation_types[..3], ["sgx", "tdxvm", "sevsnpvm"]);
    let form = |claims: &[KnownClaim], name: &str| {
        let mut found = claims.iter().filter(|claim| claim.name == name);
        let form = found.next().unwrap_or_else(|| panic!("{name}")).form;
        assert!(found.next().is_none(), "{name} is listed twice");
        form
    };
    for (name, expected) in [
        ("x-ms-sgx-mrenclave", Some(ValueForm::Hex(64))),
        ("x-ms-policy-hash", Some(ValueForm::Base64Url(43))),
        ("tdx_xfam", Some(ValueForm::Hex(16))),
        ("x-ms-sgx-ehd", None),
        ("x-ms-ver", None),
    ] {
        assert_eq!(form(&of_all.claims, name), expected, "{name}");
    }
    for kind in EvidenceKind::appraised() {
        for claim in policy_vocabulary(Some(kind)).claims {
            assert_eq!(claim.form, form(&of_all.claims, claim.name), "{kind}: {}", claim.name);
        }
    }
    // Of a kind without a table, what may be said is that of all.
    let hsm = policy_vocabulary(Some(EvidenceKind::AiHsm));
    assert_eq!((hsm.is_complete, hsm.claims), (false, of_all.claims));
    assert_eq!(hsm.attestation_types, ["aihsm"]);
}

#[test]
fn policies_are_checked_by_what_their_kind_of_evidence_understands() {
    let warned = |text: &str, kind: EvidenceKind| -> Vec<LintSlug> {
        let policy = Policy::compile(text, &Limits::default()).unwrap();
        lint(&policy, &policy_vocabulary(Some(kind))).into_iter().map(|lint| lint.slug).collect()
    };
    let open =
        "version=1.0; authorizationrules { [type==\"x-ms-ver\", value==\"1.0\"] => permit(); };";
    let permit = "authorizationrules { => permit(); };";
    let configured = |name, value| {
        let rule = format!("=> issueproperty(type=\"{name}\", value={value});");
        (name, format!("version=1.2; configurationrules {{ {rule} }}; {permit}"))
    };
    let issued = |name, value| {
        let rule = format!("=> issueproperty(type=\"{name}\", value={value});");
        (name, format!("version=1.2; {permit} issuancerules {{ {rule} }};"))
    };
    let settings = [
        configured("x-ms-sgx-tcbidentifier", "\"17\""),
        configured("required_pcr_mask", "255"),
        configured("require_valid_aik_cert", "true"),
        issued("report_validity_in_minutes", "60"),
        issued("omit_x5c", "true"),
    ];
    let (mut clients, mut understood) = (0, 0);
    for kind in EvidenceKind::all() {
        let asks = warned(open, kind).contains(&LintSlug::SelectorWithoutIssuer);
        assert_eq!(asks, kind.has_client_claims(), "{kind}");
        clients += usize::from(asks);
        for (name, text) in &settings {
            let effect = !warned(text, kind).contains(&LintSlug::IneffectiveProperty);
            assert_eq!(effect, kind.policy_settings().contains(name), "{kind}: {name}");
            understood += usize::from(effect);
        }
    }
    // SGX, Open Enclave and TDX choose a TCB recovery; the other four are of TPMs.
    assert_eq!((clients, understood), (5, 7));
}

#[test]
fn default_policies_are_written_in_the_words_of_their_kind() {
    for kind in EvidenceKind::appraised() {
        let Some(policy) = PolicyInForce::default_for(kind) else {
            assert_eq!(kind.default_policy(), DefaultPolicy::Absent, "{kind}");
            continue;
        };
        let text = policy.policy().text();
        let policy = Policy::compile(text, &Limits::default()).unwrap();
        let lints = lint(&policy, &policy_vocabulary(Some(kind)));
        let odd = lints.iter().map(|lint| lint.slug);
        let odd: Vec<_> = odd.filter(|slug| *slug != LintSlug::PermitAfterDenies).collect();
        assert_eq!(odd, [], "{kind}");
    }
}

fn form_text(form: Form) -> String {
    match form {
        Form::Hex(bytes) => format!("hex, {} digits", 2 * bytes),
        Form::Base64Url(bytes) => format!("base64url, {} characters", (8 * bytes).div_ceil(6)),
        Form::AnyBase64Url => "base64url".to_owned(),
        Form::Integer => "integer".to_owned(),
        Form::Boolean => "boolean".to_owned(),
        Form::Text => "text".to_owned(),
        Form::Json => "JSON object".to_owned(),
        Form::JsonArray => "JSON array".to_owned(),
        Form::AsSent => "as sent".to_owned(),
    }
}

/// A value on one line, long texts cut; what differs from run to run is left out.
fn shown(value: &Value, form: Form) -> String {
    if matches!(form, Form::Json | Form::JsonArray) {
        let read = value.as_str().map(|text| serde_json::from_str(text).unwrap());
        return masked(read.as_ref().unwrap_or(value)).to_string();
    }
    match value {
        Value::String(text) if text.len() > 40 && form != Form::Text => {
            format!("\"{}…\"", &text[..16])
        }
        other => other.to_string(),
    }
}

/// JSON with long texts left out: they hold hashes and certificates of keys made anew for each run.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 40 => "…".into(),
        Value::Array(values) => values.iter().map(masked).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), masked(value))).collect()
        }
        other => other.clone(),
    }
}

fn table<'a>(rows: impl Iterator<Item = (&'a Description, &'static str, Value)>) -> String {
    let mut text =
        "| claim | type | who sees it | meaning | example |\n|---|---|---|---|---|\n".to_owned();
    for (Description { name, form, meaning, .. }, by_whom, value) in rows {
        // Certificates of endorsement keys are signed anew for each run.
        let value = if *name == "avouch-tpm-ek" { json!("…") } else { value };
        let (form_text, value) = (form_text(*form), shown(&value, *form));
        text.push_str(&format!("| `{name}` | {form_text} | {by_whom} | {meaning} | `{value}` |\n"));
    }
    text
}

/// The rows in the order of the descriptions.
fn rows<'a>(
    claims: &'a BTreeMap<String, Seen>,
    wanted: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (&'static Description, &'static str, Value)> + 'a {
    descriptions().filter(move |description| wanted(description.name)).filter_map(|description| {
        let seen = claims.get(description.name)?;
        Some((description, seen.by_whom(), seen.value()))
    })
}

fn page() -> String {
    let all = all();
    let is_common = |name: &str| all.iter().all(|(_, claims)| claims.contains_key(name));
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Every kind\n\n");
    text.push_str(&table(rows(&all[0].1, is_common)));
    text.push_str("\n## The issuer's own\n\n");
    let issuer = issuer_examples();
    let issuer = issuer.into_iter().map(|(name, value)| (describe(name).unwrap(), "token", value));
    text.push_str(&table(issuer));
    for (title, claims) in &all {
        text.push_str(&format!("\n## {title}\n\n"));
        text.push_str(&table(rows(claims, |name| !is_common(name))));
    }
    text
}

const INTRODUCTION: &str = "\
# Claims

Every claim that Avouch makes of evidence, under MAA's names. A test writes this page from the tables in
`crates/claims` and from minted evidence, and fails when the page is not what it would write.

* **Who sees it**: `policy` is a claim that the provider's policy reads, with the issuer
  `AttestationService`; `token` is one in the token; `both` is both. Claims that a policy issues come to
  these in the token, and in `x-ms-policy`.
* **Type**: hex is in lower case. Policies see a JSON object as a string that holds its text.
* Every claim is made of evidence that verified. What an attester puts into report data, held data, or a
  configuration that its owner gives is bound to the evidence, and means what attester and owner say it means.
* Tokens of api-version 2018-09-01-preview have the older names, without their `$`.

`avouch appraise KIND FILE --claims-out claims.json` writes the claims of evidence at hand, in the form that
[policy tests](policy.md#tests-for-policies) take. `avouch policy check --type KIND` warns of claims that do
not exist, and of values that they cannot have.
";

#[test]
fn the_page_tells_of_every_claim() {
    let written = page();
    if std::env::var_os("AVOUCH_WRITE_CLAIMS").is_some() {
        std::fs::write(PAGE, &written).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(found == written, "docs/claims.md is stale: AVOUCH_WRITE_CLAIMS=1 writes it anew");
}
