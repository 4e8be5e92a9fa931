//! `GET /providers/Microsoft.Attestation/operations`: what rights there are and what they allow.

use serde_json::{Value, json};

use crate::api_version::ResourceVersion;

/// Right, resource, operation and description. The first three are the rights that MAA documents
/// (`docs/maa/service.md#roles`), the others those of the resources themselves.
const OPERATIONS: [(&str, &str, &str, &str); 6] = [
    (
        "attestationProviders/attestation/read",
        "Attestation",
        "Read policies and policy certificates",
        "Read the policies and policy certificates of an attestation provider.",
    ),
    (
        "attestationProviders/attestation/write",
        "Attestation",
        "Set policies, add policy certificates",
        "Set policies of an attestation provider and add policy certificates.",
    ),
    (
        "attestationProviders/attestation/delete",
        "Attestation",
        "Reset policies, remove policy certificates",
        "Reset policies of an attestation provider and remove policy certificates.",
    ),
    (
        "attestationProviders/read",
        "Attestation provider",
        "Read attestation providers",
        "Read an attestation provider, or list those of a subscription or resource group.",
    ),
    (
        "attestationProviders/write",
        "Attestation provider",
        "Create or change attestation providers",
        "Create an attestation provider, or change its tags and switches.",
    ),
    (
        "attestationProviders/delete",
        "Attestation provider",
        "Delete attestation providers",
        "Delete an attestation provider with its policies and policy certificates.",
    ),
];

/// The list. `properties` came with the last version; what would be its log specifications is an
/// empty list, since no log is shipped through the control plane.
pub(super) fn list(version: ResourceVersion) -> Value {
    let operation = |(name, resource, operation, description): (&str, &str, &str, &str)| {
        let mut shown = json!({
            "name": format!("Microsoft.Attestation/{name}"),
            "display": {
                "provider": "Avouch",
                "resource": resource,
                "operation": operation,
                "description": description,
            },
        });
        if version == ResourceVersion::V2021_06_01
            && let Some(members) = shown.as_object_mut()
        {
            let properties = json!({"serviceSpecification": {"logSpecifications": []}});
            members.insert("properties".to_owned(), properties);
        }
        shown
    };
    json!({"value": OPERATIONS.map(operation)})
}
