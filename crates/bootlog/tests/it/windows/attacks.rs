//! Recorded attacks that concern Windows: each quote is genuine, each log doctored. None fools.

use avouch_bootlog::facts::SecureBoot;
use avouch_bootlog::windows::{Session, WindowsAuthorities, WindowsError};
use avouch_wire::FailedCheck as _;

use super::{bank, facts};
use crate::support::{Machine, vectors};

fn attack(name: &str) -> Option<Machine> {
    vectors("tpm").map(|_| Machine::recorded(&format!("attacks/{name}")))
}

fn look<T>(machine: &Machine, look: impl FnOnce(Result<Session<'_>, WindowsError>) -> T) -> T {
    let judged = machine.judged();
    look(Session::read(bank(&judged), &WindowsAuthorities::default()))
}

#[test]
fn attack_34_windows_log_with_vbs_extended_under_linux() {
    let Some(machine) = attack("34-windows-log-with-vbs-extended-under-linux") else { return };
    assert_eq!(machine.facts().secure_boot, SecureBoot::Enforced);
    look(&machine, |session| {
        let error = session.unwrap_err();
        assert_eq!(error.check(), "windows-authority", "{error}");
    });
}

#[test]
fn control_35_windows_is_believed() {
    let Some(machine) = attack("35-control-windows") else { return };
    look(&machine, |session| {
        let facts = facts(session.unwrap());
        assert_eq!(facts.test_signing, Some(false));
        assert_eq!(facts.kernel_debugging, Some(false));
        assert_eq!(facts.code_integrity, Some(true));
        assert_eq!(facts.vbs, None);
    });
}

#[test]
fn attack_36_vbs_tags_after_wbcl_separator() {
    let Some(machine) = attack("36-vbs-tags-after-wbcl-separator") else { return };
    look(&machine, |session| {
        let facts = facts(session.unwrap());
        assert_eq!((facts.vbs, facts.vsm_required, facts.hvci), (None, None, None));
        assert_eq!(facts.test_signing, Some(false), "what Windows measured stands");
    });
}

#[test]
fn control_37_windows_testsigning_on_is_believed() {
    let Some(machine) = attack("37-control-windows-testsigning-on") else { return };
    look(&machine, |session| {
        assert_eq!(facts(session.unwrap()).test_signing, Some(true));
    });
}

#[test]
fn attack_38_windows_testsigning_data_cleared_digest_kept() {
    let Some(machine) = attack("38-windows-testsigning-data-cleared-digest-kept") else { return };
    look(&machine, |session| {
        let error = session.unwrap_err();
        assert_eq!(error.check(), "windows-digest", "{error}");
    });
}
