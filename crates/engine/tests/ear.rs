//! Attestation results (EAR): genuine evidence has the tiers that its facts give, in every signature algorithm, and
//! what was changed or signed by another key is refused. `tests/clients/rust` reads them by the crate `ear`.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use avouch_engine::{
    Appraisal, AppraisalRequest, AppraisalSettings, Decision, Nonce, PolicyInForce,
    ReferenceValues, TokenForm, VerifierId,
};
use avouch_mint::tpm::Isolation;
use avouch_mint::vbs::{VbsOptions, mint as mint_vbs};
use avouch_mint::{Options, TcbStatus, mint};
use avouch_snp::{Product, Tcb, TcbFloor};
use avouch_token::{
    Algorithm, EAR_PROFILE, Expectations, Jwks, KeySpec, Payload, PublishedKey, SigningKey,
    TokenFormat, TokenIssuer, TokenTimes, jwks_document, provider_certificate, public_jwk_members,
    verify_token,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, base64url};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use support::{accept_any_tcb, at, engine, engine_for, policy_of, request, vectors, vouched_for};

const ISSUER: &str = "https://attest.example";
const NONCE: &str = "bm9uY2Utb2YtYS1jbGllbnQ";
const VERIFIER: VerifierId<'_> = VerifierId { developer: "tests", build: "build 7" };
const NONE: &str = "none";
const AFFIRMING: &str = "affirming";
const WARNING: &str = "warning";
const CONTRAINDICATED: &str = "contraindicated";
const PERMISSIVE: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixTime::from_seconds(since.as_secs().try_into().unwrap()).unwrap()
}

/// The claims of the result that an appraisal permits.
fn result(appraisal: &Appraisal) -> Map<String, Value> {
    match &appraisal.decision {
        Decision::Permit(permitted) => permitted.attestation_result(VERIFIER, permitted.claims()),
        Decision::Deny(refused) => panic!("{refused}"),
    }
}

struct Signed {
    key: Arc<SigningKey>,
    token: String,
}

fn signed(claims: &Map<String, Value>, spec: KeySpec) -> Signed {
    let key = Arc::new(SigningKey::generate(spec).unwrap());
    let issuer = TokenIssuer::new(Arc::clone(&key) as _, ISSUER).unwrap();
    let payload = Payload::new(claims, TokenTimes::attestation(now())).unwrap();
    let token = issuer.sign_as(TokenFormat::AttestationResult, &payload).unwrap();
    Signed { key, token }
}

/// Everything that a result says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ear {
    eat_profile: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    ear_verifier_id: BTreeMap<String, String>,
    ear_status: String,
    submods: BTreeMap<String, Submodule>,
    eat_nonce: Option<String>,
    #[serde(rename = "avouch-token-claims")]
    token_claims: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submodule {
    ear_status: String,
    ear_trustworthiness_vector: BTreeMap<String, u8>,
    ear_appraisal_policy_ids: Vec<String>,
}

/// As a relying party reads it.
fn read(token: &str, key: &SigningKey) -> jsonwebtoken::errors::Result<Ear> {
    let algorithm = match avouch_token::Signer::algorithm(key) {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        other => panic!("{other}"),
    };
    let members = public_jwk_members(avouch_token::Signer::public_key(key));
    let members: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let jwk: Jwk = serde_json::from_value(Value::Object(members)).unwrap();
    let key = DecodingKey::from_jwk(&jwk)?;
    Ok(jsonwebtoken::decode(token, &key, &Validation::new(algorithm))?.claims)
}

fn consumed(appraisal: &Appraisal) -> Ear {
    let Signed { key, token } = signed(&result(appraisal), KeySpec::P256);
    read(&token, &key).unwrap()
}

/// `instance-identity`, `configuration`, `executables`, `file-system`, `hardware`, `runtime-opaque`; the others say
/// nothing.
fn vector(ear: &Ear, attester: &str) -> [u8; 6] {
    let mut vector = ear.submods[attester].ear_trustworthiness_vector.clone();
    let mut next = |name: &str| vector.remove(name).unwrap();
    let values = [
        next("instance-identity"),
        next("configuration"),
        next("executables"),
        next("file-system"),
        next("hardware"),
        next("runtime-opaque"),
    ];
    assert_eq!([next("storage-opaque"), next("sourced-data")], [0, 0]);
    assert!(vector.is_empty());
    values
}

fn names(ear: &Ear) -> Vec<&str> {
    ear.submods.keys().map(String::as_str).collect()
}

