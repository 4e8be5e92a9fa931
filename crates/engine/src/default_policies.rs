//! The policies that MAA's providers have until one is set, byte for byte: their hashes show in
//! tokens.

/// SGX: permits all and issues the older names of six claims, in one line, as the service gave it
/// in 2021 and 2022. Its `x-ms-policy-hash` is `bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw`.
///
/// Source: `maa-rest-api.md` section 5.7, recorded.
pub(crate) const SGX_ENCLAVE: &str = concat!(
    "version= 1.0;authorizationrules{=> permit();};issuancerules{",
    r#"c:[type=="x-ms-sgx-is-debuggable"] => issue(type="is-debuggable", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-mrsigner"] => issue(type="sgx-mrsigner", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-mrenclave"] => issue(type="sgx-mrenclave", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-product-id"] => issue(type="product-id", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-svn"] => issue(type="svn", value=c.value);"#,
    r#"c:[type=="x-ms-attestation-type"] => issue(type="tee", value=c.value);};"#,
);

/// SEV-SNP: permits all, issues nothing. Its hash is `9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco`.
///
/// Source: found by its hash in a token of 2025 (`maa-rest-api.md` section 5.7).
pub(crate) const SEV_SNP_VM: &str = "version= 1.0;authorizationrules{=> permit();};";

/// TDX: presumably the same text as for SEV-SNP.
pub(crate) const TDX_VM: &str = SEV_SNP_VM;
