//! Checks of SGX and TDX quotes and of Intel's collateral.

use super::{Subject, Text, Thing, each, one};

const CERTIFICATES: &[Thing] = &[
    ("pck-certificate", "the PCK certificate"),
    ("pck-ca-certificate", "the CA certificate above the PCK certificate"),
    ("tcb-signing-certificate", "the TCB signing certificate"),
    ("root-certificate", "the copy of the root certificate"),
];
const CRLS: &[Thing] = &[("root-ca-crl", "the CRL of Intel's root"), ("pck-crl", "the PCK CRL")];
const DOCUMENTS: &[Thing] =
    &[("tcb-info", "the TCB info"), ("qe-identity", "the identity of the quoting enclave")];
const CHAINS: &[Thing] = &[
    ("pck-chain", "the certificate chain in the quote"),
    ("pck-crl-issuer-chain", "the chain that came with the PCK CRL"),
    ("tcb-info-issuer-chain", "the chain that came with the TCB info"),
    ("qe-identity-issuer-chain", "the chain that came with the QE identity"),
];

const RESEND: &str = "Send the quote as the platform made it, whole and unchanged; `avouch inspect FILE` shows its fields.";
const RENEW: &str =
    "Fetch the collateral for this platform anew from the PCCS or from Intel, and load it.";
const PLATFORM: &str = "Fetch the platform's PCK certificate and collateral anew; if it stays, do not trust the platform.";
const UPDATE: &str =
    "Update microcode, firmware and the quoting software of the platform, then quote again.";

