//! TPM: MAA's claims for policies, and ours about what Linux measured.

use avouch_bootlog::boot::{ProvenBoot, ProvenWindows};
use avouch_bootlog::ima::Facts as ImaFacts;
use avouch_bootlog::json::pcrs;
use avouch_bootlog::verity::Volume;
use avouch_bootlog::{RegisterValues, verity::Volumes};
use avouch_tpm::Standing;
use avouch_tpm::protocol::{AikStanding, KeyBinding, VerifiedKey, VerifiedRequest};
use avouch_wire::base64url;
use serde_json::{Map, Value, json};

use crate::ServiceClaim;
use crate::claim::{both, policy_only, token_only};

/// What TPM evidence proved.
#[derive(Debug, Clone, Copy)]
pub struct TpmProof<'a> {
    /// The attestation key.
    pub aik: &'a AikStanding,
    /// The quoted values.
    pub values: &'a RegisterValues,
    /// What the firmware's log proves, if one was sent.
    pub boot: Option<&'a ProvenBoot>,
    /// What the kernel's list proves, if one was sent.
    pub ima: Option<&'a ImaFacts>,
    /// The request of MAA's protocol, if it came in one.
    pub request: Option<&'a VerifiedRequest>,
    /// Whether the report of an enclave came along and was verified.
    pub has_enclave: bool,
}

/// Major version of the TPMs that are read here.
const TPM_VERSION: u8 = 2;

/// Most volumes in a claim: more would make tokens that nobody takes.
const VOLUMES_MAX: usize = 64;

/// Claims from a verified quote and the logs that it explains. A setting of Windows counts as good only
/// where Windows' own measurements prove it: of any other system each of these claims is false.
///
/// # Source
/// `docs/maa/token.md#tpm`; for those that begin with `avouch-`, `docs/evidence/tpm.md`: MAA has none of them.
#[must_use]
pub fn tpm(proof: &TpmProof<'_>) -> Vec<ServiceClaim> {
    let windows = proof.boot.and_then(|boot| boot.windows.as_ref());
    let proven =
        |fact: fn(&ProvenWindows) -> Option<bool>, good: bool| windows.and_then(fact) == Some(good);
    let secure_boot = proof.boot.and_then(ProvenBoot::secure_boot);
    let key_hash = base64url::encode_standard(proof.aik.key_sha256.as_bytes());
    let mut claims = vec![
        policy_only("aikValidated", proof.aik.validated),
        policy_only("aikPubHash", key_hash),
        policy_only("tpmVersion", TPM_VERSION),
        policy_only("secureBootEnabled", secure_boot == Some(true)),
        policy_only("iommuEnabled", proven(|windows| windows.iommu_required, true)),
        policy_only("bootDebuggingDisabled", proven(|windows| windows.boot_debugging, false)),
        policy_only("notSafeMode", proven(|windows| windows.safe_mode, false)),
        policy_only("notWinPE", proven(|windows| windows.win_pe, false)),
        policy_only("vbsEnabled", proven(|windows| windows.vbs, true)),
        policy_only("vbsReportPresent", proof.has_enclave),
        policy_only("vsmReportPresent", proof.has_enclave),
        policy_only("pcrs", pcrs(proof.values)).read_only(),
        both("avouch-aik", standing(proof.aik.standing)),
    ];
    if let Some(enrolment) = &proof.aik.enrolment {
        claims.push(both("avouch-tpm-ek", enrolment.ek_certificate_sha256.to_string()));
    }
    claims.extend(events(proof.boot));
    claims.extend(proof.ima.into_iter().flat_map(ima));
    claims.extend(proof.request.into_iter().flat_map(requested));
    claims
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Certified => "certified",
        Standing::Activated => "activated",
        Standing::Reported => "reported",
        Standing::SelfAsserted => "self-asserted",
    }
}

/// What policies query. JSON as text: it is written once, and no token has it.
fn events(boot: Option<&ProvenBoot>) -> Vec<ServiceClaim> {
    let Some(boot) = boot else { return Vec::new() };
    let mut claims = vec![policy_only("events", boot.events.to_json())];
    let before = boot.boot_events.as_ref();
    claims.extend(before.map(|events| policy_only("bootEvents", events.to_json())));
    claims
}

/// What the kernel's list proves, by the operator's keys and reference values.
fn ima(facts: &ImaFacts) -> Vec<ServiceClaim> {
    let summary = json!({
        "bank": facts.bank.name(),
        "boot_aggregate": facts.boot_aggregate.name(),
        "proven": facts.proven,
        "files": facts.files,
        "signed": facts.signed,
        "listed": facts.listed,
        "excluded": facts.excluded,
        "violations": facts.violations,
        "unreadable": facts.unreadable,
    });
    vec![
        both("avouch-ima", summary),
        both("avouch-ima-only-signed", facts.only_signed),
        both("avouch-ima-only-listed", facts.only_listed),
        both("avouch-ima-only-signed-or-listed", facts.only_signed_or_listed),
        both("avouch-verity", volumes(&facts.volumes)),
    ]
}

fn volumes(volumes: &Volumes) -> Value {
    let mut members = Map::from_iter([
        ("others".to_owned(), json!(volumes.others)),
        ("unknown".to_owned(), json!(volumes.unknown)),
        ("malformed".to_owned(), json!(volumes.malformed)),
    ]);
    if volumes.running.len() <= VOLUMES_MAX {
        members.insert("volumes".to_owned(), volumes.running.iter().map(volume).collect());
    }
    Value::Object(members)
}

fn volume(volume: &Volume) -> Value {
    json!({
        "name": volume.name,
        "root_digest": volume.root_digest,
        "algorithm": volume.algorithm,
        "enforced": volume.enforced,
        "steady": volume.steady,
    })
}

/// What the request brought, and what it proved of its keys.
fn requested(request: &VerifiedRequest) -> Vec<ServiceClaim> {
    let key = key(&request.request_key);
    let cnf = serde_json::from_str::<Value>(&request.request_key.canonical_jwk());
    let mut claims = vec![
        both("x-ms-tpm-request-key", key),
        token_only("ver", "1.0"),
        token_only("cnf", json!({"jwk": cnf.unwrap_or_default()})),
    ];
    if !request.other_keys.is_empty() {
        let keys: Value = request.other_keys.iter().map(self::key).collect();
        claims.push(policy_only("x-ms-tpm-other-keys", keys));
    }
    if let Some(data) = &request.rp_data {
        claims.extend([token_only("rp_data", data.as_str()), token_only("nonce", data.as_str())]);
    }
    claims
}

/// A key as policies see it: the JWK as the client wrote it, and what binds it.
fn key(key: &VerifiedKey) -> Value {
    // It was read before.
    let jwk: Value = serde_json::from_str(&key.jwk).unwrap_or_default();
    match &key.binding {
        KeyBinding::Unbound => json!({"jwk": jwk}),
        KeyBinding::Quoted => json!({"jwk": jwk, "info": {"tpm_quote": {"hash_alg": "sha-256"}}}),
        KeyBinding::Certified(certified) => {
            let policy = certified.public().auth_policy();
            let mut info = json!({
                "name_alg": certified.name_algorithm.tpm_id(),
                "obj_attr": certified.attributes.0,
            });
            if let (false, Some(info)) = (policy.is_empty(), info.as_object_mut()) {
                info.insert("auth_policy".to_owned(), base64url::encode(policy).into());
            }
            json!({"jwk": jwk, "info": {"tpm_certify": info}})
        }
    }
}
