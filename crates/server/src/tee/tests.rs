#![cfg(test)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_store::{KeyPurpose, KeyState, Store};
use avouch_tee::{EvidenceSource, OwnEvidence, SnpQuote, SourceName, TeeError, TeeWorker};
use avouch_token::{KeySpec, Signer, SigningKey};
use avouch_wire::{EvidenceKind, UnixTime};

use super::{KeyEvidence, OwnTee, token_keys};
use crate::clock::Clock;
use crate::config::TeeConfig;
use crate::keys::{HeldKey, KeyKeeper, KeySet, SigningKeys};

/// Gives what is in its list, one after the other and the last one for ever, and counts the questions.
struct Counting {
    answers: VecDeque<Result<OwnEvidence, TeeError>>,
    asked: Arc<AtomicUsize>,
}

impl EvidenceSource for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn evidence(&mut self, _: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.answers.len() {
            1 => self.answers[0].clone(),
            _ => self.answers.pop_front().unwrap(),
        }
    }
}

/// An instance with one key, whose TEE gives these answers.
struct Instance {
    tee: OwnTee,
    keys: Arc<SigningKeys>,
    asked: Arc<AtomicUsize>,
}

impl Instance {
    async fn new(answers: impl IntoIterator<Item = Result<OwnEvidence, TeeError>>) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Counting { answers: answers.into_iter().collect(), asked: Arc::clone(&asked) };
        let worker = TeeWorker::start(Box::new(source)).unwrap();
        let store = Store::memory().await.unwrap();
        let key = SigningKey::generate(KeySpec::P256).unwrap();
        let keys = SigningKeys::of_file(key, &store).await.unwrap();
        Self { tee: OwnTee::new(Some(worker), &TeeConfig::default()), keys, asked }
    }

    async fn look(&self) {
        self.tee.tick(&self.keys, Clock::system()).await;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The pause after a failure is over.
    fn pause_is_over(&self) {
        self.tee.known().again_at = Some(Instant::now());
    }

    fn kid(&self) -> String {
        token_keys(&self.keys.set())[0].kid.clone()
    }
}

/// Evidence whose certificates were made around this moment.
fn of_certificates(at: UnixTime) -> OwnEvidence {
    let minted = mint(EvidenceKind::Snp, &Options::new(at)).unwrap();
    let text = String::from_utf8(minted.endorsements).unwrap();
    let only = text.split("-----BEGIN X509 CRL").next().unwrap();
    let ders = pem::certificates(only.as_bytes(), 16).unwrap();
    let certificates = ders.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    let report_data: [u8; 64] = minted.evidence[0x50..0x90].try_into().unwrap();
    OwnEvidence::Snp(SnpQuote::new(minted.evidence, &report_data, Some(certificates)).unwrap())
}

fn long_ago() -> UnixTime {
    UnixTime::from_rfc3339("1971-01-31T12:00:00Z").unwrap()
}

