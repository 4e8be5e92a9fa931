//! Bodies that make or change a provider: read, bounded, not yet judged against what exists.

use std::collections::BTreeMap;

use avouch_pki::Certificate;
use avouch_store::Toggle;
use avouch_store::limits::POLICY_CERTIFICATES_MAX;
use avouch_token::policy_jws::check_policy_certificate;
use avouch_wire::{base64url, excerpt};
use serde_json::Value;

use crate::ResourceError;
use crate::body::JsonBody;

/// The body of `PUT`. Members that this service does not know are ignored, as Azure does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) location: String,
    pub(super) tags: BTreeMap<String, String>,
    /// DER of each policy certificate, in order. Any makes the provider Isolated.
    pub(super) policy_certificates: Vec<Vec<u8>>,
    pub(super) switches: Switches,
}

/// The body of `PATCH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) switches: Switches,
}

/// The two switches of a provider; none where it is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Switches {
    pub(super) public_network_access: Option<Toggle>,
    pub(super) tpm_attestation_authentication: Option<Toggle>,
}

impl Creation {
    /// Reads the body: `location` and `properties` are required, `properties` may be empty.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ResourceError> {
        let body = JsonBody::parse(body)?;
        let location = location(&body)?;
        let properties = body.object("properties")?.ok_or_else(|| {
            ResourceError::invalid_request_content(
                "properties: an object is missing; it may be empty",
            )
        })?;
        if properties.get("attestationPolicy").is_some() {
            // Of 2018-09-01-preview. To ignore it would leave a provider without its policy.
            return Err(ResourceError::invalid_request_content(
                "properties.attestationPolicy: a policy is set by PUT of /policies/{type} at the \
                 provider's attestUri",
            ));
        }
        Ok(Self {
            location,
            tags: tags(&body)?.unwrap_or_default(),
            policy_certificates: policy_certificates(&properties)?,
            switches: switches(&properties)?,
        })
    }
}

impl Patch {
    /// Reads the body: tags and switches, both optional.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ResourceError> {
        let body = JsonBody::parse(body)?;
        let properties = body.object("properties")?;
        let switches = properties.as_ref().map(switches).transpose()?.unwrap_or_default();
        if properties.is_some_and(|it| it.get("policySigningCertificates").is_some()) {
            return Err(ResourceError::invalid_request_content(
                "properties.policySigningCertificates: fixed at creation; use /certificates:add \
                 and /certificates:remove at the provider's attestUri",
            ));
        }
        Ok(Self { tags: tags(&body)?, switches })
    }
}

/// The body of `PUT` of a resource group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) location: String,
    pub(super) tags: Option<BTreeMap<String, String>>,
}

impl Group {
    /// Reads the body: `location` is required.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ResourceError> {
        let body = JsonBody::parse(body)?;
        Ok(Self { location: location(&body)?, tags: tags(&body)? })
    }
}

fn location(body: &JsonBody<'_>) -> Result<String, ResourceError> {
    let location = body.string("location")?;
    let location = location.filter(|location| !location.trim().is_empty());
    let missing = || ResourceError::invalid_request_content("location: the location is missing");
    location.map(str::to_owned).ok_or_else(missing)
}

/// Names of tags are compared without case, as Azure does.
fn tags(body: &JsonBody<'_>) -> Result<Option<BTreeMap<String, String>>, ResourceError> {
    let Some(object) = body.object("tags")? else { return Ok(None) };
    let tags = object.members().map(|(name, value)| match value {
        Value::String(text) => Ok((name.to_owned(), text.clone())),
        _ => {
            let message = format!("tags: the value of {} is not a string", excerpt(name));
            Err(ResourceError::invalid_request_content(message))
        }
    });
    tags.collect::<Result<_, _>>().map(Some)
}

fn switches(properties: &JsonBody<'_>) -> Result<Switches, ResourceError> {
    Ok(Switches {
        public_network_access: switch(properties, "publicNetworkAccess")?,
        tpm_attestation_authentication: switch(properties, "tpmAttestationAuthentication")?,
    })
}

fn switch(properties: &JsonBody<'_>, name: &str) -> Result<Option<Toggle>, ResourceError> {
    let Some(word) = properties.string(name)? else { return Ok(None) };
    let found = [Toggle::Enabled, Toggle::Disabled]
        .into_iter()
        .find(|toggle| toggle.as_str().eq_ignore_ascii_case(word));
    found.map(Some).ok_or_else(|| {
        let word = excerpt(word);
        let message = format!("properties.{name}: {word} is not \"Enabled\" or \"Disabled\"");
        ResourceError::invalid_request_content(message)
    })
}

/// `{"keys": [JWK…]}`: the first certificate of each key's `x5c`. No set and no keys in it are the
/// same; a set without the member is not: whoever sends one wants an Isolated provider.
fn policy_certificates(properties: &JsonBody<'_>) -> Result<Vec<Vec<u8>>, ResourceError> {
    let set = properties.object("policySigningCertificates")?;
    let Some(set) = set else { return Ok(Vec::new()) };
    let keys = set.list("keys")?.ok_or_else(|| {
        ResourceError::invalid_request_content(
            "properties.policySigningCertificates.keys: a list is missing",
        )
    })?;
    let allowed = usize::try_from(POLICY_CERTIFICATES_MAX).unwrap_or(usize::MAX);
    if keys.len() > allowed {
        let message = format!(
            "properties.policySigningCertificates: {} keys are over the limit of {allowed}",
            keys.len()
        );
        return Err(ResourceError::invalid_request_content(message));
    }
    let mut certificates: Vec<Vec<u8>> = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let der = certificate(key).map_err(|reason| {
            ResourceError::invalid_request_content(format!(
                "properties.policySigningCertificates.keys[{index}]: {reason}"
            ))
        })?;
        if !certificates.contains(&der) {
            certificates.push(der);
        }
    }
    Ok(certificates)
}

/// The first certificate of a JWK, as DER; or what is wrong with it.
fn certificate(key: &Value) -> Result<Vec<u8>, String> {
    let key = JsonBody::of("key", key).map_err(|error| error.to_string())?;
    let chain = key.list("x5c").map_err(|error| error.to_string())?;
    let first = chain.unwrap_or_default().first().ok_or("x5c: no certificate")?;
    let text = first.as_str().ok_or("x5c[0]: a string is expected")?;
    let der =
        base64url::decode_standard(text).map_err(|error| format!("x5c[0]: not base64: {error}"))?;
    let certificate = Certificate::parse(&der).map_err(|error| format!("x5c[0]: {error}"))?;
    // The provider could never be administered with it.
    check_policy_certificate(&certificate).map_err(|error| format!("x5c[0]: {error}"))?;
    Ok(der)
}
