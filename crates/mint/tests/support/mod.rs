//! Judges minted Intel evidence as the service does: verify, bind, accept.

use avouch_bootlog::ccel::ProvenLog;
use avouch_dcap::{
    Acceptance, Body, Collateral, Quote, QuoteError, TrustAnchors, VerifiedQuote,
    bind_init_time_data, bind_runtime_data,
    open_enclave::{Evidence, OpenEnclave},
};
use avouch_mint::{Minted, OpenEnclaveFormat, Options, Stage};
use avouch_pki::digest::sha256;
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime};

/// The kinds judged here.
pub(crate) const INTEL: [EvidenceKind; 3] =
    [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Tdx];

/// A refusal: the step and the check.
pub(crate) type Refusal = (Stage, &'static str);

/// Options with defaults at a fixed moment.
pub(crate) fn options() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap())
}

/// Strict settings, as the hardened profile has them.
pub(crate) fn strict() -> Acceptance {
    Acceptance { refuse_debuggable: true, ..Acceptance::default() }
}

/// Verifies, binds and accepts.
pub(crate) fn judge(
    minted: &Minted,
    format: OpenEnclaveFormat,
    acceptance: &Acceptance,
) -> Result<VerifiedQuote, Refusal> {
    let malformed = |error: QuoteError| (Stage::Verification, error.check());
    let verified = match (minted.kind, format) {
        (EvidenceKind::OpenEnclave, OpenEnclaveFormat::EvidenceWithoutHeader) => {
            let evidence = Evidence::parse_without_header(&minted.evidence).map_err(malformed)?;
            let verified = verify(minted, evidence.quote())?;
            evidence.bind_custom_claims(&verified).map_err(|e| (Stage::Binding, e.check()))?;
            verified
        }
        (EvidenceKind::OpenEnclave, _) => {
            let wrapped = OpenEnclave::parse(&minted.evidence).map_err(malformed)?;
            let verified = verify(minted, wrapped.quote())?;
            if let OpenEnclave::Evidence(evidence) = &wrapped {
                evidence.bind_custom_claims(&verified).map_err(|e| (Stage::Binding, e.check()))?;
            }
            verified
        }
        _ => {
            let quote = Quote::parse(&minted.evidence).map_err(malformed)?;
            verify(minted, &quote)?
        }
    };
    bind(minted, &verified)?;
    event_log(minted, &verified)?;
    acceptance.check(&verified, minted.at).map_err(|error| (Stage::Acceptance, error.check()))?;
    Ok(verified)
}

fn verify(minted: &Minted, quote: &Quote<'_>) -> Result<VerifiedQuote, Refusal> {
    let collateral = Collateral::parse_json(&minted.endorsements)
        .map_err(|error| (Stage::Verification, error.check()))?;
    let anchors = TrustAnchors::none().with_pem(minted.root_pem.as_bytes()).unwrap();
    avouch_dcap::verify(quote, &collateral, &anchors, minted.at)
        .map_err(|error| (Stage::Verification, error.check()))
}

/// The event log of a trust domain, if one came along.
fn event_log(minted: &Minted, verified: &VerifiedQuote) -> Result<(), Refusal> {
    let (Some(log), Body::Td(report)) = (&minted.event_log, verified.body()) else { return Ok(()) };
    let rtmrs = [&report.rtmr0, &report.rtmr1, &report.rtmr2, &report.rtmr3];
    ProvenLog::prove(log, rtmrs).map_err(|error| (Stage::Binding, error.check()))?;
    Ok(())
}

fn bind(minted: &Minted, verified: &VerifiedQuote) -> Result<(), Refusal> {
    if let Some(data) = &minted.runtime_data {
        bind_runtime_data(verified, sha256(&data.bytes))
            .map_err(|error| (Stage::Binding, error.check()))?;
    }
    if let Some(data) = &minted.init_time_data {
        bind_init_time_data(verified, sha256(&data.bytes))
            .map_err(|error| (Stage::Binding, error.check()))?;
    }
    Ok(())
}