#[tokio::test]
async fn evidence_that_has_ended_when_it_comes_is_a_failure_with_a_pause() {
    let ended = of_certificates(long_ago());
    assert!(ended.holds_until().unwrap() < Clock::system().now());
    let good = of_certificates(Clock::system().now());
    let instance = Instance::new([Ok(ended.clone()), Ok(ended), Ok(good)]).await;
    let before = instance.keys.set();
    for _ in 0..5 {
        instance.look().await;
    }
    assert_eq!(instance.asked(), 1, "the TEE is left alone");
    assert!(Arc::ptr_eq(&before, &instance.keys.set()), "no certificate is made anew");
    let report = instance.tee.report();
    assert_eq!((&report["failures"], &report["keys_with_evidence"]), (&1.into(), &0.into()));
    assert_eq!(report["keys_without_evidence"], 1);
    let reason = report["last_failure"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the evidence has a certificate that ended at 19"), "{reason}");

    instance.pause_is_over();
    instance.look().await;
    assert_eq!((instance.asked(), instance.tee.known().failed_in_a_row), (2, 2));
    instance.pause_is_over();
    for _ in 0..5 {
        instance.look().await;
    }
    assert_eq!(instance.asked(), 3);
    assert!(instance.keys.set().evidence(&instance.kid()).is_some());
    assert_eq!(instance.tee.report()["keys_with_evidence"], 1);
}

#[tokio::test]
async fn evidence_that_no_certificate_has_room_for_is_a_failure_that_stops_nobody() {
    let large = OwnEvidence::Sgx(vec![0; 40_000]);
    let instance = Instance::new([Ok(large), Ok(OwnEvidence::Sgx(vec![0; 400]))]).await;
    instance.look().await;
    instance.look().await;
    assert_eq!(instance.asked(), 1);
    assert!(instance.keys.set().evidence(&instance.kid()).is_none());
    let report = instance.tee.report();
    assert_eq!(report["failures"], 1);
    let reason = report["last_failure"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the evidence takes 40016 bytes"), "{reason}");
    instance.pause_is_over();
    instance.look().await;
    assert!(instance.keys.set().evidence(&instance.kid()).is_some());
}

/// As where the one who looked was stopped after the TEE's answer, or evidence ended while it fails.
#[tokio::test]
async fn what_is_known_is_what_certificates_carry() {
    let failure = TeeError::Conflict { attempts: 5 };
    let instance = Instance::new([Err(failure)]).await;
    let now = Clock::system().now();
    let evidence = KeyEvidence::new(&OwnEvidence::Sgx(vec![0; 400]), now).unwrap();
    instance.tee.made(&instance.kid(), evidence.clone());
    instance.look().await;
    assert_eq!(instance.asked(), 0, "it needs none");
    let set = instance.keys.set();
    assert_eq!(set.evidence(&instance.kid()).map(|found| found.as_ref()), Some(&evidence));
    // Nothing changes: nothing is made anew.
    instance.look().await;
    assert!(Arc::ptr_eq(&set, &instance.keys.set()));

    let ended = KeyEvidence { holds_until: Some(now), ..evidence };
    instance.tee.made(&instance.kid(), ended);
    instance.look().await;
    assert!(instance.keys.set().evidence(&instance.kid()).is_none());
    // However soon evidence ends, the TEE is not asked again at once.
    assert_eq!(instance.asked(), 0);
    let a_minute_ago = Instant::now().checked_sub(super::LEFT_ALONE).unwrap();
    instance.tee.known().last_given.insert(instance.kid(), a_minute_ago);
    instance.look().await;
    assert_eq!(instance.asked(), 1);
    assert_eq!(instance.tee.report()["keys_without_evidence"], 1);
}

#[tokio::test]
async fn everybody_is_told_why_and_nobody_where() {
    let host = TeeError::Host { url: "http://host/x".to_owned(), reason: "http://host".to_owned() };
    let path = || "/secret/place".into();
    let read = TeeError::Read { path: path(), reason: "/secret".to_owned() };
    let large = TeeError::TooLarge { path: path(), limit: 1 };
    for error in [host, read, large] {
        let instance = Instance::new([Err(error)]).await;
        instance.look().await;
        let report = instance.tee.report()["last_failure"]["reason"].to_string();
        assert!(report.contains("the log says more"), "{report}");
        assert!(!report.contains("host/") && !report.contains("secret"), "{report}");
    }
}

/// Nobody asked for a TEE: what looks like one and is none stops nothing, and is looked at again.
#[tokio::test]
async fn what_is_only_looked_for_never_prevents_the_start() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("attestation_type"), "epid").unwrap();
    let config = TeeConfig {
        gramine: root.path().to_owned(),
        configfs: root.path().join("none"),
        tcti: "device:/nonexistent/tpm".to_owned(),
        ..TeeConfig::default()
    };
    let tee = OwnTee::open(&config).await.unwrap();
    assert_eq!(tee.report()["source"], "auto");
    let store = Store::memory().await.unwrap();
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let keys = SigningKeys::of_file(key, &store).await.unwrap();
    tee.tick(&keys, Clock::system()).await;
    assert_eq!(tee.report()["failures"], 1);
    let demanded = TeeConfig { source: SourceName::Gramine, ..config.clone() };
    assert!(matches!(OwnTee::open(&demanded).await, Err(TeeError::Unexpected { .. })));
    // Where there is nothing at all, nothing is tried again.
    std::fs::remove_file(root.path().join("attestation_type")).unwrap();
    assert_eq!(OwnTee::open(&config).await.unwrap().report()["source"], "none");
}

/// Key sets have room for the evidence of some keys: of the others nothing is asked.
#[tokio::test]
async fn keys_have_evidence_in_their_order_while_there_is_room() {
    let large = OwnEvidence::Sgx(vec![0; 30_000]);
    let instance = Instance::new([Ok(large)]).await;
    let key = || -> Arc<dyn Signer> { Arc::new(SigningKey::generate(KeySpec::P256).unwrap()) };
    let held = |state, provider| HeldKey {
        signer: key(),
        purpose: KeyPurpose::Token,
        provider,
        state,
        keeper: KeyKeeper::MasterKey,
    };
    let active = held(KeyState::Active, None);
    let mut keys: Vec<HeldKey> = (0..7).map(|_| held(KeyState::Retired, None)).collect();
    keys.extend((0..3).map(|_| held(KeyState::Published, Some(7))));
    keys.push(held(KeyState::Active, Some(8)));
    keys.push(active.clone());
    let set = KeySet::new(keys);
    let wanting = |tee: &OwnTee| -> Vec<String> {
        let due = tee.due(&set, Clock::system().now());
        due.into_iter().map(|key| key.kid).collect()
    };
    // Nothing is known of sizes: all may have room.
    let all = wanting(&instance.tee);
    assert_eq!((all.len(), all[1].as_str()), (12, active.signer.kid()));
    let now = Clock::system().now();
    let evidence = KeyEvidence::new(&OwnEvidence::Sgx(vec![0; 30_000]), now).unwrap();
    instance.tee.made(active.signer.kid(), evidence.clone());
    // 160 KiB for those that are shared, 64 KiB for those of each provider.
    let rest = wanting(&instance.tee);
    assert_eq!(rest.len(), 4 + 2 + 1, "{rest:?}");
    assert!(!rest.contains(&active.signer.kid().to_owned()));
    for kid in &rest {
        instance.tee.made(kid, evidence.clone());
    }
    assert!(wanting(&instance.tee).is_empty());
    let known = instance.tee.known();
    assert_eq!(known.with_room(&token_keys(&set)).len(), 5 + 2 + 1);
}