pub(super) static SUBJECT: Subject =
    Subject { title: "Intel: quotes and collateral", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "quote-structure",
        "That the bytes are a quote of a known layout.",
        "They are cut short, or are another thing.",
        RESEND,
    ),
    one(
        "quote-version",
        "The version in the quote's header.",
        "Versions 3, 4 and 5 are known; a TDX quote has no version 3.",
        RESEND,
    ),
    one(
        "attestation-key-type",
        "The kind of key that signed the quote.",
        "Only ECDSA over P-256 is known; EPID is no longer supported by Intel.",
        "Use DCAP (ECDSA) quotes.",
    ),
    one(
        "tee-type",
        "That the quote is of the TEE of the route.",
        "A TDX quote was sent as SGX evidence, or the other way round.",
        "Send SGX quotes to `SgxEnclave`, TDX quotes to `TdxVm`.",
    ),
    one(
        "qe-vendor-id",
        "The vendor of the quoting enclave.",
        "Another than Intel made it.",
        "Quote with Intel's quoting enclave.",
    ),
    one(
        "body-type",
        "The type of the body of a quote of version 5.",
        "It is a type that is not known here.",
        "Check that the platform's quoting software makes SGX, TDX 1.0 or TDX 1.5 bodies.",
    ),
    one("body-size", "That the body is as long as its type is.", "The quote is damaged.", RESEND),
    one(
        "signature-data-length",
        "That the signature data fill the length given for them.",
        "The quote is cut, or was padded within.",
        RESEND,
    ),
    one(
        "qe-authentication-data-length",
        "The length of the quoting enclave's authentication data.",
        "It points beyond the signature data.",
        RESEND,
    ),
    one(
        "certification-data-type",
        "That the quote holds its own PCK certificate chain (type 5).",
        "The platform was not provisioned when it quoted: the quote holds encrypted identifiers only.",
        "Set up the PCCS or the quote provider library on the platform, so that quotes hold the PCK chain.",
    ),
    one(
        "certification-data-length",
        "The length of the certification data.",
        "It points beyond the signature data.",
        RESEND,
    ),
    one(
        "open-enclave-version",
        "The version in Open Enclave's header.",
        "Version 1 (report) and version 3 (evidence) are known.",
        "Send what `oe_get_report` or `oe_get_evidence` gave; a bare quote goes to `SgxEnclave`.",
    ),
    one(
        "open-enclave-type",
        "The type in the header of an Open Enclave report.",
        "It is a local report, which only the same machine can check.",
        "Ask for a remote report.",
    ),
    one(
        "open-enclave-format",
        "The format of Open Enclave evidence.",
        "Only SGX_ECDSA is known.",
        "Ask the attester for the format SGX_ECDSA.",
    ),
    one(
        "open-enclave-size",
        "That the size in Open Enclave's header is that of what follows.",
        "The evidence is cut, or bytes follow it.",
        "Send it whole and without padding.",
    ),
    one(
        "other-platform",
        "That the quote rests on the platform data that were verified for it.",
        "The quote and a platform verified before were mixed up by the caller.",
        "Verify the platform from the same quote.",
    ),
    one(
        "trust-anchor",
        "That the chain ends in a root that is trusted.",
        "Evidence or collateral comes from another PKI, such as test evidence or pre-production parts.",
        "Use production evidence; for tests add the root with `--trust-root intel=FILE`.",
    ),
    one(
        "mixed-trust-anchors",
        "That quote and collateral rest on one root.",
        "Collateral of another PKI was loaded.",
        RENEW,
    ),
    each(
        CHAINS,
        "",
        "That {} has the certificates that it must have, in PEM.",
        "Certificates are missing, are too many, are in another order or cannot be read.",
        RENEW,
    ),
    each(
        CERTIFICATES,
        "-name",
        "The name of {}.",
        "Another certificate stands in its place.",
        PLATFORM,
    ),
    each(CERTIFICATES, "-key", "That {} has a P-256 key.", "It is not one of Intel's.", PLATFORM),
    each(
        CERTIFICATES,
        "-issuer",
        "That {} names the certificate above as its issuer, and that this is a CA.",
        "The chain is put together of parts of different chains.",
        PLATFORM,
    ),
    each(
        CERTIFICATES,
        "-signature",
        "That {} was signed by the key above it.",
        "It was altered or forged, or the root is another than the one trusted.",
        PLATFORM,
    ),
    each(
        CERTIFICATES,
        "-not-yet-valid",
        "That {} was valid when judged.",
        "Its validity begins later: the clock is behind, or `--at` lies too early.",
        "Set the clock, or judge at a later moment.",
    ),
    each(
        CERTIFICATES,
        "-expired",
        "That {} was valid when judged.",
        "It has expired.",
        "Fetch it anew; to judge old evidence give the moment with `--at`.",
    ),
    each(
        CERTIFICATES,
        "-usage",
        "That {} may be used as it is used here.",
        "It is a CA where none belongs or is none where one does, its key usage lacks the bit, or the path is too long.",
        PLATFORM,
    ),
    each(
        CERTIFICATES,
        "-extension",
        "That every critical extension of {} is understood.",
        "It has one that is not, or constraints that are not implemented.",
        PLATFORM,
    ),
    each(
        CERTIFICATES,
        "-revoked",
        "That {} is not on the CRL of its issuer.",
        "Intel has revoked it.",
        "Do not trust it. A platform needs to be provisioned anew, or is lost for attestation.",
    ),
    one(
        "pck-extension",
        "Intel's extension in the PCK certificate.",
        "It is missing or malformed, so that the platform is not known.",
        PLATFORM,
    ),
    each(
        CRLS,
        "-malformed",
        "That {} can be read.",
        "It is damaged, or in an unknown encoding: DER, PEM and hex of DER are read.",
        RENEW,
    ),
    each(
        CRLS,
        "-extension",
        "The extensions of {}.",
        "It has one that would change what the list means.",
        RENEW,
    ),
    each(
        CRLS,
        "-issuer",
        "That {} is of the CA that it is needed for.",
        "The CRL of another CA was loaded.",
        RENEW,
    ),
    each(
        CRLS,
        "-usage",
        "That the issuer of {} may sign CRLs.",
        "Its key usage lacks cRLSign.",
        RENEW,
    ),
    each(
        CRLS,
        "-signature",
        "That {} was signed by its issuer.",
        "It was altered or is of another CA.",
        RENEW,
    ),
    each(
        CRLS,
        "-not-yet-valid",
        "That {} was current when judged.",
        "It is younger than the moment judged at.",
        "Set the clock, or load collateral of that time.",
    ),
    each(
        CRLS,
        "-expired",
        "That {} was current when judged.",
        "Its next update is due, or it names none.",
        RENEW,
    ),
    one(
        "pck-crl-of-other-ca",
        "That the PCK CRL is of the CA that issued the PCK certificate.",
        "Processor CA and Platform CA have a CRL each, and the other one was loaded.",
        "Fetch the CRL of the CA that the message names.",
    ),
    each(
        DOCUMENTS,
        "-malformed",
        "That {} is the JSON document that it must be.",
        "It is damaged, or of a version that is not known.",
        RENEW,
    ),
    each(
        DOCUMENTS,
        "-signature",
        "That {} was signed by Intel's TCB signing key.",
        "It was altered after it was signed, also by a program that wrote its JSON anew.",
        "Fetch it anew, and keep the bytes as Intel sent them.",
    ),
    each(
        DOCUMENTS,
        "-id",
        "That {} is for the TEE of the quote.",
        "That of the other TEE was loaded.",
        RENEW,
    ),
    each(
        DOCUMENTS,
        "-not-yet-valid",
        "That {} was current when judged.",
        "It was issued after the moment judged at.",
        "Set the clock, or load collateral of that time.",
    ),
    each(
        DOCUMENTS,
        "-expired",
        "That {} was current when judged.",
        "Its next update is due.",
        RENEW,
    ),
    one(
        "collateral-malformed",
        "That the file is a set of Intel collateral.",
        "It is JSON, but lacks a member or has one of another type.",
        "Load one bundle with all of its members; `avouch mint` writes such a file for comparison.",
    ),
    one(
        "evaluation-data-number",
        "That both documents are of the TCB evaluation data number that was asked for.",
        "TCB info and QE identity are of different TCB recoveries.",
        "Fetch both with the same `tcbEvaluationDataNumber`.",
    ),
    one(
        "fmspc",
        "That the TCB info is for the platform's FMSPC.",
        "The collateral of another kind of processor was given.",
        RENEW,
    ),
    one(
        "pce-id",
        "That the TCB info is for the platform's PCEID.",
        "The collateral of another provisioning enclave was given.",
        RENEW,
    ),
    one(
        "qe-report-signature",
        "That the PCK key signed the report of the quoting enclave.",
        "The quote is put together of parts, or forged.",
        "Do not trust it; quote anew on the platform.",
    ),
    one(
        "qe-report-binding",
        "That the quoting enclave vouches for the attestation key.",
        "The key was exchanged.",
        "Do not trust it; quote anew on the platform.",
    ),
    one(
        "qe-debuggable",
        "That the quoting enclave is a production enclave.",
        "It was built for debugging, so its keys are not secret.",
        "Install Intel's signed quoting enclave.",
    ),
    one(
        "qe-mr-signer",
        "The signer of the quoting enclave.",
        "It is not Intel's.",
        "Install Intel's signed quoting enclave.",
    ),
    one(
        "qe-isv-prod-id",
        "The product number of the quoting enclave.",
        "It is another enclave of the signer.",
        "Install Intel's quoting enclave for this TEE.",
    ),
    one(
        "qe-misc-select",
        "MISCSELECT of the quoting enclave.",
        "It differs in bits that Intel demands.",
        "Install Intel's signed quoting enclave.",
    ),
    one(
        "qe-attributes",
        "The attributes of the quoting enclave.",
        "They differ in bits that Intel demands.",
        "Install Intel's signed quoting enclave.",
    ),
    one(
        "qe-tcb-level",
        "The version of the quoting enclave.",
        "It is older than any that Intel lists.",
        "Update the quoting enclave (DCAP packages) on the platform.",
    ),
    one(
        "quote-signature",
        "That the attestation key signed the quote.",
        "The quote was altered after it was made.",
        RESEND,
    ),
    one(
        "tcb-level",
        "That Intel lists a TCB level for the platform.",
        "It is below all of them, which is worse than out of date. Exceptions for its FMSPC do not hold.",
        "Update the platform. If its operator maintains it by an understanding with Intel, as Azure does, \
         and you trust that: appraisal.platform_exceptions.",
    ),
    one(
        "tdx-module-identity",
        "That Intel lists the version of the TDX module.",
        "The module is not one of Intel's, or the collateral is older than it.",
        "Fetch the collateral anew; update the TDX module.",
    ),
    one(
        "tdx-module-mr-signer",
        "The signer of the TDX module.",
        "It is not Intel's.",
        "Run Intel's signed TDX module.",
    ),
    one(
        "tdx-module-attributes",
        "The attributes of the TDX module.",
        "It is not a production module.",
        "Run Intel's signed production module.",
    ),
    one(
        "tdx-module-tcb-level",
        "The version of the TDX module.",
        "It is older than any that Intel lists.",
        "Update the TDX module, usually with the platform's firmware.",
    ),
    one(
        "tcb-revoked",
        "That no part of the TCB is revoked.",
        "Intel says that it must not be trusted any more.",
        UPDATE,
    ),
    one(
        "tcb-baseline-missing",
        "That the TCB baseline that the policy asks for is at hand.",
        "No collateral of that evaluation data number is loaded, or the name is none.",
        "Load collateral of that number, or let the policy say `azuredefault`.",
    ),
    one(
        "accepted-tcb-status",
        "That the settings accept the platform's TCB status.",
        "The platform is out of date or needs configuration; the message says which component is short.",
        "Update the platform, or accept the status (`accepted_tcb_statuses`) or its advisories for a while.",
    ),
    one(
        "service-td",
        "That no service TD is bound to the TD.",
        "One is or may be, and the settings do not accept it.",
        "Start the TD without a service TD, or set `refuse_service_td = false`.",
    ),
    one(
        "custom-claims",
        "That the quote vouches for the custom claims of Open Enclave evidence.",
        "The claims were altered, or are those of other evidence.",
        "Send evidence and claims as the enclave made them together.",
    ),
    one(
        "event-log-kind",
        "That an event log comes beside evidence with registers that a log explains.",
        "It came beside other evidence than a TDX quote.",
        "Send an event log with TDX quotes alone.",
    ),
    one(
        "ccel-replay",
        "That no event of a trust domain's log contradicts the registers in its quote.",
        "The log is of another boot, was changed, or was read before or after the quote while the domain measured more.",
        "Read the log and make the quote in one go, and send both unchanged; `avouch inspect FILE` shows what a log replays to.",
    ),
];