fn quoted(kind: EvidenceKind, evidence: Vec<u8>) -> AppraisalRequest {
    AppraisalRequest {
        kind,
        evidence,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: Some(Nonce::Text(NONCE.to_owned())),
        token_form: TokenForm::Current,
    }
}

fn permissive() -> PolicyInForce {
    PolicyInForce::from_text(PERMISSIVE).unwrap()
}

/// Settings that refuse nothing that verified.
fn everything() -> AppraisalSettings {
    let mut settings = accept_any_tcb();
    settings.intel.refuse_migratable = false;
    settings.intel.refuse_service_td = false;
    settings.snp = avouch_snp::Acceptance::everything();
    settings
}

#[test]
fn genuine_quotes_have_the_tiers_of_their_tcb_and_their_attributes() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("intel");
    let (sgx, tdx) = (EvidenceKind::Sgx, EvidenceKind::Tdx);
    for (kind, quote, collateral, judged_at, expected, status) in [
        (
            tdx,
            "tdx/tdx-v4-b0c06f000000-a.bin",
            "tdx-b0c06f000000-e17-2025-06-19",
            "2025-07-04T10:00:00Z",
            [2, 3, 0, 0, 2, 2],
            AFFIRMING,
        ),
        (
            tdx,
            "tdx/tdx-v4-b0c06f000000-a.bin",
            "tdx-b0c06f000000-e20-2026-10-08",
            "2026-10-23T00:00:00Z",
            [2, 0, 0, 0, 32, 2],
            WARNING,
        ),
        (
            tdx,
            "tdx/tdx-v4-debug-50806f000000.bin",
            "tdx-50806f000000-e15-2023-06-18",
            "2023-06-28T08:00:00Z",
            [2, 96, 0, 0, 2, 96],
            CONTRAINDICATED,
        ),
        (
            tdx,
            "tdx/tdx-v5-migratable-00806f050000.bin",
            "tdx-00806f050000-e17-2025-06-04",
            "2025-06-19T09:00:00Z",
            [2, 36, 0, 0, 32, 2],
            WARNING,
        ),
        (
            tdx,
            "tdx/tdx-v5-relaunch-90c06f000000.bin",
            "tdx-90c06f000000-e18-2025-02-26",
            "2025-03-10T11:00:00Z",
            [2, 0, 0, 0, 32, 2],
            WARNING,
        ),
        (
            sgx,
            "sgx/sgx-v3-release-00606a000000-a.bin",
            "sgx-00606a000000-e17-2025-06-06",
            "2025-06-20T10:00:00Z",
            [2, 0, 0, 0, 32, 2],
            WARNING,
        ),
        (
            sgx,
            "sgx/sgx-v3-release-00a067110000.bin",
            "sgx-00a067110000-e17-2025-06-19",
            "2025-07-04T10:00:00Z",
            [2, 32, 0, 0, 32, 2],
            WARNING,
        ),
        (
            sgx,
            "sgx/azure-intelsdk-debug.bin",
            "sgx-00906ed50000-e19-2025-06-04",
            "2025-06-26T17:00:00Z",
            [2, 96, 0, 0, 32, 96],
            CONTRAINDICATED,
        ),
    ] {
        let collateral = folder.join("collateral").join(format!("{collateral}.json"));
        let engine = engine(None, &[&std::fs::read(collateral).unwrap()]).unwrap();
        let request = quoted(kind, std::fs::read(folder.join(quote)).unwrap());
        let policy = permissive();
        let appraisal = engine.appraise(&request, &policy, &everything(), at(judged_at)).unwrap();
        let ear = consumed(&appraisal);
        assert_eq!(names(&ear), [kind.name()], "{quote}");
        assert_eq!(vector(&ear, kind.name()), expected, "{quote} {judged_at}");
        assert_eq!(ear.submods[kind.name()].ear_status, status, "{quote}");
        assert_eq!(ear.ear_status, status, "{quote}");
        assert_eq!(ear.eat_nonce.as_deref(), Some(NONCE));
    }
}

