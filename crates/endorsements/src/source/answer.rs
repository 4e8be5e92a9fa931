//! What services answer, read. No network here: this is what is fuzzed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use avouch_dcap::{CrlName, SignedDocument};
use avouch_pki::{Certificate, pem};
use avouch_snp::VekKind;
use avouch_wire::UnixTime;
use percent_encoding::percent_decode;
use reqwest::header::{
    CACHE_CONTROL, CONTENT_ENCODING, DATE, ETAG, EXPIRES, HeaderMap, RETRY_AFTER,
};

use super::{HEEDED_MAX, SourceFailure};
use crate::verify::one_certificate;
use crate::{EndorsementName, Published};

/// What a source answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The thing, unproven, and for how long the source says that it is fresh.
    Found(Published, Option<Duration>),
    /// There is nothing newer than what is at hand, for so long.
    Unchanged(Option<Duration>),
}

/// Longest tag of a version that is kept.
const ETAG_BYTES_MAX: usize = 256;
/// Most certificates in an issuer chain; there are two.
const CHAIN_MAX: usize = 8;

/// Reads the answer of any kind of source to the question for `name`.
///
/// # Errors
/// [`SourceFailure`].
pub fn read_answer(
    source_name: &Arc<str>,
    name: EndorsementName,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    at: UnixTime,
) -> Result<Answer, SourceFailure> {
    check_status(status, headers, at)?;
    let fresh_for = fresh_for(headers, at);
    if status == 304 {
        return Ok(Answer::Unchanged(fresh_for));
    }
    if let Some(encoding) = text(headers, &CONTENT_ENCODING).filter(|found| *found != "identity") {
        let reason = format!("its answer is encoded as {encoding:?}, which was not asked for");
        return Err(SourceFailure::Content(reason));
    }
    let published = Published {
        name,
        body: read_body(name, body)?.into(),
        issuer_chain: issuer_chain(name, headers)?.into(),
        source: Arc::clone(source_name),
        fetched_at: at,
        etag: text(headers, &ETAG).filter(|tag| tag.len() <= ETAG_BYTES_MAX).map(Arc::from),
    };
    Ok(Answer::Found(published, fresh_for))
}

/// The statuses that have something to be read: 200 and 304.
pub(super) fn check_status(
    status: u16,
    headers: &HeaderMap,
    at: UnixTime,
) -> Result<(), SourceFailure> {
    Err(match status {
        200 | 304 => return Ok(()),
        300..=399 => SourceFailure::Redirect { status },
        400 | 404 | 410 => SourceFailure::Absent { status },
        429 | 503 => SourceFailure::Busy { status, retry_after: retry_after(headers, at) },
        _ => SourceFailure::Status { status },
    })
}

/// The most bytes that anything of this name can have in any encoding.
pub(super) const fn body_bytes_max(name: &EndorsementName) -> usize {
    match name {
        EndorsementName::TcbInfo { .. } | EndorsementName::QeIdentity { .. } => {
            avouch_dcap::DOCUMENT_BYTES_MAX
        }
        EndorsementName::PckCrl(_) | EndorsementName::RootCaCrl | EndorsementName::AmdCrl(..) => {
            2 * 1024 * 1024
        }
        EndorsementName::VekChain(..) | EndorsementName::Vcek(..) | EndorsementName::TpmCa(_) => {
            64 * 1024
        }
    }
}

/// The body in the form in which it is kept.
fn read_body(name: EndorsementName, body: &[u8]) -> Result<Vec<u8>, SourceFailure> {
    let limit = body_bytes_max(&name);
    if body.len() > limit {
        return Err(SourceFailure::TooLong { limit });
    }
    match name {
        EndorsementName::TcbInfo { .. } => SignedDocument::from_tcb_info_body(body)
            .map(|document| document.body().to_vec())
            .map_err(|error| SourceFailure::Content(format!("no TCB info: {error}"))),
        EndorsementName::QeIdentity { .. } => SignedDocument::from_identity_body(body)
            .map(|document| document.body().to_vec())
            .map_err(|error| SourceFailure::Content(format!("no QE identity: {error}"))),
        EndorsementName::PckCrl(_) => crl(CrlName::Pck, body),
        EndorsementName::RootCaCrl => crl(CrlName::RootCa, body),
        EndorsementName::AmdCrl(..) => avouch_dcap::crl_der(CrlName::RootCa, body)
            .map_err(|_| SourceFailure::Content("no CRL in DER, PEM or hex".to_owned())),
        EndorsementName::VekChain(..) => pem::certificates(body, CHAIN_MAX)
            .map_err(|error| SourceFailure::Content(format!("no chain in PEM: {error}")))
            .map(|chain| as_pem(&chain)),
        EndorsementName::Vcek(..) => vcek(body)
            .ok_or_else(|| SourceFailure::Content("not one VCEK in DER or PEM".to_owned())),
        EndorsementName::TpmCa(_) => one_certificate(body)
            .ok_or_else(|| SourceFailure::Content("not one certificate in DER or PEM".to_owned())),
    }
}

