//! Attestation providers as the data plane sees them: ready to issue tokens.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use avouch_engine::{AppraisalSettings, PolicyInForce};
use avouch_store::{Tenant, TenantPolicy, TrustModel};
use avouch_token::{
    IssuerError, Jwks, JwksError, PublishedKey, SignError, Signer, TokenIssuer, jwks_document,
    openid_metadata, provider_certificate, report_ca_certificate, report_certificate,
};
use avouch_wire::EvidenceKind;
use thiserror::Error;

use crate::ApiError;
use crate::config::ProviderSettings;
use crate::keys::{KeySet, KeysError, ProviderKeys};

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
    /// Made when first asked for: they cost signatures, and tokens are issued without them.
    report_certificates: OnceLock<[Vec<u8>; 2]>,
    signing_certificates: OnceLock<String>,
    key_set: OnceLock<Arc<Jwks>>,
}

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

impl ProviderIdentity {
    /// A provider at `url` with its keys of a set.
    ///
    /// # Errors
    /// [`ProviderError::Issuer`].
    pub fn new(url: &str, set: Arc<KeySet>, keys: ProviderKeys) -> Result<Self, ProviderError> {
        let signs = |signers: &[Arc<dyn Signer>]| {
            let first = signers.first().map(Arc::clone);
            first.ok_or(KeysError::NoActiveKey { purpose: "anything", algorithm: "any algorithm" })
        };
        let issuer = TokenIssuer::new(signs(&keys.token)?, url)?;
        let report_issuer = TokenIssuer::new(signs(&keys.report)?, url)?;
        let (report_certificates, signing_certificates) = (OnceLock::new(), OnceLock::new());
        let key_set = OnceLock::new();
        Ok(Self {
            set,
            keys,
            issuer,
            report_issuer,
            report_certificates,
            signing_certificates,
            key_set,
        })
    }

    /// Whether its keys are those of that set.
    pub(crate) fn is_of(&self, set: &Arc<KeySet>) -> bool {
        Arc::ptr_eq(&self.set, set)
    }

    /// The keys that sign its tokens, under certificates of its own with what the TEE says of each, the active
    /// one first; then those
    /// that sign its reports, under certificates of the CA of reports.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub fn signing_certificates(&self) -> Result<&str, ProviderError> {
        if let Some(made) = self.signing_certificates.get() {
            return Ok(made);
        }
        let mut published = Vec::new();
        for signer in &self.keys.token {
            let signer = signer.as_ref();
            let evidence = self.set.evidence(signer.kid()).map(|evidence| evidence.extension());
            let certificate = provider_certificate(signer, self.url(), evidence);
            let certificate = certificate.map_err(|source| self.no_certificate(source))?;
            published.push(PublishedKey::new(signer, &[certificate]));
        }
        for signer in &self.keys.report {
            let chain = self.report_chain(signer.as_ref())?;
            published.push(PublishedKey::new(signer.as_ref(), &chain));
        }
        let made = jwks_document(&published);
        // Whoever came first stays: all readers see one set.
        Ok(self.signing_certificates.get_or_init(|| made))
    }

    /// The same as a key set, read once.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`], [`ProviderError::KeySet`].
    pub fn key_set(&self) -> Result<Arc<Jwks>, ProviderError> {
        if let Some(read) = self.key_set.get() {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(Jwks::parse(self.signing_certificates()?.as_bytes())?);
        Ok(Arc::clone(self.key_set.get_or_init(|| read)))
    }

    /// DER of the certificates of the key that signs reports: its own, and the CA's.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub fn report_certificates(&self) -> Result<&[Vec<u8>; 2], ProviderError> {
        if let Some(made) = self.report_certificates.get() {
            return Ok(made);
        }
        let made = self.report_chain(self.report_issuer.signer().as_ref())?;
        Ok(self.report_certificates.get_or_init(|| made))
    }

    fn report_chain(&self, signer: &dyn Signer) -> Result<[Vec<u8>; 2], ProviderError> {
        let ca = self.keys.report_ca.as_ref();
        let own = report_certificate(ca, signer.public_key(), self.url());
        let made = own.and_then(|own| Ok([own, report_ca_certificate(ca)?]));
        made.map_err(|source| self.no_certificate(source))
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
    pub fn identity(&self) -> &ProviderIdentity {
        &self.identity
    }
}