#[test]
fn a_genuine_report_is_affirmed_in_its_firmware_only_where_the_operator_sets_a_floor() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("snp/maa");
    let body = std::fs::read(folder.join("sevsnp-sample-request.json")).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let token = std::fs::read_to_string(folder.join("sevsnp-sample-token.jwt")).unwrap();
    let payload = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    let judged_at = UnixTime::from_seconds(payload["iat"].as_i64().unwrap()).unwrap();
    let evidence = base64url::decode(body["report"].as_str().unwrap()).unwrap();
    let request = quoted(EvidenceKind::Snp, evidence);
    let engine = engine(None, &[]).unwrap();
    let appraise = |settings: &AppraisalSettings| {
        let appraisal = engine.appraise(&request, &permissive(), settings, judged_at).unwrap();
        vector(&consumed(&appraisal), "snp")
    };
    let mut settings = everything();
    let plain = appraise(&settings);
    assert_eq!((plain[0], plain[4]), (2, 0), "{plain:?}");
    let floor = TcbFloor { reported: Some(Tcb::default()), ..TcbFloor::default() };
    settings.snp.minimum_tcb = Product::ALL.map(|product| (product, floor)).into();
    let floored = appraise(&settings);
    assert_eq!((floored[0], floored[4]), (2, 2), "{floored:?}");
    assert_eq!(plain[1..4], floored[1..4]);
}

#[test]
fn every_algorithm_is_read_and_another_key_or_a_changed_token_is_refused() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let mut request = request(&minted);
    request.nonce = Some(Nonce::Text(NONCE.to_owned()));
    let policy = policy_of(EvidenceKind::Sgx);
    let engine = engine_for(&minted);
    let settings = AppraisalSettings::default();
    let appraisal = engine.appraise(&request, &policy, &settings, now()).unwrap();
    let claims = result(&appraisal);
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384] {
        let Signed { key, token } = signed(&claims, spec);
        let ear = read(&token, &key).unwrap();
        assert_eq!((ear.eat_profile.as_str(), ear.iss.as_str()), (EAR_PROFILE, ISSUER));
        assert_eq!(json!(ear.ear_verifier_id), json!({"developer": "tests", "build": "build 7"}));
        assert_eq!((ear.exp - ear.iat, ear.nbf), (28_800, ear.iat));
        assert_eq!(ear.submods["sgx"].ear_appraisal_policy_ids, [policy.hash()]);

        let other = SigningKey::generate(spec).unwrap();
        let refused = read(&token, &other).unwrap_err();
        assert_eq!(refused.kind(), &ErrorKind::InvalidSignature);
        // The same with a better status.
        let mut parts = token.split('.');
        let (head, payload) = (parts.next().unwrap(), parts.next().unwrap());
        let payload = String::from_utf8(base64url::decode(payload).unwrap()).unwrap();
        assert!(payload.contains("\"ear_status\":\"none\""), "{payload}");
        let better = payload.replace("\"ear_status\":\"none\"", "\"ear_status\":\"affirming\"");
        let forged = format!("{head}.{}.{}", base64url::encode(better), parts.next().unwrap());
        let refused = read(&forged, &key).unwrap_err();
        assert_eq!(refused.kind(), &ErrorKind::InvalidSignature);
    }
}

/// Whoever expects a token takes no result, and the other way round.
#[test]
fn a_result_is_no_attestation_token_and_a_token_is_no_result() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let settings = AppraisalSettings::default();
    let policy = policy_of(EvidenceKind::Sgx);
    let appraisal = engine_for(&minted).appraise(&request(&minted), &policy, &settings, now());
    let appraisal = appraisal.unwrap();
    let Decision::Permit(permitted) = &appraisal.decision else { panic!("permitted") };
    let Signed { key, token } = signed(&result(&appraisal), KeySpec::P256);
    let certificate = provider_certificate(key.as_ref(), ISSUER, None).unwrap();
    let keys = jwks_document(&[PublishedKey::new(key.as_ref(), &[certificate])]);
    let keys = Jwks::parse(keys.as_bytes()).unwrap();
    let verify = |token: &str| {
        let verified = verify_token(token, &keys, &Expectations::at(now())).into_verified();
        verified.map_err(|error| (error.check(), error.to_string()))
    };
    let (check, message) = verify(&token).unwrap_err();
    assert_eq!(check, "token-type");
    assert!(message.contains("attestation result (EAR)"), "{message}");

    let issuer = TokenIssuer::new(Arc::clone(&key) as _, ISSUER).unwrap();
    let times = TokenTimes::attestation(now());
    let sign = |claims: &Map<String, Value>, format| {
        issuer.sign_as(format, &Payload::new(claims, times).unwrap()).unwrap()
    };
    let plain = sign(&permitted.claims(), TokenFormat::Token);
    verify(&plain).unwrap();
    read(&plain, &key).unwrap_err();
    // Each of the two marks is enough.
    let untyped = sign(&result(&appraisal), TokenFormat::Token);
    assert_eq!(verify(&untyped).unwrap_err().0, "token-type");
    let typed = sign(&permitted.claims(), TokenFormat::AttestationResult);
    assert_eq!(verify(&typed).unwrap_err().0, "token-type");
    // Whoever expects a result wants both, and its own nonce.
    let expect = |token: &str, nonce: Option<&str>| {
        let format = TokenFormat::AttestationResult;
        let nonce = nonce.map(str::to_owned);
        let expected = Expectations { format, nonce, ..Expectations::at(now()) };
        verify_token(token, &keys, &expected).into_verified().map_err(|error| error.check())
    };
    assert_eq!(expect(&token, None).unwrap().claims()["ear_status"], "none");
    assert_eq!(expect(&token, Some(NONCE)).unwrap_err(), "token-payload", "it has none");
    let mut echoing = result(&appraisal);
    echoing.insert("eat_nonce".to_owned(), NONCE.into());
    let echoing = sign(&echoing, TokenFormat::AttestationResult);
    assert!(expect(&echoing, Some(NONCE)).is_ok());
    assert_eq!(expect(&echoing, Some("other")).unwrap_err(), "token-nonce");
    for other in [&plain, &untyped, &typed] {
        assert_eq!(expect(other, None).unwrap_err(), "token-type");
    }
}

