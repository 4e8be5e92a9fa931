//! Checks of measured-boot logs.

use super::{Subject, Text, one};

const RESEND: &str = "Send the log as the kernel or the firmware keeps it, unchanged and whole; `avouch inspect FILE` shows it.";
const REPLAY: &str = "Read the log and quote in one go, on the same boot; `avouch inspect FILE` shows what the log replays to.";
const FIRMWARE: &str = "Look at the event with `avouch inspect FILE`. If the machine is genuine, its firmware departs from the TCG's specification: ask its vendor for an update.";
const LIST: &str = "Send the list as the kernel keeps it, in `/sys/kernel/security/ima`, read after the quote or shortly before it.";
const WINDOWS: &str =
    "Send the log of this boot as Windows keeps it, in `C:\\Windows\\Logs\\MeasuredBoot`.";
const SECURE_MODE: &str = "Switch virtualization-based security on, and boot again.";
const OPERATOR: &str = "Mend the operator's file.";

pub(super) static SUBJECT: Subject = Subject { title: "Measured boot", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "log-structure",
        "The layout of the event log.",
        "It is cut, altered, or no event log; the message names structure, field and byte.",
        RESEND,
    ),
    one("log-empty", "That the log has events.", "It is empty, or only fill.", RESEND),
    one("log-length", "The size of the log.", "It is larger than any that firmware keeps.", RESEND),
    one("log-events", "The number of events.", "There are more than any firmware logs.", RESEND),
    one(
        "log-register",
        "That every event extends a register that exists.",
        "An event names none; only events that extend nothing may.",
        RESEND,
    ),
    one(
        "log-algorithms",
        "The digest algorithms that the log announces.",
        "One is unknown, named twice, or has another digest length than the algorithm.",
        RESEND,
    ),
    one(
        "log-digests",
        "That every event has digests of announced algorithms, each once.",
        "An event has one that was not announced, one twice, or none at all.",
        RESEND,
    ),
    one(
        "log-locality",
        "At which locality the TPM was started.",
        "The log says so twice, or names one at which no TPM starts.",
        RESEND,
    ),
    one(
        "log-event-type",
        "That an event is what its type says.",
        "Its digest covers content of another kind. Types are covered by no digest: somebody may have changed it.",
        FIRMWARE,
    ),
    one(
        "log-events-length",
        "That the events which policies are shown fit into the claim `events`.",
        "They would have more than a megabyte: some machine measured far more than others do, or the log was filled.",
        "Look at the log with `avouch inspect FILE`. What was measured stays in the registers until the machine is started again.",
    ),
    one(
        "secure-boot-bank",
        "That facts rest on SHA-256 or better.",
        "No such bank is both quoted and logged.",
        "Quote the SHA-256 bank, and switch it on in the firmware if the log lacks it.",
    ),
    one(
        "secure-boot-register",
        "That the log explains the register that secure boot is measured into.",
        "Its events do not lead to the quoted value, or it was not quoted.",
        REPLAY,
    ),
    one(
        "secure-boot-digest",
        "That the digests of secure boot's events are those of their data.",
        "An event has other data than were measured.",
        FIRMWARE,
    ),
    one(
        "secure-boot-type",
        "That secure boot's events have the types of their content.",
        "One has another type, by which a reader that trusts types would be misled.",
        FIRMWARE,
    ),
    one(
        "secure-boot-order",
        "That secure boot's events come as firmware and shim measure them.",
        "One is missing, comes twice or at another place. After a boot, root can extend the register with any event; such events are at such places.",
        FIRMWARE,
    ),
    one(
        "secure-boot-variables",
        "That the firmware measured its secure boot variables.",
        "It measured none, so the log proves neither that secure boot was on nor off.",
        "Update the machine's firmware, if a newer one measures them.",
    ),
    one(
        "secure-boot-separator",
        "That PCR 7 has exactly one separator, of a firmware that did not fail.",
        "There is none, a second, or the firmware says that it failed.",
        FIRMWARE,
    ),
    one(
        "secure-boot-debug-mode",
        "That the firmware was not in debug mode.",
        "It measured \"UEFI Debug Mode\": nothing that it says counts then.",
        "Switch debug mode off in the firmware, and boot again.",
    ),
    one(
        "secure-boot-value",
        "That `SecureBoot` is on or off.",
        "It has another value than 00 and 01.",
        FIRMWARE,
    ),
    one(
        "secure-boot-databases",
        "The databases of secure boot: `PK`, `KEK`, `db` and `dbx`.",
        "One is no list of signatures, or is empty though secure boot is on.",
        FIRMWARE,
    ),
    one(
        "secure-boot-authority",
        "That what booted was let run by an entry of `db`.",
        "No entry was measured, or one that `db` does not have.",
        FIRMWARE,
    ),
    one(
        "secure-boot-off",
        "Whether secure boot was enforced.",
        "It is off in the firmware.",
        "Switch it on in the firmware, and boot again.",
    ),
    one(
        "secure-boot-shim",
        "Whether shim verified what it started.",
        "It was told to verify nothing (`MokSBState`), whatever the firmware did.",
        "Run `mokutil --enable-validation`, and boot again.",
    ),
    one(
        "secure-boot-custom-policy",
        "Whether a custom policy of Windows is in force.",
        "One is (`CurrentPolicy`), and it can allow anything.",
        "Remove the policy, and boot again.",
    ),
    one(
        "ccel-algorithm",
        "That a trust domain's log has SHA-384 digests.",
        "Its registers are extended by no others.",
        RESEND,
    ),
    one(
        "ccel-json",
        "That what begins as JSON is an event log of dstack's.",
        "It is another text, or an event in it is not what dstack writes.",
        "Send the array `event_log` of dstack's answer as it is, or the log as the kernel keeps it.",
    ),
    one(
        "ccel-mrtd",
        "That no event extends `MRTD`.",
        "The TDX module alone measures it, before the domain runs.",
        RESEND,
    ),
    one(
        "ima-structure",
        "The layout of the measurement list.",
        "It is cut, altered, or no list of IMA's; the message names structure, field and byte.",
        LIST,
    ),
    one("ima-size", "The size of the measurement list.", "It is over the limit.", LIST),
    one("ima-line", "The lines of the measurement list.", "One is of no known form.", LIST),
    one(
        "ima-template",
        "The templates of the measurement list.",
        "One has a template that is not read here.",
        "Have the kernel use one that is, by `ima_template=` on its command line, such as `ima-sig`.",
    ),
    one(
        "ima-gzip",
        "That a compressed list can be expanded.",
        "It is cut, damaged, followed by more, or expands beyond the limit.",
        LIST,
    ),
    one(
        "ima-bank",
        "That PCR 10 is quoted in SHA-256 or better.",
        "It is not.",
        "Quote PCR 10 of the SHA-256 bank.",
    ),
    one(
        "ima-replay",
        "That the measurement list explains PCR 10.",
        "No beginning of it leads to the quoted value.",
        LIST,
    ),
    one(
        "ima-sha1",
        "That PCR 10 rests on more than SHA-1.",
        "The kernel, older than 5.8, extends SHA-1 digests alone.",
        "Update the kernel, or accept SHA-1 for this machine.",
    ),
    one(
        "ima-keys",
        "The operator's keys for signatures of files.",
        "One cannot be read, or is of a kind that no file is signed by.",
        OPERATOR,
    ),
    one(
        "ima-references",
        "The operator's reference values for files.",
        "A line is of no known form, or the file is over the limit.",
        OPERATOR,
    ),
    one(
        "ima-references-signature",
        "Who signed the reference values.",
        "None of the operator's keys did.",
        "Sign the file anew with one of the operator's keys.",
    ),
    one(
        "ima-boot-aggregate",
        "That the measurement list belongs to the boot that was quoted.",
        "Its `boot_aggregate` is missing, or not that of the quoted PCRs.",
        LIST,
    ),
    one(
        "ima-nothing-measured",
        "That the kernel measured files.",
        "It measured none: it has no policy that says so.",
        "Give the kernel a policy, such as `ima_policy=tcb` on its command line.",
    ),
    one(
        "ima-only-signed",
        "That only signed files were measured.",
        "Others were; the message names the first of them.",
        "Sign these files, or find out who put them there.",
    ),
    one(
        "ima-only-listed",
        "That only listed files were measured.",
        "Others were; the message names the first of them.",
        "List these files, or find out who put them there.",
    ),
    one(
        "ima-only-signed-or-listed",
        "That only signed or listed files were measured.",
        "Others were; the message names the first of them.",
        "Sign or list these files, or find out who put them there.",
    ),
    one(
        "verity-volumes",
        "That the listed volumes of dm-verity run.",
        "One does not, or another one does.",
        "Look at the volumes with `avouch inspect FILE`, and at the reference values.",
    ),
    one(
        "windows-register",
        "That the log explains PCR 12.",
        "Its events do not lead to the quoted value, or it was not quoted.",
        REPLAY,
    ),
    one(
        "windows-separator",
        "That Windows ended PCR 12, 13 and 14 with one separator each.",
        "One is missing, stands twice, or has another type.",
        WINDOWS,
    ),
    one(
        "windows-digest",
        "That the digests of Windows' events are those of their data.",
        "An event has other data than were measured.",
        WINDOWS,
    ),
    one(
        "windows-type",
        "That Windows' events have their type.",
        "One has another, by which a reader that trusts types would miss it.",
        WINDOWS,
    ),
    one(
        "windows-tags",
        "How many tags an event of Windows holds, and how deep.",
        "There are more than Windows measures.",
        WINDOWS,
    ),
    one(
        "windows-tag",
        "The values of Windows' tags.",
        "One has a length or a value that it cannot have, or two values at once.",
        WINDOWS,
    ),
    one(
        "windows-secure-boot",
        "That secure boot was enforced when Windows booted.",
        "It was not, so anything may have measured what Windows measures.",
        "Switch secure boot on in the firmware, and boot again.",
    ),
    one(
        "windows-authority",
        "That only Windows booted, by PCR 7.",
        "Something ran by another key than Windows', which may have measured what Windows measures.",
        "Boot Windows directly from the firmware, without another boot loader before it.",
    ),
    one(
        "windows-transfer",
        "Whether Windows was booted or resumed.",
        "One log shows both.",
        WINDOWS,
    ),
    one(
        "windows-chain",
        "That the logs of a boot and of the resumes after it belong together.",
        "One is missing, or does not follow the one before it.",
        "Send all logs since the boot, the oldest first.",
    ),
    one(
        "windows-identity-key",
        "That the boot measured an identity key of Windows' secure kernel.",
        "None was measured in PCR 12 before Windows took over.",
        SECURE_MODE,
    ),
    one(
        "windows-identity-key-place",
        "That the identity key stands where Windows measures it.",
        "It stands in PCR 12 outside of a trust boundary.",
        "Send the log as Windows keeps it; if it stays, do not trust the machine.",
    ),
    one(
        "windows-identity-key-form",
        "The form of the identity key.",
        "It is no RSA key as Windows writes it.",
        "Send the log as Windows keeps it; if it stays, do not trust the machine.",
    ),
    one(
        "windows-identity-key-two",
        "That one boot has one identity key.",
        "Two different ones were measured.",
        "Send the logs of one boot only; if it stays, do not trust the machine.",
    ),
    one(
        "windows-secure-mode",
        "That the secure kernel, whose key it is, ran.",
        "The boot does not show that virtual secure mode was required and launched.",
        SECURE_MODE,
    ),
];
