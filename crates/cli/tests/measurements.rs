//! `avouch measurements`, and what `avouch verify` makes of what it writes: a service hands out the signed list and the
//! statement over it, and a relying party who pinned publisher and ledger checks all of it.
#![cfg(test)]

mod support;

use std::path::Path;

use avouch_pki::pem;
use avouch_token::{BarePrivateKey, KeySpec, Signer as _, SigningKey};
use serde_json::{Value, json};
use support::schema::{Schema, rows};
use support::service::Service;
use support::{Folder, Run, avouch, avouch_json, text};

const FIRST: &str = "2026-01-01T00:00:00Z";
const SECOND: &str = "2026-02-01T00:00:00Z";

fn enclave(byte: &str) -> String {
    json!({"sgx": {"mr_enclave": byte.repeat(32)}}).to_string()
}

/// A publisher with its keys in files.
struct Publisher {
    folder: Folder,
    key: String,
    public: String,
}

impl Publisher {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let (key, public) = Self::keys(&folder, "publisher");
        Self { folder, key, public }
    }

    /// A private key and its public half.
    fn keys(folder: &Folder, name: &str) -> (String, String) {
        let signing = SigningKey::generate(KeySpec::P256).unwrap();
        let private = signing.to_pkcs8_pem().unwrap();
        BarePrivateKey::from_pkcs8_pem(&private).unwrap();
        let public = pem::encode("PUBLIC KEY", signing.public_key().spki_der());
        let write = |end: &str, text: &str| {
            folder.write(&format!("{name}{end}"), text).display().to_string()
        };
        (write("-key.pem", &private), write(".pem", &public))
    }

    fn list(&self) -> String {
        self.folder.join("measurements.json").display().to_string()
    }

    fn run(&self, words: &[&str]) -> Run {
        let list = self.list();
        let words = words.iter().map(|word| if *word == "LIST" { list.as_str() } else { word });
        avouch_json(["measurements"].into_iter().chain(words))
    }

    fn make(&self) -> Value {
        let workload = enclave("11");
        let make = ["make", "LIST", "--publisher", "attest.example", "--name", "release 1"];
        let run = self.run(&[&make[..], &["--workload", &workload, "--at", FIRST]].concat());
        run.expect_status(0).json()
    }

    fn announce(&self) -> Value {
        let workload = self.folder.write("workload.json", enclave("22")).display().to_string();
        let announce = ["announce", "LIST", "--name", "release 2", "--workload", &workload];
        self.run(&[&announce[..], &["--at", SECOND]].concat()).expect_status(0).json()
    }

    fn sign(&self, name: &str) -> String {
        let out = self.folder.join(name).display().to_string();
        self.run(&["sign", "LIST", "--key", &self.key, "--out", &out]).expect_status(0);
        out
    }
}

fn states(shown: &Value) -> Vec<(&str, &str)> {
    let rows = shown["measurements"].as_array().unwrap();
    rows.iter().map(|row| (text(&row["name"]), text(&row["state"]))).collect()
}

