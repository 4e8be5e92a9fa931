//! Recorded HCL reports: as the manifest says, with the quotes of their machines.

use avouch_azure::{HardwareReport, HclReport, RuntimeClaims};
use avouch_dcap::{Body, Quote};
use avouch_pki::Certificate;
use avouch_snp::{Chain, Crls, Report, TrustAnchors, VerifiedReport, verify_chain, verify_report};
use avouch_tpm::{
    AkRules, Attest, AttestationKey, Expected, HashAlgorithm, PcrMask, PcrValue, Signature,
    VerifiedQuote, verify_quote,
};
use avouch_wire::{FailedCheck as _, UnixTime, encode_hex};
use serde_json::Value;

use super::recordings::{absent, bytes, ders, json, moment, read};

/// A quote: the structure, its signature, and the values of PCRs.
type Quoted = (Vec<u8>, Vec<u8>, Vec<Vec<u8>>);

/// What a recording holds, in whichever form.
struct Recording {
    hcl: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    td_quote: Option<Vec<u8>>,
    quote: Option<Quoted>,
}

fn recording(path: &str) -> Recording {
    if path.ends_with(".bin") {
        return Recording { hcl: read(path), certificates: vec![], td_quote: None, quote: None };
    }
    let document = json(path);
    let inner = match document.get("evidence") {
        Some(inner) => inner,
        None => document.pointer("/report/snpCvm/evidence").unwrap_or(&document),
    };
    let member = |names: &[&str]| names.iter().find_map(|name| inner.get(name)).cloned();
    let hcl = bytes(&member(&["hcl_report", "report", "hclReport"]).unwrap());
    let pem = member(&["vcek"])
        .or_else(|| document.pointer("/report/snpCvm/platformCertificates").cloned());
    let certificates = match pem {
        None => Vec::new(),
        Some(Value::String(text)) if text.contains("BEGIN") => ders(text.as_bytes()),
        Some(other) => vec![bytes(&other)],
    };
    let quote = member(&["tpm_quote", "quote"]).map(|quote| {
        let values = quote["pcrs"].as_array().unwrap().iter().map(bytes).collect();
        (bytes(&quote["message"]), bytes(&quote["signature"]), values)
    });
    let td_quote = member(&["td_quote"]).as_ref().map(bytes);
    Recording { hcl, certificates, td_quote, quote }
}

/// The cases of the manifest with HCL reports.
fn cases(kind: &str) -> Vec<Value> {
    let manifest = json("snp/manifest.json");
    let cases = manifest.as_array().unwrap().iter();
    let is_ours = |case: &&Value| {
        case["kind"] == kind
            && case["id"].as_str().unwrap().contains(if kind == "negative" { "hcl" } else { "" })
    };
    cases.filter(is_ours).cloned().collect()
}

fn path(case: &Value, index: usize) -> String {
    format!("snp/{}", case["files"][index].as_str().unwrap())
}

fn snp(
    hcl: &HclReport<'_>,
    certificates: &[Vec<u8>],
    at: UnixTime,
) -> Result<VerifiedReport, &'static str> {
    let HardwareReport::Snp(area) = hcl.hardware() else { panic!("not an SNP report") };
    let report = Report::parse(area).map_err(|error| error.check())?;
    let (anchors, crls) = (TrustAnchors::amd(), Crls::none());
    let chain = Chain::parse(certificates).map_err(|error| error.check())?;
    let key = verify_chain(&chain, &anchors, &crls, at).map_err(|error| error.check())?;
    verify_report(&report, &key, &crls, at).map_err(|error| error.check())
}

