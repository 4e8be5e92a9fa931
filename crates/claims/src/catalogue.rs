//! What each claim means and how its value is written: `docs/claims.md` is made of this and of minted
//! evidence, and warnings about policies of it. Nothing is decided here.

use avouch_wire::EvidenceKind;

use crate::SeenBy;

/// How the value of a claim is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// So many bytes in lower-case hex.
    Hex(usize),
    /// So many bytes in base64url without padding.
    Base64Url(usize),
    /// Bytes in base64url without padding, as many as there are.
    AnyBase64Url,
    /// A 64-bit integer.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Text.
    Text,
    /// A JSON object; policies see a string that holds its compact text.
    Json,
    /// A JSON array; policies see a string that holds its compact text.
    JsonArray,
    /// As the request gave it.
    AsSent,
}

/// A claim, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The name in tokens and policies, such as `x-ms-sgx-svn`.
    pub name: &'static str,
    /// How its value is written.
    pub form: Form,
    /// What it says, and when it is there if it is not always.
    pub meaning: &'static str,
    /// Policies, tokens, or both.
    pub seen_by: SeenBy,
}

/// A claim that policies read and tokens carry.
const fn row(name: &'static str, form: Form, meaning: &'static str) -> Description {
    Description { name, form, meaning, seen_by: SeenBy::Both }
}

/// A claim that policies read and no token carries.
const fn policy_only(name: &'static str, form: Form, meaning: &'static str) -> Description {
    Description { name, form, meaning, seen_by: SeenBy::Policy }
}

/// A claim that tokens carry and no policy reads.
const fn token_only(name: &'static str, form: Form, meaning: &'static str) -> Description {
    Description { name, form, meaning, seen_by: SeenBy::Token }
}

/// The description of a claim.
#[must_use]
pub fn describe(name: &str) -> Option<&'static Description> {
    descriptions().find(|description| description.name == name)
}

/// All descriptions: of every kind of evidence, then of each.
pub fn descriptions() -> impl Iterator<Item = &'static Description> {
    let own = OF_KINDS.iter().flat_map(|(_, table)| table.iter());
    COMMON.iter().chain(&ISSUER).chain(own)
}

/// The claims that policies may be given of a kind of evidence; none where this build makes none.
pub fn policy_claims(kind: EvidenceKind) -> impl Iterator<Item = &'static Description> {
    let own = OF_KINDS.iter().filter(move |(kinds, _)| kinds.contains(&kind));
    let mut own = own.flat_map(|(_, table)| table.iter()).peekable();
    let common = own.peek().is_some().then_some(&COMMON).into_iter().flatten();
    common.chain(own).filter(|description| description.seen_by != SeenBy::Token)
}

use EvidenceKind::{AzureGuest, OpenEnclave, Sgx, Snp, Tdx, Tpm};
use Form::{AnyBase64Url, AsSent, Base64Url, Boolean, Hex, Integer, Json, JsonArray, Text};

/// The tables of single kinds.
const OF_KINDS: &[(&[EvidenceKind], &[Description])] = &[
    (&[Sgx, OpenEnclave], &SGX),
    (&[Tdx], &TDX),
    (&[Tdx], &TDX_EVENT_LOG),
    (&[Snp], &SEV_SNP),
    (&[Snp, Tdx], &COMPLIANCE),
    (&[Sgx, OpenEnclave, Tdx], &PLATFORM_EXCEPTION),
    (&[Tpm], &TPM),
    (&[Tpm], &VBS),
    (&[Tpm, AzureGuest], &ATTESTATION_KEY),
    (&[AzureGuest], &GUEST),
    (&[AzureGuest], &AZURE_VM),
    (&[AzureGuest], &OTHER_VTPM),
];