#[test]
fn nothing_of_the_token_is_lost() {
    let minted = mint(EvidenceKind::Tdx, &Options::new(now())).unwrap();
    let settings = AppraisalSettings::default();
    let policy = policy_of(EvidenceKind::Tdx);
    let mut request = request(&minted);
    for (nonce, echoed) in [(NONCE, Some(NONCE)), ("too-short", None), ("not base64", None)] {
        request.nonce = Some(Nonce::Text(nonce.to_owned()));
        let appraisal = engine_for(&minted).appraise(&request, &policy, &settings, now()).unwrap();
        let Decision::Permit(permitted) = &appraisal.decision else { panic!("permitted") };
        let claims = result(&appraisal);
        assert_eq!(claims["avouch-token-claims"], Value::Object(permitted.claims()));
        assert_eq!(permitted.claims()["nonce"], nonce);
        assert_eq!(claims.get("eat_nonce").and_then(Value::as_str), echoed);
        let Signed { key, token } = signed(&claims, KeySpec::P256);
        assert_eq!(read(&token, &key).unwrap().token_claims, permitted.claims());
    }
}

/// What is minted otherwise.
type Change = fn(&mut Options);

/// Minted evidence rests on roots of nobody's: nothing speaks for it, and what speaks against it is told.
#[test]
fn evidence_under_a_foreign_root_is_never_affirmed() {
    let judge = |kind: EvidenceKind, change: Change| {
        let mut options = Options::new(at("2026-05-01T12:00:00Z"));
        change(&mut options);
        let minted = mint(kind, &options).unwrap();
        let engine = engine_for(&minted);
        let policy = permissive();
        let appraisal = engine.appraise(&request(&minted), &policy, &everything(), options.at);
        consumed(&appraisal.unwrap())
    };
    for kind in [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Tdx, EvidenceKind::Snp]
    {
        let ear = judge(kind, |_| ());
        let name = if kind == EvidenceKind::OpenEnclave { "sgx" } else { kind.name() };
        assert_eq!((names(&ear), vector(&ear, name)), (vec![name], [0; 6]), "{kind}");
        assert_eq!(ear.ear_status, NONE, "{kind}");
    }
    let rows: [(EvidenceKind, &str, Change, [u8; 6]); 5] = [
        (EvidenceKind::Sgx, "sgx", |options| options.enclave.debug = true, [0, 96, 0, 0, 0, 96]),
        (
            EvidenceKind::Sgx,
            "sgx",
            |options| options.platform.tcb_status = TcbStatus::OutOfDate,
            [0, 0, 0, 0, 32, 0],
        ),
        (
            EvidenceKind::Tdx,
            "tdx",
            |options| options.platform.tcb_status = TcbStatus::ConfigurationNeeded,
            [0, 32, 0, 0, 0, 0],
        ),
        (EvidenceKind::Snp, "snp", |options| options.snp.policy |= 1 << 19, [0, 96, 0, 0, 0, 96]),
        (EvidenceKind::Snp, "snp", |options| options.snp.policy |= 1 << 18, [0, 36, 0, 0, 0, 0]),
    ];
    for (index, (kind, name, change, expected)) in rows.into_iter().enumerate() {
        assert_eq!(vector(&judge(kind, change), name), expected, "row {index}");
    }
}