#[test]
fn a_list_is_made_added_to_announced_withdrawn_and_renewed_issue_by_issue() {
    let publisher = Publisher::new("measurements-issues");
    let made = publisher.make();
    assert_eq!(made["issue"]["sequence"], 1);
    assert_eq!(made["issue"]["expires_at"], "2026-03-04T00:00:00Z");
    assert_eq!(states(&made), [("release 1", "current")]);
    let workload = enclave("33");
    let add = ["add", "LIST", "--name", "beside", "--workload", &workload];
    let added = publisher.run(&add).expect_status(0).json();
    assert_eq!(states(&added), [("release 1", "current"), ("beside", "current")]);
    let announced = publisher.announce();
    assert_eq!(announced["issue"]["sequence"], 2);
    let rows = &announced["measurements"];
    assert_eq!(rows[2]["from"], "2026-04-01T00:00:00Z");
    // It names none that it replaces: both end a month after it is in force.
    assert_eq!(
        (&rows[0]["until"], &rows[1]["until"]),
        (&json!("2026-05-01T00:00:00Z"), &rows[0]["until"])
    );
    let list: Value = serde_json::from_slice(&std::fs::read(publisher.list()).unwrap()).unwrap();
    assert_eq!(list["measurements"][2]["announced_at"], list["issued_at"]);
    let retire = ["retire", "LIST", "--name", "beside", "--at", "2026-02-02T00:00:00Z"];
    let retired = publisher.run(&retire).expect_status(0).json();
    assert_eq!(
        states(&retired),
        [("release 1", "current"), ("beside", "retired"), ("release 2", "announced")]
    );
    let renew = ["renew", "LIST", "--at", "2026-02-03T00:00:00Z", "--valid-days", "10"];
    let renewed = publisher.run(&renew).expect_status(0).json();
    assert_eq!(
        (&renewed["issue"]["sequence"], &renewed["issue"]["expires_at"]),
        (&json!(4), &json!("2026-02-13T00:00:00Z"))
    );

    let soon = ["--in-force-from", "2026-04-02T00:00:00Z", "--at", "2026-02-03T00:00:01Z"];
    for words in [
        &["make", "LIST", "--publisher", "x", "--name", "y", "--workload", &workload][..],
        &add,
        &["add", "LIST", "--name", "later", "--workload", &workload],
        &[&["announce", "LIST", "--name", "soon", "--workload", &workload][..], &soon].concat(),
        &[
            "announce",
            "LIST",
            "--name",
            "any",
            "--workload",
            "{\"sgx\": {}}",
            "--at",
            "2026-02-04T00:00:00Z",
        ],
        &[
            "announce",
            "LIST",
            "--name",
            "z",
            "--workload",
            &workload,
            "--replaces",
            "nothing",
            "--at",
            "2026-02-04T00:00:00Z",
        ],
        &["retire", "LIST", "--name", "nothing", "--at", "2026-02-04T00:00:00Z"],
        &["retire", "LIST", "--name", "beside", "--at", "2026-02-04T00:00:00Z"],
        &["renew", "LIST", "--at", "2026-02-03T00:00:00Z"],
        &["renew", "LIST", "--valid-days", "367"],
    ] {
        publisher.run(words).expect_status(2);
    }
    // None of that changed anything.
    let shown =
        publisher.run(&["check", "LIST", "--at", "2026-02-03T00:00:00Z"]).expect_status(0).json();
    assert_eq!(shown, renewed);
}

#[test]
fn a_signed_list_counts_under_its_publishers_key_while_it_is_in_force() {
    let publisher = Publisher::new("measurements-signed");
    publisher.make();
    let before = publisher.folder.write("before.json", std::fs::read(publisher.list()).unwrap());
    let old = publisher.sign("old.jws");
    publisher.announce();
    let signed = publisher.sign("measurements.jws");
    let (_, stranger) = Publisher::keys(&publisher.folder, "stranger");
    let check = |file: &str, key: &str, at: &str| {
        publisher.run(&["check", file, "--publisher-key", key, "--at", at])
    };
    let shown = check(&signed, &publisher.public, SECOND).expect_status(0).json();
    assert_eq!(shown["issue"]["publisher"], "attest.example");
    assert_eq!(text(&shown["signed_by"]).len(), 64);
    for (file, key, at, expected) in [
        (&signed, &stranger, SECOND, "bare-signature-key"),
        (&signed, &publisher.public, FIRST, "measurements-not-issued"),
        (&signed, &publisher.public, "2026-04-04T00:00:00Z", "measurements-expired"),
        (&publisher.list(), &publisher.public, SECOND, "bare-signature-form"),
    ] {
        let refused = check(file, key, at).expect_status(1).json();
        assert_eq!(refused["error"]["check"], expected, "{refused}");
    }
    publisher.run(&["check", &signed, "--at", SECOND]).expect_status(2);
    // One issue after the other.
    let before = before.display().to_string();
    let follow = ["check", &signed, "--publisher-key", &publisher.public, "--at", SECOND];
    publisher.run(&[&follow[..], &["--after", &before]].concat()).expect_status(0);
    let after = publisher.list();
    let back =
        ["check", &old, "--publisher-key", &publisher.public, "--at", SECOND, "--after", &after];
    let refused = publisher.run(&back).expect_status(1).json();
    assert_eq!(refused["error"]["check"], "measurements-rollback");
}

