//! MAA's own default policies, byte for byte: the hash over the text shows in tokens.

/// SgxEnclave and OpenEnclave, as the service returned it in 2022; its `x-ms-policy-hash` is
/// `bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw`.
///
/// # Source
/// `docs/maa/policies.md#default-policies`.
pub const SGX: &str = concat!(
    "version= 1.0;authorizationrules{=> permit();};issuancerules{",
    r#"c:[type=="x-ms-sgx-is-debuggable"] => issue(type="is-debuggable", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-mrsigner"] => issue(type="sgx-mrsigner", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-mrenclave"] => issue(type="sgx-mrenclave", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-product-id"] => issue(type="product-id", value=c.value);"#,
    r#"c:[type=="x-ms-sgx-svn"] => issue(type="svn", value=c.value);"#,
    r#"c:[type=="x-ms-attestation-type"] => issue(type="tee", value=c.value);"#,
    "};",
);

/// SevSnpVm and, by assumption, TdxVm; `x-ms-policy-hash` is
/// `9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco`.
///
/// It permits whatever verifies, debuggable machines too.
///
/// # Source
/// `docs/maa/policies.md#default-policies`.
pub const CONFIDENTIAL_VM: &str = "version= 1.0;authorizationrules{=> permit();};";

/// AzureGuest: it refuses where any of six facts about the start is false. The text of MAA's is not known;
/// these are the conditions that a public client takes from it. The same facts have other names where a
/// virtual TPM is not Azure's.
///
/// # Source
/// `docs/maa/policies.md#default-policies`.
pub const GUEST: &str = concat!(
    "version= 1.0;authorizationrules{",
    r#"c:[type=="secureboot", value==false] => deny();"#,
    r#"c:[type=="x-ms-azurevm-default-securebootkeysvalidated", value==false] => deny();"#,
    r#"c:[type=="x-ms-azurevm-debuggersdisabled", value==false] => deny();"#,
    r#"c:[type=="x-ms-azurevm-signingdisabled", value==false] => deny();"#,
    r#"c:[type=="x-ms-azurevm-dbvalidated", value==false] => deny();"#,
    r#"c:[type=="x-ms-azurevm-dbxvalidated", value==false] => deny();"#,
    r#"c:[type=="avouch-vtpm-default-securebootkeysvalidated", value==false] => deny();"#,
    r#"c:[type=="avouch-vtpm-debuggersdisabled", value==false] => deny();"#,
    r#"c:[type=="avouch-vtpm-signingdisabled", value==false] => deny();"#,
    r#"c:[type=="avouch-vtpm-dbvalidated", value==false] => deny();"#,
    r#"c:[type=="avouch-vtpm-dbxvalidated", value==false] => deny();"#,
    "=> permit();};",
);