const COMMON: [Description; 14] = [
    row("x-ms-ver", Text, "version of this form of claims"),
    row(
        "x-ms-attestation-type",
        Text,
        "the kind of evidence: `sgx`, `tdxvm`, `sevsnpvm`, `tpm`, `azurevm` \
         or, of a machine with a virtual TPM of another host, `vtpm`",
    ),
    row("x-ms-policy-hash", Base64Url(32), "SHA-256 of the base64url text of the policy in force"),
    row(
        "x-ms-policy-signer",
        Json,
        "who signed the policy, as a JWK with the certificates; only if it is signed",
    ),
    row(
        "x-ms-runtime",
        Json,
        "the runtime data, which the evidence binds; only if it was sent as JSON. Of a guest: `keys`, the \
         key that the answer is sealed to, and `client-payload`, which nothing binds",
    ),
    row(
        "x-ms-inittime",
        Json,
        "the init-time data, which the evidence binds; only if it was sent as JSON",
    ),
    policy_only("ver", Text, "older name of `x-ms-ver`"),
    policy_only("tee", Text, "older name of `x-ms-attestation-type`"),
    policy_only("policy_hash", Base64Url(32), "older name of `x-ms-policy-hash`"),
    policy_only("maa-policyHash", Base64Url(32), "older name of `x-ms-policy-hash`"),
    policy_only("policy_signer", Json, "older name of `x-ms-policy-signer`"),
    token_only("nonce", AsSent, "the request's `nonce`, unchanged; only if it has one"),
    token_only("x-ms-policy", Json, "what the policy issued; it stands at the top level too"),
    token_only(
        "avouch-trust-root",
        Text,
        "the root that the evidence rests on; only if it is not the vendor's own, but one that the \
         service's operator added. `avouch mint` makes such evidence at will",
    ),
];

/// What whoever signs the token adds.
const ISSUER: [Description; 5] = [
    token_only("iss", Text, "URL of the provider that issued the token"),
    token_only("iat", Integer, "when the token was issued, in seconds since 1970"),
    token_only("nbf", Integer, "the same as `iat`"),
    token_only("exp", Integer, "until when the token counts: 8 hours after `iat`"),
    token_only("jti", Hex(32), "identifier of the token, random"),
];

const SGX: [Description; 21] = [
    row(
        "x-ms-sgx-is-debuggable",
        Boolean,
        "whether the enclave runs in debug mode, so that its host can read it (ATTRIBUTES.DEBUG)",
    ),
    row("x-ms-sgx-mrenclave", Hex(32), "measurement of the enclave as it was built (MRENCLAVE)"),
    row("x-ms-sgx-mrsigner", Hex(32), "SHA-256 of the key that signed the enclave (MRSIGNER)"),
    row("x-ms-sgx-product-id", Integer, "product number that its signer gave (ISVPRODID)"),
    row("x-ms-sgx-svn", Integer, "security version that its signer gave (ISVSVN)"),
    row("x-ms-sgx-report-data", Hex(64), "what the enclave put into its report (REPORTDATA)"),
    row(
        "x-ms-sgx-collateral",
        Json,
        "SHA-256 of the quote as it was sent (`quotehash`) and of the collateral that it was judged by",
    ),
    token_only("maa-attestationcollateral", Json, "older name of `x-ms-sgx-collateral`"),
    row(
        "x-ms-sgx-ehd",
        AnyBase64Url,
        "the runtime data, which the evidence binds; only if it was sent as binary",
    ),
    token_only("maa-ehd", AnyBase64Url, "older name of `x-ms-sgx-ehd`"),
    token_only("aas-ehd", AnyBase64Url, "older name of `x-ms-sgx-ehd`"),
    row(
        "x-ms-sgx-config-id",
        Hex(64),
        "configuration that the enclave was started with (CONFIGID); only of enclaves with KSS",
    ),
    row(
        "x-ms-sgx-config-svn",
        Integer,
        "version of that configuration (CONFIGSVN); only of enclaves with KSS",
    ),
    row(
        "x-ms-sgx-isv-extended-product-id",
        Hex(16),
        "longer product number (ISVEXTPRODID); only of enclaves with KSS",
    ),
    row(
        "x-ms-sgx-isv-family-id",
        Hex(16),
        "family of products (ISVFAMILYID); only of enclaves with KSS",
    ),
    policy_only("$is-debuggable", Boolean, "older name of `x-ms-sgx-is-debuggable`"),
    policy_only("$sgx-mrenclave", Hex(32), "older name of `x-ms-sgx-mrenclave`"),
    policy_only("$sgx-mrsigner", Hex(32), "older name of `x-ms-sgx-mrsigner`"),
    policy_only("$product-id", Integer, "older name of `x-ms-sgx-product-id`"),
    policy_only("$svn", Integer, "older name of `x-ms-sgx-svn`"),
    policy_only("$tee", Text, "older name of `x-ms-attestation-type`"),
];

