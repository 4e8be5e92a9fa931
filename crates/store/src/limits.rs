//! How much of everything. MAA publishes no figures, so these are ours.

/// Providers in one database.
pub const PROVIDERS_MAX: u64 = 1_000_000;
/// Bytes of one policy JWS: a policy of 1 MiB, base64url-encoded twice, and a signer's chain.
pub const POLICY_JWS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Revisions kept per provider and attestation type, unless configured otherwise; older ones leave
/// their audit entry.
pub const POLICY_REVISIONS_KEPT: u64 = 1_000;
/// Bytes of revisions kept per provider, unless configured otherwise.
pub const HISTORY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Signed requests remembered per provider as accepted.
pub const ACCEPTED_REQUESTS_MAX: u64 = 100_000;
/// Bytes of a signer's JWK with its chain.
pub const SIGNER_JWK_BYTES_MAX: usize = 128 * 1024;
/// Policy certificates of one provider.
pub const POLICY_CERTIFICATES_MAX: u64 = 64;
/// Bytes of one policy certificate in DER.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Tags of one provider, as Azure Resource Manager.
pub const TAGS_MAX: usize = 50;
/// Characters of a tag's name, as Azure Resource Manager.
pub const TAG_NAME_CHARS_MAX: usize = 512;
/// Characters of a tag's value, as Azure Resource Manager.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Private endpoint connections of one provider.
pub const PRIVATE_ENDPOINT_CONNECTIONS_MAX: u64 = 100;
/// Characters of a free text: location, description, actor, key identifier.
pub const TEXT_CHARS_MAX: usize = 512;
/// Bytes of an audit entry's details as JSON.
pub const AUDIT_DETAILS_BYTES_MAX: usize = 16 * 1024;
/// Audit entries appended in one call.
pub const AUDIT_BATCH_MAX: usize = 1_000;
/// Endorsements that are read at once.
pub const ENDORSEMENTS_MAX: u64 = 50_000;
/// Bytes of the body of an endorsement, and of its issuer chain: Intel's largest CRL has a few KB.
pub const ENDORSEMENT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of its name, its source and its tag.
pub const ENDORSEMENT_TEXT_BYTES_MAX: usize = 1024;
/// Bytes of imported endorsements: those of a bundle.
pub const IMPORTED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Evidence capsules kept in one call.
pub const CAPSULE_BATCH_MAX: usize = 1_000;
/// Machines known of one provider; of more nothing is noted.
pub const MACHINES_MAX: u64 = 100_000;
/// Attestations of machines noted in one call.
pub const SIGHTING_BATCH_MAX: usize = 1_000;
/// Bytes of what a machine showed, as JSON.
pub const MACHINE_FACTS_BYTES_MAX: usize = 16 * 1024;
/// Alerts kept of one provider; of more the oldest go.
pub const ALERTS_KEPT: u64 = 10_000;
/// Signing keys in one database, all states and providers together.
pub const KEYS_MAX: u64 = 100_000;
/// Signing keys that all providers share, in all states; and those that one provider has of its own.
pub const KEYS_SHARED_MAX: u64 = 128;
/// Bytes of a public or wrapped private key.
pub const KEY_BYTES_MAX: usize = 16 * 1024;
/// Versions of keys for release in one database, deleted ones among them.
pub const VAULT_KEY_VERSIONS_MAX: u64 = 100_000;
/// Attestation tokens that are remembered because they have served for a release, where each serves once.
pub const VAULT_TOKEN_USES_MAX: u64 = 1_000_000;
/// Bytes of what a key for release carries as JSON: its release policy, its tags, its operations.
pub const VAULT_KEY_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Characters of the name of a key for release, as Azure Key Vault.
pub const VAULT_KEY_NAME_CHARS_MAX: usize = 127;
/// Rows of one page of any list.
pub const PAGE_ROWS_MAX: u32 = 1_000;
/// Changes kept for subscribers; who is further behind is told to load everything again.
pub const CHANGES_KEPT: u64 = 100_000;
