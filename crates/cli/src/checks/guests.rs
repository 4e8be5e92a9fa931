//! Checks of guest attestation, and of a paravisor's runtime data.

use super::{Subject, Text, one};

const CLIENT: &str = "Send the document as a current client writes it.";
const HCL: &str = "Send the report as it lies in the TPM's NV index 0x01400001.";
const RUNTIME: &str =
    "Send the runtime data of the report, byte for byte as the paravisor wrote them.";
const SEALING: &str =
    "Have the client make the key anew, by its own template, under a policy over the quoted PCRs.";

pub(super) static SUBJECT: Subject = Subject { title: "Guest attestation", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "guest-document-size",
        "The size of the document.",
        "It is larger than any client sends.",
        CLIENT,
    ),
    one(
        "guest-document-json",
        "That the document is the JSON object that it should be.",
        "It is damaged, a member is missing, of another type, or there twice.",
        CLIENT,
    ),
    one(
        "guest-document-base64",
        "That a member is base64.",
        "It has foreign characters, or is cut.",
        CLIENT,
    ),
    one(
        "guest-document-member",
        "That a member has a value that it can have.",
        "It is out of range, or not what the client's protocol has there.",
        CLIENT,
    ),
    one(
        "guest-protocol-version",
        "The version of the protocol.",
        "It is another than 2.0.",
        "Update the client.",
    ),
    one(
        "guest-isolation-type",
        "What isolates the machine.",
        "It is none of TrustedLaunch, SevSnp and Tdx.",
        CLIENT,
    ),
    one(
        "guest-isolation-evidence",
        "That evidence of isolation is there where it is said to be, and nowhere else.",
        "It is missing, or stands beside TrustedLaunch.",
        CLIENT,
    ),
    one(
        "guest-client-payload",
        "That the client's payload is a JSON object.",
        "It is none, has a member twice, or is too large.",
        CLIENT,
    ),
    one(
        "guest-public-names",
        "The two names behind a public area.",
        "They are another key's, or more follows.",
        CLIENT,
    ),
    one(
        "guest-ak-not-vouched",
        "That something says that the attestation key is a TPM's.",
        "No certificate was sent, and no reference values match the machine's hardware.",
        "Send the certificate, or add reference values of the paravisor.",
    ),
    one(
        "guest-pcr-set",
        "That the quote is of the PCRs in PcrSet, in the SHA-256 bank alone.",
        "It has others, or another bank too.",
        CLIENT,
    ),
    one(
        "guest-held-data",
        "That no data came along which nothing binds.",
        "The request has runtimeData or initTimeData.",
        "Put what is to come back into ClientPayload.",
    ),
    one(
        "sealing-key-kind",
        "The kind of the key that the answer is sealed to.",
        "It is not RSA of 2048 bits or more.",
        SEALING,
    ),
    one(
        "sealing-key-name-algorithm",
        "The hash of that key's name.",
        "It is not SHA-256.",
        SEALING,
    ),
    one(
        "sealing-key-attributes",
        "What that key may be used for.",
        "It can leave its TPM, was made elsewhere, signs, is restricted, or a password opens it.",
        SEALING,
    ),
    one(
        "sealing-key-scheme",
        "That the key fixes no scheme or cipher.",
        "It does, and would not open the answer.",
        SEALING,
    ),
    one(
        "sealing-key-policy",
        "That the key works in the quoted state only.",
        "Its policy is another, as after a PCR changed.",
        SEALING,
    ),
    one(
        "hcl-structure",
        "The layout of an HCL report.",
        "It is cut, or a length is beyond its end.",
        HCL,
    ),
    one("hcl-signature", "That an HCL report begins with HCLA.", "It is something else.", HCL),
    one("hcl-version", "The version of an HCL report.", "It is not known.", HCL),
    one(
        "hcl-data-version",
        "The version of an HCL report's runtime data.",
        "It is not known.",
        HCL,
    ),
    one(
        "hcl-report-type",
        "What hardware an HCL report is of.",
        "It is neither SEV-SNP nor TDX.",
        HCL,
    ),
    one(
        "hcl-report-area",
        "That the hardware report is of the type that the header says.",
        "It is of another.",
        HCL,
    ),
    one("hcl-hash-type", "The hash that binds the runtime data.", "It is not known.", HCL),
    one(
        "hcl-trailing",
        "That zeros follow the runtime data.",
        "Something else does: a length is wrong.",
        HCL,
    ),
    one(
        "hcl-runtime-binding",
        "That the hardware report binds the runtime data.",
        "They were changed, or are another report's.",
        HCL,
    ),
    one(
        "hcl-runtime-json",
        "That a paravisor's runtime data are the JSON that they should be.",
        "They are damaged, have a member twice, or a number that no token can carry.",
        RUNTIME,
    ),
    one(
        "hcl-runtime-ak",
        "That runtime data name one attestation key.",
        "They name none or several, or it is no RSA key.",
        RUNTIME,
    ),
    one(
        "hcl-runtime-user-data",
        "The guest's own data among the runtime data.",
        "They are not 64 bytes in hex.",
        RUNTIME,
    ),
    one(
        "hcl-report-data",
        "That a trust domain's report data are zeros behind the hash of the runtime data.",
        "No paravisor made the quote.",
        "Send the quote that the paravisor had made.",
    ),
    one(
        "hcl-vmpl",
        "That runtime data which speak as a paravisor does were bound at its privilege, VMPL 0.",
        "The guest below it asked for the report.",
        "Send the report that the paravisor left in the TPM.",
    ),
];
