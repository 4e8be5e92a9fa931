//! `avouch attest tpm` against a software TPM and a service over HTTPS: the token, and what is refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;
#[path = "../../attester/tests/support/swtpm.rs"]
mod swtpm;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use avouch_attester::{
    AttestError, Attester, Certification, Endorsement, EnrolError, HeldKey, KeySource, LogFiles,
    PcrChoice, RequestKey, Service as Conversation, ServiceError, Standing, Tpm, TpmError,
    WrappedKey, enrol, open,
};
use avouch_mint::bootlog::{Bank, BootLog, LinuxBoot, LogForm, SecureBoot, linux};
use avouch_tpm::protocol::{Form, enrolled_init_message, init_message};
use avouch_tpm::{BankSelection, Credential, PcrValue};
use serde_json::{Value, json};
use support::service::{Installation, OWNER, PUBLIC_URL, READER, Service};
use support::{Run, command, run, text};
use swtpm::Swtpm;

/// Permits who is proven, and tells what of the boot is.
const POLICY: &str = "version=1.2;\nconfigurationrules{\n};\nauthorizationrules{\n\
    [type==\"aikValidated\", value==true] => permit();\n};\nissuancerules{\n\
    c:[type==\"secureBootEnabled\"] => issue(claim=c);\n\
    c:[type==\"avouch-aik\"] => issue(claim=c);\n\
    c:[type==\"avouch-tpm-ek\"] => issue(claim=c);\n\
    c:[type==\"x-ms-tpm-request-key\"] => issue(claim=c);\n};\n";

/// A machine that booted, and a service that knows its manufacturer.
struct Site {
    swtpm: Swtpm,
    log: BootLog,
    installation: Installation,
    service: Service,
}

fn boot(secure_boot: SecureBoot) -> BootLog {
    let form = LogForm::CryptoAgile(vec![Bank::Sha1, Bank::Sha256]);
    linux(&LinuxBoot { form, secure_boot, ..LinuxBoot::default() }).unwrap()
}

impl Site {
    /// `more` are further lines of the section `[tpm]`.
    fn new(name: &str, more: &str) -> Option<Self> {
        Self::trusting(name, more, |_| String::new())
    }

    /// The same, where the service trusts more CAs than the manufacturer's.
    fn trusting(name: &str, more: &str, cas: impl FnOnce(&Swtpm) -> String) -> Option<Self> {
        let swtpm = Swtpm::start()?;
        let log = boot(SecureBoot::On);
        swtpm.boot(&log);
        let installation = Installation::new(
            name,
            &format!(
                "[tpm]\nenrolment = true\n{more}\n\n[appraisal.trust_roots]\ntpm = [\"tpm-ca.pem\"]\n"
            ),
        );
        let cas = [swtpm.manufacturer_pem(), cas(&swtpm)].concat();
        installation.folder.write("tpm-ca.pem", cas);
        installation.folder.write("log", log.to_bytes().unwrap());
        installation.folder.write("ima", "");
        installation.folder.write("policy", POLICY);
        for (file, token) in [("owner", OWNER), ("reader", READER)] {
            installation.folder.write(file, token);
        }
        let service = installation.start();
        let site = Self { swtpm, log, installation, service };
        site.set_policy(&site.service.url, PUBLIC_URL);
        Some(site)
    }

    fn path(&self, name: &str) -> String {
        self.installation.folder.join(name).display().to_string()
    }

    fn set_policy(&self, url: &str, issuer: &str) {
        let (policy, owner, ca) = (self.path("policy"), self.path("owner"), self.path("tls.pem"));
        run(command()
            .args(["policy-set", "tpm", &policy, "--url", url, "--issuer", issuer])
            .args(["--ca", &ca, "--token-file", &owner]))
        .expect_status(0);
    }

