//! Where a service answers.

use std::fmt;

use reqwest::Url;

use crate::failure::Failure;

/// An https URL without user, query, fragment and slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceUrl(String);

impl ServiceUrl {
    /// Reads what was given for `option`; nothing but HTTPS says who answers.
    pub(crate) fn parse(option: &str, text: &str) -> Result<Self, Failure> {
        let refused = |reason: &str| Failure::Other(format!("{option} {text:?}: {reason}"));
        let url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
        if url.scheme() != "https" {
            return Err(refused("only https says who answers"));
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("a URL without user, query and fragment is expected"));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of `path`, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The URL below which everything of a provider of this service is.
    pub(crate) fn provider(&self, name: &str) -> Self {
        Self(format!("{}/providers/{}", self.0, name.to_ascii_lowercase()))
    }

    /// The path and query of a link below this URL; none if it leads elsewhere.
    pub(crate) fn path_of<'a>(&self, link: &'a str) -> Option<&'a str> {
        let rest = link.strip_prefix(self.0.as_str())?;
        let stays = Url::parse(link).is_ok_and(|link| {
            let own = Url::parse(&self.0);
            own.is_ok_and(|own| own.origin() == link.origin())
        });
        (stays && rest.starts_with('/')).then_some(rest)
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
