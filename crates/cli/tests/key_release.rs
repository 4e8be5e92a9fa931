//! From a minted guest to an opened disk: sidecar and unlocking against a running service with a vault.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "../../tee/tests/support/fake.rs"]
mod fake;
mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use avouch_wire::{EvidenceKind, UnixTime, base64url, decode_hex, encode_hex};
use fake::{Bodies, Platform, Said, certificates_pem, configfs, table};
use serde_json::{Value, json};
use support::liar::{Answer, Liar};
use support::service::{Service, serve};
use support::{Folder, Run, command, run};

const VAULT_HOST: &str = "vault.localhost";
const MEASUREMENT: [u8; 48] = [0x5a; 48];

/// A service with a vault that trusts minted evidence, and what a guest of it needs.
struct Place {
    folder: Folder,
    service: Service,
    port: u16,
    token: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let out = folder.join("minted");
        let mut mint = command();
        mint.args(["mint", "snp", "--out"]).arg(&out);
        run(&mut mint).expect_status(0);
        let service = Self::serve(&folder, 0);
        let port = service.url.rsplit(':').next().unwrap().parse().unwrap();
        let token = folder.write("token", "a token of a service for development");
        Self { folder, service, port, token }
    }

    fn serve(folder: &Folder, port: u16) -> Service {
        let minted = |file: &str| folder.join("minted").join(file).display().to_string();
        let mut command = serve(["--dev", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(folder.join("data")).args(["--endorsements", &minted("endorsements.pem")]);
        command.args(["--trust-root", &minted("root.pem")]);
        command.env("AVOUCH_VAULT__HOST", VAULT_HOST);
        Service::of(command, &folder.join("data"))
    }

    fn vault(&self) -> String {
        format!("https://{VAULT_HOST}:{}", self.port)
    }

    /// The root of minted evidence as tokens name it: it is not the vendor's, so policies must name it.
    fn root(&self) -> String {
        let text = std::fs::read(self.folder.join("minted").join("root.pem")).unwrap();
        let root = avouch_pki::pem::certificates(&text, 1).unwrap();
        let root = avouch_pki::Certificate::parse(&root[0]).unwrap();
        format!("{} {}", root.subject().label(), root.fingerprint_sha256())
    }

    /// The options of a guest of this place.
    fn guest(&self, measurement: &[u8; 48]) -> Vec<String> {
        let resolve = format!("{VAULT_HOST}:{}:127.0.0.1", self.port);
        let ca = self.service.ca.display().to_string();
        ["--minted", "--measurement", &encode_hex(measurement), "--ca", &ca, "--resolve", &resolve]
            .map(str::to_owned)
            .to_vec()
    }

    /// Puts a secret into the vault that only the right measurement gets.
    fn import(&self, name: &str, secret: &[u8]) {
        let policy = json!({"anyOf": [{"authority": self.service.url, "allOf": [
            {"claim": "x-ms-attestation-type", "equals": "sevsnpvm"},
            {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "false"},
            {"claim": "x-ms-sevsnpvm-launchmeasurement", "equals": encode_hex(&MEASUREMENT)},
            {"claim": "avouch-trust-root", "equals": self.root()},
        ]}]});
        let body = json!({
            "key": {"kty": "oct", "k": base64url::encode(secret)},
            "attributes": {"exportable": true},
            "release_policy": {"data": base64url::encode(policy.to_string())},
        });
        let answer = self.ask_vault("PUT", &format!("/keys/{name}?api-version=7.4"), &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn ask_vault(&self, method: &str, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let mut stream = self.service.connect();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {VAULT_HOST}:{}\r\nAuthorization: Bearer t\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn unlock(&self, key: &str, measurement: &[u8; 48], program: &[&str]) -> Run {
        run(self.unlocking(key, measurement).args(["--retries", "0", "--"]).args(program))
    }

    fn unlocking(&self, key: &str, measurement: &[u8; 48]) -> Command {
        let mut unlock = command();
        unlock.args([
            "unlock",
            "--attest",
            &self.service.url,
            "--vault",
            &self.vault(),
            "--key",
            key,
        ]);
        unlock.arg("--token-file").arg(&self.token).args(self.guest(measurement));
        unlock
    }

    fn sidecar(&self, measurement: &[u8; 48]) -> Sidecar {
        let mut sidecar = command();
        sidecar.args(["sidecar", "--listen", "127.0.0.1:0"]).arg("--token-file").arg(&self.token);
        sidecar.args(["--vault", self.vault().trim_start_matches("https://")]);
        sidecar.args(self.guest(measurement));
        Sidecar::start(sidecar)
    }
}

/// A sidecar that ends with its handle.
struct Sidecar {
    child: Child,
    address: String,
}

impl Sidecar {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
        Self { address: address.to_owned(), child }
    }

    /// Sends a request and does not wait for the answer.
    fn begin(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn send(&self, request: &str) -> (u16, Value) {
        let mut stream = self.begin(request);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.send(&post(path, body))
    }

    /// As programs ask the sidecar for a key.
    fn key(&self, place: &Place, kid: &str) -> (u16, Value) {
        let body = json!({
            "maa_endpoint": place.service.url.trim_start_matches("https://"),
            "akv_endpoint": place.vault().trim_start_matches("https://"),
            "kid": kid,
        });
        self.post("/key/release", &body.to_string())
    }
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn other_by_one_bit() -> [u8; 48] {
    let mut other = MEASUREMENT;
    other[17] ^= 0x10;
    other
}

/// A LUKS2 image whose one key slot opens by a secret.
fn luks(folder: &Folder, secret: &[u8]) -> String {
    let image = folder.join("disk.img").display().to_string();
    std::fs::File::create(&image).unwrap().set_len(20 << 20).unwrap();
    let words = [
        "luksFormat",
        "--type",
        "luks2",
        "--batch-mode",
        "--pbkdf",
        "pbkdf2",
        "--pbkdf-force-iterations",
        "1000",
        "--key-file=-",
        &image,
    ];
    assert!(with_key(&words, secret), "a LUKS2 image is made");
    image
}

fn with_key(words: &[&str], key: &[u8]) -> bool {
    let mut child = cryptsetup().args(words).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(key).unwrap();
    child.wait().unwrap().success()
}

fn cryptsetup() -> Command {
    let place = Path::new("/usr/sbin/cryptsetup");
    Command::new(if place.exists() { place } else { Path::new("cryptsetup") })
}

#[test]
fn a_disk_opens_for_the_right_measurement_alone_from_guest_to_header() {
    let place = Place::new("key-release-disk");
    let secret: Vec<u8> = (0..32).map(|byte| byte * 7 + 3).collect();
    place.import("disk", &secret);
    let image = luks(&place.folder, &secret);
    let program = cryptsetup().get_program().to_string_lossy().into_owned();
    let open = [program.as_str(), "open", "--test-passphrase", "--key-file=-", &image];

    // By the sidecar: its key opens the header.
    let (status, answer) = place.sidecar(&MEASUREMENT).key(&place, "disk");
    assert_eq!(status, 200, "{answer}");
    let jwk: Value = serde_json::from_str(answer["key"].as_str().unwrap()).unwrap();
    assert_eq!(jwk["kty"], "oct");
    let key = base64url::decode(jwk["k"].as_str().unwrap()).unwrap();
    assert_eq!(key, secret);
    assert!(with_key(&open[1..], &key));

    // By the boot path.
    place.unlock("disk", &MEASUREMENT, &open).expect_status(0);

    // One bit of the measurement is another, and there is nothing; who is asked says why.
    let other = other_by_one_bit();
    let (status, answer) = place.sidecar(&other).key(&place, "disk");
    assert_eq!(status, 403, "{answer}");
    assert!(answer.get("key").is_none());
    let why = answer["error"].as_str().unwrap();
    assert!(why.contains("x-ms-sevsnpvm-launchmeasurement"), "{why}");
    let refused = place.unlock("disk", &other, &open).expect_status(1);
    assert!(refused.stdout.contains("release-policy-met"), "{}", refused.stdout);
    // A program that refuses the key is no success either.
    place.unlock("disk", &MEASUREMENT, &["false"]).expect_status(1);
}

#[test]
fn the_sidecar_answers_what_programs_ask_it() {
    let place = Place::new("key-release-sidecar");
    place.import("secret", &[9; 16]);
    let sidecar = place.sidecar(&MEASUREMENT);
    assert_eq!(sidecar.get("/status"), (200, json!({"message": "Status OK"})));
    let runtime = br#"{"keys":[],"note":"bound"}"#;
    let body = json!({"runtime_data": base64url::encode_standard(runtime)}).to_string();
    let digest = avouch_pki::digest::sha256(runtime);

    let (status, answer) = sidecar.post("/attest/raw", &body);
    assert_eq!(status, 200, "{answer}");
    let report = decode_hex(answer["report"].as_str().unwrap()).unwrap();
    assert_eq!(report.len(), 1184);
    assert_eq!(&report[0x50..0x70], digest.as_bytes());
    assert_eq!(&report[0x70..0x90], [0; 32]);
    assert_eq!(&report[0x90..0xc0], MEASUREMENT);

    let (status, answer) = sidecar.post("/attest/combined", &body);
    assert_eq!(status, 200, "{answer}");
    let evidence = base64url::decode_standard(answer["evidence"].as_str().unwrap()).unwrap();
    assert_eq!(evidence.len(), 1184);
    assert_eq!(answer["endorsed_tcb"].as_str().unwrap().len(), 16);
    assert!(answer["endorsements"].is_string() && answer["uvm_endorsements"].is_string());

    let endpoint = place.service.url.trim_start_matches("https://");
    let with_endpoint = json!({
        "maa_endpoint": endpoint, "runtime_data": base64url::encode_standard(runtime),
    });
    let (status, answer) = sidecar.post("/attest/maa", &with_endpoint.to_string());
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap();
    let claims = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["x-ms-runtime"]["note"], "bound");
    assert_eq!(claims["x-ms-sevsnpvm-launchmeasurement"], encode_hex(&MEASUREMENT));

    assert_eq!(sidecar.key(&place, "secret").0, 200);
    assert_eq!(sidecar.key(&place, "none").0, 403);
    for (path, body) in [
        ("/attest/raw", "{"),
        ("/attest/raw", "{}"),
        ("/attest/raw", r#"{"runtime_data":"%"}"#),
        ("/attest/combined", "[]"),
        ("/attest/maa", r#"{"runtime_data":""}"#),
        ("/key/release", r#"{"maa_endpoint":"a","akv_endpoint":"b"}"#),
        ("/key/release", r#"{"maa_endpoint":"a","akv_endpoint":"b","kid":"../../x"}"#),
        ("/key/release", r#"{"maa_endpoint":"https://a","akv_endpoint":"b","kid":"x"}"#),
    ] {
        let (status, answer) = sidecar.post(path, body);
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(sidecar.get("/key/release").0, 405);
    assert_eq!(sidecar.get("/other").0, 404);
}

/// A page in a browser of the guest, or of a name that was made to lead here, is not the guest.
#[test]
fn the_sidecar_answers_programs_of_its_machine_and_no_web_pages() {
    let mut sidecar = command();
    sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--minted"]);
    let sidecar = Sidecar::start(sidecar);
    let port = sidecar.address.rsplit(':').next().unwrap().to_owned();
    let ask = |fields: &str| {
        sidecar.send(&format!("GET /status HTTP/1.1\r\n{fields}\r\nConnection: close\r\n\r\n")).0
    };
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]"] {
        assert_eq!(ask(&format!("Host: {host}")), 200, "{host}");
        assert_eq!(ask(&format!("Host: {host}:{port}")), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "::1", "localhost:x", ""] {
        assert_eq!(ask(&format!("Host: {host}")), 403, "{host}");
    }
    for origin in ["https://evil.example", "http://localhost", "null"] {
        assert_eq!(ask(&format!("Host: localhost\r\nOrigin: {origin}")), 403, "{origin}");
    }
}

/// The bearer token of the guest's operator goes to the vault that it is for, whatever a request says.
#[test]
fn the_sidecars_token_goes_to_its_vault_alone() {
    let folder = Folder::new("key-release-bearer");
    let liar = Liar::start(&folder, |_, _| Answer::json(200, &json!({"token": "a.b.c"})));
    let host = liar.url.trim_start_matches("https://");
    let token = folder.write("token", "the bearer token of an operator");
    let release = |vault: &str, members: Value| {
        let mut sidecar = command();
        sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--minted", "--vault", vault]);
        sidecar.arg("--token-file").arg(&token).arg("--ca").arg(&liar.ca);
        let mut body = json!({"maa_endpoint": host, "akv_endpoint": host, "kid": "x"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Sidecar::start(sidecar).post("/key/release", &body.to_string())
    };
    let bearers = || -> Vec<String> {
        liar.asked().into_iter().filter_map(|asked| asked.authorization).collect()
    };
    let (status, answer) = release("vault.example.org", json!({}));
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("no token for this akv_endpoint"));
    assert_eq!(liar.asked().len(), 0);
    // A token of the request's own goes where the request says.
    assert_eq!(release("vault.example.org", json!({"access_token": "own"})).0, 403);
    assert_eq!(bearers(), ["Bearer own"]);
    // The operator's vault gets the operator's token.
    assert_eq!(release(host, json!({})).0, 403);
    assert_eq!(bearers(), ["Bearer own", "Bearer the bearer token of an operator"]);
    // A file of a token says for which vault it is.
    let mut sidecar = command();
    sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--minted", "--token-file"]).arg(&token);
    run(&mut sidecar).expect_status(2);
}

/// A service that takes connections and says nothing: whoever asks it goes on waiting.
struct Silent {
    address: String,
    /// The connections; none once it is gone.
    taken: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let taken = Arc::new(Mutex::new(Some(Vec::new())));
        let keep = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                match &mut *keep.lock().unwrap() {
                    Some(taken) => taken.push(stream.unwrap()),
                    None => return,
                }
            }
        });
        Self { address, taken }
    }

    /// Waits until so many have come, and no more.
    fn is_asked_by(&self, count: usize) {
        let asked = || self.taken.lock().unwrap().as_ref().unwrap().len();
        within_seconds(30, || asked() >= count);
        assert_eq!(asked(), count);
    }

    fn end(&self) {
        self.taken.lock().unwrap().take();
    }
}

fn within_seconds(seconds: u64, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Each request may make a key and ask two services. Who asks and hangs up, again and again, has no more
/// done than others: the place is free when the work is over.
#[test]
fn the_sidecar_works_on_eight_requests_at_once_whoever_hangs_up() {
    let folder = Folder::new("key-release-busy");
    let silent = Silent::start();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ca = folder.write("ca.pem", pair.cert.pem());
    let mut sidecar = command();
    sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--minted", "--ca"]).arg(ca);
    let sidecar = Sidecar::start(sidecar);
    let raw = json!({"runtime_data": "eA=="}).to_string();
    let quick = || sidecar.post("/attest/raw", &raw);
    let long = json!({"runtime_data": "eA==", "maa_endpoint": silent.address}).to_string();
    let long = || sidecar.begin(&post("/attest/maa", &long));

    let mut clients: Vec<TcpStream> = (0..7).map(|_| long()).collect();
    silent.is_asked_by(7);
    assert_eq!(quick().0, 200);
    clients.push(long());
    silent.is_asked_by(8);
    for path in ["/attest/raw", "/attest/combined", "/attest/maa", "/key/release"] {
        let (status, answer) = sidecar.post(path, &raw);
        assert_eq!(status, 429, "{path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("busy"), "{answer}");
    }
    assert_eq!(sidecar.get("/status").0, 200);
    drop(clients);
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(quick().0, 429);
    }
    silent.is_asked_by(8);
    silent.end();
    within_seconds(60, || quick().0 == 200);
}

/// Whoever connects and says nothing, or not all, or one byte now and then, takes no place from others for long.
#[test]
fn the_sidecar_closes_connections_that_bring_no_request_and_those_that_are_answered() {
    let mut sidecar = command();
    sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--minted", "--request-seconds-max", "1"]);
    let sidecar = Sidecar::start(sidecar);
    let told = |request: &str| {
        let mut stream = sidecar.begin(request);
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the connection is closed");
        answer
    };
    assert_eq!(told(""), "");
    assert_eq!(told("GET /status HTTP/1.1\r\nHost: local"), "");
    let half_a_body = post("/attest/raw", "{}").replace("Content-Length: 2", "Content-Length: 3");
    let answer = told(&half_a_body);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("within 1 seconds"), "{answer}");
    // No client says here that it wants the connection closed.
    let answer = told("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut slow = sidecar.begin("GET /status HTTP/1.1\r\nHost: localhost\r\n");
    within_seconds(60, || slow.write_all(b"x").is_err());
    // More than it takes at once: who comes after them is answered.
    let silent: Vec<TcpStream> = (0..300).map(|_| sidecar.begin("")).collect();
    let answer = told("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(silent);
}

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/avouch-unlock.service");

/// What systemd would start, with the words of this place in the place of the unit's variables.
#[test]
fn the_units_command_opens_the_disk_for_the_right_measurement_alone() {
    let place = Place::new("key-release-unit");
    let secret = [0x42; 32];
    place.import("disk", &secret);
    let image = luks(&place.folder, &secret);
    let unit = std::fs::read_to_string(UNIT).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/avouch "));
    let cryptsetup = cryptsetup().get_program().to_string_lossy().into_owned();
    let words = line
        .unwrap()
        .replace("${AVOUCH_ATTEST}", &place.service.url)
        .replace("${AVOUCH_VAULT}", &place.vault())
        .replace("${AVOUCH_KEY}", "disk")
        .replace("${AVOUCH_DEVICE}", &image)
        .replace("/etc/avouch/vault-token", &place.token.display().to_string())
        // Without a device mapper the header is opened, and nothing more.
        .replace("cryptsetup open", &format!("{cryptsetup} open --test-passphrase"));
    assert!(!words.contains('$') && words.contains("--give-up-seconds"), "{words}");
    let (own, program) = words.split_once(" -- ").unwrap();
    let start = |measurement: &[u8; 48]| {
        let mut unlock = command();
        unlock.args(own.split(' ')).args(place.guest(measurement)).arg("--");
        // The name of the mapping is of no use here.
        unlock.args(program.strip_suffix(" root").unwrap().split(' '));
        run(&mut unlock)
    };
    start(&MEASUREMENT).expect_status(0);
    let refused = start(&other_by_one_bit()).expect_status(1);
    assert!(refused.stdout.contains("release-policy-met"), "{}", refused.stdout);
}

#[test]
fn systemd_takes_the_unit_that_unlocks() {
    let Ok(output) = Command::new("systemd-analyze").args(["verify", UNIT]).output() else {
        eprintln!("skipped: no systemd-analyze");
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // The command is not installed where this runs.
    let rest: Vec<&str> =
        told.lines().filter(|line| !line.contains("/usr/bin/avouch is not executable")).collect();
    assert!(rest.is_empty(), "{told}");
}

/// Machines start together: the guest may be up before the service is.
#[test]
fn a_guest_that_is_up_before_the_service_waits_for_it() {
    let mut place = Place::new("key-release-late");
    place.import("disk", &[5; 32]);
    place.service.kill();
    let mut unlock = place.unlocking("disk", &MEASUREMENT);
    unlock.args(["--retries", "60", "--wait-seconds", "1", "--", "sh", "-c", "cat > \"$0\""]);
    unlock.arg(place.folder.join("key"));
    let unlocking = unlock.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It has met nobody at least once.
    std::thread::sleep(Duration::from_secs(2));
    place.service = Place::serve(&place.folder, place.port);
    let ended = unlocking.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("once more in 1 s"), "{said}");
    assert_eq!(std::fs::read(place.folder.join("key")).unwrap(), [5; 32]);
}

#[test]
fn a_sidecar_listens_on_loopback_alone() {
    let mut command = command();
    command.args(["sidecar", "--listen", "0.0.0.0:0", "--minted"]);
    let refused = run(&mut command).expect_status(2);
    assert!(refused.stderr.contains("loopback"), "{}", refused.stderr);
}

/// Linux' configfs-TSM at its file boundary: a report with the host's certificates, and what is no report.
#[test]
fn a_report_is_asked_of_the_kernel_by_its_files() {
    let place = Place::new("key-release-tsm");
    let root = place.folder.join("tsm");
    let runtime = br#"{"a":1}"#;
    let mut expected = [0; 64];
    expected[..32].copy_from_slice(avouch_pki::digest::sha256(runtime).as_bytes());
    let platform = Platform::new(EvidenceKind::Snp, present());
    let minted = platform.mint(&expected);
    let said = Said {
        outblob: minted.evidence.clone(),
        auxblob: Some(table(&minted.endorsements, Bodies::Der)),
        ..Said::default()
    };
    let asked = configfs(&root, "sev_guest", move |_, _| said.clone());
    let mut sidecar = command();
    sidecar.args(["sidecar", "--listen", "127.0.0.1:0", "--tsm"]).arg(&root);
    let sidecar = Sidecar::start(sidecar);
    let body = json!({"runtime_data": base64url::encode_standard(runtime)}).to_string();
    let (status, answer) = sidecar.post("/attest/raw", &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["report"], encode_hex(&minted.evidence));
    let (status, answer) = sidecar.post("/attest/combined", &body);
    assert_eq!(status, 200, "{answer}");
    let chain = certificates_pem(&minted.endorsements);
    assert_eq!(answer["endorsements"], base64url::encode_standard(chain));
    assert_eq!(asked.all(), [expected, expected]);
    // A machine of another kind is told so.
    let root = place.folder.join("other");
    let domain = Platform::new(EvidenceKind::Tdx, present());
    configfs(&root, "tdx_guest", move |report_data, _| domain.said(report_data));
    let mut other = command();
    other.args(["sidecar", "--listen", "127.0.0.1:0", "--tsm"]).arg(&root);
    let (status, answer) = Sidecar::start(other).post("/attest/raw", &body);
    assert_eq!(status, 403, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("is of tdx"), "{answer}");
}

fn present() -> UnixTime {
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    UnixTime::from_seconds(i64::try_from(seconds).unwrap()).unwrap()
}
