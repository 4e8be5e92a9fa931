//! TPM evidence through the whole appraisal: recorded machines, doctored logs, and what is proven of files.
#![cfg(test)]

mod support;

use std::path::Path;
use std::sync::Arc;

use avouch_bootlog::ima::Requirement;
use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalError, AppraisalRequest, AppraisalSettings, Challenged, Decision,
    Engine, ExpectedFiles, PolicyInForce, TokenForm, Vendor,
};
use avouch_mint::bootlog::{self, Bank, Notices, Registers};
use avouch_mint::ima::{self, Extension, ImaEntry};
use avouch_mint::tpm::{KeyBinding, TpmOptions, mint};
use avouch_pki::digest::sha256;
use avouch_wire::{EvidenceKind, UnixTime, base64url, decode_hex};
use serde_json::{Value, json};
use support::attacks::ATTACKS;
use support::{at, vectors};

const LATE_2026: &str = "2026-11-29T00:00:00Z";

fn policy(configuration: &str) -> PolicyInForce {
    PolicyInForce::from_text(&format!(
        "version=1.2; configurationrules{{{configuration}}}; authorizationrules{{=> permit();}};
         issuancerules{{
            c:[type==\"secureBootEnabled\", issuer==\"AttestationService\"] => issue(claim=c);
            d:[type==\"aikValidated\", issuer==\"AttestationService\"] => issue(claim=d);
         }};"
    ))
    .unwrap()
}

/// Nothing is asked of the attestation key, and only the firmware's PCRs are.
fn lax() -> PolicyInForce {
    policy(
        "=> issueproperty(type=\"require_valid_aik_cert\", value=false);
         => issueproperty(type=\"required_pcr_mask\", value=255);",
    )
}

fn engine(roots: &[Vec<u8>]) -> Engine {
    let mut anchors = Anchors::built_in();
    for root in roots {
        let pem = if root.starts_with(b"-") {
            root.clone()
        } else {
            avouch_pki::pem::encode("CERTIFICATE", root).into_bytes()
        };
        anchors = anchors.with_roots(Some(Vendor::Tpm), &pem).unwrap();
    }
    Engine::new(anchors, Arc::new(EndorsementSet::default()))
}

fn request(evidence: Vec<u8>, challenge: Vec<u8>) -> AppraisalRequest {
    AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: Some(Challenged { challenge, aik: None, enrolment: None }),
        nonce: None,
        token_form: TokenForm::Current,
    }
}

fn appraised(
    engine: &Engine,
    request: &AppraisalRequest,
    policy: &PolicyInForce,
) -> Result<Appraisal, AppraisalError> {
    engine.appraise(request, policy, &AppraisalSettings::default(), at(LATE_2026))
}

fn incoming(appraisal: &Appraisal, name: &str) -> Value {
    let found = appraisal.incoming.iter().find(|claim| &*claim.claim_type == name);
    found.map_or(Value::Null, |claim| claim.value.to_json())
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn hex(path: &Path) -> Vec<u8> {
    decode_hex(String::from_utf8(read(path)).unwrap().trim()).unwrap()
}

/// Values as `tpm2_pcrread` writes them, in the banks of these numbers.
fn pcrs(text: &str, banks: &[(&str, u16)]) -> Vec<Value> {
    let mut found: Vec<(u16, Vec<Value>)> = Vec::new();
    let mut bank = None;
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let (name, value) = (name.trim(), value.trim());
        if value.is_empty() {
            bank = banks.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
            found.extend(bank.map(|id| (id, Vec::new())));
            continue;
        }
        let digest = base64url::encode(decode_hex(value.strip_prefix("0x").unwrap()).unwrap());
        let value = json!({"index": name.parse::<u32>().unwrap(), "digest": digest});
        if bank.is_some() {
            found.last_mut().unwrap().1.push(value);
        }
    }
    found.into_iter().map(|(id, values)| json!({"algorithm": id, "values": values})).collect()
}

const BOTH: [(&str, u16); 2] = [("sha1", 4), ("sha256", 11)];

/// A recorded machine's quote, log and lists, as files of a machine make an attestation.
fn recorded(folder: &Path, quote: &str, ak: &Path, banks: &[(&str, u16)]) -> AppraisalRequest {
    let encode = |path: &Path| base64url::encode(read(path));
    let yaml = String::from_utf8(read(&folder.join("pcrs.yaml"))).unwrap();
    let mut logs = vec![json!({"type": "TCG", "log": encode(&folder.join("eventlog.bin"))})];
    let list = folder.join("ima_binary_runtime_measurements");
    if list.exists() {
        logs.push(json!({"type": "IMA", "log": encode(&list)}));
    }
    let evidence = json!({
        "ak_public": encode(ak),
        "pcrs": pcrs(&yaml, banks),
        "quote": encode(&folder.join(format!("{quote}.attest"))),
        "signature": encode(&folder.join(format!("{quote}.sig"))),
        "logs": logs,
    });
    request(evidence.to_string().into_bytes(), hex(&folder.join("nonce.hex")))
}

#[test]
fn machines_of_the_lab_are_what_they_booted() {
    let Some(vectors) = vectors() else { return };
    let produced = vectors.join("tpm/produced");
    let engine = engine(&[]);
    for (name, secure_boot, only_signed) in [
        ("boot-sb-on", true, false),
        ("boot-sb-off", false, false),
        ("boot-sb-on-ima-keys", true, false),
        ("boot-sb-on-mok-insecure", false, false),
    ] {
        for (quote, ak, banks) in
            [("quote-rsa", "ak-rsa", &BOTH[..]), ("quote-p256", "ak-p256", &BOTH[1..])]
        {
            let ak = produced.join(format!("boot-keys/{ak}.tpm2b_public"));
            let request = recorded(&produced.join(name), quote, &ak, banks);
            let found = appraised(&engine, &request, &lax()).unwrap();
            assert_eq!(incoming(&found, "secureBootEnabled"), secure_boot, "{name}");
            assert_eq!(incoming(&found, "aikValidated"), false, "{name}");
            assert_eq!(incoming(&found, "avouch-aik"), "self-asserted", "{name}");
            assert!(
                incoming(&found, "events").as_str().unwrap().contains("SecureBoot") || !secure_boot
            );
            let claims = found.permitted().unwrap();
            assert_eq!(claims.claims()["avouch-ima-only-signed"], only_signed, "{name}");
            assert_eq!(claims.claims()["secureBootEnabled"], secure_boot, "{name}");
            assert!(!claims.claims().contains_key("avouch-trust-root"), "nobody vouches for it");
        }
    }
}

#[test]
fn every_recorded_attack_is_refused_by_its_check_or_fools_nobody() {
    let Some(vectors) = vectors() else { return };
    let (tpm, engine) = (vectors.join("tpm"), engine(&[]));
    let folders = std::fs::read_dir(tpm.join("attacks")).unwrap();
    let names = folders.map(|one| one.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "keys-b").collect();
    names.sort();
    assert_eq!(names, ATTACKS.map(|(name, _)| name));
    for (name, expected) in ATTACKS {
        let number: u32 = name.get(..2).unwrap().parse().unwrap();
        let ak = match number < 10 {
            true => tpm.join("produced/boot-keys/ak-rsa.tpm2b_public"),
            false => tpm.join("attacks/keys-b/ak.tpm2b_public"),
        };
        let request = recorded(&tpm.join("attacks").join(name), "quote", &ak, &BOTH);
        let found = appraised(&engine, &request, &lax());
        match (found, expected) {
            (Err(error), Err(check)) => assert_eq!(error.check(), check, "{name}: {error}"),
            (Ok(found), Ok(secure_boot)) => {
                assert_eq!(incoming(&found, "secureBootEnabled"), secure_boot, "{name}");
                assert_eq!(incoming(&found, "vbsEnabled"), false, "{name}");
                let windows = found.facts.to_json()["boot"]["windows"].clone();
                assert_eq!(windows.is_object(), (35..38).contains(&number), "{name}");
                if windows.is_object() {
                    assert_eq!(windows["test_signing"], number == 37, "{name}");
                }
            }
            (found, expected) => panic!("{name}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn a_genuine_machine_whose_log_does_not_explain_pcr_0_is_taken_where_that_is_not_asked_for() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("tpm/linux/guardoss-haruhi-pcr0-differs");
    // Its attestation key was not published: its values are quoted by a minted one.
    let published: Value = serde_json::from_slice(&read(&folder.join("pcrs.json"))).unwrap();
    let values = published.get("sha256").unwrap_or(&published);
    let pcrs = (0..24).map(|pcr| {
        let value = values[pcr.to_string()].as_str().map(|hex| hex.trim_start_matches("0x"));
        value.map_or([0; 32], |hex| decode_hex(hex).unwrap().try_into().unwrap())
    });
    let options = TpmOptions {
        log: read(&folder.join("eventlog.bin")),
        pcrs: pcrs.collect(),
        ..TpmOptions::new(at(LATE_2026))
    };
    let minted = mint(&options).unwrap();
    let engine = engine(&[minted.aik_root_pem.clone().into_bytes()]);
    let request = request(minted.request.into_bytes(), minted.challenge.to_vec());
    let error = appraised(&engine, &request, &policy("")).unwrap_err();
    assert_eq!(error.check(), "log-replay");
    let mask = "=> issueproperty(type=\"required_pcr_mask\", value=254);";
    let found = appraised(&engine, &request, &policy(mask)).unwrap();
    assert_eq!(found.facts.to_json()["boot"]["registers"]["0"], "unexplained");
    assert_eq!(incoming(&found, "secureBootEnabled"), true);
    let events: Value = serde_json::from_str(incoming(&found, "events").as_str().unwrap()).unwrap();
    let events = events["Events"].as_array().unwrap();
    assert!(
        events.iter().all(|event| event["PcrIndex"] != 0),
        "what is not explained is not shown"
    );
}

/// PCR 0 to 9 and 14.
const QUOTED: &str = "=> issueproperty(type=\"required_pcr_mask\", value=17407);";

#[test]
fn recorded_requests_of_the_protocol_are_permitted_and_bind_their_keys() {
    let Some(vectors) = vectors() else { return };
    let maa = vectors.join("tpm/maa");
    let read_jws = |path: &str| String::from_utf8(read(&maa.join(path))).unwrap().trim().to_owned();
    for (jws, challenge, ca, info) in [
        (
            "v2-basic-sb-on.request.jws",
            "v2-basic-sb-on.challenge.hex",
            "lab-aik-ca.der",
            json!({"tpm_quote": {"hash_alg": "sha-256"}}),
        ),
        (
            "transcript-certify/request.jws",
            "transcript-certify/challenge.hex",
            "transcript-certify/aik-ca.der",
            Value::Null,
        ),
    ] {
        let engine = engine(&[read(&maa.join(ca))]);
        let challenge = hex(&maa.join(challenge));
        let request = request(read_jws(jws).into_bytes(), challenge);
        // Without a setting all PCRs are asked for, and the second quotes 0 to 9 and 14.
        let seen = appraised(&engine, &request, &policy("")).err().map(|error| error.check());
        assert_eq!(seen, info.is_null().then_some("tpm-pcr-not-covered"), "{jws}");
        let found = appraised(&engine, &request, &policy(QUOTED)).unwrap();
        assert_eq!(incoming(&found, "aikValidated"), true, "{jws}");
        assert_eq!(incoming(&found, "tpmVersion"), 2, "{jws}");
        assert!(found.facts.sender_key().is_some(), "{jws}");
        let claims = found.permitted().unwrap();
        let claims = claims.claims();
        assert_eq!(claims["secureBootEnabled"], true, "{jws}");
        assert_eq!(claims["cnf"]["jwk"]["kty"], "RSA", "{jws}");
        assert_eq!(claims["ver"], "1.0");
        let found = &claims["x-ms-tpm-request-key"]["info"];
        if info.is_null() {
            assert_eq!(found["tpm_certify"]["name_alg"], 11, "{jws}");
            assert!(found["tpm_certify"]["obj_attr"].as_u64().unwrap() & 0x32 == 0x32, "{jws}");
        } else {
            assert_eq!(*found, info, "{jws}");
            assert_eq!(claims["rp_data"], "UkVQTEFDRSBXSVRIIFJQIE5PTkNF");
            assert_eq!(claims["nonce"], claims["rp_data"]);
        }
        let other = AppraisalRequest {
            challenged: Some(Challenged { challenge: vec![0; 16], aik: None, enrolment: None }),
            ..request.clone()
        };
        assert_eq!(appraised(&engine, &other, &policy("")).unwrap_err().check(), "tpm-challenge");
        let nothing = AppraisalRequest { challenged: None, ..request };
        let error = appraised(&engine, &nothing, &policy("")).unwrap_err();
        assert_eq!(error.check(), "tpm-challenge-unknown");
    }
}

/// A machine with these logs and registers, quoted by a key under a trusted CA.
fn machine(
    log: Vec<u8>,
    ima: Option<Vec<u8>>,
    registers: &Registers,
) -> (Engine, AppraisalRequest) {
    let value = |pcr| registers.get(Bank::Sha256, pcr).and_then(|value| value.try_into().ok());
    let options = TpmOptions {
        log,
        ima,
        pcrs: (0..24).map(|pcr| value(pcr).unwrap_or([0; 32])).collect(),
        ..TpmOptions::new(at(LATE_2026))
    };
    let minted = mint(&options).unwrap();
    let engine = engine(&[minted.aik_root_pem.into_bytes()]);
    (engine, request(minted.request.into_bytes(), minted.challenge.to_vec()))
}

#[test]
fn every_break_of_a_log_is_noticed_through_the_arm() {
    let mut tried = 0;
    for one in bootlog::breaks() {
        let broken = bootlog::broken(one.name).unwrap().unwrap();
        let is_td = format!("{:?}", one.ground).starts_with("TrustDomain");
        if is_td {
            continue;
        }
        tried += 1;
        let (engine, request) = machine(broken.log, None, &broken.registers);
        let found = appraised(&engine, &request, &policy(""));
        match (one.notices, found) {
            // Of registers beyond the firmware's no fact is taken, and the log is.
            (Notices::Refused(_) | Notices::SecureBoot | Notices::Unexplained(_), Err(_)) => {}
            (Notices::Refused(check), Ok(_)) => panic!("{}: {check} expected", one.name),
            (Notices::SecureBoot, Ok(found)) => {
                assert_eq!(incoming(&found, "secureBootEnabled"), false, "{}", one.name);
            }
            (Notices::Unexplained(register), Ok(found)) => {
                assert!(register > 7, "{}: register {register}", one.name);
                let verdict = &found.facts.to_json()["boot"]["registers"][register.to_string()];
                assert_ne!(*verdict, "explained", "{}", one.name);
            }
            (Notices::CommandLine, Ok(found)) => {
                assert!(
                    found.facts.to_json()["boot"]["grub_command_lines"].is_null(),
                    "{}",
                    one.name
                );
            }
            (Notices::Windows, Ok(found)) => {
                assert!(!found.facts.to_json()["boot"]["windows"].is_object(), "{}", one.name);
            }
            (Notices::Programs, Ok(_)) | (Notices::Windows, Err(_)) => {}
            (notices, Err(error)) => panic!("{}: {notices:?}, {error}", one.name),
        }
    }
    assert!(tried >= 40, "{tried}");
}

/// What is expected of files of the minted ground.
fn expected(ground: &ima::Ground, require: Vec<Requirement>) -> AppraisalSettings {
    let keys = vec![ground.key.pem().into_bytes()];
    let references = Some(ground.references.clone().into_bytes());
    let mut settings = AppraisalSettings::default();
    settings.tpm.expected = Arc::new(ExpectedFiles::read(keys, references).unwrap());
    settings.tpm.require = require;
    settings
}

fn of_files(ground: &ima::Ground, list: Option<Vec<u8>>) -> (Engine, AppraisalRequest) {
    let value = |pcr| ground.registers.get(Bank::Sha256, pcr).and_then(|v| v.try_into().ok());
    let mut options = TpmOptions {
        ima: list,
        pcrs: (0..24).map(|pcr| value(pcr).unwrap_or([0; 32])).collect(),
        ..TpmOptions::new(at(LATE_2026))
    };
    // Its registers are made up: no firmware's log explains them.
    options.log = bootlog::BootLog::new(bootlog::LogForm::CryptoAgile(vec![Bank::Sha256]))
        .to_bytes()
        .unwrap();
    let minted = mint(&options).unwrap();
    let engine = engine(&[minted.aik_root_pem.into_bytes()]);
    (engine, request(without_firmware_log(&minted.request), minted.challenge.to_vec()))
}

/// The attestation of a request, without the firmware's log.
fn without_firmware_log(jws: &str) -> Vec<u8> {
    let payload = jws.split('.').nth(1).unwrap();
    let payload: Value = serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap();
    let mut attestation = payload["att_data"]["tpm_att_data"]["current_attestation"].clone();
    let logs = attestation["logs"].as_array_mut().unwrap();
    logs.retain(|log| log["type"] == "IMA");
    attestation.to_string().into_bytes()
}

fn refused(outcome: Result<Appraisal, AppraisalError>) -> (&'static str, String) {
    match outcome {
        Err(error) => (error.check(), error.to_string()),
        Ok(found) => match found.decision {
            Decision::Deny(refused) => (refused.check(), refused.to_string()),
            Decision::Permit(_) => panic!("permitted"),
        },
    }
}

const ALL: [Requirement; 2] = [Requirement::OnlySigned, Requirement::OnlyListed];

#[test]
fn a_token_says_only_signed_where_every_file_is_and_refuses_by_name_where_one_is_not() {
    let mut ground = ima::ground().unwrap();
    let settings = expected(&ground, ALL.to_vec());
    let (engine, good) = of_files(&ground, Some(ground.list.binary()));
    let found = engine.appraise(&good, &policy(""), &settings, at(LATE_2026)).unwrap();
    let claims = found.permitted().unwrap();
    for name in
        ["avouch-ima-only-signed", "avouch-ima-only-listed", "avouch-ima-only-signed-or-listed"]
    {
        assert_eq!(claims.claims()[name], true, "{name}");
    }
    assert_eq!(claims.claims()["avouch-ima"]["signed"], 2);

    // The same list by nobody's keys: nothing is signed, and the token says so.
    let unknown = AppraisalSettings::default();
    let found = engine.appraise(&good, &policy(""), &unknown, at(LATE_2026)).unwrap();
    assert_eq!(found.permitted().unwrap().claims()["avouch-ima-only-signed"], false);

    ground.run(ImaEntry::unsigned("/tmp/dropper", b"\x7fELF"));
    let (engine, bad) = of_files(&ground, Some(ground.list.binary()));
    let outcome = engine.appraise(&bad, &policy(""), &settings, at(LATE_2026));
    let (check, message) = refused(outcome);
    assert_eq!(check, "ima-only-signed");
    assert!(message.contains("/tmp/dropper"), "{message}");

    let (engine, none) = of_files(&ground, None);
    let outcome = engine.appraise(&none, &policy(""), &settings, at(LATE_2026));
    assert_eq!(refused(outcome).0, "ima-list-missing");
    // What was added after the quote proves nothing: the list is taken as far as PCR 10 goes.
    let shorter = ima::ground().unwrap();
    let longer = shorter.list.clone().with(ImaEntry::unsigned("/later", b"later"));
    let (engine, raced) = of_files(&shorter, Some(longer.binary()));
    let settings = expected(&shorter, ALL.to_vec());
    let found = engine.appraise(&raced, &policy(""), &settings, at(LATE_2026)).unwrap();
    assert!(found.is_permitted(), "{:?}", found.decision);
    let quoted = shorter.list.pcr10(Bank::Sha256, Extension::Own, 2);
    assert_ne!(Some(quoted.as_slice()), shorter.registers.get(Bank::Sha256, 10));
}

#[test]
fn every_break_of_a_list_is_refused_by_its_check_through_the_arm() {
    for one in ima::breaks() {
        let broken = one.broken().unwrap();
        let require = match broken.check {
            "ima-only-listed" => vec![Requirement::OnlyListed],
            "verity-volumes" => vec![Requirement::ListedVolumes],
            "ima-only-signed-or-listed" => vec![Requirement::OnlySignedOrListed],
            _ => vec![Requirement::OnlySigned],
        };
        let settings = expected(&broken.ground, require);
        let list = broken.ground.list.binary();
        let (engine, request) = of_files(&broken.ground, Some(list));
        let outcome = engine.appraise(&request, &policy(""), &settings, at(LATE_2026));
        assert_eq!(refused(outcome).0, broken.check, "{}", one.name);
    }
}

#[test]
fn data_and_logs_that_nothing_explains_are_refused() {
    let minted = mint(&TpmOptions::new(at(LATE_2026))).unwrap();
    let engine = engine(&[minted.aik_root_pem.clone().into_bytes()]);
    let evidence = minted.request.clone().into_bytes();
    let good = request(evidence, minted.challenge.to_vec());
    let held = || {
        Some(avouch_engine::HeldData { bytes: vec![1], data_type: avouch_engine::DataType::Binary })
    };
    for (request, check) in [
        (AppraisalRequest { runtime_data: held(), ..good.clone() }, "tpm-held-data"),
        (AppraisalRequest { init_time_data: held(), ..good.clone() }, "tpm-held-data"),
        (AppraisalRequest { event_log: Some(vec![1]), ..good.clone() }, "event-log-kind"),
        (AppraisalRequest { evidence: vec![0xff; 64], ..good.clone() }, "tpm-evidence"),
        (AppraisalRequest { evidence: b"a.b".to_vec(), ..good.clone() }, "tpm-request-jws"),
        (AppraisalRequest { evidence: b"{}".to_vec(), ..good.clone() }, "tpm-request-member"),
        (good, "log-register"),
    ] {
        assert_eq!(appraised(&engine, &request, &policy("")).unwrap_err().check(), check);
    }
    let twice = |logs: Value| {
        let mut attestation: Value =
            serde_json::from_slice(&without_firmware_log(&minted.request)).unwrap();
        attestation["logs"] = logs;
        let request = request(attestation.to_string().into_bytes(), minted.challenge.to_vec());
        appraised(&engine, &request, &policy("")).unwrap_err().check()
    };
    let log = |kind| json!({"type": kind, "log": "AA"});
    assert_eq!(twice(json!([log("TCG"), log("TCG")])), "tpm-logs");
    assert_eq!(twice(json!([log("IMA"), log("IMA")])), "tpm-logs");
    assert_eq!(twice(json!([log("IMA")])), "ima-structure");
}

/// Whatever is sized by the sender is read only behind a signature that holds.
#[test]
fn logs_are_not_read_before_the_quote_is_known_to_be_a_tpms_answer() {
    let options = TpmOptions { log: b"no log".to_vec(), ..TpmOptions::new(at(LATE_2026)) };
    for (name, check) in [
        ("request-signature", "tpm-request-signature"),
        ("quote-signature", "tpm-signature"),
        ("quote-challenge", "tpm-qualifying-data"),
        ("aik-expired", "aik-certificate-expired"),
        ("pcr-changed", "tpm-pcr-digest"),
    ] {
        let minted = mint(&options.clone().broken(name)).unwrap();
        let engine = engine(&[minted.aik_root_pem.into_bytes()]);
        let request = request(minted.request.into_bytes(), minted.challenge.to_vec());
        assert_eq!(appraised(&engine, &request, &policy("")).unwrap_err().check(), check, "{name}");
    }
}

#[test]
fn a_key_in_the_quote_is_bound_and_an_enrolled_machine_needs_no_certificate() {
    let log = bootlog::Ground::Linux.log().unwrap();
    let registers = log.registers();
    let value = |pcr| registers.get(Bank::Sha256, pcr).and_then(|value| value.try_into().ok());
    let options = TpmOptions {
        binding: KeyBinding::Quoted,
        log: log.to_bytes().unwrap(),
        pcrs: (0..24).map(|pcr| value(pcr).unwrap_or([0; 32])).collect(),
        ..TpmOptions::new(UnixTime::from_rfc3339(LATE_2026).unwrap())
    };
    let minted = mint(&options).unwrap();
    let engine = engine(&[minted.aik_root_pem.clone().into_bytes()]);
    let good = request(minted.request.clone().into_bytes(), minted.challenge.to_vec());
    let found = appraised(&engine, &good, &policy("")).unwrap();
    assert_eq!(found.facts.to_json()["request"]["request_key"]["binding"], "quoted");
    assert!(found.facts.sender_key().is_some());

    let enrolment = support::enrolment(&minted);
    let ek = sha256(avouch_tpm::trim_padding(&minted.ek_certificate)).to_string();
    let sealed = TpmOptions { enrolment: Some("sealed".to_owned()), ..options };
    let minted = mint(&sealed).unwrap();
    let without = request(minted.request.into_bytes(), minted.challenge.to_vec());
    let nobody = self::engine(&[]);
    assert_eq!(appraised(&nobody, &without, &policy("")).unwrap_err().check(), "tpm-enrolment");
    let challenge = minted.challenge.to_vec();
    let challenged = Some(Challenged { challenge, aik: None, enrolment: Some(enrolment.clone()) });
    let enrolled = AppraisalRequest { challenged, ..without };
    let found = appraised(&nobody, &enrolled, &policy("")).unwrap();
    assert_eq!(incoming(&found, "aikValidated"), true);
    assert_eq!(incoming(&found, "avouch-aik"), "activated");
    assert_eq!(incoming(&found, "avouch-tpm-ek"), ek);
    let claims = found.permitted().unwrap();
    assert!(claims.claims()["avouch-trust-root"].as_str().unwrap().contains("Mint TPM Root CA"));
}

/// The policy that `docs/evidence/tpm.md` shows.
#[test]
fn the_policy_of_the_page_permits_what_it_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/tpm.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("```policy\n").nth(1).unwrap().split("```").next().unwrap();
    let policy = PolicyInForce::from_text(block).unwrap();
    for (boot, permitted) in [
        (bootlog::Ground::Linux, true),
        (bootlog::Ground::LinuxOff, false),
        (bootlog::Ground::LinuxInsecure, false),
    ] {
        let log = boot.log().unwrap();
        let (engine, request) = machine(log.to_bytes().unwrap(), None, &log.registers());
        let found = appraised(&engine, &request, &policy).unwrap();
        assert_eq!(found.is_permitted(), permitted, "{boot:?}");
    }
}
