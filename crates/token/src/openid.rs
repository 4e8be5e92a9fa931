//! The OpenID metadata document.

use avouch_wire::json::write_string;

use crate::Algorithm;

/// Names listed as supported claims, in MAA's order.
const CLAIMS_SUPPORTED: [&str; 18] = [
    "cnf",
    "nonce",
    "x-ms-ver",
    "x-ms-attestation-type",
    "x-ms-policy-hash",
    "x-ms-policy-signer",
    "x-ms-sgx-is-debuggable",
    "x-ms-sgx-mrenclave",
    "x-ms-sgx-mrsigner",
    "x-ms-sgx-svn",
    "x-ms-sgx-ehd",
    "x-ms-sgx-collateral",
    "is-debuggable",
    "sgx-mrsigner",
    "sgx-mrenclave",
    "product-id",
    "svn",
    "tee",
];

/// The body of `GET <issuer>/.well-known/openid-configuration`, members in the order MAA sends.
///
/// `signing_algorithms` are those of the keys in the provider's key set, the active one first.
///
/// # Source
/// `docs/maa/keys.md#openid-metadata`.
#[must_use]
pub fn openid_metadata(issuer: &str, signing_algorithms: &[Algorithm]) -> String {
    let mut out = String::from("{\"response_types_supported\":[\"token\",\"none\"]");
    out.push_str(",\"id_token_signing_alg_values_supported\":");
    write_names(signing_algorithms.iter().map(|algorithm| algorithm.name()), &mut out);
    for (name, value) in [
        ("revocation_endpoint", format!("{issuer}/revoke")),
        ("issuer", issuer.to_owned()),
        ("jwks_uri", format!("{issuer}/certs")),
    ] {
        out.push(',');
        write_string(name, &mut out);
        out.push(':');
        write_string(&value, &mut out);
    }
    out.push_str(",\"claims_supported\":");
    write_names(CLAIMS_SUPPORTED.into_iter(), &mut out);
    out.push('}');
    out
}

fn write_names<'a>(names: impl Iterator<Item = &'a str>, out: &mut String) {
    out.push('[');
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(name, out);
    }
    out.push(']');
}
