//! TPM 2.0: quotes, public areas, the trust in an attestation key, and credential activation; and the
//! messages of MAA's TPM protocol.
//!
//! What this crate proves: that a key which meets the rules of an attestation key signed a quote over
//! PCR values, answering a challenge that the caller made; how the key is known to be a TPM's
//! ([`Standing`]); that a certificate is an endorsement key's under a manufacturer that the operator
//! trusts; that another key lives in the same TPM. What it does not: that the values are good ones,
//! what was measured into them (logs explain that), or that the TPM belongs to the machine that sends.
//!
//! In reading order: [`Public::parse`] → [`AcceptableKey::of`] → bound by
//! [`AcceptableKey::certified`] or another way → [`AttestationKey`] → [`Attest::parse`] →
//! [`verify_quote`] → [`VerifiedQuote`]. Parsed and verified are different types; nothing verified has
//! a public constructor. No clock is read, randomness is an argument, nothing is fetched.
//!
//! All structures are those of the TCG's *Trusted Platform Module Library, Part 2: Structures*,
//! big-endian and packed.

mod ak;
mod algorithm;
mod anchors;
mod attest;
mod attributes;
mod certificates;
mod certify;
mod credential;
mod key_derivation;
mod name;
mod pcr;
pub mod protocol;
mod public;
mod quote;
mod selection;
mod signature;
mod sized;

pub use ak::{AcceptableKey, AkError, AkRules, AttestationKey, AttributeRule, Standing};
pub use algorithm::{Curve, SigningAlgorithm, SigningScheme, Symmetric};
pub use anchors::{AnchorError, TrustAnchors};
pub use attest::{Attest, AttestError, Attested, ClockInfo};
pub use attributes::ObjectAttributes;
pub use avouch_pki::HashAlgorithm;
pub use certificates::{
    AikFacts, CertificateKind, EkFacts, Tpm, TpmCertificateError, TpmSpecification, VerifiedAik,
    VerifiedCa, VerifiedEk, trim_padding, verify_aik_certificate, verify_ca_certificate,
    verify_ek_certificate,
};
pub use certify::{CertifiedKey, CertifyError, verify_certify};
pub use credential::{
    ActivationSecret, Credential, CredentialError, EkPrivateKey, EndorsementKey, Fill,
    VerifiedActivation, activate_credential, make_credential, open_with_seed,
};
pub use name::{Hierarchy, Name, qualified_name};
pub use pcr::{PcrMask, PcrValue};
pub use public::{Public, PublicError, Scheme};
pub use quote::{Expected, QuoteError, VerifiedQuote, verify_quote};
pub use selection::{BankSelection, PcrSelection};
pub use signature::{Signature, SignatureError};
