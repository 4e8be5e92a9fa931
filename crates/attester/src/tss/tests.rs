use tss_esapi::Error;
use tss_esapi::constants::response_code::{Tss2ResponseCode, Tss2ResponseCodeKind};

use super::advice::{refused, unreachable};
use super::{SoftwareStack, contents};
use crate::TpmError;

fn answer(code: u32) -> Error {
    Error::Tss2Error(Tss2ResponseCode::from(code))
}

/// Codes of the TCG's *Part 2: Structures*, section 6.6, with a word of what to do about each.
#[test]
fn every_answer_that_is_known_has_its_advice() {
    let known = [
        (0x100, Tss2ResponseCodeKind::Initialize, "tpm2_startup"),
        (0x101, Tss2ResponseCodeKind::Failure, "restart the machine"),
        (0x921, Tss2ResponseCodeKind::Lockout, "tpm2_dictionarylockout"),
        (0x922, Tss2ResponseCodeKind::Retry, "try again"),
        (0x908, Tss2ResponseCodeKind::Yielded, "try again"),
        (0x90a, Tss2ResponseCodeKind::Testing, "try again"),
        (0x1df, Tss2ResponseCodeKind::Integrity, "enrol again"),
        (0x9a2, Tss2ResponseCodeKind::BadAuth, "a password is set"),
        (0x98e, Tss2ResponseCodeKind::AuthFail, "a password is set"),
        (0x18b, Tss2ResponseCodeKind::Handle, "handles-persistent"),
        (0x902, Tss2ResponseCodeKind::ObjectMemory, "/dev/tpmrm0"),
        (0x903, Tss2ResponseCodeKind::SessionMemory, "tpm2_flushcontext -s"),
        (0x905, Tss2ResponseCodeKind::SessionHandles, "tpm2_flushcontext -s"),
        (0x185, Tss2ResponseCodeKind::Hierarchy, "firmware's settings"),
        (0x127, Tss2ResponseCodeKind::Pcr, "getcap pcrs"),
    ];
    assert_eq!(known.map(|(_, kind, _)| kind), super::advice::ADVICE.map(|(kind, _)| kind));
    for (code, kind, word) in known {
        assert_eq!(Tss2ResponseCode::from(code).kind(), Some(kind), "{code:#x}");
        let TpmError::Refused { command, advice, .. } = refused("TPM2_Quote", answer(code)) else {
            panic!("{code:#x}")
        };
        assert_eq!(command, "TPM2_Quote");
        assert!(advice.contains(word), "{code:#x}: {advice}");
    }
    let TpmError::Refused { advice, .. } = refused("TPM2_Quote", answer(0x144)) else { panic!() };
    assert!(advice.contains("Part 3"), "{advice}");
}

#[test]
fn a_tpm_that_is_not_there_is_told_where_and_how() {
    let told = |tcti: &str| SoftwareStack::open(tcti).err().unwrap().to_string();
    let absent = told("device:/nonexistent/tpm");
    assert!(absent.contains("device:/nonexistent/tpm") && absent.contains("ls -l"), "{absent}");
    assert!(told("tpm0").contains("this is no TCTI"), "{}", told("tpm0"));
    let failure = unreachable("swtpm:", answer(0x101)).to_string();
    assert!(failure.contains("restart the machine"), "{failure}");
}

#[test]
fn parts_of_a_credential_are_as_long_as_they_say() {
    assert_eq!(contents(&[0, 2, 7, 8]).unwrap(), [7, 8]);
    for bad in [&[][..], &[0], &[0, 3, 7, 8], &[0, 1, 7, 8]] {
        assert!(matches!(contents(bad), Err(TpmError::Length { .. })), "{bad:?}");
    }
}
