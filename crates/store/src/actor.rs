//! Who acts.

use crate::error::StoreError;
use crate::names::checked_text;

/// What kind of identity acts; the words of Azure Resource Manager's `createdByType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person.
    User,
    /// A program with its own identity.
    Application,
    /// An identity that the platform gives to a machine.
    ManagedIdentity,
    /// A key, such as an entry of the static token file or a client certificate.
    Key,
}

impl ActorKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::User, Self::Application, Self::ManagedIdentity, Self::Key];

    /// The word in Azure Resource Manager's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Application => "Application",
            Self::ManagedIdentity => "ManagedIdentity",
            Self::Key => "Key",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An identity as authentication named it: 1 to 512 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    kind: ActorKind,
    id: String,
}

impl Actor {
    /// An actor named `id`, such as `issuer#subject`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] and [`StoreError::Limit`].
    pub fn new(kind: ActorKind, id: impl Into<String>) -> Result<Self, StoreError> {
        let id = id.into();
        if id.is_empty() {
            return Err(StoreError::Invalid { field: "actor", reason: "empty" });
        }
        checked_text("actor", &id)?;
        Ok(Self { kind, id })
    }

    pub(crate) fn stored(kind: ActorKind, id: String) -> Self {
        Self { kind, id }
    }

    /// What kind of identity.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