#[test]
fn reference_values_that_do_not_know_a_guest_warn() {
    let options = Options::new(at("2026-05-01T12:00:00Z"));
    for (kind, name) in [(EvidenceKind::Snp, "snp"), (EvidenceKind::Tdx, "tdx")] {
        let minted = mint(kind, &options).unwrap();
        let (engine, request, policy) = (engine_for(&minted), request(&minted), permissive());
        let executables = |settings: &AppraisalSettings| {
            let appraisal = engine.appraise(&request, &policy, settings, options.at).unwrap();
            let ear = consumed(&appraisal);
            (vector(&ear, name)[2], ear.ear_status)
        };
        let known = vouched_for(&minted, everything(), options.at);
        assert_eq!(executables(&known), (0, NONE.to_owned()), "a foreign root");
        let values = ReferenceValues::clone(&known.reference_values);
        let other: String = serde_json::to_string(&values).unwrap();
        // Another measurement of launch under the same name.
        let field = "\"measurements\":[\"";
        let place = other.find(field).unwrap() + field.len();
        let mut other = other.into_bytes();
        other[place] = if other[place] == b'0' { b'1' } else { b'0' };
        let values: ReferenceValues = serde_json::from_slice(&other).unwrap();
        let unknown = AppraisalSettings { reference_values: Arc::new(values), ..known };
        assert_eq!(executables(&unknown), (33, WARNING.to_owned()), "{kind}");
    }
}

#[test]
fn a_confidential_machine_has_two_attesters_and_a_plain_one_has_one() {
    for isolation in Isolation::ALL {
        let mut options = Options::new(at("2026-05-01T12:00:00Z"));
        options.guest.isolation = isolation;
        let minted = mint(EvidenceKind::AzureGuest, &options).unwrap();
        let (engine, request) = (engine_for(&minted), request(&minted));
        let judge = |settings: &AppraisalSettings| {
            let appraisal = engine.appraise(&request, &permissive(), settings, options.at);
            consumed(&appraisal.unwrap())
        };
        let ear = judge(&everything());
        let expected: &[&str] = match isolation {
            Isolation::TrustedLaunch => &["vtpm"],
            Isolation::Snp => &["snp", "vtpm"],
            Isolation::Tdx => &["tdx", "vtpm"],
        };
        assert_eq!(names(&ear), expected);
        // The operator's word recognizes the CA of its TPM; the hardware's vendor has roots of its own.
        assert_eq!(vector(&ear, "vtpm"), [2, 0, 0, 0, 0, 0]);
        assert_eq!(ear.ear_status, AFFIRMING);
        for hardware in expected.iter().filter(|name| **name != "vtpm") {
            assert_eq!(vector(&ear, hardware), [0; 6], "no known paravisor, and a foreign root");
            let known = judge(&vouched_for(&minted, everything(), options.at));
            assert_eq!(vector(&known, hardware), [0; 6], "a foreign root");
        }
    }
}

#[test]
fn an_enclave_of_vbs_stands_beside_its_machine() {
    use avouch_engine::{Anchors, Challenged, Engine, Vendor};
    let judged_at = at("2026-01-31T12:00:00Z");
    let minted = mint_vbs(&VbsOptions::new(judged_at)).unwrap();
    let anchors = Anchors::built_in()
        .with_roots(Some(Vendor::Tpm), minted.tpm.aik_root_pem.as_bytes())
        .and_then(|all| all.with_roots(Some(Vendor::Windows), minted.windows_ca_pem.as_bytes()));
    let endorsements = Arc::new(avouch_endorsements::EndorsementSet::default());
    let engine = Engine::new(anchors.unwrap(), endorsements);
    let challenge = minted.tpm.challenge.to_vec();
    let evidence = minted.tpm.request.clone().into_bytes();
    let request = AppraisalRequest {
        challenged: Some(Challenged { challenge, aik: None, enrolment: None }),
        nonce: None,
        ..quoted(EvidenceKind::Tpm, evidence)
    };
    let settings = AppraisalSettings::default();
    let appraisal = engine.appraise(&request, &permissive(), &settings, judged_at).unwrap();
    let ear = consumed(&appraisal);
    assert_eq!(names(&ear), ["tpm", "vbs"]);
    assert_eq!(vector(&ear, "vbs"), [0, 0, 0, 0, 0, 32], "Windows' certificate is not Microsoft's");
    assert_eq!(vector(&ear, "tpm")[0], 2);
    // What the request says to its relying party is no nonce of the form that results have.
    assert_eq!(result(&appraisal)["avouch-token-claims"]["nonce"], json!("bWludGVk"));
    assert!(ear.eat_nonce.is_none());
}
