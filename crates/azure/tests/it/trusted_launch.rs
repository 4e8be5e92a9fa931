//! The recorded request of a Trusted Launch machine, and every way to flip what a signature covers.

use avouch_azure::{AttestationInfo, Conditions, Host, Isolation, VtpmAnchors};
use avouch_tpm::{AkRules, Standing};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use serde_json::{Value, json};

use super::recordings::{absent, json as recorded, moment, read};

const FOLDER: &str = "tpm/azure/trusted-launch-windows";

fn document() -> Value {
    recorded(&format!("{FOLDER}/attestation-info.json"))
}

fn verify(document: &Value, at: UnixTime) -> Result<avouch_azure::VerifiedGuest, &'static str> {
    let bytes = serde_json::to_vec(document).unwrap();
    let info = AttestationInfo::parse(&bytes).map_err(|error| error.check())?;
    let anchors = VtpmAnchors::azure();
    let conditions =
        Conditions { anchors: &anchors, cas: &[], rules: AkRules::default(), reported: None, at };
    info.verify(conditions).map_err(|error| error.check())
}

fn at() -> UnixTime {
    moment("2025-01-01T00:00:00Z")
}

#[test]
fn the_recorded_request_is_a_machine_of_azures_in_a_known_state() {
    if absent() {
        return;
    }
    let bytes = read(&format!("{FOLDER}/attestation-info.json"));
    let info = AttestationInfo::parse(&bytes).unwrap();
    assert_eq!(*info.untrusted_isolation(), Isolation::TrustedLaunch);
    let system = serde_json::to_value(info.untrusted_system()).unwrap();
    let expected = json!({"os_type": "Windows", "distro": "Microsoft", "build": "NotApplicable",
        "version_major": 10, "version_minor": 0});
    assert_eq!(system, expected);
    assert_eq!(info.untrusted_log(), read(&format!("{FOLDER}/eventlog.bin")));
    assert!(info.untrusted_client_payload().unwrap().contains_key("ArmID"));
    let guest = verify(&document(), at()).unwrap();
    assert_eq!((guest.host(), guest.standing()), (Host::Azure, Standing::Certified));
    assert_eq!(guest.attested_pcrs().to_string(), "0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14");
    let facts = serde_json::to_value(&guest).unwrap();
    assert_eq!(facts["sealing_key"]["hierarchy"], "null");
    assert_eq!(facts["sealing_key"]["certified"]["attributes"], "0x00020432");
}

#[test]
fn it_counts_in_the_validity_of_its_keys_certificate_only() {
    if absent() {
        return;
    }
    for (at, refused) in [
        ("2024-02-06T23:59:59Z", Some("aik-certificate-not-yet-valid")),
        ("2024-02-07T00:00:00Z", None),
        ("2025-10-30T00:00:00Z", None),
        ("2025-10-30T00:00:01Z", Some("aik-certificate-expired")),
    ] {
        assert_eq!(verify(&document(), moment(at)).err(), refused, "{at}");
    }
}

/// Every byte of a member flipped in one bit, one at a time: which checks refuse it.
fn flipped(member: &str, step: usize) -> Vec<&'static str> {
    let original = document();
    let text = original["TpmInfo"][member].as_str().unwrap();
    let bytes = base64url::decode_either(text).unwrap();
    let mut checks: Vec<&'static str> = Vec::new();
    for place in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let mut document = original.clone();
        document["TpmInfo"][member] = base64url::encode_standard(&changed).into();
        let check = verify(&document, at()).err();
        checks
            .push(check.unwrap_or_else(|| panic!("{member}: byte {place} is covered by nothing")));
    }
    checks.sort_unstable();
    checks.dedup();
    checks
}

#[test]
fn every_bit_that_the_attestation_key_signs_is_refused_where_it_is_flipped() {
    if absent() {
        return;
    }
    let structure =
        ["tpm-attest-magic", "tpm-attest-structure", "tpm-attest-type", "tpm-signature"];
    for member in ["PcrQuote", "EncKeyCertifyInfo"] {
        let checks = flipped(member, 1);
        assert!(checks.iter().all(|check| structure.contains(check)), "{member}: {checks:?}");
        assert!(checks.contains(&"tpm-signature"));
    }
    for member in ["PcrSignature", "EncKeyCertifyInfoSignature"] {
        assert_eq!(flipped(member, 1), ["tpm-signature"], "{member}");
    }
}

#[test]
fn every_bit_of_the_keys_and_of_the_certificate_is_refused_where_it_is_flipped() {
    if absent() {
        return;
    }
    for check in flipped("AikPub", 1) {
        let of_key = check.starts_with("ak-")
            || check.starts_with("tpm-public-")
            || check == "guest-public-names"
            // What the certificate says nothing of, the place covers that the quote names.
            || check == "tpm-qualified-signer";
        assert!(of_key, "AikPub: {check}");
    }
    for check in flipped("EncKeyPub", 1) {
        let of_key = check == "tpm-certified-name" || check.starts_with("tpm-public-");
        assert!(of_key || check == "guest-public-names", "EncKeyPub: {check}");
    }
    for check in flipped("AikCert", 7) {
        let of_certificate = check.starts_with("aik-certificate-") || check == "ak-certificate-key";
        assert!(of_certificate, "AikCert: {check}");
    }
}