    /// The command for this machine, without what a test changes.
    fn attest(&self, swtpm: &Swtpm, more: &[&str]) -> Command {
        let (url, tcti) = (self.service.url.clone(), swtpm.tcti());
        let mut command = command();
        command.args(["--output", "json", "attest", "tpm", "--url", &url, "--issuer", PUBLIC_URL]);
        for (option, value) in [
            ("--tcti", tcti),
            ("--ca", self.path("tls.pem")),
            ("--token-file", self.path("reader")),
            ("--state", self.path("state")),
            ("--ima-log", self.path("ima")),
        ] {
            command.arg(option).arg(value);
        }
        if !more.contains(&"--log") {
            command.arg("--log").arg(self.path("log"));
        }
        command.args(more).stdin(Stdio::null());
        command
    }

    fn run(&self, more: &[&str]) -> Run {
        self.run_at(&self.swtpm, more)
    }

    fn run_at(&self, swtpm: &Swtpm, more: &[&str]) -> Run {
        run(&mut self.attest(swtpm, more))
    }

    fn over_https(&self) -> OverHttps {
        OverHttps::new(&self.service, READER)
    }

    /// What the command does, with parts of it in the hands of a test.
    fn attester<'a>(
        &self,
        pcrs: &'a PcrChoice,
        logs: &'a LogFiles,
        key: &'a RequestKey,
    ) -> Attester<'a> {
        Attester {
            pcrs,
            logs,
            request_key: key,
            certified_handles: &[],
            rp_id: None,
            rp_data: None,
            custom_claims: &[],
        }
    }

    fn logs(&self) -> LogFiles {
        let path = |name| Some(PathBuf::from(self.path(name)));
        LogFiles { tcg: path("log"), ima: path("ima") }
    }
}

/// What to send instead of a message, by its number; nothing is as it was.
type Meddling = dyn FnMut(usize, &str) -> Option<String>;

/// A client of the service that does what it is told.
struct OverHttps {
    url: String,
    /// Where the first message goes, if it is elsewhere.
    first_at: Option<String>,
    bearer: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    /// What is sent instead of a message, by the number of the message.
    instead: Box<Meddling>,
    sent: Vec<String>,
}

impl OverHttps {
    fn new(service: &Service, bearer: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
        Self {
            url: service.url.clone(),
            first_at: None,
            bearer: bearer.to_owned(),
            client: reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            instead: Box::new(|_, _| None),
            sent: Vec::new(),
        }
    }

    fn post(&self, data: &str) -> Result<String, ServiceError> {
        self.post_to(&self.url, data)
    }

    fn post_to(&self, url: &str, data: &str) -> Result<String, ServiceError> {
        let url = format!("{url}/attest/Tpm?api-version=2025-06-01");
        let request = self.client.post(url).bearer_auth(&self.bearer).json(&json!({"data": data}));
        let (status, body): (u16, Value) = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap())
        });
        if status == 200 {
            return Ok(text(&body["data"]).to_owned());
        }
        let member = |name: &str| text(&body["error"][name]).to_owned();
        Err(ServiceError::Refused { status, code: member("code"), message: member("message") })
    }
}

impl Conversation for OverHttps {
    fn exchange(&mut self, data: &str) -> Result<String, ServiceError> {
        let message = (self.instead)(self.sent.len(), data).unwrap_or_else(|| data.to_owned());
        self.sent.push(message.clone());
        let url = self.first_at.take().unwrap_or_else(|| self.url.clone());
        self.post_to(&url, &message)
    }
}

/// A TPM that shows one attestation key and signs by another.
struct Swapped {
    tpm: Box<dyn Tpm>,
    signer: KeySource,
}

impl Tpm for Swapped {
    fn endorsement(&mut self, certificate: Option<&[u8]>) -> Result<Endorsement, TpmError> {
        self.tpm.endorsement(certificate)
    }

    fn create_attestation_key(&mut self) -> Result<WrappedKey, TpmError> {
        self.tpm.create_attestation_key()
    }

