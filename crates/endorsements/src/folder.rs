//! Which files of a folder are endorsements, which are damaged, and which only lie beside them.

use std::fs;
use std::path::{Path, PathBuf};

use avouch_pki::pem;
use avouch_snp::ChainError;
use serde_json::Value;

use crate::{Bundle, EndorsementError, LoadError, forms};

/// The files of a folder, in order of their names; links that lead nowhere are among them.
/// Folders, and what is no file at all, are passed over.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Read { path: folder.to_owned(), source };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    files.retain(|path| fs::metadata(path).map_or(true, |found| found.is_file()));
    files.sort();
    Ok(files)
}

/// Whether a file that is no endorsement was never meant as one: a report, a note, a request's body,
/// somebody else's certificate. Everything else is damage: what is cut, empty, unreadable or too
/// large may have been a CRL.
pub(crate) fn is_stranger(path: &Path, bytes: &[u8], error: &EndorsementError) -> bool {
    if forms::is_of_host(bytes) || Bundle::is_meant(bytes) {
        return false;
    }
    if [Some(&b'{'), Some(&b'[')].contains(&bytes.trim_ascii_start().first()) {
        return is_other_json(bytes);
    }
    if matches!(error.reason(), EndorsementError::Amd(ChainError::Foreign { .. })) {
        return !contains(bytes, CRL_LABEL);
    }
    !is_der(bytes) && !is_pem(bytes) && !has_name_of_endorsement(path)
}

const CRL_LABEL: &[u8] = b"X509 CRL";

/// Whether text was cut within the mark that a block begins with, where its reader sees no block.
pub(crate) fn ends_within_a_mark(bytes: &[u8]) -> bool {
    let last = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    !last.is_empty() && pem::BEGIN.as_bytes().starts_with(last)
}

/// Members of a set of Intel collateral.
const COLLATERAL_MEMBERS: [&str; 4] = ["tcb_info", "qe_identity", "root_ca_crl", "pck_crl"];

/// Whole JSON that has nothing of a set of collateral, and is no answer of Intel's service.
fn is_other_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|json| {
        COLLATERAL_MEMBERS.iter().all(|member| json.get(member).is_none())
            && !forms::is_intel_answer(&json, bytes)
    })
}

/// A SEQUENCE of 128 bytes or more that begins with another, as every certificate and CRL does, and no
/// private key. Text that begins with the digit 0, which is the same byte, goes on otherwise.
fn is_der(bytes: &[u8]) -> bool {
    let [0x30, length @ 0x81..=0x84, rest @ ..] = bytes else { return false };
    rest.get(usize::from(length & 0x0f)).is_none_or(|tag| *tag == 0x30)
}

/// Text with a block in it. Quotes have blocks too, within bytes that are no text.
fn is_pem(bytes: &[u8]) -> bool {
    let mark = pem::BEGIN.as_bytes();
    let is_text = std::str::from_utf8(bytes).is_ok();
    bytes.starts_with(mark) || (is_text && contains(bytes, mark))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn has_name_of_endorsement(path: &Path) -> bool {
    const EXTENSIONS: [&str; 6] = ["crl", "pem", "der", "crt", "cer", "json"];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}