fn quoted(
    recording: &Recording,
    runtime: &RuntimeClaims,
    nonce: Option<&[u8]>,
) -> Result<VerifiedQuote, &'static str> {
    let (message, signature, values) = recording.quote.as_ref().unwrap();
    let quote = Attest::parse(message).unwrap();
    let key = AttestationKey::self_asserted(runtime.ak(), AkRules::default()).unwrap();
    let signature = Signature::bare_rsassa(HashAlgorithm::Sha256, signature);
    let own = quote.untrusted_extra_data().to_vec();
    let expected = Expected {
        qualifying_data: nonce.unwrap_or(&own),
        required: PcrMask::from_bits(0xff).unwrap(),
    };
    let values: Vec<PcrValue> = (0..)
        .zip(values)
        .map(|(index, digest)| PcrValue {
            bank: HashAlgorithm::Sha256,
            index,
            digest: digest.clone(),
        })
        .collect();
    verify_quote(&quote, &signature, &key, expected, &values).map_err(|error| error.check())
}

#[test]
fn every_recorded_report_is_read_and_binds_its_runtime_data_as_the_manifest_says() {
    if absent() {
        return;
    }
    let cases = cases("hcl");
    assert!(cases.len() >= 10, "{}", cases.len());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let recording = recording(&path(case, 0));
        let hcl = HclReport::parse(&recording.hcl).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(
            u64::from(hcl.untrusted_version()),
            case["hcl_version"].as_u64().unwrap(),
            "{id}"
        );
        assert_eq!(case["hcl_request_type"], hcl.untrusted_request_type(), "{id}");
        let length = hcl.untrusted_runtime_data().len();
        assert_eq!(length as u64, case["runtime_json_len"].as_u64().unwrap(), "{id}");
        let runtime = RuntimeClaims::parse(hcl.untrusted_runtime_data()).unwrap();
        assert_eq!(Value::Object(runtime.members().clone()), case["runtime_claims"], "{id}");
        assert!(RuntimeClaims::are_spoken(runtime.members()));
        let report_data = match hcl.hardware() {
            HardwareReport::Snp(area) => {
                assert_eq!(case["report_type"], "SNP", "{id}");
                *Report::parse(area).unwrap().untrusted_body().report_data.as_bytes()
            }
            HardwareReport::Tdx(report) => {
                assert_eq!(case["report_type"], "TDX", "{id}");
                *report.report_data.as_bytes()
            }
        };
        hcl.check_binding(&report_data).unwrap_or_else(|error| panic!("{id}: {error}"));
        for bit in [0, 200, 511] {
            let mut other = report_data;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(hcl.check_binding(&other).unwrap_err().check(), "hcl-runtime-binding");
        }
    }
}

#[test]
fn reports_of_real_chips_verify_and_another_chips_certificate_is_refused() {
    if absent() {
        return;
    }
    let at = moment("2026-11-21T17:00:00Z");
    let mut verified = 0;
    for case in cases("hcl").iter().filter(|case| case["report_type"] == "SNP") {
        let id = case["id"].as_str().unwrap();
        let recording = recording(&path(case, 0));
        let hcl = HclReport::parse(&recording.hcl).unwrap();
        if id == "hcl-kinvolk-other-chip" {
            let chain = ders(&read(&path(case, 1)));
            assert_eq!(case["expect"], "invalid");
            assert_eq!(snp(&hcl, &chain, at).unwrap_err(), "report-signature", "{id}");
            continue;
        }
        let report =
            snp(&hcl, &recording.certificates, at).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(report.body().vmpl, 0, "{id}");
        hcl.check_binding(report.body().report_data.as_bytes()).unwrap();
        verified += 1;
    }
    assert!(verified >= 5, "{verified}");
}

