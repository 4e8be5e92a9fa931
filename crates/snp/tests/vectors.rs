//! Recorded evidence of real platforms: every case of the manifest that is this crate's.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod support;

use avouch_pki::digest::sha256;
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::{self, Form, UvmTrust};
use avouch_snp::{
    Acceptance, Chain, Crls, Product, REPORT_LENGTH, Report, ReportVersions, TrustAnchors,
    VekExtensions, VerifiedReport, bind_init_time_data, bind_runtime_data, verify_chain,
    verify_report,
};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use serde_json::{Value, json as value};
use support::{appraise, at, base64, case, evidence, json, manifest, read, text, vectors};

/// The manifest's fields, compared one by one with the facts.
fn assert_fields(case: &Value, verified: &VerifiedReport) {
    let id = &case["id"];
    let facts = serde_json::to_value(verified).unwrap();
    let same = |fact: &Value, expected: &Value, name: &str| {
        assert_eq!(fact, expected, "{id}: {name}");
    };
    same(&facts["report_version"], &case["report_version"], "version");
    for name in [
        "product",
        "vmpl",
        "guest_svn",
        "family_id",
        "image_id",
        "measurement",
        "host_data",
        "report_data",
        "id_key_digest",
        "author_key_digest",
        "report_id",
        "report_id_ma",
        "chip_id",
    ] {
        same(&facts[name], &case[name], name);
    }
    same(&facts["policy"]["raw"], &case["policy"], "policy");
    same(&facts["policy"]["debug_allowed"], &case["debug"], "debug");
    same(&facts["policy"]["migrate_ma_allowed"], &case["migrate_ma"], "migrate_ma");
    same(&facts["policy"]["smt_allowed"], &case["smt_allowed"], "smt_allowed");
    same(&facts["platform_info"]["raw"], &case["platform_info"], "platform_info");
    for name in ["reported_tcb", "current_tcb", "committed_tcb", "launch_tcb"] {
        for (ours, theirs) in [
            ("fmc", "fmc"),
            ("boot_loader", "bl"),
            ("tee", "tee"),
            ("snp", "snp"),
            ("microcode", "ucode"),
        ] {
            same(&facts[name][ours], &case[name][theirs], name);
        }
    }
    let raw = verified.body().reported_tcb.to_string();
    assert_eq!(value!(raw), case["reported_tcb_raw"], "{id}: reported_tcb_raw");
    for (ours, theirs) in [("current_version", "current_fw"), ("committed_version", "committed_fw")]
    {
        let version = &facts[ours];
        let version = value!([version["major"], version["minor"], version["build"]]);
        same(&version, &case[theirs], ours);
    }
    for name in ["launch_mit_vector", "current_mit_vector"] {
        same(&facts[name], &case[name], name);
    }
    let cpuid = match &facts["cpuid"] {
        Value::Null => Value::Null,
        cpuid => value!([cpuid["family"], cpuid["model"], cpuid["stepping"]]),
    };
    same(&cpuid, &case["cpuid_family_model_stepping"], "cpuid");
    assert_key_fields(case, &facts);
}

fn assert_key_fields(case: &Value, facts: &Value) {
    let id = &case["id"];
    let key = &facts["endorsement_key"];
    assert_eq!(key["kind"], case["endorsement"], "{id}: endorsement");
    assert_eq!(key["product_name"], case["product_name"], "{id}: product_name");
    assert_eq!(key["csp_id"], case["csp_id"], "{id}: csp_id");
    assert_eq!(key["root"]["is_built_in"], true, "{id}: root");
    let hardware_id_digits = key["hardware_id"].as_str().map_or(0, str::len);
    assert_eq!(
        Some(hardware_id_digits as u64),
        case["hwid_len"].as_u64().map(|n| n.saturating_mul(2)),
        "{id}"
    );
    let moment = |value: &Value| UnixTime::from_rfc3339(text(value)).unwrap();
    assert_eq!(moment(&key["window"]["not_before"]), moment(&case["vek_not_before"]), "{id}");
    assert_eq!(moment(&key["window"]["not_after"]), moment(&case["vek_not_after"]), "{id}");
}