const TDX: [Description; 27] = [
    row("eat_profile", Text, "the profile that the token follows"),
    row("intuse", Text, "the intended use of the token"),
    row(
        "dbgstat",
        Text,
        "`enabled` if any bit of the byte TUD (TD under debug) is set: then its host can look into it; \
         else `disabled`",
    ),
    row(
        "attester_tcb_status",
        Text,
        "Intel's status of the platform's TCB at the moment of the appraisal",
    ),
    row("tdx_mrtd", Hex(48), "measurement of the trust domain as it was built (MRTD)"),
    row("tdx_mrseam", Hex(48), "measurement of the TDX module (MRSEAM)"),
    row(
        "tdx_mrsignerseam",
        Hex(48),
        "who signed the TDX module (MRSIGNERSEAM); zero for Intel's own",
    ),
    row("tdx_mrconfigid", Hex(48), "configuration that its owner gave at start (MRCONFIGID)"),
    row("tdx_mrowner", Hex(48), "owner that was given at start (MROWNER)"),
    row(
        "tdx_mrownerconfig",
        Hex(48),
        "configuration of the owner that was given at start (MROWNERCONFIG)",
    ),
    row(
        "tdx_rtmr0",
        Hex(48),
        "first measurement that is extended at run time: firmware, as a rule",
    ),
    row("tdx_rtmr1", Hex(48), "second one: boot loader and kernel, as a rule"),
    row("tdx_rtmr2", Hex(48), "third one: command line and initial file system, as a rule"),
    row("tdx_rtmr3", Hex(48), "fourth one: for applications"),
    row("tdx_report_data", Hex(64), "what the trust domain put into its report (REPORTDATA)"),
    row("tdx_seam_attributes", Hex(8), "attributes of the TDX module; zero"),
    row("tdx_td_attributes", Hex(8), "attributes of the trust domain, all bits (TDATTRIBUTES)"),
    row("tdx_xfam", Hex(8), "extended features that it may use (XFAM)"),
    row(
        "tdx_tee_tcb_svn",
        Hex(16),
        "security versions of the TDX module and its parts (TEE_TCB_SVN)",
    ),
    row(
        "tdx_seamsvn",
        Integer,
        "security version of the TDX module: the first two bytes of TEE_TCB_SVN, little-endian",
    ),
    row(
        "avouch-tdx-module",
        Text,
        "the name by which Intel lists the TDX module that launched the domain; absent of modules of \
         version 1.0, which Intel lists with the platform",
    ),
    row(
        "avouch-tdx-module-svn",
        Integer,
        "its security version in that list, so that a policy can require a least one",
    ),
    row("tdx_td_attributes_debug", Boolean, "bit 0 of TDATTRIBUTES: under debug"),
    row("tdx_td_attributes_septve_disable", Boolean, "bit 28: SEPT_VE_DISABLE"),
    row("tdx_td_attributes_protection_keys", Boolean, "bit 30: supervisor protection keys"),
    row("tdx_td_attributes_key_locker", Boolean, "bit 31: key locker"),
    row("tdx_td_attributes_perfmon", Boolean, "bit 63: performance monitoring"),
];

const TDX_EVENT_LOG: [Description; 6] = [
    row(
        "avouch-event-log",
        Json,
        "of the event log that came along: `registers` that the log explains; `images`, the SHA-384 \
         digests of all that RTMR 1 may have as images, in order, if it is explained; `authorities`, \
         where each image's key was found and the SHA-256 of it, where secure boot is proven to be on or \
         off. Lists of more than 64 are left out",
    ),
    row(
        "avouch-secure-boot",
        Boolean,
        "whether firmware, and shim if it booted, verified all that they ran, by what the firmware \
         measured; only if the event log proves it to be so or not. Trust the firmware by `tdx_mrtd`",
    ),
    row(
        "avouch-secure-boot-pk",
        Hex(32),
        "SHA-256 of the platform key's list of signatures; only beside `avouch-secure-boot`, as the next three",
    ),
    row("avouch-secure-boot-kek", Hex(32), "SHA-256 of the list of key exchange keys"),
    row("avouch-secure-boot-db", Hex(32), "SHA-256 of the list of what may run"),
    row("avouch-secure-boot-dbx", Hex(32), "SHA-256 of the list of what may not run"),
];

