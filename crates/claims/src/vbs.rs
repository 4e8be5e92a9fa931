//! VBS enclaves: MAA's claims for policies, and ours about what it has none for.

use avouch_vbs::{Module, VerifiedReport};
use avouch_wire::base64url;
use serde_json::{Value, json};

use crate::ServiceClaim;
use crate::claim::{both, policy_only};

/// Claims from the verified report of an enclave; that there is one is said with those of its TPM.
///
/// # Source
/// `docs/maa/token.md#vbs-enclaves`; for those that begin with `avouch-`, `docs/evidence/vbs.md`: MAA has none
/// of them.
#[must_use]
pub fn vbs(report: &VerifiedReport) -> Vec<ServiceClaim> {
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    vec![
        policy_only("enclaveAuthorId", encode(report.author_id.as_bytes())),
        policy_only("enclaveFamilyId", encode(report.family_id.as_bytes())),
        policy_only("enclaveFlags", report.flags.0),
        policy_only("enclaveImageId", encode(report.image_id.as_bytes())),
        policy_only("enclaveOwnerId", encode(report.owner_id.as_bytes())),
        policy_only("enclavePlatformSvn", report.platform_svn),
        policy_only("enclaveSvn", report.enclave_svn),
        both("avouch-enclave-is-debuggable", report.flags.debuggable()),
        policy_only("avouch-enclave-modules", modules(&report.modules)),
        policy_only("avouch-enclave-secure-kernel-svn", report.secure_kernel_svn),
        policy_only("avouch-enclave-signing-level", report.signing_level),
        policy_only("avouch-enclave-unique-id", encode(report.unique_id.as_bytes())),
    ]
}

fn modules(modules: &[Module]) -> Value {
    let module = |module: &Module| {
        json!({
            "name": module.name,
            "uniqueId": base64url::encode(module.unique_id.as_bytes()),
            "authorId": base64url::encode(module.author_id.as_bytes()),
            "familyId": base64url::encode(module.family_id.as_bytes()),
            "imageId": base64url::encode(module.image_id.as_bytes()),
            "svn": module.svn,
        })
    };
    modules.iter().map(module).collect()
}
