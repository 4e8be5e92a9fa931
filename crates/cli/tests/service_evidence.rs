//! A service in a TEE that is faked at its file boundary: what it publishes, what `avouch verify` says of it,
//! and that a TEE which fails stops nothing.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "../../tee/tests/support/fake.rs"]
mod fake;
#[path = "../../tee/tests/support/paravisor.rs"]
mod paravisor;
mod support;
#[path = "../../attester/tests/support/swtpm.rs"]
mod swtpm;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_attester::open_nv;
use avouch_dcap::{Body, Quote};
use avouch_mint::Minted;
use avouch_tee::{HCL_REPORT_INDEX, USER_DATA_INDEX};
use avouch_token::{
    EvidenceExtension, Jwk, Jwks, KeySpec, Payload, PublishedKey, ServiceEvidence, SigningKey,
    TokenIssuer, TokenKind, TokenTimes, jwks_document, key_report_data, provider_certificate,
};
use avouch_wire::{EvidenceKind, UnixTime, encode_hex};
use fake::{Asked, Platform, Said, certificates_pem, configfs, gramine};
use paravisor::Paravisor;
use serde_json::{Value, json};
use support::schema::{Schema, rows};
use support::service::{Installation, OWNER, Service, serve};
use support::{Folder, Run, avouch_in, avouch_json, run, text};
use swtpm::Swtpm;

