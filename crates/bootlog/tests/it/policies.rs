//! Published policies for TPMs, over what real and minted logs prove.

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::{Events, pcrs};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{RegisterMap, RegisterValues};
use avouch_mint::bootlog::Ground;
use avouch_policy::{Claim, Limits, Policy};
use serde_json::Value;

use crate::support::{judged, minted, parse, published, read, vectors};

/// The sample of Microsoft's documentation for Linux, from the corpus.
const FOR_LINUX: &str = "doc-tpmconcepts-linux-noaik.policy.txt";

/// What a policy issues for the firmware's events of a log.
fn issued(policy: &str, log: &[u8], proven: &RegisterValues) -> Value {
    let parsed = Log::parse(log, RegisterMap::Tpm).unwrap();
    let judged = avouch_bootlog::replay::judge(&parsed, proven);
    issued_of(policy, &judged, proven)
}

fn issued_of(
    policy: &str,
    judged: &avouch_bootlog::replay::Judged<'_>,
    proven: &RegisterValues,
) -> Value {
    let facts = BootFacts::read(judged);
    let mut claims = vec![
        Claim::service("aikValidated", true),
        Claim::service("pcrs", pcrs(proven)).read_only(),
    ];
    let events = judged.strong_bank().and_then(|bank| Events::of(bank, &facts, |_| None).ok());
    claims.extend(events.map(|events| Claim::service("events", events.to_json())));
    let limits = Limits::default();
    let policy = Policy::compile(policy, &limits).unwrap();
    let outcome = policy.evaluate(&claims, &limits).unwrap();
    assert!(outcome.decision.is_permit());
    avouch_policy::token::contribution(&outcome.outgoing).to_json()
}

#[test]
fn the_published_policy_for_linux_sees_the_secure_boot_of_real_machines() {
    let (Some(corpus), Some(_)) = (vectors("policy"), vectors("tpm")) else { return };
    let policy = std::fs::read_to_string(corpus.join(FOR_LINUX)).unwrap();
    for (folder, enabled) in [
        ("produced/boot-sb-on", true),
        ("produced/boot-sb-off", false),
        ("produced/boot-sb-on-mok-insecure", false),
        ("linux/guardoss-dl160", true),
        ("linux/guardoss-hp830-mok-added", true),
        ("linux/guardoss-x1carbon-gentoo", true),
        ("attacks/02-retype-to-unused-then-append", false),
        ("attacks/04-secureboot-data-flipped-digest-kept", false),
        ("attacks/07-sha1-digests-match-data-sha256-do-not", false),
        ("attacks/12-moksbstate-retyped-as-action", false),
        ("attacks/15-second-moksbstate-00-appended", false),
        ("attacks/17-second-secureboot-appended", false),
        ("attacks/18-secureboot-retyped-variable-boot-then-appended", false),
        ("attacks/19-secureboot-digest-over-value-only", false),
        ("attacks/24-pcr7-sha256-digests-absent", false),
        ("attacks/25-sha1-only-log-both-banks-quoted", false),
    ] {
        let log = read(&format!("{folder}/eventlog.bin"));
        let issued = issued(&policy, &log, &published(folder));
        assert_eq!(issued["secureBootEnabled"], enabled, "{folder}: {issued}");
        if folder.starts_with("produced/") {
            assert!(issued["bootOrder"].is_string(), "{folder}: {issued}");
        }
    }
}

/// The policy that `docs/evidence/measured-boot.md` shows.
#[test]
fn the_policy_of_the_page_permits_what_it_says() {
    let page = crate::page::text();
    let policy = crate::page::block(&page, "policy");
    for (ground, expected) in [
        (Ground::Linux, Some(true)),
        (Ground::LinuxOff, Some(false)),
        (Ground::LinuxInsecure, Some(false)),
    ] {
        let (bytes, registers) = minted(&ground.log().unwrap());
        let log = parse(&bytes);
        let judged = judged(&log, &registers);
        let issued = issued_of(&policy, &judged, &crate::support::proven(&registers));
        let found = issued.get("secureBoot").and_then(Value::as_bool);
        assert_eq!(found, expected, "{ground:?}: {issued}");
    }
}