#[test]
fn accepts_every_recorded_report_with_the_listed_fields() {
    if vectors().is_none() {
        return;
    }
    let cases: Vec<Value> =
        manifest().into_iter().filter(|case| case["kind"] == "snp-report").collect();
    assert!(cases.len() >= 6, "the manifest has {} reports", cases.len());
    for case in &cases {
        assert_eq!(case["expect"], "valid");
        let evidence = evidence(case);
        let verified = appraise(&evidence.report, &evidence.chain, at(case))
            .unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        assert_fields(case, &verified);
        Acceptance::default().check(&verified).unwrap();
    }
}

#[test]
fn accepts_the_recorded_turin_report_whose_platform_bit_6_is_not_known() {
    if vectors().is_none() {
        return;
    }
    let case = case("turin-v5-aci");
    let evidence = evidence(&case);
    let verified = appraise(&evidence.report, &evidence.chain, at(&case)).unwrap();
    assert_eq!(verified.body().platform_info.unknown_bits(), 1 << 6);
    assert_eq!(verified.body().policy.unknown_bits(), 0);
    let facts = serde_json::to_value(&verified).unwrap();
    assert_eq!(facts["platform_info"]["raw"], "0x65");
    assert_eq!(facts["platform_info"]["unknown_bits"], "0x40");
    // They are signed: the same report without that bit, or with one in the policy, is another.
    for place in [0x00b, 0x040] {
        let mut altered = evidence.report.clone();
        altered[place] ^= 0x40;
        let error = appraise(&altered, &evidence.chain, at(&case)).unwrap_err();
        assert_eq!(error.check(), "report-signature", "{place:#x}");
    }
}

/// Negatives about Azure's VMs, whose wrapper this crate does not read.
const OF_AZURE_VMS: [&str; 6] = [
    "neg-hcl-runtime-json-bit",
    "neg-hcl-type-says-tdx",
    "neg-hcl-variable-size-overflow",
    "neg-hcl-variable-size-minus-1",
    "neg-tpm-quote-sig-bit",
    "neg-tpm-quote-sig-of-other-vm",
];

#[test]
fn every_negative_case_of_the_manifest_is_shown_by_a_test() {
    if vectors().is_none() {
        return;
    }
    let altered = ALTERED_REPORTS.iter().map(|(id, _)| *id);
    let elsewhere = ["neg-sig-s-negated", "neg-maa-request-runtime-mismatch"].into_iter();
    let mut shown: Vec<&str> = altered
        .chain(FOREIGN_KEYS)
        .chain(ALTERED_ENDORSEMENTS.map(|(id, _)| id))
        .chain(elsewhere)
        .chain(OF_AZURE_VMS)
        .collect();
    let negatives = manifest().into_iter().filter(|case| case["kind"] == "negative");
    let mut listed: Vec<String> = negatives.map(|case| text(&case["id"]).to_owned()).collect();
    shown.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, shown);
}

#[test]
fn accepts_every_confidential_container_with_its_endorsement() {
    if vectors().is_none() {
        return;
    }
    let cases: Vec<Value> = manifest().into_iter().filter(|case| case["kind"] == "aci").collect();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let evidence = evidence(case);
        let verified = appraise(&evidence.report, &evidence.chain, at(case)).unwrap();
        assert_fields(case, &verified);
        let cose = evidence.uvm.unwrap();
        let endorsement = uvm::verify(&cose, &verified, &trust_from(1), at(case)).unwrap();
        assert_uvm(case, endorsement.facts());
    }
}

#[test]
fn counts_an_endorsement_only_from_the_production_svn_on() {
    if vectors().is_none() {
        return;
    }
    for (id, counted) in [("aci-cleanroom-encryption", true), ("aci-sidecar-2022", false)] {
        let case = case(id);
        let evidence = evidence(&case);
        let verified = appraise(&evidence.report, &evidence.chain, at(&case)).unwrap();
        let cose = evidence.uvm.unwrap();
        match uvm::verify(&cose, &verified, &UvmTrust::default(), at(&case)) {
            Ok(endorsement) => {
                assert!(counted, "{id}");
                let status = endorsement.facts().compliance_status.as_deref();
                assert_eq!(status, Some("azure-compliant-uvm"));
            }
            Err(error) => {
                assert!(!counted, "{id}: {error}");
                assert_eq!(error.check(), "uvm-svn");
                assert!(error.is_not_counted());
            }
        }
    }
}

