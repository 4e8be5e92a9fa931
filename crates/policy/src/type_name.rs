//! The names of claims.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// The type of a claim, which is its name. Cloning copies no text.
#[derive(Clone)]
pub struct TypeName(Name);

#[derive(Clone)]
enum Name {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl TypeName {
    /// A name that is a part of the program: nothing is allocated for it.
    #[must_use]
    pub const fn fixed(name: &'static str) -> Self {
        Self(Name::Fixed(name))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Fixed(name) => name,
            Name::Shared(name) => name,
        }
    }
}

impl Deref for TypeName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for TypeName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for TypeName {
    fn from(name: &str) -> Self {
        Self(Name::Shared(name.into()))
    }
}

impl From<String> for TypeName {
    fn from(name: String) -> Self {
        Self(Name::Shared(name.into()))
    }
}

impl From<Arc<str>> for TypeName {
    fn from(name: Arc<str>) -> Self {
        Self(Name::Shared(name))
    }
}

impl PartialEq for TypeName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TypeName {}

impl Hash for TypeName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::TypeName;

    #[test]
    fn names_are_equal_by_their_characters_wherever_these_are() {
        let (fixed, shared) = (TypeName::fixed("svn"), TypeName::from("svn"));
        assert_eq!(fixed, shared);
        assert_ne!(fixed, TypeName::from("svm"));
        let names = HashSet::from([shared]);
        assert!(names.contains(&fixed) && names.contains("svn") && !names.contains("svm"));
        assert_eq!(format!("{fixed} {fixed:?}"), "svn \"svn\"");
    }
}