/// A ledger is beside this: what is printed of one is in the clients' tests.
#[test]
fn the_page_has_what_is_printed() {
    let page = |heading| Schema::new(rows("docs/schemas/measurements.md", heading));
    let (mut list, mut file, mut refusal) = (page("List"), page("File"), page("Refusal"));
    let publisher = Publisher::new("measurements-page");
    list.check(&publisher.make());
    list.check(&publisher.announce());
    let retire = ["retire", "LIST", "--name", "release 1", "--at", "2026-02-02T00:00:00Z"];
    list.check(&publisher.run(&retire).expect_status(0).json());
    let out = |name: &str| publisher.folder.join(name).display().to_string();
    let (signed, statement, attached) = (out("signed"), out("statement"), out("attached"));
    let sign = ["sign", "LIST", "--key", &publisher.key, "--out", &signed];
    file.check(&publisher.run(&sign).expect_status(0).json());
    let state = ["statement", "LIST", "--key", &publisher.key, "--out", &statement];
    let state = [&state[..], &["--issuer", "https://attest.example"]].concat();
    file.check(&publisher.run(&state).expect_status(0).json());
    let attach = ["attach", &statement, "--receipt", &statement, "--out", &attached];
    file.check(&publisher.run(&attach).expect_status(0).json());
    let check = ["check", &signed, "--publisher-key", &publisher.public, "--at"];
    let at = |at| [&check[..], &[at]].concat();
    list.check(&publisher.run(&at("2026-02-03T00:00:00Z")).expect_status(0).json());
    refusal.check(&publisher.run(&at(FIRST)).expect_status(1).json());
    // A statement as a receipt of itself.
    let witnessed =
        ["2026-02-03T00:00:00Z", "--statement", &attached, "--ledger-key", &publisher.public];
    let witnessed = publisher.run(&[&check[..], &witnessed].concat()).expect_status(1).json();
    refusal.check(&witnessed);
    assert_eq!(list.unseen().into_iter().collect::<Vec<_>>(), ["transparency"]);
    assert!(file.unseen().is_empty() && refusal.unseen().is_empty());
}

/// A service in development that hands out what the publisher says.
fn service(publisher: &Publisher, list: &str, statement: Option<&str>) -> Service {
    let file = |key: &str, path: &str| format!("{key} = \"{path}\"\n");
    let mut config = format!("[publication]\n{}", file("measurements", list));
    if let Some(statement) = statement {
        config.push_str(&file("statement", statement));
    }
    let config = publisher.folder.write("avouch.toml", config);
    let words = [std::ffi::OsStr::new("--config"), config.as_os_str()];
    Service::dev(&publisher.folder.join("data"), words)
}

fn step<'a>(report: &'a Value, name: &str) -> Option<&'a str> {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).map(|step| text(&step["outcome"]))
}

/// The list that a service hands out is fetched, checked and remembered. The service runs in no TEE here, so the token
/// is refused for that, and each step before says how it went.
#[test]
fn verify_fetches_what_the_service_hands_out_and_notices_an_older_list() {
    let publisher = Publisher::new("measurements-fetched");
    let now = avouch_server::Clock::system().now();
    let month_ago = now.saturating_add_seconds(-30 * 86_400);
    let make = ["make", "LIST", "--publisher", "attest.example", "--name", "release 1"];
    let (workload, at) = (enclave("11"), month_ago.to_rfc3339());
    publisher.run(&[&make[..], &["--workload", &workload, "--at", &at]].concat()).expect_status(0);
    let old = publisher.sign("old.jws");
    let at = now.saturating_add_seconds(-60).to_rfc3339();
    publisher.run(&["renew", "LIST", "--at", &at]).expect_status(0);
    let signed = publisher.sign("measurements.jws");
    let service = service(&publisher, &signed, None);
    let ca = service.ca.display().to_string();
    let state = publisher.folder.join("state.json").display().to_string();
    let verify = |key: &str| {
        let words = ["verify", "eyJ.e30.AA", "--provider", &service.url, "--ca", &ca];
        let more = ["--publisher-key", key, "--measurements-state", &state];
        avouch_json(words.iter().chain(&more)).expect_status(1).json()
    };
    let (_, stranger) = Publisher::keys(&publisher.folder, "stranger");
    let refused = verify(&stranger);
    assert_eq!(step(&refused, "bare-signature-key"), Some("failed"), "{refused}");
    assert!(!Path::new(&state).exists());
    let report = verify(&publisher.public);
    assert_eq!(step(&report, "measurements-signature"), Some("passed"), "{report}");
    assert_eq!(step(&report, "measurements-announcements"), Some("not-checked"), "{report}");
    let again = verify(&publisher.public);
    assert_eq!(step(&again, "measurements-announcements"), Some("passed"), "{again}");
    // The service is given an older list, and told so.
    std::fs::copy(&old, &signed).unwrap();
    service.signal("HUP");
    let kept = std::fs::read(&state).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let report = verify(&publisher.public);
        if step(&report, "measurements-rollback") == Some("failed") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{report}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(std::fs::read(&state).unwrap(), kept);
}