const SEV_SNP: [Description; 17] = [
    row(
        "x-ms-sevsnpvm-is-debuggable",
        Boolean,
        "whether the guest's policy allows debugging, so that its host can read it",
    ),
    row(
        "x-ms-sevsnpvm-launchmeasurement",
        Hex(48),
        "measurement of the guest as it was launched (MEASUREMENT)",
    ),
    row("x-ms-sevsnpvm-hostdata", Hex(32), "what the host gave at launch (HOST_DATA)"),
    row("x-ms-sevsnpvm-reportdata", Hex(64), "what the guest put into its report (REPORT_DATA)"),
    row("x-ms-sevsnpvm-reportid", Hex(32), "identifier of this run of the guest (REPORT_ID)"),
    row(
        "x-ms-sevsnpvm-idkeydigest",
        Hex(48),
        "SHA-384 of the key that signed the launch's ID block; zero without one",
    ),
    row(
        "x-ms-sevsnpvm-authorkeydigest",
        Hex(48),
        "SHA-384 of the key that certified the ID key; zero without one",
    ),
    row("x-ms-sevsnpvm-familyId", Hex(16), "family that the ID block names"),
    row("x-ms-sevsnpvm-imageId", Hex(16), "image that the ID block names"),
    row("x-ms-sevsnpvm-guestsvn", Integer, "security version that the ID block names"),
    row(
        "x-ms-sevsnpvm-vmpl",
        Integer,
        "privilege level that asked for the report: 0 to 3, the lower the more privileged",
    ),
    row(
        "x-ms-sevsnpvm-migration-allowed",
        Boolean,
        "whether a migration agent may be associated with the guest",
    ),
    row("x-ms-sevsnpvm-smt-allowed", Boolean, "whether simultaneous multithreading is allowed"),
    row(
        "x-ms-sevsnpvm-bootloader-svn",
        Integer,
        "security version of the boot loader in REPORTED_TCB, for which the signing key was made",
    ),
    row("x-ms-sevsnpvm-tee-svn", Integer, "that of the secure processor's operating system"),
    row("x-ms-sevsnpvm-snpfw-svn", Integer, "that of the SNP firmware"),
    row("x-ms-sevsnpvm-microcode-svn", Integer, "that of the microcode"),
];

/// Of platforms that Intel does not list.
const PLATFORM_EXCEPTION: [Description; 1] = [row(
    "avouch-platform-exception",
    Json,
    "no TCB level of Intel's fits the platform, and an exception of the operator's accepts it: `name`, \
     `reason`, `until`; absent where a level fits",
)];

/// Of confidential VMs.
const COMPLIANCE: [Description; 1] = [row(
    "x-ms-compliance-status",
    Text,
    "the status of the operator's reference values that the machine matches; of SEV-SNP else that of the \
     publisher whose endorsement of the measurement came along; absent without either",
)];

