//! Providers, policies, signers, keys, audit trail and change feed, on SQLite or PostgreSQL.
//!
//! See `docs/storage.md` for operation. One contract, one set of statements, two thin drivers:
//!
//! * [`Store`] is the handle; [`Store::open`] takes a path or a PostgreSQL URL;
//! * an [`Edit`] says who writes, when, and which revisions the decision rests on;
//! * [`Store::subscribe`] tells caches what to read again; [`Directory`] is such a cache.
//!
//! What was answered with `Ok` survives a crash of the process and, when the disk keeps its
//! promises, of the machine. The store verifies no signature and parses no policy; it keeps what
//! callers have verified, byte for byte, and the rules over several rows.
//!
//! ```
//! use avouch_store::{
//!     Actor, ActorKind,  Edit, Expected, NewPolicy, NewProvider, ProviderName,
//!     ResourceScope, Store, StoreError,
//! };
//! use avouch_wire::{EvidenceKind, UnixTime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::memory().await?;
//! let now = UnixTime::from_rfc3339("2026-01-31T12:00:00Z")?;
//! let actor = Actor::new(ActorKind::User, "https://issuer.example.org#alice")?;
//! let edit = Edit::new(&actor, now);
//!
//! let scope = ResourceScope::parse("00000000-0000-0000-0000-000000000001", "group")?;
//! let new = NewProvider::new(ProviderName::parse("contoso")?, scope, "westus");
//! let provider = store.create_provider(&new, &edit).await?;
//!
//! let new = NewPolicy { jws: b"eyJhbGciOiJub25lIn0..", text_hash: [0; 32], signer: None };
//! let policy =
//!     store.set_policy(provider.id, EvidenceKind::Sgx, &new, &edit).await?;
//! assert_eq!(policy.revision, 1);
//!
//! // A second writer that still believes in the default policy is told.
//! let late = edit.expecting(Expected { policy: Some(0), ..Expected::default() });
//! let refused = store.set_policy(provider.id, EvidenceKind::Sgx, &new, &late).await;
//! assert!(matches!(refused, Err(StoreError::Conflict { expected: 0, found: 1, .. })));
//! # Ok(())
//! # }
//! ```

mod accepted;
mod actor;
mod alert;
mod audit;
mod capsule;
mod certificate;
mod columns;
mod digest;
mod directory;
mod driver;
mod endorsement;
mod error;
mod feed;
mod health;
mod history;
mod imported;
mod key;
pub mod limits;
mod location;
mod machine;
mod migrate;
mod names;
mod options;
mod page;
mod policy;
mod private_endpoint;
mod probe;
mod provider;
mod store;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod vault_key;

pub use actor::{Actor, ActorKind};
pub use alert::{Alert, AlertKind};
pub use audit::{AuditEntry, AuditOutcome, NewAuditEntry};
pub use capsule::{CapsuleBounds, CapsuleVerdict, KeptCapsule, NewCapsule};
pub use certificate::{CertificateChange, PolicyCertificate, PolicyCertificates};
pub use directory::{Directory, Tenant, TenantPolicy};
pub use endorsement::KeptEndorsement;
pub use error::{Cause, StoreError};
pub use feed::{Change, ChangeKind, Subscription};
pub use health::{Condition, Health};
pub use imported::ImportedEndorsements;
pub use key::{KeyPurpose, KeyRecord, KeyScope, KeyState, KeysVersion, NewKey};
pub use machine::{
    BaselineChange, FactChange, Machine, MachineFacts, MachineVerdict, Noted, Sighting, Unproven,
};
pub use names::{ProviderId, ProviderName, RESERVED_PROVIDER_NAMES, ResourceScope};
pub use options::StoreOptions;
pub use page::{Page, PageRequest};
pub use policy::{NewPolicy, Policy, PolicyAction, PolicyReset, PolicyRevision, Signer};
pub use private_endpoint::{ConnectionStatus, PrivateEndpointConnection};
pub use provider::{NewProvider, Provider, ProviderFilter, ProviderPatch, Toggle, TrustModel};
pub use store::{Edit, Expected, Sequence, SignedRequest, Store};
pub use vault_key::{
    DeletedVaultKey, NewVaultKey, VaultKey, VaultKeyPolicy, VaultKeySettings, VaultKeyType,
    VaultRelease, VaultReleaseOutcome, VaultTokenUse,
};

/// Compiles the examples of `docs/storage.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/storage.md")]
struct StorageHandbook;
