//! What a TPM's answers mean, and what to do about them.

use tss_esapi::constants::response_code::{Tss2ResponseCode, Tss2ResponseCodeKind as Kind};
use tss_esapi::{Error, WrapperErrorKind};

use crate::TpmError;

/// Answers of the TPM with what to do. The TCG's names stand in *Part 2: Structures*, section 6.6.
pub(super) const ADVICE: [(Kind, &str); 15] = [
    (
        Kind::Initialize,
        "it was not started: firmware does that, or `tpm2_startup -c` for a simulator",
    ),
    (
        Kind::Failure,
        "it is in failure mode: restart the machine; of a simulator, look whether it can write its state",
    ),
    (
        Kind::Lockout,
        "it locks out because of wrong passwords: wait, or `tpm2_dictionarylockout -c`",
    ),
    (Kind::Retry, "it is busy: try again"),
    (Kind::Yielded, "it is busy: try again"),
    (Kind::Testing, "it tests itself: try again"),
    (
        Kind::Integrity,
        "what was given is of another TPM, or the TPM was cleared since: enrol again",
    ),
    (
        Kind::BadAuth,
        "a password is set where none was expected: the endorsement hierarchy and the keys must have none",
    ),
    (
        Kind::AuthFail,
        "a password is set where none was expected: the endorsement hierarchy and the keys must have none",
    ),
    (
        Kind::Handle,
        "there is no such key or index: `tpm2_getcap handles-persistent` lists the keys",
    ),
    (
        Kind::ObjectMemory,
        "its memory is full: use the resource manager /dev/tpmrm0, or `tpm2_flushcontext -t`",
    ),
    (Kind::SessionMemory, "its sessions are used up: `tpm2_flushcontext -s`"),
    (Kind::SessionHandles, "its sessions are used up: `tpm2_flushcontext -s`"),
    (
        Kind::Hierarchy,
        "the endorsement hierarchy is disabled: enable it in the firmware's settings",
    ),
    (Kind::Pcr, "it has no such PCR or bank: `tpm2_getcap pcrs` lists those that are allocated"),
];

/// What a refused command answered.
pub(super) fn refused(command: &'static str, error: Error) -> TpmError {
    let known = kind(error).and_then(|kind| ADVICE.iter().find(|(known, _)| *known == kind));
    let advice =
        known.map_or("see the TCG's TPM 2.0 Library, Part 3, for the command", |(_, it)| it);
    TpmError::Refused { command, answer: error.to_string(), advice }
}

/// What kept a TPM from being reached.
pub(super) fn unreachable(tcti: &str, error: Error) -> TpmError {
    let started =
        [Kind::Initialize, Kind::Failure].map(|kind| ADVICE.iter().find(|(it, _)| *it == kind));
    let known = kind(error);
    let known = started.into_iter().flatten().find(|(kind, _)| Some(*kind) == known);
    let advice = known.map_or(
        "look whether the device is there (ls -l /dev/tpmrm0) and may be opened: members of the group tss \
         may; in a virtual machine, whether it has a TPM 2.0",
        |(_, advice)| advice,
    );
    let answer = match error {
        Error::WrapperError(WrapperErrorKind::InvalidParam) => "the TCTI is malformed".to_owned(),
        other => other.to_string(),
    };
    TpmError::Unreachable { tcti: tcti.to_owned(), answer, advice }
}

/// A TCTI that is none.
pub(super) fn unknown_tcti(tcti: &str) -> TpmError {
    TpmError::Unreachable {
        tcti: tcti.to_owned(),
        answer: "this is no TCTI".to_owned(),
        advice: "expected device:/dev/tpmrm0, swtpm:host=HOST,port=PORT, mssim:host=HOST,port=PORT or tabrmd",
    }
}

fn kind(error: Error) -> Option<Kind> {
    match error {
        Error::Tss2Error(code) => Tss2ResponseCode::kind(code),
        Error::WrapperError(_) => None,
    }
}
