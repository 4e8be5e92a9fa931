//! What a paravisor says, as runtime data beside SEV-SNP and TDX evidence: what is taken, and each sibling of it
//! refused by the check that sees what is wrong.

use avouch_azure::{HardwareReport, HclReport};
use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_server::Clock;
use avouch_wire::{EvidenceKind, UnixTime, base64url, decode_hex};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Running, Setup, now, vector};

/// Both kinds with their routes.
const KINDS: [(EvidenceKind, &str); 2] = [
    (EvidenceKind::Snp, "/attest/SevSnpVm?api-version=2022-08-01"),
    (EvidenceKind::Tdx, "/attest/TdxVm?api-version=2023-04-01-preview"),
];

fn key(kid: &str) -> Value {
    let modulus = base64url::encode([0xc5; 256]);
    json!({"kid": kid, "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": modulus})
}

/// What a paravisor says of a machine whose TPM has these keys.
fn said(keys: &[&str]) -> String {
    let keys: Vec<Value> = keys.iter().map(|kid| key(kid)).collect();
    let configuration =
        json!({"secure-boot": true, "vmUniqueId": "6D696E74-0000-4000-8000-000000000001"});
    json!({"keys": keys, "vm-configuration": configuration, "user-data": "00".repeat(64)})
        .to_string()
}

fn options(said: String) -> Options {
    Options { runtime_data: Some(HeldData::json(said)), ..Options::new(now()) }
}

fn good(kind: EvidenceKind) -> Minted {
    mint(kind, &options(said(&["HCLAkPub", "HCLEkPub"]))).unwrap()
}

fn body(minted: &Minted) -> Value {
    serde_json::from_str(&minted.request).unwrap()
}

/// The same request with other runtime data.
fn with_data(request: &Value, data: &[u8]) -> Value {
    let mut changed = request.clone();
    changed["runtimeData"]["data"] = base64url::encode(data).into();
    changed
}

/// Posts what must be refused by a check; the message.
async fn refused(
    service: &Running,
    path: &str,
    request: &Value,
    check: &str,
    what: &str,
) -> String {
    let (status, answer) = service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{what}: {answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("{check}:")), "{what}: {message}");
    message.to_owned()
}

#[tokio::test]
async fn what_a_paravisor_says_is_taken_with_a_report_of_its_own() {
    for (kind, path) in KINDS {
        for keys in [&["HCLAkPub", "HCLEkPub"][..], &["HCLAkPub"], &["HCLEkPub", "mine"], &[]] {
            let minted = mint(kind, &options(said(keys))).unwrap();
            let service = Running::start_for(&minted).await;
            let (status, answer) = service.post(path, minted.request.clone()).await;
            assert_eq!(status, StatusCode::OK, "{keys:?}: {answer}");
            let claims = service.claims(answer["token"].as_str().unwrap()).await;
            let said: Value = serde_json::from_str(&said(keys)).unwrap();
            assert_eq!(claims["x-ms-runtime"], said, "{keys:?}");
        }
    }
}

#[tokio::test]
async fn other_data_than_the_report_binds_are_refused() {
    for (kind, path) in KINDS {
        let minted = good(kind);
        let service = Running::start_for(&minted).await;
        let request = body(&minted);
        let data = minted.runtime_data.clone().unwrap().bytes;
        assert_eq!(service.post(path, request.to_string()).await.0, StatusCode::OK);
        for place in (0..data.len()).step_by(37).chain([data.len() - 1]) {
            let mut flipped = data.clone();
            flipped[place] ^= 1 << (place % 8);
            let what = format!("byte {place}");
            refused(&service, path, &with_data(&request, &flipped), "runtime-data", &what).await;
        }
        let spaced = [data.as_slice(), b" "].concat();
        let cut = &data[..data.len() - 1];
        let zeros = [data.as_slice(), &[0; 64]].concat();
        let other = said(&["HCLAkPub"]);
        for (data, what) in [
            (spaced.as_slice(), "a space follows"),
            (cut, "the last byte is missing"),
            (&zeros, "zeros follow, as in the TPM's index"),
            (other.as_bytes(), "the data of another machine"),
        ] {
            refused(&service, path, &with_data(&request, data), "runtime-data", what).await;
        }
        // The same data beside the report of another machine below the same root.
        let elsewhere = mint(kind, &options(other.clone())).unwrap();
        let moved = with_data(&body(&elsewhere), &data);
        refused(&service, path, &moved, "runtime-data", "the report of another machine").await;
    }
}

