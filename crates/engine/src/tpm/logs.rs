//! From logs, and the quote that they are to explain, to what they prove.

use avouch_bootlog::boot::{Expected, ProvenBoot, Recorded};
use avouch_bootlog::ima::{Appraisal, List, Sha1, prove};
use avouch_bootlog::{Digest, Register, RegisterValues};
use avouch_tpm::VerifiedQuote;
use avouch_tpm::protocol::{Log, LogKind, VerifiedAttestation};

use super::acceptance::ExpectedFiles;
use super::error::TpmRefused;

/// The values that a quote proves, as logs have them.
pub(crate) fn values(quote: &VerifiedQuote) -> RegisterValues {
    let banks = quote.banks().flat_map(|(bank, values)| {
        values
            .iter()
            .filter_map(move |(pcr, value)| Some((Register::Pcr(*pcr), Digest::new(bank, value)?)))
    });
    banks.collect()
}

/// What the firmware's logs prove, each by its own quote; nothing if none was sent.
pub(super) fn boot(
    current: &VerifiedAttestation,
    values: &RegisterValues,
    before: Option<&VerifiedAttestation>,
    expected: Expected<'_>,
) -> Result<Option<ProvenBoot>, TpmRefused> {
    let Some(log) = firmware_log(&current.logs)? else { return Ok(None) };
    let before_values = before.map(|before| self::values(&before.quote));
    let before_log = match before {
        Some(before) => firmware_log(&before.logs)?,
        None => None,
    };
    let before = before_log.zip(before_values.as_ref());
    let before = before.map(|(log, proven)| Recorded { log, proven });
    Ok(Some(ProvenBoot::prove(Recorded { log, proven: values }, before, expected)?))
}

/// The one log of the firmware's. What a late launch measured is not read: no fact rests on it.
fn firmware_log(logs: &[Log]) -> Result<Option<&[u8]>, TpmRefused> {
    only(logs, "TCG logs", |kind| {
        matches!(kind, LogKind::Tcg | LogKind::SrtmBoot | LogKind::SrtmResume)
    })
}

fn only<'l>(
    logs: &'l [Log],
    what: &'static str,
    is_one: impl Fn(LogKind) -> bool,
) -> Result<Option<&'l [u8]>, TpmRefused> {
    let mut found = logs.iter().filter(|log| is_one(log.kind));
    let (first, more) = (found.next(), found.count());
    if more > 0 {
        return Err(TpmRefused::Logs { what, found: more.saturating_add(1) });
    }
    Ok(first.map(|log| log.bytes.as_slice()))
}

/// What the kernel's list proves; nothing if none was sent.
pub(super) fn ima(
    logs: &[Log],
    values: &RegisterValues,
    expected: &ExpectedFiles,
) -> Result<Option<Appraisal>, TpmRefused> {
    let Some(bytes) = only(logs, "IMA lists", |kind| kind == LogKind::Ima)? else {
        return Ok(None);
    };
    let list = List::read(bytes)?;
    let proven = prove(&list, values, Sha1::Refused)?;
    Ok(Some(Appraisal::of(&proven, values, expected.references(), expected.keys())))
}
