//! An issue that its publisher signed: a compact JWS over the document.

use avouch_pki::digest;
use avouch_token::{BarePrivateKey, BarePublicKey, Jwks, SignError, verify_bare_jws};
use avouch_wire::{Hex, UnixTime};

use super::{IssueError, Publication};

/// `typ` of the signed form: a signature over anything else counts for nothing here.
pub const PUBLICATION_TYPE: &str = "avouch-measurements+jws";
/// Largest signed form, in bytes: base64 adds a third to the document, and a signature takes up to 2 KiB.
pub const SIGNED_PUBLICATION_BYTES_MAX: usize = 352 * 1024;

/// An issue that a pinned key signed, and that was in force at the moment of judgement.
///
/// Not proven: that there is no newer one. Only [`VerifiedPublication::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedPublication {
    publication: Publication,
    document: Vec<u8>,
    key: BarePublicKey,
}

impl VerifiedPublication {
    /// Verifies a signed issue: its signature is by one of `trusted`, it can be read, and it is in force at `at`.
    ///
    /// # Errors
    /// [`IssueError`] naming the check that failed.
    pub fn verify(jws: &str, trusted: &[BarePublicKey], at: UnixTime) -> Result<Self, IssueError> {
        let limit = SIGNED_PUBLICATION_BYTES_MAX;
        let (document, key) = verify_bare_jws(jws, PUBLICATION_TYPE, limit, trusted)?;
        let publication = Publication::parse(&document)?;
        publication.check_in_force(at)?;
        Ok(Self { publication, document, key: key.clone() })
    }

    /// The issue.
    #[must_use]
    pub const fn publication(&self) -> &Publication {
        &self.publication
    }

    /// SHA-256 of the bytes that are signed.
    #[must_use]
    pub fn document_sha256(&self) -> Hex<32> {
        digest::sha256(&self.document)
    }

    /// That the key that signed is none of a service's own: a service that signs what it may run vouches for itself.
    ///
    /// # Errors
    /// [`IssueError::KeyOfService`].
    pub fn check_not_of(&self, service: &Jwks) -> Result<(), IssueError> {
        let own = self.key.id();
        let is_own = |key: &&avouch_token::Jwk| digest::sha256(key.key().spki_der()) == own;
        match service.keys().iter().find(is_own) {
            Some(_) => Err(IssueError::KeyOfService { key: own }),
            None => Ok(()),
        }
    }

    /// The key that signed.
    #[must_use]
    pub const fn key(&self) -> &BarePublicKey {
        &self.key
    }
}

impl Publication {
    /// The signed form: a compact JWS whose payload is the document.
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used.
    pub fn sign(&self, key: &BarePrivateKey) -> Result<String, SignError> {
        // A document that was read is written again.
        let document = self.to_document().unwrap_or_default();
        key.sign_jws(PUBLICATION_TYPE, document.as_bytes())
    }
}
