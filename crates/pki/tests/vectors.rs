//! Every certificate and CRL among the recorded vectors is read: strictness costs none that is in use.
#![cfg(test)]

use std::path::{Path, PathBuf};

use avouch_pki::{Certificate, CertificateError, Crl, CrlError, KeyError, pem};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "vectors are required, yet {} is absent",
        root.display()
    );
    println!("skipped: no vectors at {}", root.display());
    None
}

/// All files below a folder that may hold certificates or CRLs, PEM or DER.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| {
            ["pem", "crt", "cer", "der", "crl"].iter().any(|known| ending == *known)
        }) {
            found.push(path);
        }
    }
}

/// The structures of a file, decoded.
fn structures(bytes: &[u8]) -> Vec<Vec<u8>> {
    match pem::certificates(bytes, 64) {
        Ok(blocks) => blocks,
        Err(_) => vec![bytes.to_vec()],
    }
}

/// Whether it is read as far as it can be: an algorithm that is not supported is another matter.
fn is_read(der: &[u8]) -> Result<(), String> {
    if X509Certificate::from_der(der).is_ok_and(|(rest, _)| rest.is_empty()) {
        return match Certificate::parse(der) {
            Ok(_)
            | Err(
                CertificateError::UnsupportedAlgorithm(_)
                | CertificateError::Version
                | CertificateError::Key(KeyError::Unsupported(_)),
            ) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
    }
    match Crl::parse(der) {
        Ok(_) | Err(CrlError::UnsupportedAlgorithm(_) | CrlError::Extension(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn certificates_and_crls_of_vendors_are_read() {
    let Some(root) = vectors() else { return };
    let mut found = Vec::new();
    files(&root, &mut found);
    let (mut read, mut refused) = (0, Vec::new());
    for file in found {
        for der in structures(&std::fs::read(&file).unwrap()) {
            let known = X509Certificate::from_der(&der).is_ok_and(|(rest, _)| rest.is_empty())
                || CertificateRevocationList::from_der(&der).is_ok_and(|(rest, _)| rest.is_empty());
            if known {
                read += 1;
                if let Err(error) = is_read(&der) {
                    refused.push(format!("{}: {error}", file.display()));
                }
            }
        }
    }
    assert!(read >= 100, "{read}");
    assert!(refused.is_empty(), "{} of {read}:\n{}", refused.len(), refused.join("\n"));
}
