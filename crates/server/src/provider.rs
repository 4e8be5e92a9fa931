//! Attestation providers as the data plane sees them: ready to issue tokens.

mod certificates;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use avouch_engine::{AppraisalSettings, PolicyInForce};
use avouch_store::{Tenant, TenantPolicy, TrustModel};
use avouch_token::{
    IssuerError, Jwks, JwksError, PublishedKey, SignError, Signer, TokenIssuer, jwks_document,
    openid_metadata,
};
use avouch_wire::EvidenceKind;
use bytes::Bytes;
use certificates::Certificates;
use thiserror::Error;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::config::ProviderSettings;
use crate::handlers::internal;
use crate::keys::{KeySet, KeysError, ProviderKeys};
use crate::{ApiError, Fault};

/// Bytes of a compiled policy for each byte of its JWS, rounded up.
const BYTES_PER_POLICY_BYTE: u64 = 4;
/// Bytes of a provider without policies: names, keys, published certificates.
const PROVIDER_BYTES: u64 = 16 * 1024;

/// One attestation provider (tenant): its URL, its policies, what it publishes.
pub struct Provider {
    tenant: Arc<Tenant>,
    identity: Arc<ProviderIdentity>,
    policies: ReadyPolicies,
    settings: ProviderSettings,
}

/// The policy in force for each kind of evidence, or why it cannot be had: one that cannot be read
/// must not take the others with it, nor what is published, nor its own replacement.
pub(crate) type ReadyPolicies = HashMap<EvidenceKind, Result<Arc<PolicyInForce>, ApiError>>;

/// What a provider is to the outside, as long as its keys are those of one moment.
pub struct ProviderIdentity {
    set: Arc<KeySet>,
    keys: ProviderKeys,
    issuer: TokenIssuer,
    report_issuer: TokenIssuer,
    certificates: Certificates,
    /// Of the key that signs reports.
    report_certificates: OnceLock<[Vec<u8>; 2]>,
    /// Made when first asked for: it costs signatures, and tokens are issued without.
    published: OnceLock<Arc<PublishedKeys>>,
    /// What serves for a moment where not all could be made.
    makeshift: Mutex<Option<Makeshift>>,
    /// Of several who want it at once one makes it.
    making: AsyncMutex<()>,
}

/// A provider's key set as it goes out.
pub struct PublishedKeys {
    document: Bytes,
    /// Read back when first asked for.
    read: OnceLock<Arc<Jwks>>,
}

/// What came of the last attempt, and when.
struct Makeshift {
    at: Instant,
    outcome: Result<Arc<PublishedKeys>, ApiError>,
}

/// How long certificates may take to be made, before those that there are have to do.
const MADE_WITHIN: Duration = Duration::from_secs(5);
/// How soon certificates that could not be made are tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a provider cannot be set up.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// Its URL cannot be an issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// It has no keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What it publishes cannot be read back.
    #[error("a key set of our own: {0}")]
    KeySet(#[from] JwksError),
    /// A signing certificate could not be made.
    #[error("cannot make a signing certificate of {issuer}: {source}")]
    Certificate {
        /// The provider's URL.
        issuer: String,
        /// Why.
        source: SignError,
    },
}

impl PublishedKeys {
    /// JSON.
    #[must_use]
    pub fn document(&self) -> &Bytes {
        &self.document
    }
}

impl ProviderIdentity {
    /// A provider at `url` with its keys of a set. What was made for the same keys at an earlier moment serves on.
    ///
    /// # Errors
    /// [`ProviderError::Issuer`].
    pub fn new(
        url: &str,
        set: Arc<KeySet>,
        keys: ProviderKeys,
        former: Option<&Self>,
    ) -> Result<Self, ProviderError> {
        let signs = |signers: &[Arc<dyn Signer>]| {
            let first = signers.first().map(Arc::clone);
            first.ok_or(KeysError::NoActiveKey { purpose: "anything", algorithm: "any algorithm" })
        };
        let issuer = TokenIssuer::new(signs(&keys.token)?, url)?;
        let report_issuer = TokenIssuer::new(signs(&keys.report)?, url)?;
        let former = former.filter(|former| former.url() == url);
        let certificates = former.map(|former| {
            former.certificates.of_keys(|kid| set.keys().iter().any(|key| key.signer.kid() == kid))
        });
        Ok(Self {
            set,
            keys,
            issuer,
            report_issuer,
            certificates: certificates.unwrap_or_default(),
            report_certificates: OnceLock::new(),
            published: OnceLock::new(),
            makeshift: Mutex::default(),
            making: AsyncMutex::default(),
        })
    }

    /// Whether its keys are those of that set.
    pub(crate) fn is_of(&self, set: &Arc<KeySet>) -> bool {
        Arc::ptr_eq(&self.set, set)
    }