#[test]
fn the_quotes_of_these_machines_are_by_the_key_that_their_report_names() {
    if absent() {
        return;
    }
    let mut quotes = 0;
    for case in cases("hcl") {
        let id = case["id"].as_str().unwrap();
        let recording = recording(&path(&case, 0));
        if recording.quote.is_none() || id == "hcl-cleanroom-cvm-encryption" {
            continue;
        }
        let hcl = HclReport::parse(&recording.hcl).unwrap();
        let runtime = RuntimeClaims::parse(hcl.untrusted_runtime_data()).unwrap();
        quoted(&recording, &runtime, None).unwrap_or_else(|error| panic!("{id}: {error}"));
        let asked = quoted(&recording, &runtime, Some(b"a challenge of ours")).unwrap_err();
        assert_eq!(asked, "tpm-qualifying-data", "{id}");
        if id == "snp-milan-empty-nonce" {
            assert!(quoted(&recording, &runtime, Some(b"")).is_ok(), "it answers nothing");
        }
        quotes += 1;
    }
    assert!(quotes >= 5, "{quotes}");
}

#[test]
fn the_quotes_of_other_machines_and_flipped_signatures_are_refused() {
    if absent() {
        return;
    }
    let mut recording = recording("snp/hcl/snp-milan-svn10-v1.json");
    let hcl = recording.hcl.clone();
    let hcl = HclReport::parse(&hcl).unwrap();
    let runtime = RuntimeClaims::parse(hcl.untrusted_runtime_data()).unwrap();
    for name in ["tpm-quote-sig-bit", "tpm-quote-sig-of-other-vm"] {
        recording.quote.as_mut().unwrap().1 = read(&format!("snp/negative/{name}.bin"));
        assert_eq!(quoted(&recording, &runtime, None).unwrap_err(), "tpm-signature", "{name}");
    }
}

#[test]
fn broken_reports_are_refused_by_the_check_that_sees_what_is_wrong() {
    if absent() {
        return;
    }
    let whole = |name: &str| read(&format!("snp/negative/hcl-{name}.bin"));
    let refused = |bytes: &[u8]| match HclReport::parse(bytes) {
        Err(error) => error.check(),
        Ok(hcl) => {
            let HardwareReport::Snp(area) = hcl.hardware() else { panic!("not an SNP report") };
            let report = Report::parse(area).unwrap();
            hcl.check_binding(report.untrusted_body().report_data.as_bytes()).unwrap_err().check()
        }
    };
    let cases = [
        ("runtime-json-bit", "hcl-runtime-binding"),
        ("type-says-tdx", "hcl-report-area"),
        ("variable-size-overflow", "hcl-structure"),
        ("variable-size-minus-1", "hcl-trailing"),
    ];
    assert_eq!(cases.len(), self::cases("negative").len());
    for (name, check) in cases {
        assert_eq!(refused(&whole(name)), check, "{name}");
    }
}

#[test]
fn a_quote_of_a_trust_domain_is_of_the_domain_of_the_report() {
    if absent() {
        return;
    }
    for path in ["snp/hcl/tdx-v1.json", "snp/hcl/tdx-azure-ak-2026.json"] {
        let recording = recording(path);
        let hcl = HclReport::parse(&recording.hcl).unwrap();
        let HardwareReport::Tdx(report) = hcl.hardware() else { panic!("not a TD report") };
        let quote = Quote::parse(recording.td_quote.as_ref().unwrap()).unwrap();
        let Body::Td(body) = quote.body() else { panic!("not a quote of a domain") };
        assert_eq!(body.report_data, report.report_data);
        assert_eq!(body.mr_td, report.mr_td);
        assert_eq!([body.rtmr0, body.rtmr1, body.rtmr2, body.rtmr3], report.rtmrs);
        assert_eq!(body.xfam.0, report.xfam);
        assert_eq!(body.td_attributes.0, report.td_attributes);
        hcl.check_binding(body.report_data.as_bytes()).unwrap();
    }
}