const TPM: [Description; 24] = [
    policy_only(
        "aikValidated",
        Boolean,
        "whether the attestation key is known to be a TPM's: by a certificate under a trusted CA, or by \
         enrolment. Without it every claim is its sender's word",
    ),
    policy_only(
        "aikPubHash",
        Text,
        "SHA-256 of the attestation key (DER SubjectPublicKeyInfo), in padded base64",
    ),
    policy_only("tpmVersion", Integer, "major version of the TPM: 2"),
    policy_only(
        "secureBootEnabled",
        Boolean,
        "whether firmware, and shim if it booted, verified all that they ran; false if the log does not \
         prove it",
    ),
    policy_only(
        "iommuEnabled",
        Boolean,
        "whether Windows' secure mode must not run without an IOMMU",
    ),
    policy_only(
        "bootDebuggingDisabled",
        Boolean,
        "whether no boot component of Windows could be debugged",
    ),
    policy_only("notSafeMode", Boolean, "whether Windows was not started in safe mode"),
    policy_only(
        "notWinPE",
        Boolean,
        "whether Windows is no environment for installation and recovery",
    ),
    policy_only(
        "vbsEnabled",
        Boolean,
        "whether Windows' virtualization-based security was required",
    ),
    policy_only("vbsReportPresent", Boolean, "whether an enclave's report came along"),
    policy_only("vsmReportPresent", Boolean, "other name of `vbsReportPresent`"),
    policy_only(
        "events",
        Json,
        "events of PCRs that the log explains, as `{\"Events\":[…]}`; only if a log was sent",
    ),
    policy_only(
        "bootEvents",
        Json,
        "the same of the start before the machine slept; only if that was attested",
    ),
    policy_only("pcrs", Json, "the quoted values, as `{\"PCRs\":[…]}`; a policy cannot issue them"),
    row(
        "x-ms-tpm-request-key",
        Json,
        "the key that signed the request, and what binds it to the TPM",
    ),
    policy_only(
        "x-ms-tpm-other-keys",
        JsonArray,
        "further keys in the same form; only if the request has some",
    ),
    token_only("cnf", Json, "the key that signed the request, as `{\"jwk\":{…}}`"),
    token_only("rp_data", Text, "the request's `rp_data`, unchanged; only if it has one"),
    row(
        "avouch-tpm-ek",
        Hex(32),
        "SHA-256 of the endorsement key's certificate: which TPM it is; only of enrolled keys",
    ),
    row(
        "avouch-ima",
        Json,
        "what was counted in the kernel's measurement list as far as PCR 10 proves it; only if a list was \
         sent, as the next four",
    ),
    row(
        "avouch-ima-only-signed",
        Boolean,
        "whether the list began in this boot, is whole, and every file in it is signed by a key of the \
         operator's, or excluded",
    ),
    row(
        "avouch-ima-only-listed",
        Boolean,
        "the same, and every file is one of the operator's reference values, or excluded",
    ),
    row(
        "avouch-ima-only-signed-or-listed",
        Boolean,
        "the same, and every file is signed, listed or excluded",
    ),
    row(
        "avouch-verity",
        Json,
        "the volumes of dm-verity that run, each with its root digest; lists of more than 64 are left out",
    ),
];

/// Of an enclave that VBS protects, beside those of its TPM; only if its report came along.
const VBS: [Description; 12] = [
    policy_only("enclaveAuthorId", Base64Url(32), "hash of who signed the enclave's image"),
    policy_only("enclaveFamilyId", Base64Url(16), "family of the enclave's image, by its author"),
    policy_only(
        "enclaveFlags",
        Integer,
        "1: the enclave can be debugged; 2: that can be switched on; 4: it was. 0 is none of it",
    ),
    policy_only("enclaveImageId", Base64Url(16), "the image among its family, by its author"),
    policy_only(
        "enclaveOwnerId",
        Base64Url(32),
        "who created the enclave, by the creator's own word: it proves nothing",
    ),
    policy_only(
        "enclavePlatformSvn",
        Integer,
        "security version of the platform below the enclave",
    ),
    policy_only("enclaveSvn", Integer, "security version of the enclave's image"),
    row(
        "avouch-enclave-is-debuggable",
        Boolean,
        "whether the enclave can be debugged, or that can be switched on: `enclaveFlags` is not 0",
    ),
    policy_only(
        "avouch-enclave-modules",
        JsonArray,
        "what else is loaded in the enclave: `name`, `uniqueId`, `authorId`, `familyId`, `imageId`, `svn`",
    ),
    policy_only(
        "avouch-enclave-secure-kernel-svn",
        Integer,
        "security version of the secure kernel that signed the report",
    ),
    policy_only(
        "avouch-enclave-signing-level",
        Integer,
        "by whom modules must be signed to be loaded into the enclave",
    ),
    policy_only("avouch-enclave-unique-id", Base64Url(32), "hash of the enclave's primary image"),
];

