//! The incoming claims of each attestation type (`docs/claims.md`): for the types that this
//! service appraises, exactly those that policies are given (the engine's tests compare).

use serde::{Deserialize, Serialize};

/// What kind of evidence a policy is for, by the spelling of `x-ms-attestation-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttestationType {
    /// SGX and Open Enclave.
    Sgx,
    /// TPM.
    Tpm,
    /// VBS enclaves.
    Vbs,
    /// AMD SEV-SNP.
    SevSnpVm,
    /// Intel TDX.
    TdxVm,
    /// Azure guest attestation.
    AzureVm,
}

impl AttestationType {
    /// All types.
    pub const ALL: [Self; 6] =
        [Self::Sgx, Self::Tpm, Self::Vbs, Self::SevSnpVm, Self::TdxVm, Self::AzureVm];

    /// The name in claims.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tpm => "tpm",
            Self::Vbs => "vbs",
            Self::SevSnpVm => "sevsnpvm",
            Self::TdxVm => "tdxvm",
            Self::AzureVm => "azurevm",
        }
    }

    /// Reads the names in claims, of policy types in the REST API and of our command line.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "sgx" | "sgxenclave" | "openenclave" | "open-enclave" => Self::Sgx,
            "tpm" => Self::Tpm,
            "vbs" | "vbsenclave" => Self::Vbs,
            "sevsnpvm" | "snp" | "sev-snp" => Self::SevSnpVm,
            "tdxvm" | "tdx" => Self::TdxVm,
            "azurevm" | "azureguest" | "azure-guest" => Self::AzureVm,
            _ => return None,
        })
    }

    /// Whether the settings of TPM tokens have an effect.
    #[must_use]
    pub const fn has_tpm(self) -> bool {
        matches!(self, Self::Tpm | Self::Vbs)
    }

    /// Whether clients send claims of their own with evidence of this type.
    #[must_use]
    pub const fn has_client_claims(self) -> bool {
        matches!(self, Self::Tpm | Self::Vbs | Self::AzureVm)
    }

    /// The claims that the service makes for this type.
    #[must_use]
    pub fn claims(self) -> Vec<&'static str> {
        let own: &[&[&str]] = match self {
            Self::Sgx => &[&SGX],
            Self::Tpm => &[&TPM],
            Self::Vbs => &[&TPM, &VBS],
            Self::SevSnpVm => &[&SEV_SNP],
            Self::TdxVm => &[&TDX],
            Self::AzureVm => &[&AZURE_VM, &SEV_SNP, &TDX],
        };
        COMMON.iter().chain(own.iter().copied().flatten()).copied().collect()
    }
}

const COMMON: [&str; 11] = [
    "x-ms-ver",
    "x-ms-attestation-type",
    "x-ms-policy-hash",
    "x-ms-policy-signer",
    "x-ms-runtime",
    "x-ms-inittime",
    "ver",
    "tee",
    "policy_hash",
    "maa-policyHash",
    "policy_signer",
];

const SGX: [&str; 18] = [
    "x-ms-sgx-is-debuggable",
    "x-ms-sgx-product-id",
    "x-ms-sgx-mrsigner",
    "x-ms-sgx-mrenclave",
    "x-ms-sgx-svn",
    "$is-debuggable",
    "$product-id",
    "$sgx-mrsigner",
    "$sgx-mrenclave",
    "$svn",
    "$tee",
    "x-ms-sgx-ehd",
    "x-ms-sgx-collateral",
    "x-ms-sgx-report-data",
    "x-ms-sgx-config-id",
    "x-ms-sgx-config-svn",
    "x-ms-sgx-isv-extended-product-id",
    "x-ms-sgx-isv-family-id",
];