    fn use_attestation_key(&mut self, key: &KeySource) -> Result<Vec<u8>, TpmError> {
        self.tpm.use_attestation_key(key)
    }

    fn activate_credential(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError> {
        self.tpm.activate_credential(credential)
    }

    fn read_pcrs(&mut self, selection: &[BankSelection]) -> Result<Vec<PcrValue>, TpmError> {
        self.tpm.read_pcrs(selection)
    }

    fn quote(
        &mut self,
        data: &[u8],
        selection: &[BankSelection],
    ) -> Result<avouch_attester::Attestation, TpmError> {
        self.tpm.use_attestation_key(&self.signer)?;
        self.tpm.quote(data, selection)
    }

    fn certify(&mut self, handle: u32, data: &[u8]) -> Result<Certification, TpmError> {
        self.tpm.certify(handle, data)
    }
}

#[track_caller]
fn refused_by(result: Result<String, AttestError>, check: &str) {
    let error = result.expect_err("it is refused");
    let refusal = error.refusal().unwrap_or_else(|| panic!("a refusal, not {error}"));
    assert!(refusal.is_of(check), "{check}: {refusal}");
}

/// The check at the beginning of what a service refused by, and the run's status.
#[track_caller]
fn refused_run(run: Run, check: &str) {
    let answer = run.expect_status(1).json();
    let message = text(&answer["error"]["message"]);
    assert!(message.starts_with(&format!("{check}: ")), "{check}: {message}");
}

#[test]
fn a_machine_enrols_attests_and_its_token_tells_what_booted() {
    let Some(site) = Site::new("attest-tpm", "") else { return };
    let told = site.run(&[]).expect_status(2).only_error();
    assert!(told.contains("--enrol"), "{told}");

    let token_out = site.path("token");
    let answer = site.run(&["--enrol", "--rp-data", "bm9uY2U", "--token-out", &token_out]);
    let answer = answer.expect_status(0).json();
    let members: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["url", "token", "claims", "enrolled", "token_out"], "docs/attester.md");
    assert_eq!(answer["enrolled"], true);
    assert_eq!(answer["token_out"], json!(token_out));
    let token = std::fs::read_to_string(&token_out).unwrap();
    assert_eq!(answer["token"], json!(token));
    let claims = &answer["claims"];
    assert_eq!(claims["secureBootEnabled"], true, "{claims}");
    assert_eq!(claims["avouch-aik"], "activated");
    assert_eq!(claims["rp_data"], "bm9uY2U");
    assert_eq!(claims["iss"], PUBLIC_URL);

    // What it kept is enough the next time, and the key in the token is the one in the file.
    let key = site.path("key.pem");
    let first = site.run(&["--key", &key]).expect_status(0).json();
    let second = site.run(&["--key", &key]).expect_status(0).json();
    assert_eq!(first["enrolled"], false);
    assert_eq!(first["claims"]["cnf"], second["claims"]["cnf"]);
    assert_ne!(first["claims"]["cnf"], claims["cnf"], "that key was thrown away");
    assert_ne!(first["token"], second["token"]);
}

#[test]
fn what_the_command_sends_wrong_is_refused_by_its_check() {
    let Some(site) = Site::new("attest-tpm-wrong", "") else { return };
    site.run(&["--enrol"]).expect_status(0);
    refused_run(site.run(&["--pcrs", "sha256:0-7"]), "tpm-pcr-not-covered");
    refused_run(site.run(&["--pcrs", "sha1:all"]), "tpm-pcr-not-covered");

    // The log of another boot, with Secure Boot off, and a cut one.
    let doctored = site.path("doctored");
    std::fs::write(&doctored, boot(SecureBoot::Off).to_bytes().unwrap()).unwrap();
    refused_run(site.run(&["--log", &doctored]), "log-replay");
    let mut longer = site.log.clone();
    longer.cut_bytes = 3;
    std::fs::write(&doctored, longer.to_bytes().unwrap()).unwrap();
    let cut = site.run(&["--log", &doctored]);
    assert_eq!(cut.status, 1, "a cut log: {} {}", cut.stdout, cut.stderr);

    let without_token: Vec<_> =
        site.attest(&site.swtpm, &[]).get_args().map(ToOwned::to_owned).collect();
    let at = without_token.iter().position(|word| word == "--token-file").unwrap();
    let mut nobody = command();
    nobody.args(&without_token[..at]).args(&without_token[at + 2..]);
    let answer = run(&mut nobody).expect_status(1).json();
    assert_eq!(answer["error"]["status"], 401, "{answer}");
}

