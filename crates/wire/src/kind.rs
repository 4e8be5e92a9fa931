//! The kinds of evidence: one table, from which everybody takes what a kind is called where.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What is known of a kind without looking at evidence.
struct Row {
    name: &'static str,
    policy_name: &'static str,
    has_route: bool,
    attestation_type: &'static str,
    title: &'static str,
    other_names: &'static [&'static str],
    evidence_member: &'static str,
    default_policy: DefaultPolicy,
    is_appraised: bool,
    is_anonymous: bool,
    has_anonymity_switch: bool,
    has_preview_form: bool,
    has_client_claims: bool,
    takes_event_log: bool,
    answers_challenge: bool,
    has_nested_evidence: bool,
    root_word: Option<&'static str>,
    policy_settings: &'static [&'static str],
}

/// What holds of a kind whose row does not say otherwise.
const USUAL: Row = Row {
    name: "",
    policy_name: "",
    has_route: true,
    attestation_type: "",
    title: "",
    other_names: &[],
    evidence_member: "",
    default_policy: DefaultPolicy::Absent,
    is_appraised: false,
    is_anonymous: false,
    has_anonymity_switch: false,
    has_preview_form: false,
    has_client_claims: false,
    takes_event_log: false,
    answers_challenge: false,
    has_nested_evidence: false,
    root_word: None,
    policy_settings: &[],
};

/// The setting that chooses one of Intel's TCB recoveries.
const INTEL_SETTINGS: &[&str] = &["x-ms-sgx-tcbidentifier"];

/// The settings of TPM evidence and of the reports about it.
const TPM_SETTINGS: &[&str] =
    &["require_valid_aik_cert", "required_pcr_mask", "report_validity_in_minutes", "omit_x5c"];

/// The policy that evidence of a kind is judged by where none was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultPolicy {
    /// MAA's for SGX: it permits whatever verifies, and issues claims under older names.
    Sgx,
    /// It permits whatever verifies.
    Permissive,
    /// For machines with a virtual TPM: it permits those that started under secure boot by Microsoft's keys,
    /// with nothing that weakens it.
    Guest,
    /// None: evidence is refused until a policy is set.
    Absent,
}

/// Makes the enumeration and its table from the same rows.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident { $($field:ident: $value:expr,)* })*) => {
        /// A kind of evidence, which is also a type that a provider holds a policy for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EvidenceKind {
            $($(#[$doc])* $kind,)*
        }

        impl EvidenceKind {
            /// Every kind, appraised or not, in the order of the documentation.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$kind),*].into_iter()
            }

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$kind => {
                        const ROW: &Row = &Row { $($field: $value,)* ..USUAL };
                        ROW
                    })*
                }
            }
        }
    };
}

kinds! {
    /// A bare Intel SGX quote.
    Sgx {
        name: "sgx",
        policy_name: "SgxEnclave",
        attestation_type: "sgx",
        title: "an SGX quote",
        evidence_member: "quote",
        default_policy: DefaultPolicy::Sgx,
        is_appraised: true,
        is_anonymous: true,
        has_preview_form: true,
        policy_settings: INTEL_SETTINGS,
    }
    /// An Open Enclave report or evidence around an SGX quote.
    OpenEnclave {
        name: "open-enclave",
        policy_name: "OpenEnclave",
        attestation_type: "sgx",
        title: "an Open Enclave report or evidence",
        other_names: &["oe"],
        evidence_member: "report",
        default_policy: DefaultPolicy::Sgx,
        is_appraised: true,
        is_anonymous: true,
        has_preview_form: true,
        policy_settings: INTEL_SETTINGS,
    }
    /// An Intel TDX quote.
    Tdx {
        name: "tdx",
        policy_name: "TdxVm",
        attestation_type: "tdxvm",
        title: "a TDX quote",
        other_names: &["inteltdx"],
        evidence_member: "quote",
        default_policy: DefaultPolicy::Permissive,
        is_appraised: true,
        is_anonymous: true,
        takes_event_log: true,
        policy_settings: INTEL_SETTINGS,
    }
    /// An AMD SEV-SNP report with its certificates.
    Snp {
        name: "snp",
        policy_name: "SevSnpVm",
        attestation_type: "sevsnpvm",
        title: "an SEV-SNP report",
        other_names: &["sevsnp", "amdsevsnp"],
        evidence_member: "report",
        default_policy: DefaultPolicy::Permissive,
        is_appraised: true,
        is_anonymous: true,
    }
    /// A TPM 2.0 quote with its log, or a VBS enclave's report.
    Tpm {
        name: "tpm",
        policy_name: "Tpm",
        attestation_type: "tpm",
        title: "TPM evidence",
        other_names: &["vbs", "vbsenclave"],
        evidence_member: "data",
        is_appraised: true,
        has_anonymity_switch: true,
        has_client_claims: true,
        answers_challenge: true,
        has_nested_evidence: true,
        root_word: Some("tpm"),
        policy_settings: TPM_SETTINGS,
    }
    /// An Azure guest: Trusted Launch or confidential VM.
    AzureGuest {
        name: "azure-guest",
        policy_name: "AzureGuest",
        attestation_type: "azurevm",
        title: "evidence of an Azure guest",
        other_names: &["azurevm"],
        evidence_member: "AttestationInfo",
        default_policy: DefaultPolicy::Guest,
        is_appraised: true,
        is_anonymous: true,
        has_nested_evidence: true,
        root_word: Some("tpm"),
    }
    /// A Pluton processor.
    Pluton {
        name: "pluton",
        policy_name: "Pluton",
        attestation_type: "pluton",
        title: "evidence of a Pluton processor",
        evidence_member: "data",
        has_client_claims: true,
        answers_challenge: true,
        has_nested_evidence: true,
    }
    /// A key that VBS guards.
    KeyGuard {
        name: "key-guard",
        policy_name: "KeyGuard",
        attestation_type: "keyguard",
        title: "KeyGuard evidence",
        evidence_member: "attestationInfo",
        is_anonymous: true,
        has_client_claims: true,
    }
    /// A device of Microsoft's Device Ecosystem Platform.
    MdepTz {
        name: "mdep-tz",
        policy_name: "MdepTz",
        attestation_type: "mdeptz",
        title: "MDEP evidence",
        evidence_member: "report",
        is_anonymous: true,
        has_client_claims: true,
    }
    /// An HSM: it has policies and no attest route.
    AiHsm {
        name: "ai-hsm",
        policy_name: "AiHsm",
        has_route: false,
        attestation_type: "aihsm",
        title: "evidence of an HSM",
        evidence_member: "report",
        has_client_claims: true,
    }
}

