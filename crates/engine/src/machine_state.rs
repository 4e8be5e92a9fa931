//! What tells a machine from others, and what it booted: for those who watch machines.

use std::collections::BTreeMap;

use avouch_bootlog::boot::ProvenBoot;
use avouch_tpm::VerifiedQuote;
use avouch_wire::encode_hex;

/// The PCRs below are extended while a machine starts; those from here on are for applications.
const PCRS_OF_BOOT: u8 = 16;
/// IMA's PCR: it is extended with every file.
const PCR_OF_IMA: u8 = 10;

/// A machine, as verified evidence shows it.
///
/// Proven: the evidence is of this machine, and these are the facts that its boot left. Not proven: that
/// the evidence is fresh; whoever gave the challenge knows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// What tells it from others, such as the SHA-256 of its TPM's endorsement certificate, in hex.
    pub machine: String,
    /// What it booted, by name: PCRs as `pcr7` in hex, and what the log proves. Values that change while
    /// it runs are not among them.
    pub facts: BTreeMap<String, String>,
}

/// What a quote and the log that explains it prove of a start, by name; nothing of a quote without values.
pub(crate) fn booted(
    quote: &VerifiedQuote,
    boot: Option<&ProvenBoot>,
) -> Option<BTreeMap<String, String>> {
    let (_, values) = quote.banks().last()?;
    let booted = values.iter().filter(|(pcr, _)| **pcr < PCRS_OF_BOOT && **pcr != PCR_OF_IMA);
    let mut facts: BTreeMap<String, String> =
        booted.map(|(pcr, value)| (format!("pcr{pcr}"), encode_hex(value))).collect();
    let secure_boot = boot.and_then(ProvenBoot::secure_boot);
    facts.extend(secure_boot.map(|is_on| ("secure_boot".to_owned(), is_on.to_string())));
    Some(facts)
}
