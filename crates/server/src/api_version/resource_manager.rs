//! The control plane's api-versions (`maa-rest-api.md` section 11).

use avouch_wire::excerpt;

use super::values;
use crate::ApiError;

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

impl ResourceVersion {
    /// The version named by the `api-version` parameter of a query string.
    ///
    /// # Errors
    /// 400 `MissingApiVersionParameter` or `InvalidApiVersionParameter`; the message lists the
    /// known ones.
    pub fn from_query(query: Option<&str>) -> Result<Self, ApiError> {
        let mut found = values(query);
        let known = NAMES.map(|(name, _)| name).join(", ");
        let Some(value) = found.next() else {
            return Err(ApiError::missing_api_version(format!(
                "The api-version query parameter (?api-version=) is required for all requests. \
                 The supported versions are: {known}."
            )));
        };
        if found.next().is_some() {
            return Err(ApiError::invalid_api_version(
                "The api-version query parameter was given more than once.".to_owned(),
            ));
        }
        let version = NAMES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        version.map(|(_, version)| version).ok_or_else(|| {
            let value = excerpt(value);
            ApiError::invalid_api_version(format!(
                "The api-version {value} is invalid. The supported versions are: {known}."
            ))
        })
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