#[test]
fn the_certificate_of_a_machine_is_of_the_key_that_its_report_names() {
    if absent() {
        return;
    }
    let evidence = json("snp/hcl/cleanroom-cvm-encryption.json");
    let evidence = &evidence["report"]["snpCvm"]["evidence"];
    let domain = json("snp/hcl/tdx-azure-ak-2026.json");
    let leaf = ders(domain["ak_certificate_pem"].as_str().unwrap().as_bytes())[0].clone();
    for (hcl, leaf) in [
        (bytes(&evidence["hclReport"]), bytes(&evidence["aikCert"])),
        (bytes(&domain["hcl_report"]), leaf),
    ] {
        let runtime = HclReport::parse(&hcl).unwrap().untrusted_runtime_data();
        let runtime = RuntimeClaims::parse(runtime).unwrap();
        let certificate = Certificate::parse(avouch_tpm::trim_padding(&leaf)).unwrap();
        assert_eq!(certificate.public_key(), runtime.ak());
    }
    let runtime = bytes(&evidence["hclReport"]);
    let runtime = HclReport::parse(&runtime).unwrap().untrusted_runtime_data();
    let user_data = RuntimeClaims::parse(runtime).unwrap();
    assert!(encode_hex(user_data.user_data().unwrap()).starts_with("e2f9ee8d99958ba5"));
}

/// A recording of a quote alone: signature, structure and values, each led by its length in 64 bits.
fn quote_alone(path: &str) -> Recording {
    let bytes = read(path);
    let mut rest = bytes.as_slice();
    let mut vector = |size: usize| {
        let (length, tail) = rest.split_first_chunk::<8>().unwrap();
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
        let (vector, tail) = tail.split_at(length * size);
        rest = tail;
        vector.to_vec()
    };
    let (signature, message, values) = (vector(1), vector(1), vector(32));
    assert!(rest.is_empty(), "{path}");
    let values = values.chunks(32).map(<[u8]>::to_vec).collect();
    let quote = Some((message, signature, values));
    Recording { hcl: Vec::new(), certificates: Vec::new(), td_quote: None, quote }
}

/// One machine's quote and report, and the data of others: the key that a report names signed the quotes of its
/// own machine, and of no other.
#[test]
fn a_quote_holds_under_the_key_of_its_own_machines_report_alone() {
    if absent() {
        return;
    }
    let report = read("tpm/azure/lunal-az_snp-hcl-report.bin");
    let hcl = HclReport::parse(&report).unwrap();
    assert_eq!((hcl.untrusted_version(), hcl.untrusted_request_type()), (1, 2));
    let HardwareReport::Snp(area) = hcl.hardware() else { panic!("not an SNP report") };
    let body = Report::parse(area).unwrap().untrusted_body().clone();
    hcl.check_binding(body.report_data.as_bytes()).unwrap();
    let own = RuntimeClaims::parse(hcl.untrusted_runtime_data()).unwrap();
    let quote = quote_alone("tpm/azure/lunal-az_snp-quote.bin");
    quoted(&quote, &own, None).unwrap();

    let others = [
        read("tpm/azure/kinvolk-var-data.bin"),
        HclReport::parse(&read("snp/hcl/kinvolk-snp.bin"))
            .unwrap()
            .untrusted_runtime_data()
            .to_vec(),
        HclReport::parse(&read("snp/hcl/tdx-kinvolk.bin"))
            .unwrap()
            .untrusted_runtime_data()
            .to_vec(),
    ];
    for other in &others {
        assert!(hcl.untrusted_runtime_data() != other.as_slice());
        let other = RuntimeClaims::parse(other).unwrap();
        assert_eq!(quoted(&quote, &other, None).unwrap_err(), "tpm-signature");
    }
    // The key of this quote was published, and no report that names it.
    let quote = quote_alone("tpm/azure/kinvolk-quote.bin");
    let asked = Attest::parse(&quote.quote.as_ref().unwrap().0).unwrap();
    assert_eq!(asked.untrusted_extra_data(), b"challenge");
    for data in others.iter().map(Vec::as_slice).chain([hcl.untrusted_runtime_data()]) {
        let other = RuntimeClaims::parse(data).unwrap();
        assert_eq!(quoted(&quote, &other, None).unwrap_err(), "tpm-signature");
    }
}