fn now() -> UnixTime {
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    UnixTime::from_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

/// What anybody, or an owner, gets from a service.
fn get(service: &Service, path: &str) -> (u16, String) {
    // The first provider installed stays; there is only one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let url = format!("{}{path}", service.url);
        let answer = client.get(url).bearer_auth(OWNER).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

fn readiness(service: &Service) -> Value {
    let (status, body) = get(service, "/readyz");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The keys for tokens that a service publishes.
fn keys(service: &Service) -> Vec<Jwk> {
    let (_, body) = get(service, "/certs");
    let all = Jwks::parse(body.as_bytes()).unwrap();
    let tokens = all.keys().iter().filter(|key| key.signs() == TokenKind::Attestation);
    tokens.cloned().collect()
}

fn evidence(key: &Jwk) -> Option<ServiceEvidence> {
    ServiceEvidence::of_certificate(&key.untrusted_certificates()[0]).unwrap()
}

/// A token that was just signed: the answer to a request for a policy.
fn token(service: &Service) -> String {
    let (status, body) = get(service, "/policies/SgxEnclave?api-version=2022-08-01");
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    text(&body["token"]).to_owned()
}

/// Waits until something is so, for as long as a busy machine may take.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(90), "{what}: not in time");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What a relying party has of a TEE's vendor, in files.
struct Vendor {
    folder: Folder,
}

impl Vendor {
    fn new(name: &str, minted: &Minted) -> Self {
        let folder = Folder::new(name);
        folder.write(minted.endorsements_name, &minted.endorsements);
        folder.write("root.pem", &minted.root_pem);
        std::fs::rename(folder.join(minted.endorsements_name), folder.join("endorsements"))
            .unwrap();
        Self { folder }
    }

    /// `avouch verify`, with a list that has this workload, if any.
    fn verify(&self, keys: &[&str], token: &str, workload: Option<&Value>) -> Run {
        let path = |name: &str| self.folder.join(name).display().to_string();
        self.folder.write("token.jwt", token);
        let mut line = vec!["verify".to_owned(), path("token.jwt"), "--endorsements".to_owned()];
        line.extend([path("endorsements"), "--trust-root".to_owned(), path("root.pem")]);
        line.extend(keys.iter().map(|word| (*word).to_owned()));
        line.push("--demand-service-evidence".to_owned());
        if let Some(workload) = workload {
            let list = json!({"measurements": [{
                "name": "release 1",
                "announced_at": "2025-11-30T00:00:00Z",
                "in_force_from": "2026-01-31T00:00:00Z",
                "workload": workload,
            }]});
            self.folder.write("measurements.json", list.to_string());
            line.extend(["--measurements".to_owned(), path("measurements.json")]);
        }
        avouch_json(line)
    }

    fn verify_service(&self, service: &Service, workload: Option<&Value>) -> Run {
        let (url, ca) = (service.url.as_str(), service.ca.display().to_string());
        self.verify(&["--provider", url, "--ca", &ca], &token(service), workload)
    }
}

/// Of the first four steps. No statement was given for the fifth.
fn outcomes(report: &Value) -> Vec<&str> {
    let steps = report["trust"].as_array().unwrap().iter();
    let mut outcomes: Vec<&str> = steps.map(|step| text(&step["outcome"])).collect();
    assert_eq!(outcomes.pop(), Some("not-checked"), "{report}");
    outcomes
}

/// The workload of minted evidence as lists have it, and the same with one bit changed.
fn workloads(kind: EvidenceKind, evidence: &[u8]) -> (Value, Value) {
    let (tee, members) = match kind {
        EvidenceKind::Snp => ("snp", vec![("measurement", evidence[0x90..0xc0].to_vec())]),
        _ => match Quote::parse(evidence).unwrap().body() {
            Body::Enclave(report) => ("sgx", vec![("mr_enclave", report.mr_enclave.0.to_vec())]),
            Body::Td(report) => (
                "tdx",
                [("mr_td", report.mr_td), ("rtmr1", report.rtmr1), ("rtmr2", report.rtmr2)]
                    .map(|(name, value)| (name, value.0.to_vec()))
                    .to_vec(),
            ),
        },
    };
    let workload = |flipped: u8| {
        let hex = members.iter().enumerate().map(|(place, (name, value))| {
            let mut value = value.clone();
            value[7] ^= if place == 0 { flipped } else { 0 };
            ((*name).to_owned(), Value::from(encode_hex(&value)))
        });
        json!({ tee: Value::Object(hex.collect()) })
    };
    (workload(0), workload(4))
}

/// `serve --dev` in the TEE that these settings name.
fn dev(data: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = serve(["--dev", "--offline", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(data);
    for (name, value) in settings {
        command.env(format!("AVOUCH_TEE__{name}"), value);
    }
    command
}

/// A service over a fake of this kind, in which every answer is good.
fn good(kind: EvidenceKind, data: &Folder) -> (Service, Platform, Asked) {
    let platform = Platform::new(kind, now());
    let (tee, says) = (data.join("tee"), platform.clone());
    let (asked, source, place) = match kind {
        EvidenceKind::Sgx => {
            let asked = gramine(&tee, move |data, _| says.mint(data).evidence);
            (asked, "gramine", "GRAMINE")
        }
        _ => {
            let provider = if kind == EvidenceKind::Snp { "sev_guest" } else { "tdx_guest" };
            (configfs(&tee, provider, move |data, _| says.said(data)), "configfs-tsm", "CONFIGFS")
        }
    };
    let settings = [("SOURCE", source.to_owned()), (place, tee.display().to_string())];
    let service = Service::of(dev(&data.join("data"), &settings), &data.join("data"));
    (service, platform, asked)
}

#[test]
fn a_service_in_each_tee_passes_all_four_steps_and_fails_by_one_bit() {
    for (kind, source, word) in [
        (EvidenceKind::Snp, "configfs-tsm", "acisevsnp"),
        (EvidenceKind::Tdx, "configfs-tsm", "tdx"),
        (EvidenceKind::Sgx, "gramine", "sgx"),
    ] {
        let data = Folder::new(&format!("service-evidence-{word}"));
        let (service, platform, asked) = good(kind, &data);
        eventually("evidence", || readiness(&service)["tee"]["keys_with_evidence"] == 1);
        let report = readiness(&service)["tee"].clone();
        assert_eq!(
            (&report["source"], &report["kind"]),
            (&json!(source), &json!(word)),
            "{report}"
        );
        assert_eq!(report["keys_without_evidence"], 0);
        assert_eq!((&report["failures"], &report["last_failure"]), (&json!(0), &Value::Null));
        let moment = |name: &str| UnixTime::from_rfc3339(text(&report[name])).unwrap();
        assert!(moment("made_at") <= now() && now() < moment("holds_until"), "{report}");

        // What was written is the digest of the key, and nothing else was asked.
        let published = keys(&service);
        assert_eq!(published.len(), 1);
        let bound = key_report_data(published[0].key()).0;
        assert_eq!(asked.all(), [bound]);
        let form = match evidence(&published[0]).unwrap() {
            ServiceEvidence::OpenEnclaveReport(_) => "sgx".to_owned(),
            ServiceEvidence::Described { tee_kind, .. } => tee_kind,
            ServiceEvidence::Quote(_) => panic!("{kind}: a bare quote"),
        };
        assert_eq!(form, word);

        let minted = platform.mint(&bound);
        let vendor = Vendor::new(&format!("service-evidence-vendor-{word}"), &minted);
        let (right, wrong) = workloads(kind, &minted.evidence);
        let verdict = vendor.verify_service(&service, Some(&right)).expect_status(0).json();
        assert_eq!(outcomes(&verdict), ["passed"; 4], "{verdict}");
        let verdict = vendor.verify_service(&service, Some(&wrong)).expect_status(1).json();
        assert_eq!(outcomes(&verdict), ["passed", "passed", "passed", "failed"], "{verdict}");
        assert_eq!(verdict["error"]["check"], "service-measurement", "{verdict}");

        // Whoever takes the evidence for a key of their own is found out.
        let extension = match evidence(&published[0]).unwrap() {
            ServiceEvidence::Described { evidence_json, tee_kind } => {
                EvidenceExtension::Described { evidence_json, tee_kind }
            }
            ServiceEvidence::OpenEnclaveReport(bytes) | ServiceEvidence::Quote(bytes) => {
                EvidenceExtension::Raw(bytes)
            }
        };
        let thief = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
        let certificate = provider_certificate(&*thief, &service.url, Some(&extension)).unwrap();
        let set = jwks_document(&[PublishedKey::new(&*thief, &[certificate])]);
        let set = vendor.folder.write("thief.json", set).display().to_string();
        let claims = json!({"x-ms-ver": "1.0"});
        let times = TokenTimes::attestation(now());
        let payload = Payload::new(claims.as_object().unwrap(), times).unwrap();
        let stolen = TokenIssuer::new(thief, &service.url).unwrap().sign(&payload).unwrap();
        let keys = ["--jwks", set.as_str(), "--issuer", service.url.as_str()];
        let verdict = vendor.verify(&keys, &stolen, Some(&right)).expect_status(1).json();
        assert_eq!(outcomes(&verdict), ["passed", "passed", "failed", "passed"], "{verdict}");
        assert_eq!(verdict["error"]["check"], "service-key-binding", "{verdict}");
    }
}

#[test]
fn a_service_without_a_tee_says_so_and_its_certificates_carry_nothing() {
    let data = Folder::new("service-evidence-none");
    let service = Service::dev(&data.join("data"), ["--offline"]);
    let report = readiness(&service)["tee"].clone();
    let expected = json!({
        "source": "none", "keys_with_evidence": 0, "keys_without_evidence": 0, "failures": 0,
    });
    assert_eq!(report, expected);
    assert_eq!(evidence(&keys(&service)[0]), None);
}

#[test]
fn a_tee_that_is_demanded_and_absent_prevents_the_start() {
    let data = Folder::new("service-evidence-absent");
    let refused = |settings: &[(&str, String)]| {
        run(&mut dev(&data.join("data"), settings)).expect_status(2).stderr
    };
    let nowhere = || data.join("nowhere").display().to_string();
    for (source, place) in [("configfs-tsm", "CONFIGFS"), ("gramine", "GRAMINE")] {
        let told = refused(&[("SOURCE", source.to_owned()), (place, nowhere())]);
        assert!(told.contains(&format!("tee.source is {source:?}")), "{told}");
        assert!(told.contains(&nowhere()), "{told}");
    }
    let settings =
        [("SOURCE", "azure-vtpm".to_owned()), ("TCTI", "device:/nonexistent".to_owned())];
    let told = refused(&settings);
    assert!(told.contains("tee.source is \"azure-vtpm\""), "{told}");
    for (name, value, words) in [
        ("SOURCE", "sgx", ["tee.source", "configfs-tsm, gramine, azure-vtpm"]),
        ("REFRESH_SECONDS", "59", ["tee.refresh_seconds", "between 60 and"]),
        ("ANSWER_SECONDS_MAX", "601", ["tee.answer_seconds_max", "between 1 and 600"]),
        ("HOST_ENDPOINT", "https://host", ["tee.host_endpoint", "http://"]),
    ] {
        let told = refused(&[(name, value.to_owned())]);
        assert!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
    }
}

#[test]
fn a_tee_that_fails_or_never_answers_stops_nothing_and_is_told() {
    let data = Folder::new("service-evidence-failing");
    let platform = Platform::new(EvidenceKind::Snp, now());
    let (silent, failing) = (data.join("silent"), data.join("failing"));
    configfs(&silent, "sev_guest", |_, _| Said { hangs: true, ..Said::default() });
    // For other bytes, as often as one question is repeated; good after that.
    configfs(&failing, "sev_guest", move |report_data, before| {
        let mut other = *report_data;
        other[0] ^= u8::from(before < 5);
        platform.said(&other)
    });
    let start = |name: &str, folder: &Path| {
        let settings = [
            ("SOURCE", "configfs-tsm".to_owned()),
            ("CONFIGFS", folder.display().to_string()),
            ("ANSWER_SECONDS_MAX", "5".to_owned()),
        ];
        Service::of(dev(&data.join(name), &settings), &data.join(name))
    };
    let service = start("silent-data", &silent);
    eventually("a failure", || readiness(&service)["tee"]["failures"].as_u64().unwrap() > 0);
    let report = readiness(&service)["tee"].clone();
    assert_eq!(report["last_failure"]["reason"], "the TEE has not answered within 5000 ms");
    assert_eq!(report["keys_with_evidence"], 0);
    assert_eq!(report["keys_without_evidence"], 1);
    assert!(!token(&service).is_empty());
    assert_eq!(evidence(&keys(&service)[0]), None);

    let service = start("failing-data", &failing);
    eventually("evidence", || readiness(&service)["tee"]["keys_with_evidence"] == 1);
    let report = readiness(&service)["tee"].clone();
    assert_eq!(report["failures"], 1, "{report}");
    let reason = text(&report["last_failure"]["reason"]);
    assert!(reason.starts_with("the evidence is for "), "{reason}");
    let mut documented = Schema::new(rows("docs/schemas/service.md", "Own evidence"));
    let members = ["kind", "made_at", "holds_until", "last_failure"];
    let members = members.map(|name| (name.to_owned(), report[name].clone()));
    documented.check(&json!({"tee": Value::Object(members.into_iter().collect())}));
    assert_eq!(documented.unseen().len(), 0, "{:?}", documented.unseen());
    assert!(evidence(&keys(&service)[0]).is_some());
}

#[test]
fn a_key_that_rotation_brings_has_evidence_of_its_own() {
    let tee = Folder::new("service-evidence-rotation-tee");
    let platform = Platform::new(EvidenceKind::Snp, now());
    let says = platform.clone();
    let asked = configfs(&tee.join("tsm"), "sev_guest", move |data, _| says.said(data));
    let more = format!(
        "master_key_file = \"master\"\n\n[tee]\nsource = \"configfs-tsm\"\nconfigfs = {:?}\n",
        tee.join("tsm")
    );
    let installation = Installation::new("service-evidence-rotation", &more);
    installation.folder.write("master", "6b".repeat(32));
    let service = installation.start();
    let all_vouched = |service: &Service| keys(service).iter().all(|key| evidence(key).is_some());
    eventually("evidence", || all_vouched(&service));
    let before: Vec<String> =
        keys(&service).iter().map(|key| key.kid().unwrap().to_owned()).collect();
    let line = |line: &str| {
        let line = format!("--output json key {line} --config avouch.toml");
        avouch_in(installation.folder.path(), &line).expect_status(0).json()
    };
    assert_eq!(line("list")["tee"], "configfs-tsm");
    line("rotate --now");
    eventually("another key signs, with evidence", || {
        let keys = keys(&service);
        let first = keys.first().unwrap();
        !before.iter().any(|kid| Some(kid.as_str()) == first.kid()) && all_vouched(&service)
    });
    let first = keys(&service).remove(0);
    let bound = key_report_data(first.key()).0;
    assert!(asked.all().iter().any(|asked| *asked == bound));
    // Each key was asked about, each for itself.
    let mut different = asked.all();
    different.sort();
    different.dedup();
    assert!(different.len() >= 3, "{}", different.len());
    let minted = platform.mint(&bound);
    let vendor = Vendor::new("service-evidence-rotation-vendor", &minted);
    let (right, _) = workloads(EvidenceKind::Snp, &minted.evidence);
    let set = vendor.folder.write("set.json", get(&service, "/certs").1).display().to_string();
    let keys = ["--jwks", set.as_str(), "--issuer", support::service::PUBLIC_URL];
    let verdict = vendor.verify(&keys, &token(&service), Some(&right)).expect_status(0).json();
    assert_eq!(outcomes(&verdict), ["passed"; 4], "{verdict}");
}

#[test]
fn a_key_of_the_enclave_opens_the_keys_in_the_database_and_another_does_not() {
    let enclave = Folder::new("service-evidence-sealed-enclave");
    std::fs::create_dir(enclave.join("keys")).unwrap();
    enclave.write("keys/_sgx_mrenclave", [7; 16]);
    enclave.write("keys/_sgx_mrsigner", [8; 16]);
    let section = |more: &str| {
        format!(
            "[signing.gramine]\nsealed_to = \"mrenclave\"\nfolder = {:?}\n{more}\n",
            enclave.path()
        )
    };
    let installation = Installation::new("service-evidence-sealed", &section(""));
    let list =
        || avouch_in(installation.folder.path(), "--output json key list --config avouch.toml");
    let kept = |tee: bool| {
        let service = installation.start();
        let kept = readiness(&service)["signing_keys_kept"].clone();
        let (there, other) = if tee { ("tee", "master_key") } else { ("master_key", "tee") };
        assert!(kept[there].as_u64().unwrap() > 0, "{kept}");
        assert_eq!((&kept[other], &kept["token"]), (&json!(0), &json!(0)));
        // The configuration has a key file, whose key is the first.
        assert_eq!(kept["file"], 1, "{kept}");
    };
    kept(true);
    let opened = list().expect_status(0).json();
    let keys = opened["keys"].as_array().unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| key["opens"] == true), "{opened}");

    // Other code, or another processor.
    enclave.write("keys/_sgx_mrenclave", [9; 16]);
    let other = list().expect_status(0).json();
    let keys = other["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["wrapping_key"] != other["master_key"]), "{other}");
    let refused = run(&mut installation.command()).expect_status(2).stderr;
    assert!(refused.contains("wrapped under master key"), "{refused}");

    // While the old one is there, another master key can take over.
    enclave.write("keys/_sgx_mrenclave", [7; 16]);
    let config = std::fs::read_to_string(installation.config()).unwrap();
    installation.folder.write("master", "6b".repeat(32));
    let config = config.replace("[signing]\n", "[signing]\nmaster_key_file = \"master\"\n");
    installation.folder.write("avouch.toml", &config);
    let refused = list().expect_status(2).json();
    assert!(text(&refused["error"]["message"]).contains("signing.gramine"), "{refused}");
    installation.folder.write(
        "avouch.toml",
        config.replace("[signing.gramine]\n", "[signing.gramine]\nformer = true\n"),
    );
    let line = "--output json key rewrap --config avouch.toml";
    let rewrapped = avouch_in(installation.folder.path(), line).expect_status(0).json();
    assert_eq!(rewrapped["unopened"], json!([]), "{rewrapped}");
    assert!(!rewrapped["rewrapped"].as_array().unwrap().is_empty());
    kept(false);
}

/// A machine whose paravisor answers what the guest wrote, a moment later.
#[test]
fn a_machine_with_a_paravisor_binds_its_key_and_proves_nothing_of_its_code() {
    let Some(tpm) = Swtpm::start() else { return };
    let data = Folder::new("service-evidence-azure");
    let paravisor = Arc::new(Paravisor::new(EvidenceKind::Snp, now()));
    let minted = paravisor.mint(&[0; 64]);
    let chain = data.write("chain.pem", certificates_pem(&minted.endorsements));
    let tcti = tpm.tcti();
    open_nv(&tcti).unwrap().write_nv(HCL_REPORT_INDEX, &paravisor.report(&[0; 64])).unwrap();
    let is_running = Arc::new(());
    {
        let (paravisor, tcti) = (Arc::clone(&paravisor), tcti.clone());
        let tpm_is_there = Arc::downgrade(&is_running);
        std::thread::spawn(move || {
            let mut reported = [0; 64];
            // Until the test is over, and with it the TPM.
            while tpm_is_there.upgrade().is_some() {
                std::thread::sleep(Duration::from_millis(100));
                let Ok(mut nv) = open_nv(&tcti) else { continue };
                let written = nv.read_nv(USER_DATA_INDEX).ok();
                let Some(Ok(user_data)) = written.map(<[u8; 64]>::try_from) else { continue };
                if user_data != reported {
                    reported = user_data;
                    let report = paravisor.report(&user_data);
                    nv.write_nv(HCL_REPORT_INDEX, &report).unwrap();
                }
            }
        });
    }
    let settings = [
        ("SOURCE", "azure-vtpm".to_owned()),
        ("TCTI", tcti),
        ("HOST_ENDPOINT", String::new()),
        ("CERTIFICATES", chain.display().to_string()),
    ];
    let service = Service::of(dev(&data.join("data"), &settings), &data.join("data"));
    eventually("evidence", || readiness(&service)["tee"]["keys_with_evidence"] == 1);
    assert_eq!(readiness(&service)["tee"]["kind"], "azurecvmsevsnp");
    let vendor = Vendor::new("service-evidence-azure-vendor", &minted);
    let verdict = vendor.verify_service(&service, None).expect_status(0).json();
    assert_eq!(outcomes(&verdict), ["passed", "passed", "passed", "not-checked"], "{verdict}");
    let (right, _) = workloads(EvidenceKind::Snp, &minted.evidence);
    let verdict = vendor.verify_service(&service, Some(&right)).expect_status(1).json();
    assert_eq!(verdict["error"]["check"], "service-measurement", "{verdict}");
    assert!(text(&verdict["error"]["message"]).contains("paravisor"), "{verdict}");
    drop(is_running);
}
