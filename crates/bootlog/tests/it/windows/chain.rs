//! Resumes from hibernation: what is known of the system that runs is what its boot and every resume
//! of it show together.

use avouch_bootlog::windows::{Chain, Session, Start, WindowsError, WindowsFacts};
use avouch_mint::bootlog::windows::{tag, tagged, trust_boundary};
use avouch_mint::bootlog::{BootLog, WindowsBoot, resume_chain, windows};

use super::{bank, insert, minted_ca};
use crate::support::{judged, minted, parse};

/// Looks at a chain of minted logs, each judged by the registers of its own quote.
fn over<T>(logs: &[BootLog], look: impl FnOnce(Result<Chain<'_>, WindowsError>) -> T) -> T {
    let minted: Vec<_> = logs.iter().map(minted).collect();
    let parsed: Vec<_> = minted.iter().map(|(bytes, _)| parse(bytes)).collect();
    let judged: Vec<_> =
        parsed.iter().zip(&minted).map(|(log, (_, registers))| judged(log, registers)).collect();
    let sessions: Result<Vec<_>, _> =
        judged.iter().map(|judged| Session::read(bank(judged), &minted_ca())).collect();
    look(Chain::new(sessions.unwrap()))
}

fn logs(boot: &WindowsBoot) -> Vec<BootLog> {
    resume_chain(boot, 3).unwrap()
}

fn problem(logs: &[BootLog]) -> (usize, &'static str) {
    over(logs, |chain| match chain.unwrap_err() {
        WindowsError::Chain { position, problem } => (position, problem),
        other => panic!("{other}"),
    })
}

#[test]
fn a_boot_and_its_resumes_prove_what_the_boot_proved() {
    over(&logs(&WindowsBoot::default()), |chain| {
        let chain = chain.unwrap();
        let facts = WindowsFacts::of(&chain);
        assert_eq!((facts.start, facts.complete), (Start::Resume, true));
        assert_eq!(facts.kernel_debugging, Some(false));
        assert_eq!(facts.vbs, Some(true));
        assert_eq!(facts.event_counter, Some(4203), "of the last");
    });
}

#[test]
fn resumes_without_their_boot_prove_nothing_good() {
    over(&logs(&WindowsBoot::default())[1..], |chain| {
        let chain = chain.unwrap();
        let facts = WindowsFacts::of(&chain);
        assert!(!facts.complete);
        assert_eq!((facts.boot_debugging, facts.kernel_debugging, facts.vbs), (None, None, None));
    });
}

#[test]
fn a_weakness_of_any_log_is_one_of_the_system() {
    let weak = |at: usize| {
        let mut logs = logs(&WindowsBoot::default());
        logs[at] = windows(&WindowsBoot {
            boot_debugging: true,
            resumes: at as u64,
            ..WindowsBoot::default()
        })
        .unwrap();
        logs
    };
    for at in 0..4 {
        over(&weak(at), |chain| {
            let facts = WindowsFacts::of(&chain.unwrap());
            assert_eq!(facts.boot_debugging, Some(true), "log {at}");
        });
    }
    over(&weak(2)[1..], |chain| {
        let facts = WindowsFacts::of(&chain.unwrap());
        assert_eq!(facts.boot_debugging, Some(true), "also where the boot is missing");
    });
}

#[test]
fn logs_in_another_order_or_a_second_boot_are_no_chain() {
    let mut logs = logs(&WindowsBoot::default());
    assert_eq!(problem(&[logs[1].clone(), logs[0].clone()]), (1, "is no resume from hibernation"));
    assert_eq!(problem(&[logs[0].clone(), logs[0].clone()]), (1, "is no resume from hibernation"));
    logs.swap(2, 3);
    assert_eq!(problem(&logs), (3, "shows a TPM counter that fell"));
}

#[test]
fn a_resume_of_another_boot_is_no_part_of_the_chain() {
    let mut mixed = logs(&WindowsBoot::default());
    mixed[2] = logs(&WindowsBoot { boot_counter: 43, ..WindowsBoot::default() })[2].clone();
    assert_eq!(problem(&mixed), (2, "does not show the boot counter of the log before"));
}

#[test]
fn a_resume_on_another_counter_of_the_tpm_is_no_part_of_the_chain() {
    let mut mixed = logs(&WindowsBoot::default());
    let counter = tagged(0x0002_0007, &0x0141_0001_u64.to_le_bytes());
    insert(&mut mixed[1], trust_boundary(12, &[counter]));
    assert_eq!(problem(&mixed), (1, "names another TPM counter than the log before"));
}

#[test]
fn a_boot_that_counts_nothing_has_no_resumes() {
    let mut uncounted = logs(&WindowsBoot::default());
    for log in &mut uncounted {
        let old = tagged(tag::BOOTCOUNTER, &42_u64.to_le_bytes());
        let new = tagged(0x0002_0fff, &42_u64.to_le_bytes());
        for event in &mut log.events {
            let at = event.data.windows(old.len()).position(|part| part == old);
            if let Some(at) = at {
                event.data.splice(at..at + old.len(), new.iter().copied());
            }
        }
    }
    assert_eq!(problem(&uncounted), (1, "does not show the boot counter of the log before"));
}

#[test]
fn no_logs_are_no_chain() {
    assert_eq!(Chain::new(Vec::new()), Err(WindowsError::NoLogs));
}
