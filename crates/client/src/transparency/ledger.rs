//! Keys of ledgers, as whoever relies on them pins them.

use avouch_pki::{Certificate, KeyKind, PublicKey, digest, pem};
use avouch_token::Jwks;
use thiserror::Error;

/// Shortest modulus of an RSA key, in bits.
const MODULUS_BITS_MIN: usize = 2048;

/// A key that signs a ledger's roots, and the names that receipts call it by.
#[derive(Debug, Clone)]
pub struct LedgerKey {
    pub(super) name: String,
    pub(super) key: PublicKey,
    ids: Vec<Vec<u8>>,
}

/// Why a file holds no key of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerKeyError {
    /// Neither PEM of a key or certificate nor a key set.
    #[error("expected one PEM block, PUBLIC KEY or CERTIFICATE, or a JSON key set")]
    Form,
    /// A key set in which no key can be used.
    #[error("the key set has no key that can be used")]
    NoKey,
    /// A key that signs nothing here.
    #[error("the key is not P-256, P-384, P-521, or RSA of at least 2048 bits")]
    Unsupported,
}

impl LedgerKey {
    /// Reads the keys of a ledger: one public key or certificate in PEM, or a JSON key set, as ledgers publish it.
    /// Of a certificate only the key counts: that it is pinned says all. `name` is what messages call the ledger.
    ///
    /// # Errors
    /// [`LedgerKeyError`].
    pub fn read(name: &str, file: &[u8]) -> Result<Vec<Self>, LedgerKeyError> {
        let text = str::from_utf8(file).map_err(|_| LedgerKeyError::Form)?;
        if text.trim_start().starts_with('{') {
            let keys = Jwks::parse(file).map_err(|_| LedgerKeyError::Form)?;
            let own = |key: &avouch_token::Jwk| {
                Self::new(name, key.key().clone(), key.kid().map(|kid| kid.as_bytes().to_vec()))
            };
            let read: Vec<Self> = keys.keys().iter().filter_map(|key| own(key).ok()).collect();
            return if read.is_empty() { Err(LedgerKeyError::NoKey) } else { Ok(read) };
        }
        let key = if let Some(block) = pem::only_block(text, "PUBLIC KEY") {
            let der = block.der().map_err(|_| LedgerKeyError::Form)?;
            PublicKey::from_spki(&der).map_err(|_| LedgerKeyError::Unsupported)?
        } else {
            let block = pem::only_block(text, "CERTIFICATE").ok_or(LedgerKeyError::Form)?;
            let der = block.der().map_err(|_| LedgerKeyError::Form)?;
            let certificate = Certificate::parse(&der).map_err(|_| LedgerKeyError::Form)?;
            certificate.public_key().clone()
        };
        Ok(vec![Self::new(name, key, None)?])
    }

    /// A key by SHA-256 of its SubjectPublicKeyInfo, in hex as ledgers over CCF name theirs, or in 32 bytes; and by
    /// the name that its key set gives it.
    fn new(name: &str, key: PublicKey, kid: Option<Vec<u8>>) -> Result<Self, LedgerKeyError> {
        match key.kind() {
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {}
            KeyKind::Rsa { modulus_bits: MODULUS_BITS_MIN.. } => {}
            _ => return Err(LedgerKeyError::Unsupported),
        }
        let id = digest::sha256(key.spki_der());
        let own = [id.to_string().into_bytes(), id.as_bytes().to_vec()];
        Ok(Self { name: name.to_owned(), key, ids: own.into_iter().chain(kid).collect() })
    }

    pub(super) fn is_called(&self, kid: &[u8]) -> bool {
        self.ids.iter().any(|id| id == kid)
    }
}
