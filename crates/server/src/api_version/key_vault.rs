//! Key Vault's api-versions. What this vault answers is the same in each.

use avouch_wire::excerpt;

use super::values;
use crate::error::KeyVaultError;

/// All that SDKs name, the oldest first.
const NAMES: [&str; 17] = [
    "2016-10-01",
    "7.0-preview",
    "7.0",
    "7.1-preview",
    "7.1",
    "7.2-preview",
    "7.2",
    "7.3-preview",
    "7.3",
    "7.4-preview.1",
    "7.4",
    "7.5-preview.1",
    "7.5",
    "7.6-preview.1",
    "7.6-preview.2",
    "7.6",
    "2025-07-01",
];
/// The first in whose form keys are released here; in older ones the answer was another.
const RELEASES_FROM: &str = "7.3-preview";

/// A version that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVaultVersion(&'static str);

impl KeyVaultVersion {
    /// The one that came last.
    pub const LATEST: Self = Self("2025-07-01");

    /// The version named by the `api-version` parameter of a query string.
    ///
    /// # Errors
    /// 400 if it is missing, given twice or unknown; the message lists the known ones.
    pub fn from_query(query: Option<&str>) -> Result<Self, KeyVaultError> {
        let mut found = values(query);
        let refused = |what: String| {
            let known = NAMES.join(", ");
            KeyVaultError::bad_parameter(format!(
                "api-version: {what}. Supported versions are: {known}."
            ))
        };
        let value = found.next().ok_or_else(|| refused("it is required".to_owned()))?;
        if found.next().is_some() {
            return Err(refused("it was given more than once".to_owned()));
        }
        let known = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(value));
        known.map(Self).ok_or_else(|| refused(format!("{} is not supported", excerpt(value))))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// Whether keys are released in its form.
    #[must_use]
    pub fn releases(self) -> bool {
        let place = |name: &str| NAMES.iter().position(|known| *known == name);
        place(self.0) >= place(RELEASES_FROM)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyVaultVersion, NAMES};

    #[test]
    fn every_version_is_taken_once_and_no_other() {
        for name in NAMES {
            let query = format!("a=b&Api-Version={name}");
            assert_eq!(KeyVaultVersion::from_query(Some(&query)).map(|one| one.name()), Ok(name));
        }
        for query in ["", "api-version=", "api-version=7.7", "api-version=7.3&api-version=7.3"] {
            assert!(KeyVaultVersion::from_query(Some(query)).is_err(), "{query}");
        }
        assert_eq!(NAMES.last(), Some(&KeyVaultVersion::LATEST.name()));
    }

    #[test]
    fn keys_are_released_from_the_version_on_that_has_this_answer() {
        let releases = NAMES.into_iter().filter(|name| KeyVaultVersion(name).releases());
        let expected = NAMES.into_iter().skip_while(|name| *name != "7.3-preview");
        assert_eq!(Vec::from_iter(releases), Vec::from_iter(expected));
    }
}