/// A machine in the hands of a test: its TPM, and two keys that are enrolled.
struct Keys {
    tpm: Box<dyn Tpm>,
    first: HeldKey,
    second: HeldKey,
}

fn enrolled_keys(site: &Site) -> Keys {
    let mut tpm = open(&site.swtpm.tcti()).unwrap();
    let endorsement = tpm.endorsement(None).unwrap();
    let mut service = site.over_https();
    let mut key = || {
        let source = KeySource::Wrapped(tpm.create_attestation_key().unwrap());
        enrol(tpm.as_mut(), &mut service, source, &endorsement, &[]).unwrap()
    };
    let (first, second) = (key(), key());
    Keys { tpm, first, second }
}

fn enrolment_of(key: &HeldKey) -> String {
    match &key.standing {
        Standing::Enrolled { enrolment, .. } => enrolment.clone(),
        Standing::Certified(_) => panic!("it is enrolled"),
    }
}

#[test]
fn conversations_that_were_meddled_with_are_refused_by_their_checks() {
    let Some(site) = Site::new("attest-tpm-meddled", "challenge_seconds = 10") else { return };
    let Keys { mut tpm, first, second } = enrolled_keys(&site);
    let pcrs: PcrChoice = "sha256:all".parse().unwrap();
    let (logs, key) = (site.logs(), RequestKey::generate().unwrap());
    let attester = site.attester(&pcrs, &logs, &key);

    // What is good, so that each of the others differs from it in one thing.
    let mut service = site.over_https();
    attester.attest(tpm.as_mut(), &mut service, &first).unwrap();
    let replayed = service.sent[1].clone();
    let error = service.post(&replayed).unwrap_err();
    assert!(error.is_of("tpm-context-used"), "a replayed challenge: {error}");

    let mut other_signer = Swapped { tpm, signer: second.source.clone() };
    let result = attester.attest(&mut other_signer, &mut site.over_https(), &first);
    refused_by(result, "tpm-signature");
    let mut tpm = other_signer.tpm;

    let swapped = enrolled_init_message(Form::Wrapped, &enrolment_of(&second));
    let mut service = site.over_https();
    service.instead = Box::new(move |number, _| (number == 0).then(|| swapped.clone()));
    refused_by(attester.attest(tpm.as_mut(), &mut service, &first), "tpm-aik-swapped");

    let mixed = HeldKey { source: first.source.clone(), standing: second.standing.clone() };
    let mut service = site.over_https();
    let init = init_message(Form::Wrapped, None);
    service.instead = Box::new(move |number, _| (number == 0).then(|| init.clone()));
    refused_by(attester.attest(tpm.as_mut(), &mut service, &mixed), "tpm-enrolment-aik");

    // Of another provider of the same service.
    let (url, issuer) = (&site.service.url, format!("{PUBLIC_URL}/providers/contoso"));
    run(command()
        .args(["provider", "create", "contoso", "--url", url, "--issuer", PUBLIC_URL])
        .args(["--ca", &site.path("tls.pem"), "--token-file", &site.path("owner")]))
    .expect_status(0);
    let contoso = format!("{url}/providers/contoso");
    site.set_policy(&contoso, &issuer);
    let mut service = site.over_https();
    let (other, init) = (contoso.clone(), init_message(Form::Wrapped, None));
    service.first_at = Some(other);
    service.instead = Box::new(move |number, _| (number == 0).then(|| init.clone()));
    // The client asks for another challenge, at the right one.
    attester.attest(tpm.as_mut(), &mut service, &first).unwrap();
    assert_eq!(service.sent.len(), 4);
    let error = service.post(&service.sent[1]).unwrap_err();
    assert!(error.is_of("tpm-context-provider"), "a context of another provider: {error}");
    let mut service = site.over_https();
    service.url = contoso;
    let result = attester.attest(tpm.as_mut(), &mut service, &first);
    refused_by(result, "tpm-enrolment-provider");

    // A challenge that grew old is asked for anew; its own answer stays refused.
    let mut service = site.over_https();
    service.instead = Box::new(|number, _| {
        if number == 1 {
            std::thread::sleep(Duration::from_secs(12));
        }
        None
    });
    attester.attest(tpm.as_mut(), &mut service, &first).unwrap();
    assert_eq!(service.sent.len(), 4);
    let error = service.post(&service.sent[1]).unwrap_err();
    assert!(error.is_of("tpm-context-expired"), "a stale context: {error}");
}

