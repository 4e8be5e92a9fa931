use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use avouch_tee::{ConfigfsTsm, EvidenceSource, OwnEvidence, TeeError, TeeWorker};

use crate::ASKED;
use crate::fake::{Said, configfs};

/// Answers once for each permission.
struct Slow {
    permissions: Mutex<Receiver<()>>,
    asked: Arc<AtomicUsize>,
}

impl EvidenceSource for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _ = self.permissions.lock().unwrap().recv();
        Ok(OwnEvidence::Sgx(report_data.to_vec()))
    }
}

fn slow() -> (TeeWorker, Sender<()>, Arc<AtomicUsize>) {
    let (permit, permissions) = channel();
    let asked = Arc::new(AtomicUsize::new(0));
    let source = Slow { permissions: Mutex::new(permissions), asked: Arc::clone(&asked) };
    (TeeWorker::start(Box::new(source)).unwrap(), permit, asked)
}

#[test]
fn a_tee_that_does_not_answer_holds_nobody_longer_than_they_wait() {
    let (worker, permit, asked) = slow();
    assert_eq!(worker.name(), "slow");
    let within = Duration::from_millis(60);
    let begun = Instant::now();
    let silent = TeeError::Silent { milliseconds: 60 };
    assert_eq!(worker.evidence(&ASKED, within), Err(silent.clone()));
    // The second waits for the first, which is still asked.
    assert_eq!(worker.evidence(&[2; 64], within), Err(silent));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // What was given up is not asked any more, and the TEE serves again.
    permit.send(()).unwrap();
    permit.send(()).unwrap();
    let answer = worker.evidence(&[3; 64], Duration::from_secs(20));
    assert_eq!(answer, Ok(OwnEvidence::Sgx(vec![3; 64])));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Panics when it is asked first.
struct Panicking(bool);

impl EvidenceSource for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn evidence(&mut self, _: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        assert!(std::mem::replace(&mut self.0, true), "the first question");
        Ok(OwnEvidence::Sgx(Vec::new()))
    }
}

#[test]
fn a_source_that_panics_is_asked_again() {
    let worker = TeeWorker::start(Box::new(Panicking(false))).unwrap();
    let within = Duration::from_secs(20);
    assert_eq!(worker.evidence(&ASKED, within), Err(TeeError::Ended));
    assert_eq!(worker.evidence(&ASKED, within), Ok(OwnEvidence::Sgx(Vec::new())));
}

#[test]
fn only_so_many_wait() {
    let (worker, _permit, _) = slow();
    let worker = Arc::new(worker);
    let ask = |worker: &TeeWorker| worker.evidence(&ASKED, Duration::from_millis(300));
    let waiting: Vec<_> = (0..24)
        .map(|_| {
            let worker = Arc::clone(&worker);
            std::thread::spawn(move || ask(&worker).unwrap_err())
        })
        .collect();
    let told: Vec<TeeError> = waiting.into_iter().map(|one| one.join().unwrap()).collect();
    let busy = told.iter().filter(|error| **error == TeeError::Busy).count();
    // One is asked, sixteen wait.
    assert!((7..=8).contains(&busy), "{told:?}");
}

#[test]
fn a_kernel_that_never_answers_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    configfs(folder.path(), "sev_guest", |_, _| Said { hangs: true, ..Said::default() });
    let source = ConfigfsTsm::open(folder.path()).unwrap();
    let worker = TeeWorker::start(Box::new(source)).unwrap();
    let answer = worker.evidence(&ASKED, Duration::from_millis(300));
    assert_eq!(answer, Err(TeeError::Silent { milliseconds: 300 }));
}