#[test]
fn binds_the_container_policy_by_host_data() {
    if vectors().is_none() {
        return;
    }
    for (id, policy) in [
        ("aci-sidecar-2022", "aci/sidecar-2022/uvm_security_policy.base64"),
        ("milan-v3-aci", "aci/security-context/security-policy-base64"),
    ] {
        let case = case(id);
        let evidence = evidence(&case);
        let verified = appraise(&evidence.report, &evidence.chain, at(&case)).unwrap();
        let mut policy = base64(&read(policy));
        bind_init_time_data(&verified, sha256(&policy)).unwrap();
        policy.push(b'\n');
        let error = bind_init_time_data(&verified, sha256(&policy)).unwrap_err();
        assert_eq!(error.check(), "init-time-data");
    }
}

/// The default publisher with another floor: one recorded endorsement is from before production.
fn trust_from(minimum_svn: u64) -> UvmTrust {
    let mut trust = UvmTrust::default();
    for entry in &mut trust.entries {
        entry.minimum_svn = minimum_svn;
    }
    trust
}

fn assert_uvm(case: &Value, facts: &uvm::UvmFacts) {
    let (id, expected) = (&case["id"], &case["uvm_endorsement"]);
    assert_eq!(value!(facts.issuer), expected["issuer"], "{id}");
    assert_eq!(value!(facts.feed), expected["feed"], "{id}");
    assert_eq!(value!(facts.measurement), expected["measurement"], "{id}");
    let signed_at = UnixTime::from_rfc3339(text(&expected["signing_time"])).unwrap();
    assert_eq!(facts.signed_at, signed_at, "{id}");
    let svn = match (&expected["svn"], &expected["payload"]["x-ms-sevsnpvm-guestsvn"]) {
        (Value::Number(svn), _) => svn.as_u64().unwrap(),
        (_, svn) => text(svn).parse().unwrap(),
    };
    assert_eq!(facts.svn, svn, "{id}");
    let form = if expected["svn"].is_null() { Form::Json } else { Form::Cwt };
    assert_eq!(facts.form, form, "{id}");
}

#[test]
fn accepts_every_recorded_endorsement_of_a_utility_vm() {
    if vectors().is_none() {
        return;
    }
    let cases: Vec<Value> =
        manifest().into_iter().filter(|case| case["kind"] == "uvm-endorsement").collect();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let path = text(&case["files"][0]);
        let cose = if path.ends_with("base64") { base64(&read(path)) } else { read(path) };
        let trust = UvmTrust::default();
        let document = uvm::verify_document(&cose, &trust, at(case))
            .unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        assert_uvm(case, document.facts());
        let before = at(case).saturating_add_seconds(-1);
        let error = uvm::verify_document(&cose, &trust, before).unwrap_err();
        assert_eq!(error.check(), "uvm-signed-in-future", "{}", case["id"]);
    }
}

/// The decoded `report` of a request body, and its runtime data.
fn request(path: &str) -> (SnpEvidence, Option<Vec<u8>>) {
    let body = json(path);
    let document = base64url::decode(text(&body["report"])).unwrap();
    let runtime_data = body["runtimeData"]["data"].as_str();
    (
        SnpEvidence::parse(&document).unwrap(),
        runtime_data.map(|data| base64url::decode(data).unwrap()),
    )
}

fn appraise_request(evidence: &SnpEvidence, at: UnixTime) -> VerifiedReport {
    let chain = evidence.chain().unwrap();
    let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at).unwrap();
    verify_report(evidence.report(), &key, &Crls::none(), at).unwrap()
}

#[test]
fn accepts_every_recorded_request_with_its_bindings() {
    if vectors().is_none() {
        return;
    }
    let cases: Vec<Value> =
        manifest().into_iter().filter(|case| case["kind"] == "maa-sevsnpvm-request").collect();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let (evidence, runtime_data) = request(text(&case["files"][0]));
        let verified = appraise_request(&evidence, at(case));
        assert_fields(case, &verified);
        assert_eq!(runtime_data.is_some(), case["runtime_binding"] == true);
        if let Some(runtime_data) = runtime_data {
            bind_runtime_data(&verified, sha256(&runtime_data)).unwrap();
        }
        assert_eq!(
            evidence.uvm_endorsements().len(),
            usize::from(!case["uvm_endorsement"].is_null())
        );
        for cose in evidence.uvm_endorsements() {
            let trust = UvmTrust::default();
            let endorsement = uvm::verify(cose, &verified, &trust, at(case)).unwrap();
            assert_uvm(case, endorsement.facts());
        }
    }
}

