//! Attestation providers as the data plane sees them: ready to issue tokens.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use avouch_engine::{AppraisalSettings, PolicyInForce};
use avouch_store::{Tenant, TenantPolicy, TrustModel};
use avouch_token::{
    IssuerError, PublishedKey, SignError, Signer, TokenIssuer, jwks_document, openid_metadata,
    provider_certificate,
};
use avouch_wire::EvidenceKind;
use thiserror::Error;

use crate::ApiError;
use crate::config::ProviderSettings;

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

/// What a provider is to the outside: the same from its making to its end.
pub struct ProviderIdentity {
    issuer: TokenIssuer,
    /// Made when first asked for: it costs a signature, and tokens are issued without it.
    certificate: OnceLock<Vec<u8>>,
    signing_certificates: OnceLock<String>,
}

/// Why a provider cannot be set up.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// Its URL cannot be an issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// Its signing certificate could not be made.
    #[error("cannot make the signing certificate of {issuer}: {source}")]
    Certificate {
        /// The provider's URL.
        issuer: String,
        /// Why.
        source: SignError,
    },
}

impl ProviderIdentity {
    /// A provider at `url` that signs with `signer`.
    ///
    /// # Errors
    /// [`ProviderError::Issuer`].
    pub fn new(url: &str, signer: Arc<dyn Signer>) -> Result<Self, ProviderError> {
        let issuer = TokenIssuer::new(signer, url)?;
        let (certificate, signing_certificates) = (OnceLock::new(), OnceLock::new());
        Ok(Self { issuer, certificate, signing_certificates })
    }

    /// The key that signs, under a certificate of the provider's own, as a key set.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub fn signing_certificates(&self) -> Result<&str, ProviderError> {
        if let Some(made) = self.signing_certificates.get() {
            return Ok(made);
        }
        let signer = self.issuer.signer().as_ref();
        let made = jwks_document([&PublishedKey::new(signer, &[self.certificate()?])]);
        Ok(self.signing_certificates.get_or_init(|| made))
    }

    /// DER of the certificate in that set.
    ///
    /// # Errors
    /// [`ProviderError::Certificate`].
    pub fn certificate(&self) -> Result<&[u8], ProviderError> {
        if let Some(made) = self.certificate.get() {
            return Ok(made);
        }
        let (url, signer) = (self.issuer.issuer(), self.issuer.signer().as_ref());
        let made = provider_certificate(signer, url, None)
            .map_err(|source| ProviderError::Certificate { issuer: url.to_owned(), source })?;
        // Whoever came first stays: all readers see one certificate.
        Ok(self.certificate.get_or_init(|| made))
    }

    /// Its URL, the `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        self.issuer.issuer()
    }

    /// OpenID metadata.
    #[must_use]
    pub fn openid_configuration(&self) -> String {
        openid_metadata(self.issuer.issuer(), &[self.issuer.signer().algorithm()])
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
