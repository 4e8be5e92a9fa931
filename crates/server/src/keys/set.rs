//! The keys of one moment, and which of them a provider has.

use std::fmt;
use std::sync::Arc;

use avouch_store::{KeyPurpose, KeyState};
use avouch_token::{Algorithm, Signer};

use crate::tee::{EvidenceOfKeys, KeyEvidence};

/// A key that can sign.
#[derive(Clone)]
pub struct HeldKey {
    /// The key.
    pub signer: Arc<dyn Signer>,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// The number of the provider that it is for; none if all share it.
    pub provider: Option<u64>,
    /// Whether it signs.
    pub state: KeyState,
    /// Who has its private half.
    pub keeper: KeyKeeper,
}

/// Who has the private half of a key, as far as this instance can tell. Where it was before, and who made a copy then, it
/// cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKeeper {
    /// The database, wrapped under a key that a TEE derives for this service alone.
    Tee,
    /// A PKCS#11 token, which made it.
    Token,
    /// The database, wrapped under a master key that was brought from outside: whoever has both has the key.
    MasterKey,
    /// A file that was brought from outside.
    File,
}

impl KeyKeeper {
    /// All, the one that keeps it closest first.
    pub const ALL: [Self; 4] = [Self::Tee, Self::Token, Self::MasterKey, Self::File];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tee => "tee",
            Self::Token => "token",
            Self::MasterKey => "master_key",
            Self::File => "file",
        }
    }
}

impl fmt::Debug for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldKey")
            .field("kid", &self.signer.kid())
            .field("purpose", &self.purpose)
            .field("provider", &self.provider)
            .field("state", &self.state)
            .field("keeper", &self.keeper)
            .finish()
    }
}

/// All keys of a service as one instance knows them at one moment: active ones first, then by age.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Arc<Vec<HeldKey>>,
    /// What this instance's TEE says of keys, by their names.
    evidence: Arc<EvidenceOfKeys>,
}

/// The keys of one provider at one moment.
#[derive(Clone)]
pub struct ProviderKeys {
    /// Those that sign tokens or did or will; the first signs.
    pub token: Vec<Arc<dyn Signer>>,
    /// The same for reports.
    pub report: Vec<Arc<dyn Signer>>,
    /// The key that certifies those for reports.
    pub report_ca: Arc<dyn Signer>,
}

impl KeySet {
    /// These keys, without evidence for any.
    #[must_use]
    pub fn new(keys: Vec<HeldKey>) -> Self {
        Self { keys: Arc::new(keys), evidence: Arc::default() }
    }

    /// The same keys with this evidence.
    pub(super) fn with_evidence(&self, evidence: Arc<EvidenceOfKeys>) -> Self {
        Self { keys: Arc::clone(&self.keys), evidence }
    }

    /// The same evidence for these keys.
    pub(super) fn with_keys(&self, keys: Arc<Vec<HeldKey>>) -> Self {
        Self { keys, evidence: Arc::clone(&self.evidence) }
    }

    /// What this instance's TEE says of a key.
    #[must_use]
    pub fn evidence(&self, kid: &str) -> Option<&Arc<KeyEvidence>> {
        self.evidence.get(kid)
    }

    /// What it says of any.
    pub(crate) fn all_evidence(&self) -> &EvidenceOfKeys {
        &self.evidence
    }

    /// All of them.
    #[must_use]
    pub fn keys(&self) -> &[HeldKey] {
        self.keys.as_slice()
    }

    /// How many keys there are for a purpose in a state.
    #[must_use]
    pub fn count(&self, purpose: KeyPurpose, state: KeyState) -> usize {
        self.keys.iter().filter(|key| key.purpose == purpose && key.state == state).count()
    }

    /// How many keys for tokens somebody keeps, whatever their state.
    #[must_use]
    pub fn kept_by(&self, keeper: KeyKeeper) -> usize {
        let kept = |key: &&HeldKey| key.purpose == KeyPurpose::Token && key.keeper == keeper;
        self.keys.iter().filter(kept).count()
    }

    /// The keys of a provider that signs tokens by the first of these algorithms, and publishes keys for
    /// the others. None if there is no active key for a purpose.
    #[must_use]
    pub fn of_provider(&self, id: u64, algorithms: &[Algorithm]) -> Option<ProviderKeys> {
        let token = self.signing(KeyPurpose::Token, id, algorithms)?;
        let report = self.signing(KeyPurpose::Report, id, &[Algorithm::Rs256])?;
        let report_ca = self.active(KeyPurpose::ReportCa, id, Algorithm::Rs256)?;
        Some(ProviderKeys { token, report, report_ca: Arc::clone(&report_ca.signer) })
    }

    /// The active key for a purpose: the provider's own before the one that is shared.
    fn active(&self, purpose: KeyPurpose, id: u64, algorithm: Algorithm) -> Option<&HeldKey> {
        let fits = |key: &&HeldKey| {
            key.purpose == purpose
                && key.state == KeyState::Active
                && key.signer.algorithm() == algorithm
        };
        let own = self.keys.iter().filter(fits).find(|key| key.provider == Some(id));
        own.or_else(|| self.keys.iter().filter(fits).find(|key| key.provider.is_none()))
    }

    /// The key that signs for a purpose, then all others that did or will.
    fn signing(
        &self,
        purpose: KeyPurpose,
        id: u64,
        algorithms: &[Algorithm],
    ) -> Option<Vec<Arc<dyn Signer>>> {
        let signs = self.active(purpose, id, *algorithms.first()?)?;
        let others = self.keys.iter().filter(|key| {
            key.purpose == purpose
                && key.provider.is_none_or(|provider| provider == id)
                && algorithms.contains(&key.signer.algorithm())
                && key.signer.kid() != signs.signer.kid()
        });
        Some(std::iter::once(signs).chain(others).map(|key| Arc::clone(&key.signer)).collect())
    }
}