    /// The keys that sign its tokens, under certificates of its own with what the TEE says of each, the active
    /// one first; then those that sign its reports, under certificates of the CA of reports.
    ///
    /// Where a token that keeps keys is away, or `may_sign` is false, what was made before serves, and a key
    /// without a certificate is left out until it has one.
    ///
    /// # Errors
    /// 503 if there is nothing that could serve, 500 if a certificate cannot be made.
    pub(crate) async fn published(
        self: &Arc<Self>,
        at_once: &Arc<Semaphore>,
        may_sign: bool,
    ) -> Result<Arc<PublishedKeys>, ApiError> {
        if let Some(made) = self.published.get() {
            return Ok(Arc::clone(made));
        }
        let _one = self.making.lock().await;
        if let Some(made) = self.published.get() {
            return Ok(Arc::clone(made));
        }
        if let Some(outcome) = self.last_outcome() {
            return outcome;
        }
        let made = tokio::time::timeout(MADE_WITHIN, self.made(at_once, may_sign)).await;
        // Whoever keeps the keys hangs: what there is is put together without asking.
        let made = made.unwrap_or_else(|_| Ok(self.make_published(false)))?;
        let outcome = made.map_err(|error| ApiError::from(internal(&error)));
        if self.published.get().is_none() {
            let makeshift = Makeshift { at: Instant::now(), outcome: outcome.clone() };
            *self.makeshift.lock().unwrap_or_else(PoisonError::into_inner) = Some(makeshift);
        }
        outcome
    }

    /// Makes what is published beside the threads that answer, and beside those for work: nobody waits for his keys
    /// behind evidence of others.
    async fn made(
        self: &Arc<Self>,
        at_once: &Arc<Semaphore>,
        may_sign: bool,
    ) -> Result<Result<Arc<PublishedKeys>, ProviderError>, Fault> {
        let permit = Arc::clone(at_once).acquire_owned().await;
        let permit = permit.map_err(|error| internal(&error))?;
        let identity = Arc::clone(self);
        let make = move || {
            let _permit = permit;
            identity.make_published(may_sign)
        };
        tokio::task::spawn_blocking(make).await.map_err(|error| internal(&error))
    }

    fn last_outcome(&self) -> Option<Result<Arc<PublishedKeys>, ApiError>> {
        let makeshift = self.makeshift.lock().unwrap_or_else(PoisonError::into_inner);
        let last = makeshift.as_ref().filter(|last| last.at.elapsed() < AGAIN);
        last.map(|last| last.outcome.clone())
    }

    /// The same as a key set, read once: for where work is done.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`], [`ProviderError::KeySet`].
    pub(crate) fn key_set(&self, may_sign: bool) -> Result<Arc<Jwks>, ProviderError> {
        let published = match self.published.get() {
            Some(made) => Arc::clone(made),
            None => match self.last_outcome() {
                Some(Ok(makeshift)) => makeshift,
                _ => self.make_published(may_sign)?,
            },
        };
        if let Some(read) = published.read.get() {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(Jwks::parse(&published.document)?);
        Ok(Arc::clone(published.read.get_or_init(|| read)))
    }

    /// Makes what is published; keeps it if nothing is missing.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub(crate) fn make_published(
        &self,
        may_sign: bool,
    ) -> Result<Arc<PublishedKeys>, ProviderError> {
        let mut published = Vec::new();
        let (mut is_whole, mut failed) = (true, None);
        for signer in self.keys.token.iter().map(AsRef::as_ref) {
            let evidence = self.set.evidence(signer.kid());
            match self.certificates.of_token(signer, self.url(), evidence, may_sign) {
                Ok(found) => {
                    is_whole &= found.is_current;
                    published.push(PublishedKey::new(signer, &[found.der]));
                }
                Err(error) => failed = Some(self.passing(error)?),
            }
        }
        for signer in self.keys.report.iter().map(AsRef::as_ref) {
            let ca = self.keys.report_ca.as_ref();
            match self.certificates.of_report(signer, ca, self.url(), may_sign) {
                Ok(chain) => published.push(PublishedKey::new(signer, &chain)),
                Err(error) => failed = Some(self.passing(error)?),
            }
        }
        let made = |published: &[PublishedKey]| {
            let document = Bytes::from(jwks_document(published));
            Arc::new(PublishedKeys { document, read: OnceLock::new() })
        };
        match failed {
            // Whoever came first stays: all readers see one set.
            None if is_whole => Ok(Arc::clone(self.published.get_or_init(|| made(&published)))),
            Some(error) if published.is_empty() => Err(self.no_certificate(error)),
            _ => Ok(made(&published)),
        }
    }