#[test]
fn facts_of_the_recorded_request_are_the_claims_of_microsofts_token() {
    if vectors().is_none() {
        return;
    }
    let case = case("maa-request-sample");
    let (evidence, _) = request(text(&case["files"][0]));
    let facts = serde_json::to_value(appraise_request(&evidence, at(&case))).unwrap();
    let claims = &case["token_claims"];
    for (claim, fact) in [
        ("authorkeydigest", &facts["author_key_digest"]),
        ("bootloader-svn", &facts["reported_tcb"]["boot_loader"]),
        ("familyId", &facts["family_id"]),
        ("guestsvn", &facts["guest_svn"]),
        ("hostdata", &facts["host_data"]),
        ("idkeydigest", &facts["id_key_digest"]),
        ("imageId", &facts["image_id"]),
        ("is-debuggable", &facts["policy"]["debug_allowed"]),
        ("launchmeasurement", &facts["measurement"]),
        ("microcode-svn", &facts["reported_tcb"]["microcode"]),
        ("migration-allowed", &facts["policy"]["migrate_ma_allowed"]),
        ("reportdata", &facts["report_data"]),
        ("reportid", &facts["report_id"]),
        ("smt-allowed", &facts["policy"]["smt_allowed"]),
        ("snpfw-svn", &facts["reported_tcb"]["snp"]),
        ("tee-svn", &facts["reported_tcb"]["tee"]),
        ("vmpl", &facts["vmpl"]),
    ] {
        let claim = format!("x-ms-sevsnpvm-{claim}");
        assert_eq!(fact, &claims[&claim], "{claim}");
    }
    let of_the_report = claims.as_object().unwrap().keys().filter(|name| name.contains("sevsnpvm"));
    assert_eq!(of_the_report.count(), 17, "a claim of the token is not compared");
}

#[test]
fn refuses_runtime_data_that_the_report_does_not_bind() {
    if vectors().is_none() {
        return;
    }
    let mismatch = case("neg-maa-request-runtime-mismatch");
    let (evidence, runtime_data) = request(text(&mismatch["files"][0]));
    let verified = appraise_request(&evidence, at(&mismatch));
    let error = bind_runtime_data(&verified, sha256(&runtime_data.unwrap())).unwrap_err();
    assert_eq!(error.check(), "runtime-data");
    let unrelated = read("maa/sevsnp-sample-unrelated-runtimedata.json");
    let (sample, _) = request("maa/sevsnp-sample-request.json");
    let verified = appraise_request(&sample, at(&mismatch));
    assert!(bind_runtime_data(&verified, sha256(&unrelated)).is_err());
}

/// The check that must refuse each altered report.
const ALTERED_REPORTS: [(&str, &str); 14] = [
    ("neg-measurement-bit", "report-signature"),
    ("neg-hostdata-bit", "report-signature"),
    ("neg-policy-debug-set", "report-signature"),
    ("neg-reported-tcb-ucode-up", "report-signature"),
    ("neg-chipid-bit", "report-signature"),
    ("neg-version-6", "report-version"),
    ("neg-sig-algo-0", "signature-algorithm"),
    ("neg-signing-key-none", "signing-key"),
    ("neg-r-padding-nonzero", "signature-padding"),
    ("neg-sig-zero", "signature-range"),
    ("neg-sig-big-endian", "report-signature"),
    ("neg-sig-tail-nonzero", "signature-reserved"),
    ("neg-truncated-1183", "report-length"),
    ("neg-trailing-byte-1185", "report-length"),
];

#[test]
fn refuses_every_altered_report_by_the_named_check() {
    if vectors().is_none() {
        return;
    }
    for (id, check) in ALTERED_REPORTS {
        let case = case(id);
        assert_eq!(case["expect"], "invalid");
        let evidence = evidence(&case);
        let error = appraise(&evidence.report, &evidence.chain, at(&case)).unwrap_err();
        assert_eq!(error.check(), check, "{id}: {error}");
    }
}

#[test]
fn refuses_version_6_by_its_signature_where_the_operator_allows_the_version() {
    if vectors().is_none() {
        return;
    }
    let case = case("neg-version-6");
    let bytes = read(text(&case["files"][0]));
    let report = Report::parse_versions(&bytes, ReportVersions::KnownAndSix).unwrap();
    let chain = Chain::parse(&evidence(&case).chain).unwrap();
    let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at(&case)).unwrap();
    let error = verify_report(&report, &key, &Crls::none(), at(&case)).unwrap_err();
    assert_eq!(error.check(), "report-signature");
}