impl EvidenceKind {
    /// The kinds that this build appraises, in the order of the documentation.
    pub fn appraised() -> impl Iterator<Item = Self> {
        Self::all().filter(|kind| kind.is_appraised())
    }

    /// The names of the kinds that this build appraises, with commas between.
    #[must_use]
    pub fn appraised_names() -> String {
        Self::names_where(Self::is_appraised)
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// MAA's name for the type of its policies, and the last segment of its routes:
    /// `/policies/{name}` and, where it [has one](Self::has_route), `/attest/{name}`.
    #[must_use]
    pub const fn policy_name(self) -> &'static str {
        self.row().policy_name
    }

    /// Whether there is a route `/attest/{name}`.
    #[must_use]
    pub const fn has_route(self) -> bool {
        self.row().has_route
    }

    /// The value of `x-ms-attestation-type`. Of kinds that are not appraised it is a guess, but for
    /// `azurevm`.
    #[must_use]
    pub const fn attestation_type(self) -> &'static str {
        self.row().attestation_type
    }

    /// What evidence of it is called in a sentence, with its article if it has one.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// The member of the request body that holds the evidence.
    #[must_use]
    pub const fn evidence_member(self) -> &'static str {
        self.row().evidence_member
    }

    /// The policy that evidence of it is judged by where none was set.
    #[must_use]
    pub const fn default_policy(self) -> DefaultPolicy {
        self.row().default_policy
    }

    /// Whether this build appraises it.
    #[must_use]
    pub const fn is_appraised(self) -> bool {
        self.row().is_appraised
    }

    /// Whether its attest route takes evidence without a token, unless the operator says otherwise.
    #[must_use]
    pub const fn is_anonymous(self) -> bool {
        self.row().is_anonymous
    }

    /// Whether a provider's own `tpmAttestationAuthentication` says that its route takes evidence without a
    /// token.
    #[must_use]
    pub const fn has_anonymity_switch(self) -> bool {
        self.row().has_anonymity_switch
    }

    /// Whether 2018-09-01-preview has a request of its own for it.
    #[must_use]
    pub const fn has_preview_form(self) -> bool {
        self.row().has_preview_form
    }

    /// Whether clients may send claims of their own with it. Taken to be so of kinds that are not appraised.
    #[must_use]
    pub const fn has_client_claims(self) -> bool {
        self.row().has_client_claims
    }

    /// Whether its request may have an event log beside the evidence, `eventLog`.
    #[must_use]
    pub const fn takes_event_log(self) -> bool {
        self.row().takes_event_log
    }

    /// Whether evidence of it answers a challenge of the service's: its route then takes a conversation,
    /// and not all in one message.
    #[must_use]
    pub const fn answers_challenge(self) -> bool {
        self.row().answers_challenge
    }

    /// Whether its evidence is JSON in the JSON of its request, and has JSON or logs in it, each in base64.
    #[must_use]
    pub const fn has_nested_evidence(self) -> bool {
        self.row().has_nested_evidence
    }

    /// The word that stands before a trust root of it (`tpm=root.pem`), where the certificate's own name does
    /// not tell whose root it is.
    #[must_use]
    pub const fn root_word(self) -> Option<&'static str> {
        self.row().root_word
    }

    /// The settings of policies that have an effect on it, by the names that `issueproperty` has for them.
    #[must_use]
    pub const fn policy_settings(self) -> &'static [&'static str] {
        self.row().policy_settings
    }

    /// The names of the kinds of which `is_so` holds, with commas between.
    #[must_use]
    pub fn names_where(is_so: impl Fn(Self) -> bool) -> String {
        Self::all().filter(|kind| is_so(*kind)).map(Self::name).collect::<Vec<_>>().join(", ")
    }

    /// The kind that MAA's routes name so, in any case.
    #[must_use]
    pub fn from_policy_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.policy_name().eq_ignore_ascii_case(name))
    }

    /// The kind, appraised or not, that people call so: by its name here, in routes, in claims or by
    /// its vendor, in any case, with or without hyphens and underscores. Each word is one kind's only;
    /// `sgx` is not Open Enclave's.
    #[must_use]
    pub fn called(text: &str) -> Option<Self> {
        let word = plain(text);
        Self::all().find(|kind| {
            let Row { name, policy_name, attestation_type, other_names, .. } = kind.row();
            [name, policy_name, attestation_type].iter().any(|name| plain(name) == word)
                || other_names.contains(&word.as_str())
        })
    }
}

fn plain(name: &str) -> String {
    name.replace(['-', '_'], "").to_ascii_lowercase()
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for EvidenceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Of kinds that are appraised, by any name that people use.
impl FromStr for EvidenceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::called(text).filter(|kind| kind.is_appraised()).ok_or_else(|| {
            let known = Self::appraised_names();
            format!("{text:?} is no kind of evidence; kinds are: {known}")
        })
    }
}

#[cfg(test)]
mod tests;