#[test]
fn a_service_with_no_list_says_so_and_a_broken_file_stops_it() {
    let publisher = Publisher::new("measurements-absent");
    publisher.make();
    let nothing = Service::dev(&publisher.folder.join("data"), [""; 0]);
    let ca = nothing.ca.display().to_string();
    let words = ["verify", "eyJ.e30.AA", "--provider", &nothing.url, "--ca", &ca];
    let run = avouch(words.iter().chain(&["--publisher-key", &publisher.public])).expect_status(2);
    assert!(run.stderr.contains("hands out nothing there (404"), "{}", run.stderr);
    // The list as it is, not signed.
    let config = format!("[publication]\nmeasurements = \"{}\"\n", publisher.list());
    let config = publisher.folder.write("avouch.toml", config).display().to_string();
    let data = publisher.folder.join("other").display().to_string();
    let serve =
        ["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", &data, "--config", &config];
    let run = avouch(serve).expect_status(2);
    assert!(run.stderr.contains("publication.measurements: "), "{}", run.stderr);
}

/// A key set of a service that signed nothing here.
fn key_set(publisher: &Publisher) -> String {
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let der = avouch_token::provider_certificate(&key, "https://attest.example", None).unwrap();
    let published = avouch_token::PublishedKey::new(&key, &[der]);
    let set = avouch_token::jwks_document([&published]);
    publisher.folder.write("keys.json", set).display().to_string()
}

/// Issues 2 and 3 are looked at by two processes at once, again and again, while a third holds the file: whichever comes
/// first, the newer one is kept.
#[test]
fn of_two_processes_at_once_the_newer_list_is_kept() {
    let publisher = Publisher::new("measurements-at-once");
    publisher.make();
    let renew = |at: &str| {
        publisher.run(&["renew", "LIST", "--at", at]).expect_status(0);
    };
    renew("2026-01-02T00:00:00Z");
    let older = publisher.sign("older.jws");
    renew("2026-01-03T00:00:00Z");
    let newer = publisher.sign("newer.jws");
    let keys = key_set(&publisher);
    for round in 0..4 {
        let state = publisher.folder.join(&format!("state-{round}.json"));
        let held =
            std::fs::File::create(publisher.folder.join(&format!("state-{round}.json.lock")));
        let held = held.unwrap();
        held.lock().unwrap();
        let path = state.display().to_string();
        let verify = |list: &str| {
            let words = ["verify", "eyJ.e30.AA", "--jwks", &keys, "--at", "2026-01-04T00:00:00Z"];
            let more = ["--publisher-key", &publisher.public, "--measurements", list];
            let state = ["--measurements-state", &path];
            avouch_json(words.iter().chain(&more).chain(&state)).expect_status(1).json()
        };
        std::thread::scope(|scope| {
            let runs = [&older, &newer].map(|list| scope.spawn(|| verify(list)));
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert!(!state.exists(), "somebody wrote while another one held the file");
            drop(held);
            let [_, newer] = runs.map(|run| run.join().unwrap());
            assert_ne!(step(&newer, "measurements-rollback"), Some("failed"), "{newer}");
        });
        let kept: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
        assert_eq!(kept["issue"]["sequence"], 3, "{round}");
    }
}

