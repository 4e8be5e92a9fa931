//! Attestation providers as the data plane sees them: ready to issue tokens.

use std::collections::HashMap;
use std::sync::Arc;

use avouch_engine::{AppraisalSettings, EvidenceKind, PolicyInForce};
use avouch_token::{
    Algorithm, IssuerError, PublishedKey, Signer, TokenIssuer, jwks_document, openid_metadata,
};
use thiserror::Error;

/// One attestation provider (tenant): its URL, its policies, what it publishes.
pub struct Provider {
    issuer: TokenIssuer,
    policies: HashMap<EvidenceKind, Arc<PolicyInForce>>,
    settings: AppraisalSettings,
    signing_certificates: String,
    openid_configuration: String,
}

/// Why a provider cannot be set up.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// Its URL cannot be an issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// Its signing certificate could not be made.
    #[error("cannot make the signing certificate of {issuer}: {reason}")]
    Certificate {
        /// The provider's URL.
        issuer: String,
        /// Why.
        reason: String,
    },
}

impl Provider {
    /// A provider at `url` that signs with `signer` and whose policies are the defaults.
    ///
    /// `certificate` is the provider's own certificate for the key, DER.
    ///
    /// # Errors
    /// [`ProviderError::Issuer`] if the URL cannot be an issuer.
    pub fn with_default_policies(
        url: &str,
        signer: Arc<dyn Signer>,
        certificate: &[u8],
        settings: AppraisalSettings,
    ) -> Result<Self, ProviderError> {
        let key = PublishedKey::new(signer.as_ref(), &[certificate]);
        let algorithms: [Algorithm; 1] = [signer.algorithm()];
        let policies = EvidenceKind::ALL
            .into_iter()
            .filter_map(|kind| PolicyInForce::default_for(kind).map(|p| (kind, Arc::new(p))))
            .collect();
        Ok(Self {
            issuer: TokenIssuer::new(signer, url)?,
            policies,
            settings,
            signing_certificates: jwks_document([&key]),
            openid_configuration: openid_metadata(url, &algorithms),
        })
    }

    /// What issues its tokens.
    #[must_use]
    pub const fn issuer(&self) -> &TokenIssuer {
        &self.issuer
    }

    /// The policy in force for a kind of evidence.
    #[must_use]
    pub fn policy(&self, kind: EvidenceKind) -> Option<&Arc<PolicyInForce>> {
        self.policies.get(&kind)
    }

    /// What it accepts of verified evidence.
    #[must_use]
    pub const fn settings(&self) -> &AppraisalSettings {
        &self.settings
    }

    /// The body of `GET /certs`.
    #[must_use]
    pub fn signing_certificates(&self) -> &str {
        &self.signing_certificates
    }

    /// The body of `GET /.well-known/openid-configuration`.
    #[must_use]
    pub fn openid_configuration(&self) -> &str {
        &self.openid_configuration
    }
}

/// All providers, found by name.
pub struct Providers {
    default: Arc<Provider>,
    by_name: HashMap<String, Arc<Provider>>,
}

impl Providers {
    /// Only the default provider.
    #[must_use]
    pub fn only(default: Provider) -> Self {
        Self { default: Arc::new(default), by_name: HashMap::new() }
    }

    /// The provider of this lower-case name, or the default one for none.
    #[must_use]
    pub fn find(&self, name: Option<&str>) -> Option<&Arc<Provider>> {
        name.map_or(Some(&self.default), |name| self.by_name.get(name))
    }
}