/// Of whatever a TPM's attestation key signed.
const ATTESTATION_KEY: [Description; 1] = [row(
    "avouch-aik",
    Text,
    "how the attestation key is known to be a TPM's: `certified`, `activated` (enrolled here), \
         `reported` (by isolation evidence of a paravisor that the operator names) or `self-asserted` (not \
         at all)",
)];

/// Of a machine with a virtual TPM, whosever it is.
const GUEST: [Description; 3] = [
    row(
        "secureboot",
        Boolean,
        "whether firmware, and shim if it booted, verified all that they ran; false if the log does not \
         prove it",
    ),
    row(
        "x-ms-isolation-tee",
        Json,
        "the claims of a token about what isolates the machine from its host, with `x-ms-attestation-type` \
         and, as `x-ms-runtime`, the paravisor's runtime data; only of confidential machines",
    ),
    row(
        "avouch-paravisor-known",
        Boolean,
        "whether reference values know the paravisor that bound `x-ms-isolation-tee`; if not, that may be of \
         another machine; only of confidential machines",
    ),
];

/// The same facts under the names of Azure's machines, and of others.
macro_rules! of_host {
    ($prefix:literal) => {
        [
            row(concat!($prefix, "attestation-protocol-ver"), Text, "version of the protocol: 2.0"),
            row(concat!($prefix, "attested-pcrs"), JsonArray, "the quoted PCRs"),
            row(concat!($prefix, "is-windows"), Boolean, "whether Windows started, and nothing else"),
            row(concat!($prefix, "osbuild"), Text, "by the client's own word: it proves nothing"),
            row(concat!($prefix, "osdistro"), Text, "by the client's own word: it proves nothing"),
            row(concat!($prefix, "ostype"), Text, "by the client's own word: it proves nothing"),
            row(
                concat!($prefix, "osversion-major"),
                Integer,
                "by the client's own word: it proves nothing",
            ),
            row(
                concat!($prefix, "osversion-minor"),
                Integer,
                "by the client's own word: it proves nothing",
            ),
            row(
                concat!($prefix, "default-securebootkeysvalidated"),
                Boolean,
                "whether `PK` and `KEK` are Microsoft's for virtual machines, and nobody else's",
            ),
            row(
                concat!($prefix, "dbvalidated"),
                Boolean,
                "whether every entry of `db` is a certificate of Microsoft's",
            ),
            row(
                concat!($prefix, "dbxvalidated"),
                Boolean,
                "whether `dbx` has the revocations that Microsoft published up to May 2023",
            ),
            row(
                concat!($prefix, "bootdebug-enabled"),
                Boolean,
                "whether a boot component of Windows could be debugged",
            ),
            row(
                concat!($prefix, "debuggersdisabled"),
                Boolean,
                "whether nothing of Windows could be debugged, or another system started",
            ),
            row(
                concat!($prefix, "elam-enabled"),
                Boolean,
                "whether Windows loaded an early-launch anti-malware driver",
            ),
            row(
                concat!($prefix, "flightsigning-enabled"),
                Boolean,
                "whether Windows accepted certificates for previews",
            ),
            row(
                concat!($prefix, "hvci-policy"),
                Integer,
                "1 if Windows' hypervisor enforces code integrity, else 0",
            ),
            row(
                concat!($prefix, "hypervisordebug-enabled"),
                Boolean,
                "whether Windows' hypervisor could be debugged",
            ),
            row(
                concat!($prefix, "kerneldebug-enabled"),
                Boolean,
                "whether Windows' kernel could be debugged",
            ),
            row(
                concat!($prefix, "signingdisabled"),
                Boolean,
                "whether Windows accepted neither test certificates nor those for previews, or another \
                 system started",
            ),
            row(
                concat!($prefix, "testsigning-enabled"),
                Boolean,
                "whether Windows accepted test certificates",
            ),
            row(
                concat!($prefix, "vmid"),
                Text,
                "which machine it is, by its firmware, or a paravisor that reference values know: a GUID; \
                 absent if neither says so",
            ),
        ]
    };
}

/// Of a machine of Azure's.
const AZURE_VM: [Description; 21] = of_host!("x-ms-azurevm-");

/// Of a machine whose virtual TPM is not Azure's.
const OTHER_VTPM: [Description; 21] = of_host!("avouch-vtpm-");
