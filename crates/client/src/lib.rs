//! What a relying party checks before it believes an attestation service.
//!
//! A token says what a service found. Whoever relies on it asks five questions, in this order
//! ([`TrustStep`]):
//!
//! 1. Did the service that I chose sign this, for me, and is it in force? ([`avouch_token::verify_token`])
//! 2. Does that service run in a TEE whose vendor vouches for it? ([`ServiceVerifier`])
//! 3. Was the key that signed made by what runs there? ([`avouch_token::check_key_binding`])
//! 4. Is what runs there code that was published? ([`Measurements`], as signed by its publisher a
//!    [`VerifiedPublication`])
//! 5. Does what was published stand in a public ledger? ([`TransparentPublication`]; of a service that publishes no list,
//!    [`TransparentCode`])
//!
//! [`RelyingParty::verify`] asks them all and says of each how it went and why. The keys come from the
//! caller: a file, or a service under the name that the caller chose ([`KeyCache`], which fetches through a
//! [`Fetch`] of the caller's). Nothing here follows an address in a token, reads a clock or does I/O.
//!
//! Not proven by any of it: that the claims please you. That is the relying party's own decision.

mod checks;
mod discovery;
mod fetch;
mod key_cache;
mod measurements;
mod party;
mod publication;
mod published;
mod service;
mod transparency;
mod trust;

pub use discovery::{Discovered, METADATA_PATH};
pub use fetch::{Fetch, FetchError};
pub use key_cache::{KeyCache, KeyCacheBounds, KeyCacheError};
pub use measurements::{
    EnclaveMeasurement, GuestMeasurement, MEASUREMENTS_BYTES_MAX, Measurement, MeasurementState,
    Measurements, MeasurementsError, TrustDomainMeasurement, UnpublishedMeasurement,
    UvmMeasurement, WorkloadMeasurement,
};
pub use party::RelyingParty;
pub use publication::{
    HANDED_OUT_DAYS_MAX, Issue, IssueError, KNOWN_BYTES_MAX, KnownPublication, PUBLICATION_TYPE,
    Publication, PublicationError, SIGNED_PUBLICATION_BYTES_MAX, VALID_DAYS_MAX,
    VerifiedPublication,
};
pub use published::PublishedCode;
pub use service::{CodeNotMeasured, ServiceError, ServiceVerifier, VerifiedService};
pub use transparency::{
    CodePublisher, LedgerKey, LedgerKeyError, LedgerTree, RECEIPT_BYTES_MAX, ReceiptError,
    STATEMENT_BYTES_MAX, STATEMENT_CONTENT_TYPE, StatementError, StatementHead, TransparencyError,
    TransparentCode, TransparentCodeStatement, TransparentPublication, TransparentStatement,
    VerifiedCodeStatement, VerifiedReceipt, VerifiedStatement, with_receipts, write_statement,
};
pub use trust::{StepReport, TrustStep, TrustVerdict};
