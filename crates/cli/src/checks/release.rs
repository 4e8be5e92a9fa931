//! Release of keys: policies, tokens, wrapping keys, the keys themselves.

use super::{Subject, Text, one};

const LOOK: &str = "`avouch release-policy check FILE` shows the place.";
const ADMIN: &str = "Change the key in the vault, as somebody who may.";
const WORKLOAD: &str = "Let the workload bind one RSA key of 2048 to 4096 bits with `key_ops` `[\"encrypt\"]` to its evidence.";

pub(super) static SUBJECT: Subject = Subject { title: "Release of keys", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "release-policy-envelope",
        "That a release policy comes as an object with `contentType`, `data` and `immutable`.",
        "It is another thing, or `data` is no base64url.",
        "Send the policy's text in base64url as `data`.",
    ),
    one(
        "release-policy-json",
        "That a release policy is a JSON object of at most 16 KiB.",
        "It is none, or names a member twice.",
        LOOK,
    ),
    one(
        "release-policy-kind",
        "The kind of a value in a release policy.",
        "A string, an array or an object stands where another kind belongs.",
        LOOK,
    ),
    one(
        "release-policy-member",
        "The members of an object in a release policy.",
        "One is missing, is not of the grammar, or stands there in two spellings.",
        LOOK,
    ),
    one(
        "release-policy-version",
        "The `version` of a release policy.",
        "It is another than 1.0.0.",
        "Write `\"version\": \"1.0.0\"`.",
    ),
    one(
        "release-policy-group",
        "That `allOf` or `anyOf` stands alone and is not empty.",
        "Both stand side by side, or one has no conditions.",
        LOOK,
    ),
    one(
        "release-policy-authority",
        "The URL of an authority in a release policy.",
        "It is no `https` URL of host, port and path alone.",
        "Write the issuer as the tokens have it in `iss`.",
    ),
    one(
        "release-policy-claim",
        "The path of a claim in a release policy.",
        "A name in it is empty.",
        "Write the names with one dot between them.",
    ),
    one(
        "release-policy-operator",
        "The operator of a condition in a release policy.",
        "There is none, there are several, or it is not enabled.",
        "Compare with `equals`, or let the operator of the vault enable all operators.",
    ),
    one(
        "release-policy-value",
        "The value that a claim is compared with in a release policy.",
        "It is a number with a fraction, or nothing that its operator compares.",
        LOOK,
    ),
    one(
        "release-policy-size",
        "How many conditions a release policy has, and how deep they are nested.",
        "There are more than 256, or more than 8 groups within each other.",
        "Split the policy, or merge conditions.",
    ),
    one(
        "release-policy-immutable",
        "That a release policy may be replaced.",
        "It was set as immutable, which is for ever.",
        "Make a new version of the key with the new policy.",
    ),
    one(
        "release-policy-met",
        "That the token's claims meet the key's release policy.",
        "A condition does not hold, or the evidence rests on a root that is not the vendor's and no condition names it.",
        "The log has each condition that failed, with both sides.",
    ),
    one(
        "release-no-workload",
        "Whether a release policy names a workload.",
        "Some way to meet it names no measurement, host data or compliance status.",
        "Add a condition on what runs, such as `x-ms-sevsnpvm-launchmeasurement`.",
    ),
    one(
        "release-host-data-alone",
        "Whether a release policy that names host data says which software holds to it.",
        "It names neither a measurement nor a compliance status, and whoever starts a machine chooses its host data.",
        "Add a condition on the measurement or on `x-ms-compliance-status`.",
    ),
    one(
        "release-isolation-unknown",
        "Whether a release policy that trusts `x-ms-isolation-tee` asks if that is the machine's own.",
        "It asks for neither `avouch-paravisor-known` nor a compliance status, and root in any genuine guest can name another machine's TPM.",
        "Add a condition that `avouch-paravisor-known` equals `true`.",
    ),
    one(
        "release-debuggable",
        "Whether a release policy keeps debuggers out.",
        "What it names the same software has under a debugger too.",
        "Add a condition that debugging is off, such as `x-ms-sevsnpvm-is-debuggable` equals `false`.",
    ),
    one(
        "release-claim-of-workload",
        "Who makes the claims of a release policy.",
        "The attested workload chooses this one itself.",
        "Compare a claim that the service makes of the evidence.",
    ),
    one(
        "release-never-met",
        "Whether the conditions of a release policy can hold together.",
        "Two want different values of one claim.",
        "Put them into an `anyOf`, or leave one out.",
    ),
    one(
        "release-request",
        "That a request for release is an object with a `target`.",
        "It is none, or a member has another kind or is too long.",
        "Send the attestation token as `target`.",
    ),
    one(
        "release-request-enc",
        "The `enc` of a request for release.",
        "It names no way of wrapping that is known.",
        "Ask for `CKM_RSA_AES_KEY_WRAP`, `RSA_AES_KEY_WRAP_256` or `RSA_AES_KEY_WRAP_384`.",
    ),
    one(
        "token-age",
        "How old the token is.",
        "It is older than the vault allows, or does not say when it was issued.",
        "Attest anew just before the key is asked for.",
    ),
    one(
        "token-single-use",
        "That the token has not served for a release before.",
        "It has, or it has no `jti` to be known by.",
        "Attest anew for each release.",
    ),
    one(
        "vault-role",
        "That the caller has the role that a request to the vault needs.",
        "It has another one, or none at this vault: roles at providers do not count here.",
        "Have the role given to the caller; `docs/configuration.md` says what each may do.",
    ),
    one("key-enabled", "That the key is enabled.", "It is disabled.", ADMIN),
    one(
        "key-exportable",
        "That the key may leave the vault.",
        "It was not made exportable, and cannot become so.",
        "Create or import the key as exportable, with a release policy.",
    ),
    one(
        "key-release-policy",
        "That the key has a release policy.",
        "It has none, so nothing says to whom it may go.",
        ADMIN,
    ),
    one(
        "key-window",
        "That the key is asked for between its `nbf` and its `exp`.",
        "It is not valid yet, or no longer.",
        ADMIN,
    ),
    one(
        "key-material",
        "That a key is one that can be kept for release.",
        "It is no RSA key of 2048, 3072 or 4096 bits, no key on P-256, P-384 or P-521, and no secret of 16, 24 or 32 bytes.",
        "Make a key of one of these kinds.",
    ),
    one(
        "wrapping-key",
        "That the token has a key that the answer can be wrapped to.",
        "`x-ms-runtime.keys` is not there, or none of its keys may encrypt.",
        WORKLOAD,
    ),
    one(
        "wrapping-key-reserved",
        "That the first key that may encrypt is no key of a virtual TPM.",
        "It is an attestation key or an endorsement key, which open no secrets.",
        "Attest through the guest attestation library, whose tokens have an ephemeral key.",
    ),
    one(
        "wrapping-key-private",
        "That the token shows no private key.",
        "The workload bound its private key instead of the public one.",
        "Make a new key, and bind its public part only.",
    ),
    one(
        "wrapping-key-unusable",
        "That the first key that may encrypt is a sound RSA key.",
        "It is of another type or length, weak, or cannot be read.",
        WORKLOAD,
    ),
    one(
        "key-wrap",
        "That the key was wrapped.",
        "The crypto library failed.",
        "Read the log of the service.",
    ),
    one(
        "key-unwrap",
        "That a wrapped key opens.",
        "It was wrapped to another key or by another algorithm, or was changed or cut.",
        "Open it by the `enc` that the answer shows, with the private key that was bound.",
    ),
    one(
        "release-signer",
        "The key and certificates that sign answers.",
        "The key is not RSA, the chain is not in order, or its root is missing.",
        "Give the key of the first certificate, and the whole chain with the root last.",
    ),
    one(
        "release-answer-signature",
        "That the answer was signed.",
        "The signing key failed.",
        "Read the log of the service.",
    ),
    one(
        "release-answer",
        "In the guest: that an answer is a JWS by RS256, signed by its first certificate's key, to the request that was sent.",
        "It was changed on its way, is of another service, or answers another request.",
        "Ask the vault itself, by its own host name.",
    ),
    one(
        "release-answer-signer",
        "In the guest: that the certificate that signed an answer is for the vault's host, under a trusted root.",
        "It is for another host, has expired, or its root is not trusted here.",
        "Name the root with `--ca`, and give the vault a certificate for `vault.host`.",
    ),
];