#[test]
fn a_machine_of_another_manufacturer_and_a_wrong_secret_are_not_enrolled() {
    let Some(site) = Site::new("attest-tpm-stranger", "") else { return };
    let Some(stranger) = Swtpm::start() else { return };
    let answer = site.run_at(&stranger, &["--enrol"]).expect_status(1).json();
    let message = text(&answer["error"]["message"]);
    assert!(message.starts_with("ek-"), "{message}");
    assert!(!Path::new(&site.path("state/attestation-key.json")).exists());

    let mut tpm = open(&site.swtpm.tcti()).unwrap();
    let endorsement = tpm.endorsement(None).unwrap();
    let source = KeySource::Wrapped(tpm.create_attestation_key().unwrap());
    let mut service = site.over_https();
    service.instead = Box::new(|number, data| {
        let message = avouch_wire::base64url::decode(data).unwrap();
        let mut message: Value = serde_json::from_slice(&message).unwrap();
        let secret = message.pointer_mut("/payload/secret").filter(|_| number == 1)?;
        *secret = json!(avouch_wire::base64url::encode([0; 32]));
        Some(avouch_wire::base64url::encode(message.to_string()))
    });
    let error = enrol(tpm.as_mut(), &mut service, source, &endorsement, &[]).unwrap_err();
    let EnrolError::Service(error) = error else { panic!("{error}") };
    assert!(error.is_of("credential-answer"), "{error}");
}

#[test]
fn a_p256_endorsement_key_enrols_by_a_certificate_in_a_file_or_in_the_tpm() {
    let Some(site) = Site::new("attest-tpm-p256", "") else { return };
    let Some(stranger) = Swtpm::start() else { return };
    let ek_of = |answer: &Value| text(&answer["claims"]["avouch-tpm-ek"]).to_owned();
    let sha256 = |der: &[u8]| avouch_pki::digest::sha256(der).to_string();
    let enrol_anew = |more: &[&str]| {
        let _ = std::fs::remove_dir_all(site.path("state"));
        site.run(&[&["--enrol"], more].concat())
    };
    let of_rsa = enrol_anew(&[]).expect_status(0).json();

    // The file is of this TPM, which itself holds that of its RSA key; or of another one.
    let file = site.swtpm.p256_certificate();
    let beside = file.display().to_string();
    let of_file = enrol_anew(&["--ek-certificate", &beside]).expect_status(0).json();
    assert_eq!(of_file["claims"]["avouch-aik"], "activated");
    assert_eq!(of_file["claims"]["secureBootEnabled"], true);
    assert_eq!(ek_of(&of_file), sha256(&std::fs::read(&file).unwrap()));
    assert_ne!(ek_of(&of_file), ek_of(&of_rsa));
    let strange = stranger.p256_certificate().display().to_string();
    let run = enrol_anew(&["--ek-certificate", &strange]).expect_status(1).json();
    let message = text(&run["error"]["message"]);
    assert!(
        message.starts_with("ek-certificate-") || message.starts_with("credential-"),
        "{message}"
    );

    // It holds that of its P-256 key alone: attestation keys are below that one then.
    site.swtpm.hold_p256_certificate();
    let held = enrol_anew(&[]).expect_status(0).json();
    assert_eq!(held["claims"]["avouch-aik"], "activated");
    let again = site.run(&[]).expect_status(0).json();
    assert_eq!((&again["enrolled"], ek_of(&again)), (&json!(false), ek_of(&held)));
}

