//! The control plane's api-versions (`docs/maa/control-plane.md`).

use avouch_wire::excerpt;

use super::values;
use crate::ResourceError;

/// A version of the control plane. Every operation is served under each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceVersion {
    /// `2018-09-01-preview`
    V2018_09_01Preview,
    /// `2020-10-01`
    V2020_10_01,
    /// `2021-06-01-preview`
    V2021_06_01Preview,
    /// `2021-06-01`
    V2021_06_01,
}

const NAMES: [(&str, ResourceVersion); 4] = [
    ("2018-09-01-preview", ResourceVersion::V2018_09_01Preview),
    ("2020-10-01", ResourceVersion::V2020_10_01),
    ("2021-06-01-preview", ResourceVersion::V2021_06_01Preview),
    ("2021-06-01", ResourceVersion::V2021_06_01),
];

/// Demands some `api-version`, and one only. What Azure's tools ask of subscriptions, resource groups
/// and namespaces has versions of its own, and what is answered is the same in each.
///
/// # Errors
/// 400 `MissingApiVersionParameter` or `InvalidApiVersionParameter`.
pub fn check_some_version(query: Option<&str>) -> Result<(), ResourceError> {
    let mut found = values(query);
    let Some(value) = found.next() else {
        return Err(ResourceError::missing_api_version(
            "The api-version query parameter (?api-version=) is required for all requests."
                .to_owned(),
        ));
    };
    let is_version = found.next().is_none()
        && value.starts_with(|c: char| c.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_version {
        return Ok(());
    }
    Err(ResourceError::invalid_api_version(
        "The api-version query parameter is no version, or was given more than once.".to_owned(),
    ))
}

impl ResourceVersion {
    /// The one that came last.
    pub const LATEST: Self = Self::V2021_06_01;

    /// The version named by the `api-version` parameter of a query string.
    ///
    /// # Errors
    /// 400 `MissingApiVersionParameter` or `InvalidApiVersionParameter`; the message lists the
    /// known ones.
    pub fn from_query(query: Option<&str>) -> Result<Self, ResourceError> {
        let mut found = values(query);
        let known = NAMES.map(|(name, _)| name).join(", ");
        let Some(value) = found.next() else {
            return Err(ResourceError::missing_api_version(format!(
                "The api-version query parameter (?api-version=) is required for all requests. \
                 The supported versions are: {known}."
            )));
        };
        if found.next().is_some() {
            return Err(ResourceError::invalid_api_version(
                "The api-version query parameter was given more than once.".to_owned(),
            ));
        }
        let version = NAMES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        version.map(|(_, version)| version).ok_or_else(|| {
            let value = excerpt(value);
            ResourceError::invalid_api_version(format!(
                "The api-version {value} is invalid. The supported versions are: {known}."
            ))
        })
    }

    /// All of them, those that are no previews first, each from the newest on.
    #[must_use]
    pub fn newest_first() -> Vec<&'static str> {
        let names = || NAMES.into_iter().rev().map(|(name, _)| name);
        let is_preview = |name: &&str| name.ends_with("-preview");
        names().filter(|name| !is_preview(name)).chain(names().filter(is_preview)).collect()
    }

    /// Whether a provider of this version shows its two switches and who made it.
    #[must_use]
    pub fn shows_switches(self) -> bool {
        self >= Self::V2021_06_01Preview
    }

    /// The version as a client writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.into_iter().find(|(_, version)| *version == self).map_or("", |(name, _)| name)
    }
}