#[test]
fn values_of_pcrs_are_those_of_the_quote() {
    if absent() {
        return;
    }
    let count = document()["TpmInfo"]["PCRs"].as_array().unwrap().len();
    for index in 0..count {
        let mut document = document();
        let digest = &mut document["TpmInfo"]["PCRs"][index]["Digest"];
        let mut bytes = base64url::decode_either(digest.as_str().unwrap()).unwrap();
        bytes[index] ^= 4;
        *digest = base64url::encode_standard(&bytes).into();
        assert_eq!(verify(&document, at()).err(), Some("tpm-pcr-digest"));
    }
    let change = |change: fn(&mut Value)| {
        let mut document = document();
        change(&mut document["TpmInfo"]);
        verify(&document, at()).err()
    };
    let set = |tpm: &mut Value| tpm["PcrSet"] = json!([0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13]);
    assert_eq!(change(set), Some("guest-pcr-set"));
    let twice = |tpm: &mut Value| tpm["PcrSet"].as_array_mut().unwrap().push(json!(7));
    assert_eq!(change(twice), Some("guest-document-member"));
    let fewer = |tpm: &mut Value| drop(tpm["PCRs"].as_array_mut().unwrap().pop());
    assert_eq!(change(fewer), Some("tpm-pcr-missing"));
    let swapped = |tpm: &mut Value| {
        let pcrs = tpm["PCRs"].as_array_mut().unwrap();
        (pcrs[0]["Index"], pcrs[7]["Index"]) = (json!(7), json!(0));
    };
    assert_eq!(change(swapped), Some("tpm-pcr-digest"));
}

type Change = fn(&mut Value);

#[test]
fn documents_that_no_client_writes_are_refused_by_member() {
    if absent() {
        return;
    }
    let change = |change: fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        verify(&document, at()).err()
    };
    let cases: [(Change, &str); 12] = [
        (|it| it["AttestationProtocolVersion"] = json!("1.0"), "guest-protocol-version"),
        (|it| it["AttestationProtocolVersion"] = json!(2), "guest-document-json"),
        (|it| it["OSType"] = json!("%"), "guest-document-base64"),
        (|it| it["OSVersionMajor"] = json!("ten"), "guest-document-member"),
        (|it| it["OSVersionMinor"] = json!(-1), "guest-document-json"),
        (|it| it["ClientPayload"] = json!([]), "guest-client-payload"),
        (|it| it["IsolationInfo"]["Type"] = json!("Cca"), "guest-isolation-type"),
        (|it| it["IsolationInfo"]["Type"] = json!("SevSnp"), "guest-isolation-evidence"),
        (
            |it| it["IsolationInfo"]["Evidence"] = json!({"Proof": "", "RunTimeData": ""}),
            "guest-isolation-evidence",
        ),
        (|it| drop(it.as_object_mut().unwrap().remove("TpmInfo")), "guest-document-json"),
        (|it| it["TpmInfo"]["AikCert"] = json!(""), "guest-ak-not-vouched"),
        (|it| it["TpmInfo"]["AikCert"] = Value::Null, "guest-ak-not-vouched"),
    ];
    for (index, (change_it, check)) in cases.into_iter().enumerate() {
        assert_eq!(change(change_it), Some(check), "case {index}");
    }
}

#[test]
fn what_the_public_clients_write_differently_is_read_alike() {
    if absent() {
        return;
    }
    let mut other = document();
    (other["OSVersionMajor"], other["OSVersionMinor"]) = (json!("10"), json!("0"));
    other["ClientPayload"] = json!({"nested": {"as": ["it", "is"]}});
    let tpm = other["TpmInfo"].as_object_mut().unwrap();
    let public = base64url::decode_either(tpm["AikPub"].as_str().unwrap()).unwrap();
    let name = avouch_tpm::Public::parse_sized(&public).unwrap().name().clone();
    let sized = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [length.as_slice(), bytes].concat()
    };
    let answered = [public.clone(), sized(name.as_bytes()), sized(&[0; 34])].concat();
    tpm["AikPub"] = base64url::encode(&answered).into();
    let mut padded = base64url::decode_either(tpm["AikCert"].as_str().unwrap()).unwrap();
    padded.resize(4096, 0);
    tpm["AikCert"] = base64url::encode_standard(padded).into();
    verify(&other, at()).unwrap();
    let wrong = [public.clone(), sized(&[0; 34]), sized(&[0; 34])].concat();
    other["TpmInfo"]["AikPub"] = base64url::encode(wrong).into();
    assert_eq!(verify(&other, at()).err(), Some("guest-public-names"));
    other["TpmInfo"]["AikPub"] = base64url::encode([answered, vec![0]].concat()).into();
    assert_eq!(verify(&other, at()).err(), Some("guest-public-names"));
}
