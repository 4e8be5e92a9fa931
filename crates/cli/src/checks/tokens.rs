//! Checks of tokens and of signed policies.

use super::{Subject, Text, one};

const NEW: &str = "Get a new token.";
const SIGN: &str = "Make it with `avouch policy sign`, which writes the form that is expected.";

pub(super) static SUBJECT: Subject = Subject { title: "Tokens and signed policies", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "token-form",
        "That the token is a compact JWS with a proper header.",
        "It is cut, or is another thing.",
        "Send the token as it was issued: three parts with dots between.",
    ),
    one(
        "token-payload",
        "That the payload is a JSON object with the claims that are needed.",
        "One is missing, malformed or given twice.",
        NEW,
    ),
    one(
        "token-algorithm",
        "The signature algorithm.",
        "It is not accepted, or the token is unsigned.",
        "Have tokens signed by an accepted algorithm.",
    ),
    one(
        "token-key",
        "That the key that the token names is known, fits, and signs such tokens.",
        "The key set is old, or of another issuer, or the token is a report where none is expected, or the other way round.",
        "Fetch the key set anew from the issuer; `--report` says that a report is expected.",
    ),
    one(
        "token-signature",
        "That a key of the set signed the token.",
        "It was altered, or the key set is of another issuer.",
        NEW,
    ),
    one(
        "token-issuer",
        "The issuer.",
        "It is another than expected.",
        "Ask the right service, or name this issuer in the configuration.",
    ),
    one(
        "token-audience",
        "That the token is meant for this service.",
        "It is for another audience.",
        "Ask the issuer for a token for this audience.",
    ),
    one(
        "token-not-before",
        "That the token is valid already.",
        "Its time has not come, or the clock is behind.",
        "Wait, or set the clock.",
    ),
    one(
        "token-issued-at",
        "That the token was not issued in the future.",
        "The clock of one side is wrong.",
        "Set the clocks.",
    ),
    one("token-expiry", "That the token has not expired.", "It has.", NEW),
    one(
        "token-nonce",
        "That the token answers this very request.",
        "It was made for another nonce, so it may be an old one, or somebody else's.",
        "Attest anew with a nonce of your own, and expect that one.",
    ),
    one(
        "token-keys-url",
        "That `jku` in the header names the keys of the issuer that is expected.",
        "It names another place, as a forged token would; it is never followed.",
        "Do not trust the token.",
    ),
    one(
        "token-type",
        "The type of the token.",
        "It is made for another purpose.",
        "Send an access token (`JWT` or `at+jwt`); `--ear` says that an attestation result is expected.",
    ),
    one(
        "token-key-bound",
        "That the token is a bearer token.",
        "It is bound to a key that a bearer does not prove to hold.",
        "Ask for a token without `cnf`.",
    ),
    one(
        "token-of-attestation",
        "That the token is a bearer token.",
        "It is an attestation token, into which a policy may write claims.",
        "Send an access token of your identity provider.",
    ),
    one(
        "service-key-binding",
        "That the evidence in the signing certificate vouches for its key.",
        "The certificate and the evidence do not belong together.",
        "Do not trust the service; fetch its certificates anew.",
    ),
    one(
        "service-evidence-absent",
        "That the signing certificate carries evidence of the service's own.",
        "The service does not run in a TEE, or does not say so.",
        "Do without --measurements and --demand-service-evidence, or ask the operator for a service in a TEE.",
    ),
    one(
        "service-tee",
        "The kind of TEE that the evidence of the service is of.",
        "It is none that is known here.",
        "Use a newer release.",
    ),
    one(
        "service-measurement",
        "That what runs in the service's TEE is code that was published.",
        "It is other code, or the list of measurements is old.",
        "Get the list anew from whom you trust; if it stays so, do not trust the service.",
    ),
    one(
        "service-measurement-announced",
        "That the published code that runs there is in force.",
        "It is announced for later, and runs already.",
        "Ask the operator.",
    ),
    one(
        "service-measurement-retired",
        "That the published code that runs there is still good.",
        "It was replaced more than a month ago, or withdrawn.",
        "Do not trust the service; ask the operator.",
    ),
    one(
        "policy-jws-body",
        "That the body of the request holds a JWS.",
        "It is of another form.",
        SIGN,
    ),
    one(
        "policy-jws-form",
        "That it is a compact JWS.",
        "It is policy text or JSON as it is, or damaged.",
        SIGN,
    ),
    one(
        "policy-jws-signed",
        "That it is signed where it must be, and unsigned where it says so.",
        "Header and signature contradict each other, or a signature is required.",
        SIGN,
    ),
    one(
        "policy-jws-certificate",
        "That the header has the signer's certificate.",
        "There is none, or there are two that differ.",
        SIGN,
    ),
    one(
        "policy-jws-algorithm",
        "The signature algorithm.",
        "It is not accepted under this kind of key.",
        SIGN,
    ),
    one(
        "policy-jws-key-length",
        "The length of the signer's RSA key.",
        "It has under 2048 bits.",
        "Sign with a longer key.",
    ),
    one(
        "policy-jws-signature",
        "That the first certificate's key signed it.",
        "It was altered, or signed by another key.",
        SIGN,
    ),
    one(
        "policy-jws-payload",
        "What the payload holds.",
        "A member is missing or given twice, or a reset has a payload.",
        SIGN,
    ),
    one(
        "policy-jws-text",
        "The policy in `AttestationPolicy`.",
        "It is not base64url of UTF-8 text.",
        SIGN,
    ),
    one(
        "policy-certificate-key",
        "The certificate in the payload.",
        "It cannot be read.",
        "Send the JWK with one certificate in `x5c`.",
    ),
    one(
        "policy-signer-certificates",
        "That the provider has policy certificates.",
        "It has none, so nobody may sign.",
        "Create the provider with policy certificates, or send unsigned policies.",
    ),
    one(
        "policy-signer-issuer",
        "That the signer is, or chains to, a policy certificate.",
        "It does not; or it has the name of one and another key.",
        "Sign with a trusted certificate, or add this one first with `avouch signer`.",
    ),
    one(
        "policy-signer-issuer-ca",
        "That the policy certificate above the signer is a CA.",
        "It is not flagged as one.",
        "Use a policy certificate with `CA:TRUE`.",
    ),
    one(
        "bare-signature-form",
        "That the signature beside a file is a JWS without a payload.",
        "It is cut, is another thing, or demands an extension.",
        "Sign the file anew.",
    ),
    one(
        "bare-signature-type",
        "That the signature is over the sort of document that is expected.",
        "The key signed something else.",
        "Get the right file from whoever signed.",
    ),
    one(
        "bare-signature-key",
        "That the signature names a key that is trusted.",
        "Another key signed, or one with a certificate.",
        "Give the public key of who signed by --public-key, or the certificate by --certificate.",
    ),
    one(
        "bare-signature-algorithm",
        "That the signature is made by the algorithm of the key.",
        "Its header names another.",
        "Sign the file anew.",
    ),
    one(
        "bare-signature",
        "That the key signed this very file.",
        "The file or the signature was altered, or the signature is of another file.",
        "Fetch both anew from whoever signed.",
    ),
    one(
        "provider-issuer",
        "That the metadata of a service names it as the issuer.",
        "The address leads to another service, or to one that is known by another name.",
        "Give the name of the service by --issuer if it is the one that is meant.",
    ),
    one(
        "provider-keys-url",
        "That the metadata of a service has its keys below its own address.",
        "They are elsewhere, where somebody else may publish them.",
        "Ask the operator; do not trust the keys until it is mended.",
    ),
    one(
        "provider-keys",
        "That the published keys can be read.",
        "The answer is no key set, or none of its keys is usable.",
        "Ask the operator, or look whether a proxy answers in place of the service.",
    ),
    one(
        "service-evidence",
        "The evidence of the service in the certificate of its signing key.",
        "It is in no known form.",
        "Look at the certificate by `avouch inspect`.",
    ),
];