#[tokio::test]
async fn a_hash_in_the_wrong_half_or_beside_other_bytes_binds_nothing() {
    for ((kind, path), broken) in
        KINDS.into_iter().zip(["runtime-data-upper-half", "runtime-data-in-second-half"])
    {
        let said = said(&["HCLAkPub"]);
        let minted = mint(kind, &options(said).broken(broken)).unwrap();
        let service = Running::start_for(&minted).await;
        refused(&service, path, &body(&minted), "runtime-data", broken).await;
    }
}

#[tokio::test]
async fn bound_data_that_no_paravisor_says_are_refused() {
    let doubled = said(&["HCLAkPub", "HCLAkPub"]);
    let again = said(&["HCLAkPub", "HCLEkPub", "HCLAkPub"]);
    let trailing = format!("{}x", said(&["HCLAkPub"]));
    let hidden = format!("{}\0{}", said(&["HCLAkPub"]), said(&["HCLAkPub"]));
    let member_twice = said(&["HCLAkPub"]).replacen('{', r#"{"user-data":"","#, 1);
    for (said, check) in [
        (doubled, "hcl-runtime-ak"),
        (again, "hcl-runtime-ak"),
        (trailing, "runtime-data-json"),
        (hidden, "runtime-data-json"),
        (member_twice, "runtime-data-json"),
    ] {
        for (kind, path) in KINDS {
            let minted = mint(kind, &options(said.clone())).unwrap();
            let service = Running::start_for(&minted).await;
            refused(&service, path, &body(&minted), check, &said).await;
        }
    }
}

/// The guest asks for reports of its own at another level, with whatever data.
#[tokio::test]
async fn a_guest_does_not_speak_for_its_paravisor() {
    let (kind, path) = KINDS[0];
    for vmpl in 0..4 {
        let mut options = options(said(&["HCLAkPub"]));
        options.snp.vmpl = vmpl;
        let minted = mint(kind, &options).unwrap();
        let service = Running::start_for(&minted).await;
        let request = body(&minted);
        match vmpl {
            0 => assert_eq!(service.post(path, request.to_string()).await.0, StatusCode::OK),
            _ => drop(refused(&service, path, &request, "hcl-vmpl", "of the guest").await),
        }
        // What does not speak so is the guest's own.
        options.runtime_data = Some(HeldData::json(r#"{"keys":[{"kid":"mine"}]}"#));
        let own = mint(kind, &options).unwrap();
        let (status, answer) = service.post(path, own.request).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
}

#[tokio::test]
async fn evidence_is_of_the_kind_of_its_route() {
    let [snp, tdx] = KINDS.map(|(kind, _)| good(kind));
    let [(_, snp_path), (_, tdx_path)] = KINDS;
    let request = |member: &str, evidence: &[u8], of: &Minted| {
        let data = of.runtime_data.clone().unwrap().bytes;
        json!({
            member: base64url::encode(evidence),
            "runtimeData": {"data": base64url::encode(data), "dataType": "JSON"},
        })
    };
    let document = |report: &[u8]| {
        let chain = base64url::encode(&snp.endorsements);
        json!({"SnpReport": base64url::encode(report), "VcekCertChain": chain}).to_string()
    };
    let service = Running::start_for(&tdx).await;
    let hcl = hcl_report(&snp);
    let mut td_report = vec![0x81; 1];
    td_report.resize(1024, 0);
    for (evidence, what, check) in [
        (&snp.evidence, "an SEV-SNP report", "attestation-key-type"),
        (&hcl, "an HCL report", "quote-version"),
        (&td_report, "a TDREPORT", "quote-version"),
    ] {
        let answer =
            refused(&service, tdx_path, &request("quote", evidence, &snp), check, what).await;
        assert!(answer.contains(what), "it says what it is: {answer}");
    }

    let service = Running::start_for(&snp).await;
    for (evidence, what, check) in [
        (&tdx.evidence, "a TDX quote", "report-version"),
        (&hcl, "an HCL report", "report-version"),
        (&td_report, "a TDREPORT", "report-length"),
    ] {
        let in_document = document(evidence);
        for (evidence, check) in
            [(evidence.as_slice(), check), (in_document.as_bytes(), "report-length")]
        {
            let request = request("report", evidence, &snp);
            let answer = refused(&service, snp_path, &request, check, what).await;
            assert!(answer.contains(what), "it says what it is: {answer}");
        }
    }
}

/// A paravisor's report around a minted one, as it lies in the TPM.
fn hcl_report(snp: &Minted) -> Vec<u8> {
    let data = snp.runtime_data.clone().unwrap().bytes;
    let length = u32::try_from(data.len()).unwrap();
    let numbers = |numbers: &[u32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let header = [b"HCLA".to_vec(), numbers(&[2, 0, 2, 0, 0, 0, 0])].concat();
    let report = [header, snp.evidence.clone(), numbers(&[0, 1, 2, 1, length]), data].concat();
    HclReport::parse(&report).unwrap();
    report
}

/// The report and the runtime data of a recording, and the certificate of its chip.
fn recorded(name: &str) -> Option<(Vec<u8>, Vec<u8>, String)> {
    let whole: Value = serde_json::from_slice(&vector(&format!("snp/hcl/{name}.json"))?).unwrap();
    let document = whole.get("evidence").unwrap_or(&whole);
    let bytes = |value: &Value| -> Vec<u8> {
        match value {
            Value::String(text) => {
                decode_hex(text).ok().or_else(|| base64url::decode_either(text).ok()).unwrap()
            }
            numbers => serde_json::from_value(numbers.clone()).unwrap(),
        }
    };
    let member = |names: &[&str]| names.iter().find_map(|name| document.get(name)).cloned();
    let report = bytes(&member(&["hcl_report", "report", "hclReport"]).unwrap());
    let hcl = HclReport::parse(&report).unwrap();
    let HardwareReport::Snp(area) = hcl.hardware() else { panic!("{name}") };
    let vcek = member(&["vcek"]).unwrap();
    let pem = match &vcek {
        Value::String(text) if text.contains("BEGIN") => text.clone(),
        other => avouch_pki::pem::encode("CERTIFICATE", &bytes(other)),
    };
    Some((area.to_vec(), hcl.untrusted_runtime_data().to_vec(), pem))
}

fn snp_request(report: &[u8], data: &[u8], chain: &str) -> Value {
    let report =
        json!({"SnpReport": base64url::encode(report), "VcekCertChain": base64url::encode(chain)});
    json!({
        "report": base64url::encode(report.to_string()),
        "runtimeData": {"data": base64url::encode(data), "dataType": "JSON"},
    })
}

async fn service_at(moment: &str) -> Running {
    let mut setup = Setup::new().await;
    setup.clock = Clock::appraising_at(UnixTime::from_rfc3339(moment).unwrap());
    setup.serve().await
}

#[tokio::test]
async fn recorded_machines_of_azures_are_permitted_and_one_with_the_chain_of_another_chip_is_not() {
    let path = KINDS[0].1;
    let service = service_at("2026-11-21T17:00:00Z").await;
    let names =
        ["snp-milan-svn10-v0", "snp-milan-svn10-v1", "snp-genoa-hclv2", "snp-milan-empty-nonce"];
    let mut machines = Vec::new();
    for name in names {
        let Some((report, data, chain)) = recorded(name) else { return };
        let (status, answer) =
            service.post(path, snp_request(&report, &data, &chain).to_string()).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        let claims = service.claims(answer["token"].as_str().unwrap()).await;
        assert_eq!(claims["x-ms-sevsnpvm-vmpl"], 0);
        assert_eq!(claims["x-ms-runtime"], serde_json::from_slice::<Value>(&data).unwrap());
        let mut flipped = data.clone();
        flipped[data.len() / 2] ^= 1;
        let changed = snp_request(&report, &flipped, &chain);
        refused(&service, path, &changed, "runtime-data", name).await;
        machines.push((report, data, chain));
    }
    let [
        _,
        (milan, milan_data, milan_chain),
        (genoa, genoa_data, genoa_chain),
        (other, other_data, _),
    ] = machines.as_slice()
    else {
        panic!("four machines")
    };
    let swapped = snp_request(milan, other_data, milan_chain);
    refused(&service, path, &swapped, "runtime-data", "of another machine").await;
    let swapped = snp_request(other, milan_data, milan_chain);
    refused(&service, path, &swapped, "report-signature", "by another chip").await;
    let swapped = snp_request(genoa, genoa_data, milan_chain);
    refused(&service, path, &swapped, "product-mismatch", "by another product").await;
    let swapped = snp_request(milan, milan_data, genoa_chain);
    refused(&service, path, &swapped, "product-mismatch", "by another product").await;

    let whole = vector("snp/hcl/kinvolk-snp.bin").unwrap();
    let hcl = HclReport::parse(&whole).unwrap();
    let HardwareReport::Snp(area) = hcl.hardware() else { panic!("not an SNP report") };
    let chain = vector("snp/hcl/kinvolk-other-chip-chain.pem").unwrap();
    let chain = String::from_utf8(chain).unwrap();
    let request = snp_request(area, hcl.untrusted_runtime_data(), &chain);
    refused(&service, path, &request, "report-signature", "of another chip").await;
}

#[tokio::test]
async fn a_recorded_trust_domain_of_azures_is_permitted_and_its_siblings_are_not() {
    let (_, path) = KINDS[1];
    let Some(document) = vector("snp/hcl/tdx-azure-ak-2026.json") else { return };
    let document: Value = serde_json::from_slice(&document).unwrap();
    let bytes = |name: &str| -> Vec<u8> {
        let text = document[name].as_str().unwrap();
        decode_hex(text).ok().or_else(|| base64url::decode_either(text).ok()).unwrap()
    };
    let mut setup = Setup::new().await;
    setup.clock = Clock::appraising_at(UnixTime::from_rfc3339("2026-06-23T11:00:00Z").unwrap());
    let collateral = vector("intel/collateral/tdx-90c06f000000-e19-2026-06-08.json").unwrap();
    setup.endorsements.add(&collateral).unwrap();
    let service = setup.serve().await;
    let (report, quote) = (bytes("hcl_report"), bytes("td_quote"));
    let hcl = HclReport::parse(&report).unwrap();
    let data = hcl.untrusted_runtime_data();
    let request = json!({
        "quote": base64url::encode(&quote),
        "runtimeData": {"data": base64url::encode(data), "dataType": "JSON"},
    });
    let (status, answer) = service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let claims = service.claims(answer["token"].as_str().unwrap()).await;
    assert_eq!(claims["x-ms-runtime"], serde_json::from_slice::<Value>(data).unwrap());
    for place in (0..data.len()).step_by(97) {
        let mut flipped = data.to_vec();
        flipped[place] ^= 0x10;
        let changed = with_data(&request, &flipped);
        refused(&service, path, &changed, "runtime-data", "a flipped bit").await;
    }
    let other = vector("snp/hcl/tdx-kinvolk.bin").unwrap();
    let other = HclReport::parse(&other).unwrap();
    let moved = with_data(&request, other.untrusted_runtime_data());
    refused(&service, path, &moved, "runtime-data", "of another domain").await;
    let mut flipped = quote.clone();
    flipped[48 + 520] ^= 1;
    let mut changed = request.clone();
    changed["quote"] = base64url::encode(&flipped).into();
    refused(&service, path, &changed, "quote-signature", "report data that nobody signed").await;
    // A report of the domain is for its own platform.
    let HardwareReport::Tdx(_) = hcl.hardware() else { panic!("not a TD report") };
    let mut changed = request.clone();
    changed["quote"] = base64url::encode(&report[32..][..1024]).into();
    refused(&service, path, &changed, "quote-version", "a TD report").await;
}
