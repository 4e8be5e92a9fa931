//! Where in a token a claim stands.

use std::fmt;

use serde_json::{Map, Value};

/// The path to a claim: names of members, each of the object before, written with dots between.
///
/// A dot never belongs to a name. An attestation policy may issue a claim whose name has dots; looked up
/// as a whole, it could stand in for the claim that the service itself has put into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(String);

/// What a walk along a path came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Walked<'a> {
    Value(&'a Value),
    /// There is no such member; the part of the path up to its name.
    Missing(&'a str),
}

impl ClaimPath {
    /// Reads a path; none if a name in it is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.split('.').all(|name| !name.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The path as policies write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path is this one, or leads below it.
    pub(super) fn is_within(&self, path: &str) -> bool {
        self.0.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Walks from the claims of a token along the path.
    pub(super) fn walk<'a>(&'a self, claims: &'a Map<String, Value>) -> Walked<'a> {
        let mut members = Some(claims);
        let mut found = None;
        let mut length = 0_usize;
        for name in self.0.split('.') {
            length = length.saturating_add(name.len());
            let member = members.and_then(|members| members.get(name));
            let Some(member) = member else {
                return Walked::Missing(self.0.get(..length).unwrap_or(&self.0));
            };
            length = length.saturating_add(1);
            members = member.as_object();
            found = Some(member);
        }
        found.map_or(Walked::Missing(&self.0), Walked::Value)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