#[test]
fn accepts_the_second_way_to_write_a_signature_with_the_same_facts() {
    if vectors().is_none() {
        return;
    }
    let negated = case("neg-sig-s-negated");
    assert_eq!(negated["expect"], "valid-but-malleated");
    let evidence_negated = evidence(&negated);
    let verified = appraise(&evidence_negated.report, &evidence_negated.chain, at(&negated));
    assert_fields(&case("milan-v3-aci"), &verified.unwrap());
}

const FOREIGN_KEYS: [&str; 2] = ["neg-vcek-invalid-legacy", "neg-vcek-invalid-new"];

#[test]
fn refuses_endorsement_keys_that_amd_did_not_sign() {
    if vectors().is_none() {
        return;
    }
    for id in FOREIGN_KEYS {
        let case = case(id);
        let vcek = read(text(&case["files"][0]));
        let chain = Chain::parse(&[vcek]).unwrap();
        // Both encodings of the hardware id are read; only the signature is wrong.
        let (kind, leaf) = chain.leaf().unwrap();
        let extensions = VekExtensions::read(leaf, kind, Product::Milan).unwrap();
        assert_eq!(extensions.hardware_id().map(<[u8]>::len), Some(64));
        let error =
            verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at(&case)).unwrap_err();
        assert_eq!(error.check(), "vek-signature", "{id}");
    }
}

const ALTERED_ENDORSEMENTS: [(&str, &str); 2] = [
    ("neg-uvm-payload-tampered", "uvm-signature"),
    ("neg-uvm-for-other-measurement", "uvm-measurement"),
];

#[test]
fn refuses_endorsements_that_were_altered_or_are_of_another_measurement() {
    if vectors().is_none() {
        return;
    }
    for (id, check) in ALTERED_ENDORSEMENTS {
        let case = case(id);
        let cose = read(text(&case["files"][0]));
        let aci = evidence(&support::case("aci-cleanroom-encryption"));
        let verified = appraise(&aci.report, &aci.chain, at(&case)).unwrap();
        let error = uvm::verify(&cose, &verified, &trust_from(1), at(&case)).unwrap_err();
        assert_eq!(error.check(), check, "{id}: {error}");
    }
}

#[test]
fn refuses_the_report_of_another_chip_with_the_same_tcb() {
    if vectors().is_none() {
        return;
    }
    let case = case("hcl-kinvolk-other-chip");
    let hcl = read(text(&case["files"][0]));
    let report = &hcl[0x20..0x20 + REPORT_LENGTH];
    let chain = vec![read(text(&case["files"][1]))];
    let error = appraise(report, &chain, at(&case)).unwrap_err();
    assert_eq!(error.check(), "report-signature");
}

#[test]
fn accepts_the_report_inside_every_recorded_azure_vm() {
    if vectors().is_none() {
        return;
    }
    for (path, hcl, certificates) in [
        ("hcl/snp-milan-svn10-v0.json", "/report", "/vcek"),
        ("hcl/snp-milan-svn10-v1.json", "/hcl_report", "/vcek"),
        ("hcl/snp-genoa-hclv2.json", "/report", "/vcek"),
        (
            "hcl/cleanroom-cvm-encryption.json",
            "/report/snpCvm/evidence/hclReport",
            "/report/snpCvm/platformCertificates",
        ),
    ] {
        let cases = manifest();
        let case = cases.iter().find(|case| case["files"][0] == path).unwrap();
        let document = json(path);
        let hcl = bytes(document.pointer(hcl).unwrap());
        let chain = vec![bytes(document.pointer(certificates).unwrap())];
        let verified = appraise(&hcl[0x20..0x20 + REPORT_LENGTH], &chain, at(case));
        assert_fields(&case["snp"], &verified.unwrap_or_else(|error| panic!("{path}: {error}")));
    }
}

/// A list of bytes, PEM text, or base64 of either alphabet.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(list) => {
            list.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect()
        }
        Value::String(text) if text.starts_with("-----BEGIN") => text.as_bytes().to_vec(),
        Value::String(text) => {
            base64url::decode(&text.replace('+', "-").replace('/', "_")).unwrap()
        }
        other => panic!("{other} is no byte string"),
    }
}
