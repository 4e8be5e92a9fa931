//! MAA's api-versions. Every one is accepted on every route (`docs/maa/service.md#versions`).

mod key_vault;
mod resource_manager;

use avouch_wire::excerpt;

pub use key_vault::KeyVaultVersion;
pub use resource_manager::{ResourceVersion, check_some_version};

use crate::{ApiError, query};

/// A version that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// `2018-09-01-preview`
    V2018_09_01Preview,
    /// `2020-10-01`
    V2020_10_01,
    /// `2022-08-01`
    V2022_08_01,
    /// `2022-09-01-preview`
    V2022_09_01Preview,
    /// `2023-04-01-preview`
    V2023_04_01Preview,
    /// `2025-06-01`
    V2025_06_01,
    /// `2026-03-11-preview`
    V2026_03_11Preview,
}

const NAMES: [(&str, ApiVersion); 7] = [
    ("2018-09-01-preview", ApiVersion::V2018_09_01Preview),
    ("2020-10-01", ApiVersion::V2020_10_01),
    ("2022-08-01", ApiVersion::V2022_08_01),
    ("2022-09-01-preview", ApiVersion::V2022_09_01Preview),
    ("2023-04-01-preview", ApiVersion::V2023_04_01Preview),
    ("2025-06-01", ApiVersion::V2025_06_01),
    ("2026-03-11-preview", ApiVersion::V2026_03_11Preview),
];

impl ApiVersion {
    /// The one that came last.
    pub const LATEST: Self = Self::V2026_03_11Preview;

    /// The version of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, version)| version)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.into_iter().find(|(_, version)| *version == self).map_or("", |(name, _)| name)
    }

    /// The names of all versions.
    #[must_use]
    pub fn names() -> String {
        NAMES.map(|(name, _)| name).join(", ")
    }

    /// The version named by the `api-version` parameter of a query string.
    ///
    /// # Errors
    /// 400 if it is missing, given twice or unknown; the message lists the known ones.
    pub fn from_query(query: Option<&str>) -> Result<Self, ApiError> {
        let mut found = values(query);
        let Some(value) = found.next() else {
            return Err(ApiError::unsupported_api_version(format!(
                "The api-version query parameter is required. Supported versions are: {}.",
                Self::names()
            )));
        };
        if found.next().is_some() {
            return Err(ApiError::unsupported_api_version(
                "The api-version query parameter was given more than once.".to_owned(),
            ));
        }
        Self::named(value).ok_or_else(|| {
            let value = excerpt(value);
            ApiError::unsupported_api_version(format!(
                "The api-version {value} is not supported. Supported versions are: {}.",
                Self::names()
            ))
        })
    }
}

/// The values of `api-version` in a query string.
fn values(query: Option<&str>) -> impl Iterator<Item = &str> {
    query::values(query, "api-version")
}
