//! Release policies as the database has them: the envelope as it was given, and which providers of this
//! service it was given for.
//!
//! A policy names providers by their URLs, and the name of a provider that is deleted is free for somebody
//! else. So what is kept says which provider had each name when the policy was set; of another one that
//! has the name later nobody has said that he is trusted. What is kept is what the key is wrapped for, so
//! whoever can write the database alone cannot change it.

use std::collections::BTreeMap;

use avouch_release::{AuthorityRule, EnvelopeError, Operators, PolicyEnvelope};
use avouch_store::{ProviderId, VaultKeyPolicy};
use serde_json::{Value, json};
use thiserror::Error;

use crate::Providers;

/// The member beside those of the envelope, which clients never see.
const PROVIDERS: &str = "providers";

/// A release policy with the providers that it was given for.
#[derive(Debug)]
pub(crate) struct KeptPolicy {
    envelope: PolicyEnvelope,
    /// By name, in lower case; none where a program kept the policy that did not write them down.
    providers: Option<BTreeMap<String, u64>>,
}

/// Why the database's text is no policy of ours.
#[derive(Debug, Error)]
pub(crate) enum KeptPolicyError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

impl KeptPolicy {
    /// A policy that is set now: its providers are those that have their names now.
    pub(crate) fn of(envelope: &PolicyEnvelope, providers: &Providers) -> Self {
        let named = |rule: &AuthorityRule| {
            let name = providers.urls().provider_of_issuer(rule.authority())?;
            let tenant = providers.of_name(&name)?;
            Some((tenant.provider.name.key().to_owned(), tenant.provider.id.get()))
        };
        let providers = envelope.policy().rules().iter().filter_map(named).collect();
        Self { envelope: envelope.clone(), providers: Some(providers) }
    }

    /// What the store keeps.
    pub(crate) fn to_store(&self) -> VaultKeyPolicy {
        let mut kept = self.envelope.to_json();
        if let (Some(members), Some(providers)) = (kept.as_object_mut(), &self.providers) {
            members.insert(PROVIDERS.to_owned(), json!(providers));
        }
        let is_immutable = self.envelope.is_immutable();
        VaultKeyPolicy { envelope: kept.to_string(), is_immutable }
    }

    /// What the store has kept. The policy was judged by the operators that were enabled when it came.
    pub(crate) fn read(kept: &VaultKeyPolicy) -> Result<Self, KeptPolicyError> {
        let (envelope, providers) = split(&kept.envelope)?;
        let envelope = PolicyEnvelope::parse(&envelope, Operators::All)?;
        let providers = providers.map(serde_json::from_value).transpose()?;
        Ok(Self { envelope, providers })
    }

    /// The envelope.
    pub(crate) const fn envelope(&self) -> &PolicyEnvelope {
        &self.envelope
    }

    /// Whether that provider had this name when the policy was set; `made` is when the key was made, which
    /// decides where it was not written down.
    pub(crate) fn was_given_for(&self, name: &str, id: ProviderId, made: u64) -> bool {
        match &self.providers {
            Some(providers) => providers.get(name) == Some(&id.get()),
            None => id.get() <= made,
        }
    }
}

/// The envelope in a kept policy, as clients see it.
pub(crate) fn shown_envelope(kept: &VaultKeyPolicy) -> Value {
    split(&kept.envelope).map_or(Value::Null, |(envelope, _)| envelope)
}

/// What stands after a policy is set again: an immutable one stays as it is, with its providers.
pub(crate) fn set_again(
    before: Option<&VaultKeyPolicy>,
    envelope: &PolicyEnvelope,
    providers: &Providers,
) -> VaultKeyPolicy {
    let same = before.filter(|before| {
        before.is_immutable && KeptPolicy::read(before).is_ok_and(|kept| kept.envelope == *envelope)
    });
    same.cloned().unwrap_or_else(|| KeptPolicy::of(envelope, providers).to_store())
}

fn split(kept: &str) -> Result<(Value, Option<Value>), serde_json::Error> {
    let mut envelope: Value = serde_json::from_str(kept)?;
    let providers = envelope.as_object_mut().and_then(|members| members.remove(PROVIDERS));
    Ok((envelope, providers))
}
