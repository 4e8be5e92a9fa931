use std::sync::Barrier;
use std::thread;

use serde_json::json;

use super::*;

fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

/// Issue `sequence`, of that day in January.
fn issue(sequence: u64) -> Publication {
    let first = "2026-01-01T00:00:00Z";
    let issue = json!({
        "publisher": "attest.example",
        "sequence": sequence,
        "first_issued_at": first,
        "issued_at": format!("2026-01-{sequence:02}T00:00:00Z"),
        "expires_at": "2026-12-01T00:00:00Z",
        "measurements": [{
            "name": "one",
            "announced_at": first,
            "in_force_from": first,
            "workload": {"sgx": {"mr_enclave": "11".repeat(32)}},
        }],
    });
    Publication::parse(issue.to_string().as_bytes()).unwrap()
}

fn at() -> UnixTime {
    moment("2026-01-20T00:00:00Z")
}

fn kept_sequence(file: &Path) -> u64 {
    kept(file).unwrap().unwrap().publication().issue().sequence
}

/// Of many at once, whichever comes first, the newest issue is kept, and whoever comes after it with an older one is told.
#[test]
fn of_runs_at_once_the_newest_issue_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..40 {
        let file = folder.path().join(format!("state-{round}"));
        let together = Barrier::new(4);
        let refused: usize = thread::scope(|scope| {
            let run = |sequence| {
                let (file, together) = (&file, &together);
                scope.spawn(move || {
                    let mut steps = Steps::default();
                    together.wait();
                    let known = follow(file, &issue(sequence), at(), &mut steps).unwrap();
                    assert_eq!(known.is_some(), steps.failure().is_none());
                    usize::from(known.is_none())
                })
            };
            let runs = [7, 5, 6, 7].map(run);
            runs.into_iter().map(|run| run.join().unwrap()).sum()
        });
        assert!(refused <= 2, "{round}");
        assert_eq!(kept_sequence(&file), 7, "{round}");
        assert!(!folder.path().join(format!("state-{round}.incomplete")).exists());
    }
}

/// While somebody else holds the file nothing is read or written.
#[test]
fn a_run_waits_for_another_and_sees_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let held = hold(&file).unwrap();
    thread::scope(|scope| {
        let older = scope.spawn(|| {
            let mut steps = Steps::default();
            follow(&file, &issue(6), at(), &mut steps).unwrap();
            steps.failure().map(|step| step.name)
        });
        thread::sleep(Duration::from_millis(200));
        assert!(!file.exists() && !older.is_finished());
        let known = KnownPublication::begin(issue(7), at());
        write_whole(&file, known.to_document().unwrap().as_bytes()).unwrap();
        drop(held);
        assert_eq!(older.join().unwrap(), Some("measurements-rollback"));
    });
    assert_eq!(kept_sequence(&file), 7);
}

#[test]
fn a_file_that_holds_no_list_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    std::fs::write(&file, "{}").unwrap();
    let error = follow(&file, &issue(1), at(), &mut Steps::default()).unwrap_err();
    assert!(error.to_string().contains("state: publication"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
    // An issue alone, as `measurements make` writes it, is one that was seen.
    std::fs::write(&file, issue(2).to_document().unwrap()).unwrap();
    let mut steps = Steps::default();
    assert!(follow(&file, &issue(1), at(), &mut steps).unwrap().is_none());
    assert_eq!(steps.failure().unwrap().name, "measurements-rollback");
    let mut steps = Steps::default();
    assert!(follow(&file, &issue(3), at(), &mut steps).unwrap().is_some());
    assert_eq!(kept_sequence(&file), 3);
}
