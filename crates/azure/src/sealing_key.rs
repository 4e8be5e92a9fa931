//! The key that the answer is sealed to: it lives in the TPM that quoted, and works in the quoted state
//! only.

use avouch_pki::{KeyKind, PublicKey, digest};
use avouch_tpm::{
    CertifiedKey, HashAlgorithm, Hierarchy, ObjectAttributes, PcrMask, Public, Scheme,
    VerifiedQuote, qualified_name,
};
use avouch_wire::{encode_hex, failed_check};
use serde::Serialize;
use thiserror::Error;

/// `TPM_CC_PolicyPCR`.
const POLICY_PCR: u32 = 0x0000_017f;
/// Bytes of a selection's bitmap: PCR 0 to 23.
const BITMAP_BYTES: u8 = 3;

/// Why nothing is sealed to a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealingKeyError {
    /// Not an RSA key of 2048 bits or more.
    #[error("the key is {found}, expected RSA of at least 2048 bits")]
    Kind {
        /// Its kind.
        found: KeyKind,
    },
    /// Its Name is not made by SHA-256, by which its policy is computed.
    #[error("nameAlg is {found}, expected SHA-256")]
    NameAlgorithm {
        /// The hash.
        found: HashAlgorithm,
    },
    /// Its attributes allow more, or less, than to decrypt in this TPM under its policy.
    #[error("attributes {found}: {what}")]
    Attributes {
        /// All of them.
        found: ObjectAttributes,
        /// What is wrong.
        what: &'static str,
    },
    /// It has a scheme or a cipher of its own, and would not open the answer.
    #[error("the public area fixes a scheme or a cipher, expected none")]
    Scheme,
    /// Its policy is not that the PCRs are as quoted.
    #[error("authPolicy is {found}, expected {expected}: that PCRs {pcrs} are as they are quoted")]
    Policy {
        /// The policy that follows from the quote, in hex.
        expected: String,
        /// The policy of the key, in hex.
        found: String,
        /// The quoted PCRs.
        pcrs: PcrMask,
    },
}

failed_check!(SealingKeyError {
    Self::Kind { .. } => "sealing-key-kind",
    Self::NameAlgorithm { .. } => "sealing-key-name-algorithm",
    Self::Attributes { .. } => "sealing-key-attributes",
    Self::Scheme => "sealing-key-scheme",
    Self::Policy { .. } => "sealing-key-policy",
});

/// A key that only the TPM that quoted can use, and only while its PCRs are as quoted. Only
/// [`crate::AttestationInfo::verify`] makes one.
#[derive(Debug, Clone, Serialize)]
pub struct SealingKey {
    certified: CertifiedKey,
    /// Below which hierarchy of the TPM it stands.
    hierarchy: &'static str,
}

/// The hierarchies that clients make the key in.
const HIERARCHIES: [(Hierarchy, &str); 2] =
    [(Hierarchy::Null, "null"), (Hierarchy::Owner, "owner")];

impl SealingKey {
    /// Where a key may stand: directly below a hierarchy that clients make it in, by the place that it is
    /// said to have; below the first where that is none of them. A key below another key would be only as
    /// good as that.
    pub(crate) fn place(public: &Public, said: &[u8]) -> (Vec<u8>, &'static str) {
        let places = HIERARCHIES.map(|(hierarchy, name)| {
            let place = qualified_name(&hierarchy.qualified_name(), public.name());
            (place.unwrap_or_default(), name)
        });
        let [null, owner] = places;
        if owner.0 == said { owner } else { null }
    }

    /// The certified key, if it keeps what is sealed to it.
    pub(crate) fn of(
        certified: CertifiedKey,
        hierarchy: &'static str,
        quote: &VerifiedQuote,
    ) -> Result<Self, SealingKeyError> {
        let public = certified.public();
        check_kind(public)?;
        check_attributes(public.attributes())?;
        if public.scheme() != Scheme::Open || public.symmetric().is_some() {
            return Err(SealingKeyError::Scheme);
        }
        check_policy(public, quote)?;
        Ok(Self { certified, hierarchy })
    }

    /// The key itself, RSA.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.certified.public().key()
    }
}

fn check_kind(public: &Public) -> Result<(), SealingKeyError> {
    match public.key().kind() {
        KeyKind::Rsa { modulus_bits } if modulus_bits >= 2048 => {}
        found => return Err(SealingKeyError::Kind { found }),
    }
    match public.name_algorithm() {
        HashAlgorithm::Sha256 => Ok(()),
        found => Err(SealingKeyError::NameAlgorithm { found }),
    }
}

fn check_attributes(found: ObjectAttributes) -> Result<(), SealingKeyError> {
    let rules = [
        (found.decrypt(), "it does not decrypt"),
        (!found.sign(), "it signs"),
        (!found.restricted(), "it is restricted, and opens nothing of others"),
        (found.fixed_tpm(), "it can leave its TPM"),
        (found.fixed_parent(), "it can be moved below another parent"),
        (found.sensitive_data_origin(), "it was not made in the TPM"),
        (!found.user_with_auth(), "a password opens it, whatever the state"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(SealingKeyError::Attributes { found, what }),
        None => Ok(()),
    }
}

/// Its policy must be `TPM2_PolicyPCR` over exactly the quoted PCRs of the SHA-256 bank, and nothing else.
fn check_policy(public: &Public, quote: &VerifiedQuote) -> Result<(), SealingKeyError> {
    let pcrs = quote.selection().of(HashAlgorithm::Sha256);
    let expected = policy(pcrs, quote);
    if public.auth_policy() == expected {
        return Ok(());
    }
    let (expected, found) = (encode_hex(&expected), encode_hex(public.auth_policy()));
    Err(SealingKeyError::Policy { expected, found, pcrs })
}

/// The policy digest of `TPM2_PolicyPCR` (TPM library, Part 3), from the state of a new session.
fn policy(pcrs: PcrMask, quote: &VerifiedQuote) -> [u8; 32] {
    let values: Vec<&[u8]> =
        pcrs.iter().filter_map(|pcr| quote.value(HashAlgorithm::Sha256, pcr)).collect();
    let values = digest::sha256_of_parts(&values);
    let [low, middle, high, _] = pcrs.bits().to_le_bytes();
    let selection = [
        1_u32.to_be_bytes().as_slice(),
        &HashAlgorithm::Sha256.tpm_id().to_be_bytes(),
        &[BITMAP_BYTES, low, middle, high],
    ]
    .concat();
    let command = POLICY_PCR.to_be_bytes();
    digest::sha256_of_parts(&[&[0; 32], &command, &selection, values.as_bytes()]).0
}