    /// That a token is away passes; everything else is given back as an error.
    fn passing(&self, error: SignError) -> Result<SignError, ProviderError> {
        match error {
            SignError::External { .. } => Ok(error),
            error => Err(self.no_certificate(error)),
        }
    }

    /// DER of the certificates of the key that signs reports: its own, and the CA's.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub fn report_certificates(&self) -> Result<&[Vec<u8>; 2], ProviderError> {
        if let Some(made) = self.report_certificates.get() {
            return Ok(made);
        }
        let (signer, ca) = (self.report_issuer.signer().as_ref(), self.keys.report_ca.as_ref());
        let made = self.certificates.of_report(signer, ca, self.url(), true);
        let made = made.map_err(|error| self.no_certificate(error))?;
        Ok(self.report_certificates.get_or_init(|| made.map(|der| der.to_vec())))
    }

    fn no_certificate(&self, source: SignError) -> ProviderError {
        ProviderError::Certificate { issuer: self.url().to_owned(), source }
    }

    /// Its URL, the `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        self.issuer.issuer()
    }

    /// OpenID metadata.
    #[must_use]
    pub fn openid_configuration(&self) -> String {
        let mut algorithms = Vec::new();
        for signer in &self.keys.token {
            let algorithm = signer.algorithm();
            if !algorithms.contains(&algorithm) {
                algorithms.push(algorithm);
            }
        }
        openid_metadata(self.issuer.issuer(), &algorithms)
    }
}

impl Provider {
    pub(crate) const fn new(
        tenant: Arc<Tenant>,
        identity: Arc<ProviderIdentity>,
        policies: ReadyPolicies,
        settings: ProviderSettings,
    ) -> Self {
        Self { tenant, identity, policies, settings }
    }

    /// What the store holds of it, as of one moment.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its name in the one form in which names are compared.
    #[must_use]
    pub fn name(&self) -> &str {
        self.tenant.provider.name.key()
    }

    /// What conversations with TPMs tell providers apart by: one that is deleted and made anew is another.
    #[must_use]
    pub(crate) fn conversation_name(&self) -> String {
        format!("{}/{}", self.name(), self.tenant.provider.id.get())
    }

    /// Whether only signers that it names may set its policies.
    #[must_use]
    pub fn is_isolated(&self) -> bool {
        self.tenant.provider.trust_model == TrustModel::Isolated
    }

    /// What issues its tokens.
    #[must_use]
    pub fn issuer(&self) -> &TokenIssuer {
        &self.identity.issuer
    }

    /// What issues its reports.
    #[must_use]
    pub fn report_issuer(&self) -> &TokenIssuer {
        &self.identity.report_issuer
    }

    /// Whether its keys are those of that set.
    pub(crate) fn has_keys_of(&self, set: &Arc<KeySet>) -> bool {
        self.identity.is_of(set)
    }

    /// The policy in force for a kind of evidence.
    ///
    /// # Errors
    /// 500 or 503 if it could not be read.
    pub fn policy(&self, kind: EvidenceKind) -> Result<Option<&Arc<PolicyInForce>>, ApiError> {
        self.policies.get(&kind).map(|policy| policy.as_ref().map_err(Clone::clone)).transpose()
    }

    /// Whether this was made from that very state of a provider.
    pub(crate) fn is_of(&self, tenant: &Arc<Tenant>) -> bool {
        Arc::ptr_eq(&self.tenant, tenant)
    }

    /// About how many bytes of memory end with this value, if nobody else holds them: compiled
    /// policies, certificates, and what every provider takes.
    pub(crate) fn held_bytes(&self) -> u64 {
        let own = self.policies.iter().filter_map(|(kind, policy)| {
            let of_kind = |stored: &&TenantPolicy| stored.attestation_type == *kind;
            // A default policy is everybody's.
            self.tenant.policies.iter().find(of_kind)?;
            Some(policy.as_ref().ok()?.jws().len() as u64)
        });
        let compiled = own.fold(0_u64, u64::saturating_add).saturating_mul(BYTES_PER_POLICY_BYTE);
        let certificates = self.tenant.certificates.iter().map(|one| one.der.len() as u64);
        certificates.fold(compiled, u64::saturating_add).saturating_add(PROVIDER_BYTES)
    }

    pub(crate) fn has_all_policies(&self) -> bool {
        self.policies.values().all(Result::is_ok)
    }

    /// What it accepts of verified evidence.
    #[must_use]
    pub const fn settings(&self) -> &AppraisalSettings {
        &self.settings.appraisal
    }

    /// Whether clients are told which condition of a policy refused them.
    #[must_use]
    pub const fn explains_refusals(&self) -> bool {
        self.settings.explain_refusals
    }

    /// What it is to the outside.
    #[must_use]
    pub const fn identity(&self) -> &Arc<ProviderIdentity> {
        &self.identity
    }
}