/// A public key as it stands in a certificate.
struct RsaKey<'a>(&'a avouch_tpm::Public);

impl rcgen::PublicKeyData for RsaKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.key().raw()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A CA's certificate, and one for an attestation key by it, both PEM.
fn certified(key: &avouch_tpm::Public, ca: &str) -> (String, String) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, ca);
    let root = params.self_signed(&pair).unwrap().pem();
    let issuer = rcgen::Issuer::from_params(&params, &pair);
    let mut leaf = rcgen::CertificateParams::default();
    leaf.key_usages.push(rcgen::KeyUsagePurpose::DigitalSignature);
    // tcg-kp-AIKCertificate.
    let usage = rcgen::ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 3]);
    leaf.extended_key_usages.push(usage);
    (root, leaf.signed_by(&RsaKey(key), &issuer).unwrap().pem())
}

#[test]
fn a_key_that_a_ca_certified_attests_by_its_handle_and_need_not_enrol() {
    const HANDLE: &str = "0x81000003";
    let mut made = None;
    let site = Site::trusting("attest-tpm-handle", "", |swtpm| {
        let key = swtpm.persistent_attestation_key(HANDLE);
        let (ca, leaf) = certified(&key, "AIK CA");
        made = Some((key, leaf));
        ca
    });
    let (Some(site), Some((key, leaf)), Some(other)) = (site, made, Swtpm::start()) else { return };
    let folder = &site.installation.folder;
    let attest = |swtpm: &Swtpm, certificate: &str, handle: &str| {
        let file = folder.write("aik.pem", certificate).display().to_string();
        site.run_at(swtpm, &["--ak-handle", handle, "--aik-certificate", &file])
    };
    let answer = attest(&site.swtpm, &leaf, HANDLE).expect_status(0).json();
    let claims = &answer["claims"];
    assert_eq!(answer["enrolled"], false);
    assert_eq!(claims["avouch-aik"], "certified", "{claims}");
    assert_eq!(claims["secureBootEnabled"], true);
    assert_eq!(claims.get("avouch-tpm-ek"), None, "nobody asked which TPM it is");
    assert!(!Path::new(&site.path("state")).exists(), "nothing needs to be kept");

    // By a CA that nobody trusts; another TPM's key under this one's certificate; no key at all.
    let (_, strange) = certified(&key, "Strange CA");
    refused_run(attest(&site.swtpm, &strange, HANDLE), "aik-certificate-issuer-unknown");
    other.boot(&site.log);
    other.persistent_attestation_key(HANDLE);
    refused_run(attest(&other, &leaf, HANDLE), "tpm-aik-swapped");
    let told = attest(&site.swtpm, &leaf, "0x81000004").expect_status(2).only_error();
    assert!(told.contains("handles-persistent"), "{told}");
}

