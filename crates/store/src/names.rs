//! Names as types: what has passed the rules, compared as the rules say.

use crate::error::StoreError;
use crate::limits::TEXT_CHARS_MAX;

/// Names that are, or could become, hosts and paths of the service itself.
///
/// A provider may answer under `{name}.{base_domain}`; none may stand where users expect the
/// operator.
pub const RESERVED_PROVIDER_NAMES: [&str; 24] = [
    "admin",
    "api",
    "attest",
    "auth",
    "certificates",
    "certs",
    "console",
    "default",
    "healthz",
    "localhost",
    "login",
    "mail",
    "management",
    "metrics",
    "openapi",
    "operations",
    "policies",
    "providers",
    "readyz",
    "shared",
    "status",
    "subscriptions",
    "tcbbaselines",
    "www",
];

/// Number of a provider: the [`crate::Sequence`] of its creation, never used again.
///
/// Writes are addressed by it and not by name, so what was decided for a provider cannot hit
/// another that took its name meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub(crate) u64);

impl ProviderId {
    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for ProviderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a provider: `^[a-zA-Z0-9-]{3,24}$` and a host name label, shown as it was given and
/// compared without case.
///
/// Only ASCII passes, so no two names can differ in Unicode form alone, and nothing that passes
/// has a meaning in a path or URL.
///
/// # Source
/// MAA resource manager description 2021-06-01, private endpoint routes (pattern); RFC 5890
/// section 2.3.1 (labels with `--` in third and fourth place).
#[derive(Debug, Clone)]
pub struct ProviderName {
    shown: String,
    key: String,
}

impl ProviderName {
    /// Name of the provider at the root of the service, which only the operator makes.
    pub const DEFAULT: &'static str = "default";

    /// Reads a name that a tenant chose.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`] with the rule.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let key = Self::key_of(text)?;
        if RESERVED_PROVIDER_NAMES.contains(&key.as_str()) {
            return Err(invalid_name("provider", text, "reserved for the service"));
        }
        Ok(Self { shown: text.to_owned(), key })
    }

    /// The name [`ProviderName::DEFAULT`].
    #[must_use]
    pub fn default_provider() -> Self {
        Self::stored(Self::DEFAULT.to_owned())
    }

    /// The form of `text` under which a name is unique: lower case. Rules are checked, reserved
    /// names are not refused: this is for looking up, from a path or a host name.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`]: no provider can have this name.
    pub fn key_of(text: &str) -> Result<String, StoreError> {
        let invalid = |reason| Err(invalid_name("provider", text, reason));
        if !(3..=24).contains(&text.len()) {
            return invalid("must have 3 to 24 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return invalid("only letters a to z, digits and hyphens are allowed");
        }
        if text.starts_with('-') || text.ends_with('-') {
            return invalid("must not begin or end with a hyphen");
        }
        if text.get(2..4) == Some("--") {
            return invalid("must not have hyphens in third and fourth place");
        }
        Ok(text.to_ascii_lowercase())
    }

    pub(crate) fn stored(shown: String) -> Self {
        let key = shown.to_ascii_lowercase();
        Self { shown, key }
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for ProviderName {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ProviderName {}

impl std::hash::Hash for ProviderName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl std::fmt::Display for ProviderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Subscription and resource group: where Azure Resource Manager paths find a provider.
/// Compared without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceScope {
    subscription: String,
    resource_group: String,
}

impl ResourceScope {
    /// Reads the two path segments: a subscription of 1 to 64 letters, digits and hyphens (Azure
    /// uses a GUID) and a resource group of 1 to 90 letters and digits of any script, `-`, `_`,
    /// `.`, `(` and `)`, not ending in a dot.
    ///
    /// # Errors
    /// [`StoreError::InvalidName`] with the rule.
    pub fn parse(subscription: &str, resource_group: &str) -> Result<Self, StoreError> {
        let subscription = parse_subscription(subscription)?.to_owned();
        let resource_group = parse_resource_group(resource_group)?.to_owned();
        Ok(Self { subscription, resource_group })
    }

    pub(crate) fn stored(subscription: String, resource_group: String) -> Self {
        Self { subscription, resource_group }
    }

    /// The subscription as given.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The resource group as given.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        &self.resource_group
    }

    /// True when both name the same place.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.subscription_key() == other.subscription_key()
            && self.resource_group_key() == other.resource_group_key()
    }

    pub(crate) fn subscription_key(&self) -> String {
        self.subscription.to_ascii_lowercase()
    }

    pub(crate) fn resource_group_key(&self) -> String {
        self.resource_group.to_lowercase()
    }
}

pub(crate) fn parse_subscription(text: &str) -> Result<&str, StoreError> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        return Ok(text);
    }
    Err(invalid_name("subscription", text, "must be 1 to 64 letters, digits and hyphens"))
}

pub(crate) fn parse_resource_group(text: &str) -> Result<&str, StoreError> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    if !(1..=90).contains(&text.chars().take(91).count()) {
        return Err(invalid_name("resource group", text, "must have 1 to 90 characters"));
    }
    if !text.chars().all(allowed) {
        let reason = "only letters, digits and the signs - _ . ( ) are allowed";
        return Err(invalid_name("resource group", text, reason));
    }
    if text.ends_with('.') {
        return Err(invalid_name("resource group", text, "must not end with a dot"));
    }
    Ok(text)
}

/// A free text: at most [`TEXT_CHARS_MAX`] characters, none of them a control character.
pub(crate) fn checked_text(field: &'static str, text: &str) -> Result<(), StoreError> {
    check_chars(field, text, TEXT_CHARS_MAX)?;
    if text.chars().any(char::is_control) {
        return Err(StoreError::Invalid { field, reason: "holds a control character" });
    }
    Ok(())
}

/// Counts characters without walking through more than the limit allows.
pub(crate) fn check_chars(
    what: &'static str,
    text: &str,
    allowed: usize,
) -> Result<(), StoreError> {
    check_size(what, text.chars().take(allowed.saturating_add(1)).count(), allowed)
}

pub(crate) fn check_size(
    what: &'static str,
    found: usize,
    allowed: usize,
) -> Result<(), StoreError> {
    if found > allowed {
        return Err(StoreError::Limit { what, found: found as u64, allowed: allowed as u64 });
    }
    Ok(())
}

pub(crate) fn invalid_name(what: &'static str, name: &str, reason: &'static str) -> StoreError {
    // The name comes from outside: enough of it to recognise, no more.
    StoreError::InvalidName { what, name: name.chars().take(100).collect(), reason }
}

#[cfg(test)]
mod tests;