/// An announcement that was dated back is in force two months after it was first seen.
#[test]
fn a_list_with_an_announcement_that_could_not_be_seen_is_told_and_counts_later() {
    let publisher = Publisher::new("measurements-backdated");
    publisher.make();
    let first = publisher.sign("first.jws");
    publisher.announce();
    publisher.run(&["renew", "LIST", "--at", "2026-02-02T00:00:00Z"]).expect_status(0);
    let third = publisher.sign("third.jws");
    let state = publisher.folder.join("state.json").display().to_string();
    let keys = key_set(&publisher);
    let verify = |list: &str, at: &str| {
        let words = ["verify", "eyJ.e30.AA", "--jwks", &keys, "--at", at];
        let more = ["--publisher-key", &publisher.public, "--measurements", list];
        let state = ["--measurements-state", &state];
        avouch_json(words.iter().chain(&more).chain(&state)).expect_status(1).json()
    };
    verify(&first, "2026-01-02T00:00:00Z");
    let report = verify(&third, "2026-03-20T00:00:00Z");
    let steps = report["steps"].as_array().unwrap();
    let told = steps.iter().find(|step| step["name"] == "measurements-announcements").unwrap();
    let detail = text(&told["detail"]);
    assert_eq!(told["outcome"], "passed", "{told}");
    assert!(detail.contains("\"release 2\" is in force from 2026-05-20T00:00:00Z on"), "{detail}");
    // By its publisher's word it is in force since April.
    let check = ["check", &third, "--publisher-key", &publisher.public, "--at"];
    let at = ["2026-04-03T00:00:00Z"];
    let said = publisher.run(&[&check[..], &at].concat()).expect_status(0).json();
    assert_eq!(states(&said), [("release 1", "current"), ("release 2", "current")]);
    let own = [&check[..], &at, &["--after", &state]].concat();
    let own = publisher.run(&own).expect_status(0).json();
    assert_eq!(states(&own), [("release 1", "current"), ("release 2", "announced")]);
}

#[test]
fn a_statement_over_code_is_asked_for_with_all_that_makes_it_count() {
    let publisher = Publisher::new("measurements-statement-issuer");
    publisher.make();
    let keys = key_set(&publisher);
    let statement = publisher.folder.join("list.cose").display().to_string();
    let state = ["statement", "LIST", "--key", &publisher.key, "--out", &statement];
    let state = [&state[..], &["--issuer", "https://attest.example", "--at", FIRST]].concat();
    publisher.run(&state).expect_status(0);
    let did = format!("did:x509:0:sha256:{}::eku:1.2.3", "A".repeat(43));
    let verify = |more: &[&str]| {
        let words = ["verify", "eyJ.e30.AA", "--jwks", &keys, "--at", SECOND];
        avouch_json(words.iter().chain(more))
    };
    let whole = [
        "--statement",
        &statement,
        "--statement-issuer",
        &did,
        "--statement-subject",
        "attest.example",
        "--ledger-key",
        &publisher.public,
    ];
    // Another publisher's statement says nothing of this service; what it is worth without a token is not asked.
    let refused = verify(&whole).expect_status(1).json();
    assert_eq!(step(&refused, "statement-publisher"), Some("failed"), "{refused}");
    let steps = refused["trust"].as_array().unwrap();
    assert_eq!(steps[4]["outcome"], "failed", "{refused}");
    let wrong = |index: usize, value: &'static str| {
        let mut words = whole.to_vec();
        words[index] = value;
        let run = verify(&words).expect_status(2);
        run.stdout + &run.stderr
    };
    assert!(wrong(3, "did:web:attest.example").contains("--statement-issuer"));
    assert!(wrong(7, "/nonexistent").contains("nonexistent"));
    for left_out in [0, 4, 6] {
        let mut words = whole.to_vec();
        words.drain(left_out..left_out + 2);
        verify(&words).expect_status(2);
    }
    verify(&[&whole[..], &["--publisher-key", &publisher.public]].concat()).expect_status(2);
    verify(&["--ledger-key", &publisher.public]).expect_status(2);
}