#[test]
fn the_units_command_attests_until_it_is_stopped_and_keeps_a_new_token_in_its_file() {
    let Some(site) = Site::new("attest-tpm-every", "") else { return };
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/avouch-attest.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    let line =
        unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/avouch ")).unwrap();
    let folder = site.installation.folder.path().display().to_string();
    let words = line
        .replace("${CREDENTIALS_DIRECTORY}/bearer", &site.path("reader"))
        .replace("${STATE_DIRECTORY}", &site.path("state"))
        .replace("${RUNTIME_DIRECTORY}", &folder)
        .replace("--every 3600 --jitter 300", "--every 1 --jitter 1");
    assert!(!words.contains('$') && words.contains("--every 1"), "{words}");
    let child = command()
        .args(words.split(' '))
        .args(["--issuer", PUBLIC_URL, "--log", &site.path("log"), "--ima-log", &site.path("ima")])
        .env("AVOUCH_URL", &site.service.url)
        .env("AVOUCH_CA", site.path("tls.pem"))
        .env("AVOUCH_TCTI", site.swtpm.tcti())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let token = PathBuf::from(site.path("token"));
    let next = |last: &str| {
        for _ in 0..1200 {
            let found = std::fs::read_to_string(&token).unwrap_or_default();
            if found != last {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no new token")
    };
    let first = next("");
    let second = next(&first);
    assert_eq!([&first, &second].map(|token| token.split('.').count()), [3, 3]);
    let stopped = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.starts_with("the attestation key was enrolled\nattested\nattested"), "{told}");
}

#[test]
fn every_example_of_the_page_on_the_attester_prints_what_the_page_says() {
    let Some(site) = Site::new("attest-tpm-page", "") else { return };
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/attester.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut count = 0;
    let blocks = page.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap());
    for example in blocks.flat_map(|block| block.split("$ ").skip(1)) {
        let mut lines = example.lines();
        let words = lines.next().unwrap().strip_prefix("avouch ").expect("a command");
        let mut status = 0;
        let mut said: Vec<&str> = Vec::new();
        for line in lines {
            match line.strip_prefix("(exit status ").and_then(|rest| rest.strip_suffix(')')) {
                Some(number) => status = number.parse().unwrap(),
                None => said.push(line),
            }
        }
        let mut command = command();
        command.args(words.split(' ')).args(["--issuer", PUBLIC_URL, "--state", "state"]);
        command.args(["--log", "log", "--ima-log", "ima"]).stdin(Stdio::null());
        command.env("AVOUCH_URL", &site.service.url).env("AVOUCH_CA", site.path("tls.pem"));
        command.env("AVOUCH_TCTI", site.swtpm.tcti()).env("AVOUCH_TOKEN", READER);
        command.current_dir(site.installation.folder.path());
        let answer = run(&mut command).expect_status(status);
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let printed: Vec<String> = answer.stdout.lines().map(squeeze).collect();
        assert_eq!(printed.len(), said.len(), "$ avouch {words}\n{}", answer.stdout);
        for (said, printed) in said.iter().zip(&printed) {
            let known = said.split('…').next().unwrap();
            assert!(printed.starts_with(&squeeze(known)), "{said}: {printed}");
        }
        count += 1;
    }
    assert!(count >= 4, "only {count} examples");
}

/// The unit is one that systemd takes.
#[test]
fn systemd_takes_the_unit() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/avouch-attest.service");
    let mut analyze = Command::new("systemd-analyze");
    let Ok(output) = analyze.args(["verify", unit]).output() else {
        eprintln!("skipped: no systemd-analyze");
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // The command is not installed where this runs.
    let rest: Vec<&str> =
        told.lines().filter(|line| !line.contains("/usr/bin/avouch is not executable")).collect();
    assert!(rest.is_empty(), "{told}");
}

/// Without the feature, the command says how to build it.
#[test]
fn a_build_without_a_tpm_library_says_how_to_get_one() {
    let run = run(command().args(["attest", "tpm", "--url", "https://attest.example"]));
    let run = run.expect_status(2);
    let expected =
        if avouch_attester::IS_BUILT { "https://attest.example" } else { "--features tss" };
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}