const TPM: [&str; 18] = [
    "aikValidated",
    "secureBootEnabled",
    "iommuEnabled",
    "bootDebuggingDisabled",
    "notSafeMode",
    "notWinPE",
    "vbsEnabled",
    "vbsReportPresent",
    "vsmReportPresent",
    "tpmVersion",
    "aikPubHash",
    "events",
    "pcrs",
    "bootEvents",
    "x-ms-tpm-request-key",
    "x-ms-tpm-other-keys",
    "require_valid_aik_cert",
    "required_pcr_mask",
];

const VBS: [&str; 8] = [
    "enclaveAuthorId",
    "enclaveImageId",
    "enclaveOwnerId",
    "enclaveFamilyId",
    "enclaveSvn",
    "enclavePlatformSvn",
    "enclaveFlags",
    "aas-ehd",
];

const SEV_SNP: [&str; 18] = [
    "x-ms-sevsnpvm-authorkeydigest",
    "x-ms-sevsnpvm-hostdata",
    "x-ms-sevsnpvm-idkeydigest",
    "x-ms-sevsnpvm-launchmeasurement",
    "x-ms-sevsnpvm-reportdata",
    "x-ms-sevsnpvm-reportid",
    "x-ms-sevsnpvm-familyId",
    "x-ms-sevsnpvm-imageId",
    "x-ms-sevsnpvm-bootloader-svn",
    "x-ms-sevsnpvm-guestsvn",
    "x-ms-sevsnpvm-microcode-svn",
    "x-ms-sevsnpvm-snpfw-svn",
    "x-ms-sevsnpvm-tee-svn",
    "x-ms-sevsnpvm-vmpl",
    "x-ms-sevsnpvm-is-debuggable",
    "x-ms-sevsnpvm-migration-allowed",
    "x-ms-sevsnpvm-smt-allowed",
    "x-ms-compliance-status",
];

const TDX: [&str; 31] = [
    "tdx_mrsignerseam",
    "tdx_mrseam",
    "tdx_mrtd",
    "tdx_rtmr0",
    "tdx_rtmr1",
    "tdx_rtmr2",
    "tdx_rtmr3",
    "tdx_mrconfigid",
    "tdx_mrowner",
    "tdx_mrownerconfig",
    "tdx_report_data",
    "tdx_seam_attributes",
    "tdx_td_attributes",
    "tdx_xfam",
    "tdx_tee_tcb_svn",
    "tdx_seamsvn",
    "tdx_td_attributes_debug",
    "tdx_td_attributes_key_locker",
    "tdx_td_attributes_perfmon",
    "tdx_td_attributes_protection_keys",
    "tdx_td_attributes_septve_disable",
    "attester_tcb_status",
    "dbgstat",
    "intuse",
    "eat_profile",
    "avouch-event-log",
    "avouch-secure-boot",
    "avouch-secure-boot-pk",
    "avouch-secure-boot-kek",
    "avouch-secure-boot-db",
    "avouch-secure-boot-dbx",
];

const AZURE_VM: [&str; 24] = [
    "secureboot",
    "x-ms-azurevm-bootdebug-enabled",
    "x-ms-azurevm-dbvalidated",
    "x-ms-azurevm-dbxvalidated",
    "x-ms-azurevm-debuggersdisabled",
    "x-ms-azurevm-default-securebootkeysvalidated",
    "x-ms-azurevm-elam-enabled",
    "x-ms-azurevm-flightsigning-enabled",
    "x-ms-azurevm-hypervisordebug-enabled",
    "x-ms-azurevm-is-windows",
    "x-ms-azurevm-kerneldebug-enabled",
    "x-ms-azurevm-signingdisabled",
    "x-ms-azurevm-testsigning-enabled",
    "x-ms-azurevm-hvci-policy",
    "x-ms-azurevm-osversion-major",
    "x-ms-azurevm-osversion-minor",
    "x-ms-azurevm-attestation-protocol-ver",
    "x-ms-azurevm-osbuild",
    "x-ms-azurevm-osdistro",
    "x-ms-azurevm-ostype",
    "x-ms-azurevm-vmid",
    "x-ms-azurevm-attested-pcrs",
    "x-ms-isolation-tee",
    "x-ms-runtime",
];