/// The one VCEK of an answer, which Azure's cache gives with the chain above it.
fn vcek(body: &[u8]) -> Option<Vec<u8>> {
    if let Some(der) = one_certificate(body) {
        return Some(der);
    }
    let is_vcek = |der: &Vec<u8>| {
        Certificate::parse(der)
            .is_ok_and(|found| found.subject().common_name() == Some(VekKind::Vcek.common_name()))
    };
    let mut found: Vec<Vec<u8>> = pem::certificates(body, CHAIN_MAX).ok()?;
    found.retain(is_vcek);
    let [vcek] = <[Vec<u8>; 1]>::try_from(found).ok()?;
    Some(vcek)
}

fn crl(name: CrlName, body: &[u8]) -> Result<Vec<u8>, SourceFailure> {
    avouch_dcap::crl_der(name, body).map_err(|error| SourceFailure::Content(error.to_string()))
}

/// The headers that an issuer chain comes in, newest spelling first; none for what comes without.
const fn issuer_chain_headers(name: &EndorsementName) -> &'static [&'static str] {
    match name {
        EndorsementName::TcbInfo { .. } => &["tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"],
        EndorsementName::QeIdentity { .. } => {
            &["sgx-enclave-identity-issuer-chain", "sgx-qe-identity-issuer-chain"]
        }
        EndorsementName::PckCrl(_) => &["sgx-pck-crl-issuer-chain"],
        EndorsementName::RootCaCrl
        | EndorsementName::VekChain(..)
        | EndorsementName::AmdCrl(..)
        | EndorsementName::Vcek(..)
        | EndorsementName::TpmCa(_) => &[],
    }
}

/// The issuer chain of an answer as PEM with LF line ends.
fn issuer_chain(name: EndorsementName, headers: &HeaderMap) -> Result<Vec<u8>, SourceFailure> {
    let names = issuer_chain_headers(&name);
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = names.iter().find_map(|header| headers.get(*header)).ok_or_else(|| {
        SourceFailure::Content(format!("no issuer chain: it has no header {}", names.join(" or ")))
    })?;
    // A plus sign stands for itself here.
    let decoded: Vec<u8> = percent_decode(found.as_bytes()).collect();
    let chain = pem::certificates(&lines(&decoded), CHAIN_MAX)
        .map_err(|error| SourceFailure::Content(format!("its issuer chain is no PEM: {error}")))?;
    Ok(as_pem(&chain))
}

/// PEM that lost its line ends on the way through a header gets them back.
fn lines(text: &[u8]) -> Vec<u8> {
    if text.contains(&b'\n') {
        return text.to_vec();
    }
    let marks = pem::encode("CERTIFICATE", &[]);
    let marks: Vec<&str> = marks.lines().filter(|line| !line.is_empty()).collect();
    let mut text = String::from_utf8_lossy(text).into_owned();
    for mark in &marks {
        text = text.replace(mark, &format!("\n{mark}\n"));
    }
    let line = |line: &str| {
        let words = line.split_whitespace();
        if marks.contains(&line) { line.to_owned() } else { words.collect::<Vec<_>>().join("\n") }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

fn as_pem(chain: &[Vec<u8>]) -> Vec<u8> {
    chain.iter().map(|der| pem::encode("CERTIFICATE", der)).collect::<String>().into_bytes()
}

/// For how long an answer is fresh by its own word: `Cache-Control`, Azure's `cache-max-age`, or
/// `Expires`; a day at most.
fn fresh_for(headers: &HeaderMap, at: UnixTime) -> Option<Duration> {
    let directives = text(headers, &CACHE_CONTROL).unwrap_or_default();
    let directives = || directives.split(',').map(str::trim);
    if directives().any(|word| ["no-store", "no-cache"].contains(&word)) {
        return None;
    }
    let max_age = directives().find_map(|word| word.strip_prefix("max-age="));
    let max_age = max_age.or_else(|| headers.get("cache-max-age")?.to_str().ok());
    let fresh = match max_age {
        Some(age) => age.trim_matches('"').parse().ok().map(Duration::from_secs),
        None => until(text(headers, &EXPIRES)?, headers, at),
    };
    fresh.map(|fresh| fresh.min(HEEDED_MAX)).filter(|fresh| !fresh.is_zero())
}

/// `Retry-After` in seconds or as a date; a day at most.
fn retry_after(headers: &HeaderMap, at: UnixTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    let time = match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => until(value, headers, at),
    };
    time.map(|time| time.min(HEEDED_MAX))
}

/// The time from the source's own `Date`, or else from our moment, until a date of HTTP; zero if it
/// is past.
fn until(date: &str, headers: &HeaderMap, at: UnixTime) -> Option<Duration> {
    let date = moment(date)?;
    let from = text(headers, &DATE).and_then(moment).unwrap_or_else(|| at.seconds());
    Some(Duration::from_secs(date.saturating_sub(from).try_into().unwrap_or(0)))
}

fn moment(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date).ok()?;
    i64::try_from(date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &reqwest::header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
