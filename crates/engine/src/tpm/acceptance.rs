//! What a provider accepts of TPM evidence that verified.

use std::sync::Arc;

use avouch_bootlog::ima::{
    Appraisal, FileKeys, FileKeysError, NotMet, References, ReferencesError, Requirement,
};
use avouch_claims::Recognition;
use avouch_tpm::AkRules;
use avouch_wire::{AcceptanceError, failed_check};
use thiserror::Error;

/// What a provider accepts of TPM evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TpmAcceptance {
    /// Which attestation keys.
    pub keys: AkRules,
    /// What is expected of files that run on Linux.
    pub expected: Arc<ExpectedFiles>,
    /// What is required of the kernel's measurement list; without any, none need be sent.
    pub require: Vec<Requirement>,
}

/// An operator's keys for files, and reference values: as documents, and as they are read.
#[derive(Debug, Clone, Default)]
pub struct ExpectedFiles {
    key_documents: Vec<Vec<u8>>,
    reference_document: Option<Vec<u8>>,
    keys: FileKeys,
    references: References,
}

/// Why documents say nothing of files.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpectedFilesError {
    /// A document has no keys.
    #[error("keys {index}: {source}")]
    Keys {
        /// Which document, from 0.
        index: usize,
        /// What is wrong with it.
        source: FileKeysError,
    },
    /// The reference values cannot be read.
    #[error("reference values: {0}")]
    References(#[from] ReferencesError),
}

impl ExpectedFiles {
    /// Files signed by a key of `key_documents`, each PEM or a certificate in DER, and those in
    /// `reference_document`, which only the operator can write.
    ///
    /// # Errors
    /// [`ExpectedFilesError`].
    pub fn read(
        key_documents: Vec<Vec<u8>>,
        reference_document: Option<Vec<u8>>,
    ) -> Result<Self, ExpectedFilesError> {
        let mut keys = FileKeys::none();
        for (index, document) in key_documents.iter().enumerate() {
            keys = FileKeys::parse(document)
                .and_then(|more| keys.and(more))
                .map_err(|source| ExpectedFilesError::Keys { index, source })?;
        }
        let references = match &reference_document {
            Some(document) => References::local(document)?,
            None => References::none(),
        };
        Ok(Self { key_documents, reference_document, keys, references })
    }

    /// The documents of keys.
    #[must_use]
    pub fn key_documents(&self) -> &[Vec<u8>] {
        &self.key_documents
    }

    /// The document of reference values.
    #[must_use]
    pub fn reference_document(&self) -> Option<&[u8]> {
        self.reference_document.as_deref()
    }

    /// Whether each file of a list is known, and the list is whole; not asked where nothing is expected.
    pub(super) fn recognize(&self, list: &Appraisal) -> Recognition {
        if self.key_documents.is_empty() && self.reference_document.is_none() {
            return Recognition::NotAsked;
        }
        match list.facts().only_signed_or_listed {
            true => Recognition::Recognized,
            false => Recognition::Unrecognized,
        }
    }

    pub(super) const fn keys(&self) -> &FileKeys {
        &self.keys
    }

    pub(super) const fn references(&self) -> &References {
        &self.references
    }
}

/// What is read follows from the documents.
impl PartialEq for ExpectedFiles {
    fn eq(&self, other: &Self) -> bool {
        (&self.key_documents, &self.reference_document)
            == (&other.key_documents, &other.reference_document)
    }
}

impl Eq for ExpectedFiles {}

/// What a provider refuses of TPM evidence that verified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TpmRefusal {
    /// Something is required of a measurement list, and none was sent.
    #[error("{requirement} are required, and no measurement list was sent")]
    NoList {
        /// What is required.
        requirement: Requirement,
    },
    /// The list is not as required.
    #[error(transparent)]
    NotMet(#[from] NotMet),
}

failed_check!(TpmRefusal {
    Self::NoList { .. } => "ima-list-missing",
    Self::NotMet(error) => (error.check(), NotMet::checks()),
});

impl TpmAcceptance {
    /// Whether a list is as required.
    pub(super) fn check(
        &self,
        list: Option<&Appraisal>,
    ) -> Result<(), AcceptanceError<TpmRefusal>> {
        let refusals = self.require.iter().filter_map(|requirement| match list {
            None => Some(TpmRefusal::NoList { requirement: *requirement }),
            Some(list) => {
                let met = list.require(*requirement, self.expected.references());
                met.err().map(TpmRefusal::from)
            }
        });
        AcceptanceError::unless_accepted(refusals)
    }
}
