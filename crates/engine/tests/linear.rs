//! Evidence at its worst, up to the largest body: twice the input takes twice the instructions.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, Capsule, Challenged, Engine, Outcome,
    PolicyInForce, Resemblance, TokenForm, Vendor, Verdict, Why,
};
use avouch_linear::{Shape, check};
use avouch_mint::bootlog::windows::{tag, tagged, trust_boundary};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent};
use avouch_mint::ima::{ImaEntry, ImaList};
use avouch_mint::tpm::{self, Measurements, TpmOptions};
use avouch_policy::Claim;
use avouch_policy::token::contribution;
use avouch_wire::{EvidenceKind, base64url};
use serde_json::{Value, json};
use support::{at, engine};

/// The largest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;

fn read(evidence: &[u8]) {
    let kind = EvidenceKind::Snp;
    let engine: Engine = engine(None, &[]).unwrap();
    let request = AppraisalRequest {
        kind,
        evidence: evidence.to_vec(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy = PolicyInForce::default_for(kind).unwrap();
    let at = at("2026-05-01T12:00:00Z");
    engine.appraise(&request, &policy, &AppraisalSettings::default(), at).unwrap_err();
}

fn resemble(bytes: &[u8]) {
    let _ = Resemblance::of(bytes);
}

/// A report's worth of bytes, then a table of one entry that all the rest belongs to.
fn extended(bytes: usize, copy: &str) -> Vec<u8> {
    let body = copy.repeat((bytes - 1184 - 48) / copy.len());
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let vcek = 0x63da_758d_e664_4564_adc5_f4b9_3be8_accd_u128.to_be_bytes();
    // What a report must have to be read: version 2, the policy's reserved bit, ECDSA.
    let mut report = vec![0; 1184];
    report.splice(0..4, 2_u32.to_le_bytes());
    report.splice(8..16, 0x2_0000_u64.to_le_bytes());
    report.splice(0x34..0x38, 1_u32.to_le_bytes());
    [report, vcek.to_vec(), vec![48, 0, 0, 0], length.to_vec(), vec![0; 24], body.into_bytes()]
        .concat()
}

fn capsule(bytes: &[u8]) {
    drop(Capsule::read(bytes));
}

/// A capsule with so many bytes of evidence, names and reasons together.
fn whole_capsule(bytes: usize) -> Vec<u8> {
    let text = || "\u{1}\"\\".repeat(bytes / 64);
    let names = 0..bytes / 256;
    let capsule = Capsule {
        request: AppraisalRequest {
            kind: EvidenceKind::Snp,
            evidence: vec![7; bytes / 4],
            runtime_data: None,
            init_time_data: None,
            event_log: None,
            challenged: None,
            nonce: None,
            token_form: TokenForm::Current,
        },
        api_version: None,
        policy_jws: text(),
        settings: AppraisalSettings::default(),
        at: at("2026-05-01T12:00:00Z"),
        outcome: Outcome {
            verdict: Verdict::Unverified(Why { check: text(), message: text() }),
            machine: names.map(|number| (format!("{number:020}"), text_of(number))).collect(),
            endorsements: BTreeMap::new(),
        },
    };
    capsule.to_json().into_bytes()
}

fn text_of(number: usize) -> String {
    format!("{number:0100}")
}

const CAPSULES: &[Shape] = &[
    Shape {
        name: "a-whole-capsule",
        bytes_max: BODY_BYTES_MAX,
        make: whole_capsule,
        read: |bytes| drop(Capsule::read(bytes).unwrap()),
    },
    Shape {
        name: "a-capsule-written-otherwise",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let end = "\n".repeat(bytes / 2);
            [whole_capsule(bytes / 2), end.into_bytes()].concat()
        },
        read: capsule,
    },
    Shape {
        name: "unknown-members",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            format!(r#"{{"avouch_capsule":1{}}}"#, r#","a":0"#.repeat(bytes / 6)).into_bytes()
        },
        read: capsule,
    },
    Shape {
        name: "lists-in-lists",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| format!(r#"{{"avouch_capsule":1,"a":{}"#, "[".repeat(bytes)).into_bytes(),
        read: capsule,
    },
    Shape {
        name: "a-number-without-end",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| format!(r#"{{"avouch_capsule":1,"a":{}}}"#, "9".repeat(bytes)).into_bytes(),
        read: capsule,
    },
];

#[test]
fn twice_the_capsule_takes_twice_the_instructions() {
    check("twice_the_capsule_takes_twice_the_instructions", CAPSULES);
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "document-of-certificates-begun",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let report = base64url::encode(&extended(1184 + 48, "x")[..1184]);
            let chain = "-----BEGIN CERTIFICATE-----\n".repeat(bytes * 3 / 4 / 28);
            let chain = base64url::encode(chain);
            format!(r#"{{"SnpReport":"{report}","VcekCertChain":"{chain}"}}"#).into_bytes()
        },
        read,
    },
    Shape {
        name: "table-of-lists-begun",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| extended(bytes, "-----BEGIN X509 CRL-----\n"),
        read,
    },
    Shape {
        name: "table-of-lists-begun-that-fits",
        bytes_max: 1 << 16,
        make: |bytes| extended(bytes, "-----BEGIN X509 CRL-----\n"),
        read,
    },
    Shape {
        name: "members",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| format!(r#"{{"a":0{}}}"#, r#","a":0"#.repeat(bytes / 6)).into_bytes(),
        read,
    },
    // What refused evidence resembles: every reader looks at it, each to its last byte.
    Shape {
        name: "resembles-text",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| [" ".repeat(bytes / 2), "\u{fc}".repeat(bytes / 4)].concat().into_bytes(),
        read: resemble,
    },
    Shape {
        name: "resembles-nothing-after-much-text",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| [vec![b' '; bytes], vec![0]].concat(),
        read: resemble,
    },
    Shape {
        name: "resembles-der",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| [0x30, 0x82, 0xff, 0xff].repeat(bytes / 4),
        read: resemble,
    },
    Shape {
        name: "resembles-cose",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| [vec![0xd2], vec![0x84; bytes]].concat(),
        read: resemble,
    },
];

/// A policy for TPMs, of which there is none by default: it looks at all claims of the client.
const TPM_POLICY: &str = "version=1.2;
    configurationrules{
        => issueproperty(type=\"require_valid_aik_cert\", value=false);
        => issueproperty(type=\"required_pcr_mask\", value=255); };
    authorizationrules{ => permit(); };
    issuancerules{ c:[issuer==\"CustomClaim\"] => issue(claim=c); };";

/// A request whose quote is genuine and answers.
fn read_tpm(evidence: &[u8]) {
    let challenged = Challenged { challenge: vec![0x5c; 16], aik: None, enrolment: None };
    let request = AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence: evidence.to_vec(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: Some(challenged),
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy = PolicyInForce::from_text(TPM_POLICY).unwrap();
    let settings = AppraisalSettings::default();
    let engine = engine(None, &[]).unwrap();
    let appraisal = engine.appraise(&request, &policy, &settings, at(AT)).unwrap();
    assert!(appraisal.is_permitted());
}

const AT: &str = "2026-05-01T12:00:00Z";

fn tpm(options: TpmOptions) -> Vec<u8> {
    tpm::mint(&options).unwrap().request.into_bytes()
}

fn machine(log: &BootLog, list: Option<&ImaList>) -> TpmOptions {
    let measured = Measurements::of(log, list).unwrap();
    let (log, ima, pcrs) = (measured.log, measured.ima, measured.pcrs);
    TpmOptions { log, ima, pcrs, ..TpmOptions::new(at(AT)) }
}

/// A boot, and so many events more as make a request of so many bytes: behind it, or before Windows
/// takes over.
fn boot(ground: Ground, bytes: usize, event: impl Fn(usize) -> LogEvent) -> Vec<u8> {
    let mut log = ground.log().unwrap();
    let begun = log.to_bytes().unwrap().len();
    let takes_over = |event: &LogEvent| event.register == 12 && event.data == b"WBCL";
    let at = log.events.iter().position(takes_over).unwrap_or(log.events.len());
    log.events.insert(at, event(0));
    let one = log.to_bytes().unwrap().len() - begun;
    // In base64 twice.
    let more = (bytes * 9 / 16).saturating_sub(begun) / one;
    log.events.splice(at..at, (1..more).map(event));
    tpm(machine(&log, None))
}

fn command(number: usize) -> LogEvent {
    LogEvent::grub_command(&format!("echo {number:05}"))
}

fn with(members: &Value) -> Vec<u8> {
    let members = members.as_object().unwrap().clone();
    let log = Ground::Linux.log().unwrap();
    tpm(TpmOptions { members, ..machine(&log, None) })
}

/// What a policy may issue under one name: half the bytes in one text, the others in short ones.
fn long_among_short(bytes: usize) -> Vec<u8> {
    let short: String = (0..bytes / 16).map(|number| format!(" {number:07}")).collect();
    ("x".repeat(bytes / 2) + &short).into_bytes()
}

/// Becomes members of a token, each word a claim of one name.
fn contribute(words: &[u8]) {
    let words = std::str::from_utf8(words).unwrap().split(' ');
    let issued: Vec<Claim> = words.map(|word| Claim::service("name", word)).collect();
    assert_eq!(contribution(&issued).len(), 1);
}

const ISSUED: &[Shape] = &[
    Shape {
        name: "one-long-value-among-short-ones",
        bytes_max: 128 * 1024,
        make: long_among_short,
        read: contribute,
    },
    Shape {
        name: "one-long-value-again-and-again",
        bytes_max: 128 * 1024,
        make: |bytes| ("x".repeat(1000) + " ").repeat(bytes / 1001).into_bytes(),
        read: |words| contribute(words.trim_ascii_end()),
    },
];

#[test]
fn twice_what_a_policy_issues_takes_twice_the_instructions() {
    check("twice_what_a_policy_issues_takes_twice_the_instructions", ISSUED);
}

const TPMS: &[Shape] = &[
    Shape {
        name: "log-of-commands",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| boot(Ground::Linux, bytes, command),
        read: read_tpm,
    },
    Shape {
        name: "log-of-images",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            boot(Ground::Linux, bytes, |number| {
                LogEvent::application(&format!("\\EFI\\{number:05}.efi"), &number.to_le_bytes())
            })
        },
        read: read_tpm,
    },
    Shape {
        name: "log-of-windows",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            boot(Ground::Windows, bytes, |_| {
                trust_boundary(12, &[tagged(tag::APPLICATION_SVN, &7_u32.to_le_bytes())])
            })
        },
        read: read_tpm,
    },
    Shape {
        name: "list-of-files",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let log = Ground::Linux.log().unwrap();
            let mut list = ImaList::begin(&log.registers(), Bank::Sha256);
            // An entry of some 110 bytes, in base64 twice.
            for number in 0..bytes / 200 {
                let content = number.to_le_bytes();
                list = list.with(ImaEntry::unsigned(&format!("/usr/lib/{number:08}"), &content));
            }
            tpm(machine(&log, Some(&list)))
        },
        read: read_tpm,
    },
    Shape {
        name: "claims-of-the-client",
        bytes_max: 100 << 10,
        make: |bytes| {
            let claims: Vec<Value> = (0..bytes / 64)
                .map(|number| json!({"name": number.to_string(), "value": "", "value_type": ""}))
                .collect();
            with(&json!({ "custom_claims": claims }))
        },
        read: read_tpm,
    },
    Shape {
        name: "a-long-text-that-is-repeated",
        bytes_max: 80 << 10,
        make: |bytes| with(&json!({"rp_data": "\u{1}".repeat(bytes / 8 * 3)})),
        read: read_tpm,
    },
    Shape {
        name: "a-long-key",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let key = json!({"kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43),
                "unknown": "x".repeat(bytes / 4 * 3)});
            with(&json!({"other_keys": [{"jwk": key}]}))
        },
        read: read_tpm,
    },
];

#[test]
fn twice_the_request_of_a_tpm_takes_twice_the_instructions() {
    check("twice_the_request_of_a_tpm_takes_twice_the_instructions", TPMS);
}

#[test]
fn twice_the_evidence_takes_twice_the_instructions() {
    check("twice_the_evidence_takes_twice_the_instructions", SHAPES);
}

/// A guest's document, with a log that its quote explains.
fn guest(measured: Option<Measurements>, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut options = avouch_mint::Options::new(at(AT));
    options.guest.measured = measured;
    let minted = avouch_mint::mint(EvidenceKind::AzureGuest, &options).unwrap();
    let mut document: Value = serde_json::from_slice(&minted.evidence).unwrap();
    change(&mut document);
    document.to_string().into_bytes()
}

/// The roots of minted guests.
static GUEST_ROOT: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    let options = avouch_mint::Options::new(at(AT));
    let minted = avouch_mint::mint(EvidenceKind::AzureGuest, &options).unwrap();
    (minted.root_pem, minted.endorsements)
});

fn appraise_guest(evidence: &[u8]) -> Result<bool, String> {
    let request = AppraisalRequest {
        kind: EvidenceKind::AzureGuest,
        evidence: evidence.to_vec(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy =
        PolicyInForce::from_text("version=1.0; authorizationrules{=> permit();};").unwrap();
    let (root, cas) = &*GUEST_ROOT;
    let engine = guest_engine(root, cas);
    let appraisal = engine.appraise(&request, &policy, &AppraisalSettings::default(), at(AT));
    appraisal.map(|appraisal| appraisal.is_permitted()).map_err(|error| error.to_string())
}

fn guest_engine(root: &str, cas: &[u8]) -> Engine {
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Tpm), root.as_bytes()).unwrap();
    let mut endorsements = EndorsementSet::default();
    endorsements.add(cas).unwrap();
    Engine::new(anchors, Arc::new(endorsements))
}

/// Genuine evidence, to the end of the appraisal.
fn read_guest(evidence: &[u8]) {
    assert_eq!(appraise_guest(evidence), Ok(true));
}

/// Evidence that is refused somewhere.
fn refuse_guest(evidence: &[u8]) {
    appraise_guest(evidence).unwrap_err();
}

/// A boot, and so many events behind it as make a document of so many bytes.
fn guest_log(bytes: usize, event: impl Fn(usize) -> LogEvent) -> Vec<u8> {
    let mut log = Ground::Linux.log().unwrap();
    let begun = log.to_bytes().unwrap().len();
    log.push(event(0));
    let one = log.to_bytes().unwrap().len() - begun;
    let more = (bytes * 3 / 4).saturating_sub(begun) / one;
    (1..more).for_each(|number| log.push(event(number)));
    guest(Some(Measurements::of(&log, None).unwrap()), |_| {})
}

const GUESTS: &[Shape] = &[
    Shape {
        name: "log-of-commands",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| guest_log(bytes, command),
        read: read_guest,
    },
    Shape {
        name: "log-of-images",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            guest_log(bytes, |number| {
                LogEvent::application(&format!("\\EFI\\{number:05}.efi"), &number.to_le_bytes())
            })
        },
        read: read_guest,
    },
    Shape {
        name: "payload-of-members",
        bytes_max: 12 << 10,
        make: |bytes| {
            let names = (0..bytes / 128).map(|number| (format!("{number:0120}"), json!(0)));
            let payload: serde_json::Map<String, Value> = names.collect();
            guest(None, |document| document["ClientPayload"] = payload.into())
        },
        read: read_guest,
    },
    Shape {
        name: "payload-that-is-long",
        bytes_max: 12 << 10,
        make: |bytes| {
            guest(None, |document| {
                document["ClientPayload"] = json!({"a": "\u{1}".repeat(bytes / 6)})
            })
        },
        read: read_guest,
    },
    Shape {
        name: "unknown-members",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            guest(None, |document| document["unknown"] = json!("\u{1}".repeat(bytes / 6)))
        },
        read: read_guest,
    },
    Shape {
        name: "members-without-end",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            let members: String =
                (0..bytes / 12).map(|number| format!("\"{number:08}\":0,")).collect();
            format!("{{{members}\"OSType\":\"\"}}").into_bytes()
        },
        read: refuse_guest,
    },
    Shape {
        name: "lists-in-lists",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| format!(r#"{{"ClientPayload":{}"#, "[".repeat(bytes)).into_bytes(),
        read: refuse_guest,
    },
    Shape {
        name: "pcrs-without-end",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            guest(None, |document| {
                let value = document["TpmInfo"]["PCRs"][0].clone();
                let each = value.to_string().len() + 1;
                document["TpmInfo"]["PCRs"] = json!(vec![value; bytes / each]);
            })
        },
        read: refuse_guest,
    },
    Shape {
        name: "certificate-and-zeros",
        bytes_max: BODY_BYTES_MAX,
        make: |bytes| {
            guest(None, |document| {
                let text = document["TpmInfo"]["AikCert"].as_str().unwrap();
                let mut der = base64url::decode_standard(text).unwrap();
                der.resize(bytes * 3 / 4, 0);
                document["TpmInfo"]["AikCert"] = json!(base64url::encode_standard(der));
            })
        },
        read: |evidence| drop(appraise_guest(evidence)),
    },
];

#[test]
fn twice_the_document_of_a_guest_takes_twice_the_instructions() {
    check("twice_the_document_of_a_guest_takes_twice_the_instructions", GUESTS);
}
