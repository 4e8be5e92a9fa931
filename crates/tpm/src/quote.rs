//! Quotes: from bytes to values of PCRs that a TPM vouches for, in the order of the checks.

use std::collections::BTreeMap;

use avouch_pki::Digest;
use avouch_wire::{encode_hex, failed_check};
use serde::Serialize;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{
    Attest, AttestError, AttestationKey, Attested, ClockInfo, HashAlgorithm, PcrMask, PcrSelection,
    PcrValue, Signature, SignatureError, SigningScheme, Standing,
};

/// What a quote must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The whole qualifying data: the challenge, or a digest that holds it. Empty only where a protocol
    /// has none.
    pub qualifying_data: &'a [u8],
    /// The PCRs that must be quoted, all in one bank of SHA-256 or better.
    pub required: PcrMask,
}

/// Why a quote is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuoteError {
    /// Not a quote of a TPM.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// Not signed by the attestation key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signer says that it stands elsewhere.
    #[error("qualifiedSigner is {found}, the attestation key stands at {expected}")]
    QualifiedSigner {
        /// Where the key stands, in hex.
        expected: String,
        /// What the quote says, in hex.
        found: String,
    },
    /// It answers another challenge, or none.
    #[error("the quote's qualifying data is {found}, not what was asked for")]
    QualifyingData {
        /// What the quote says, in hex.
        found: String,
    },
    /// PCRs that are needed are not quoted in one bank of SHA-256 or better.
    #[error("PCRs {missing} are not quoted in a bank of SHA-256 or better")]
    NotCovered {
        /// Those that the best bank lacks.
        missing: PcrMask,
    },
    /// A value was supplied that is not quoted.
    #[error("a value of {bank} PCR {index} is supplied and not quoted")]
    NotSelected {
        /// The bank.
        bank: HashAlgorithm,
        /// Which PCR.
        index: u32,
    },
    /// A quoted value was not supplied.
    #[error("{bank} PCR {index} is quoted and no value is supplied")]
    NotSupplied {
        /// The bank.
        bank: HashAlgorithm,
        /// Which PCR.
        index: u8,
    },
    /// A value was supplied twice.
    #[error("{bank} PCR {index} is supplied twice")]
    SuppliedTwice {
        /// The bank.
        bank: HashAlgorithm,
        /// Which PCR.
        index: u8,
    },
    /// A value is not as long as its bank's digests.
    #[error("the value of {bank} PCR {index} has {found} bytes")]
    ValueLength {
        /// The bank.
        bank: HashAlgorithm,
        /// Which PCR.
        index: u8,
        /// Bytes of the value.
        found: usize,
    },
    /// The values are not those that were quoted.
    #[error(
        "the supplied PCR values are not those of the quote: their digest is {computed}, quoted is {quoted}"
    )]
    Digest {
        /// Digest of the supplied values, in hex.
        computed: String,
        /// What the quote says, in hex.
        quoted: String,
    },
}

failed_check!(QuoteError {
    Self::Attest(error) => (error.check(), AttestError::checks()),
    Self::Signature(error) => (error.check(), SignatureError::checks()),
    Self::QualifiedSigner { .. } => "tpm-qualified-signer",
    Self::QualifyingData { .. } => "tpm-qualifying-data",
    Self::NotCovered { .. } => "tpm-pcr-not-covered",
    Self::NotSelected { .. } => "tpm-pcr-not-selected",
    Self::NotSupplied { .. } => "tpm-pcr-missing",
    Self::SuppliedTwice { .. } => "tpm-pcr-twice",
    Self::ValueLength { .. } => "tpm-pcr-length",
    Self::Digest { .. } => "tpm-pcr-digest",
});

/// Values of PCRs that a TPM vouches for. Only [`verify_quote`] makes one.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedQuote {
    /// Values in hex, by bank and PCR.
    #[serde(serialize_with = "hex_values")]
    banks: BTreeMap<HashAlgorithm, BTreeMap<u8, Vec<u8>>>,
    scheme: SigningScheme,
    standing: Standing,
    clock: ClockInfo,
    firmware_version: u64,
    #[serde(skip)]
    selection: PcrSelection,
}

impl VerifiedQuote {
    /// The value of a PCR in a bank, if it was quoted.
    #[must_use]
    pub fn value(&self, bank: HashAlgorithm, pcr: u8) -> Option<&[u8]> {
        self.banks.get(&bank)?.get(&pcr).map(Vec::as_slice)
    }

    /// The quoted banks, each with its values by PCR.
    pub fn banks(&self) -> impl Iterator<Item = (HashAlgorithm, &BTreeMap<u8, Vec<u8>>)> {
        self.banks.iter().map(|(bank, values)| (*bank, values))
    }

    /// What was quoted, in the order of the quote.
    #[must_use]
    pub const fn selection(&self) -> &PcrSelection {
        &self.selection
    }

    /// How the key is known to be a TPM's.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// How it was signed.
    #[must_use]
    pub const fn scheme(&self) -> SigningScheme {
        self.scheme
    }

    /// Clock and counters: comparable between quotes of one key.
    #[must_use]
    pub const fn clock(&self) -> ClockInfo {
        self.clock
    }

    /// The firmware's version, in the vendor's form, obfuscated as the counters are.
    #[must_use]
    pub const fn firmware_version(&self) -> u64 {
        self.firmware_version
    }
}

fn hex_values<S: serde::Serializer>(
    banks: &BTreeMap<HashAlgorithm, BTreeMap<u8, Vec<u8>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(banks.iter().map(|(bank, values)| {
        let values: BTreeMap<_, _> =
            values.iter().map(|(pcr, value)| (pcr, encode_hex(value))).collect();
        (bank, values)
    }))
}

/// Verifies a quote, in this order; a step is reached only when those before it hold.
///
/// 1. Both structures were read strictly, by their parsers.
/// 2. A TPM made the structure: the magic number.
/// 3. It is a quote.
/// 4. The key may attest and is bound: that is [`AttestationKey`].
/// 5. The key signed it, by its scheme, at the place where it is known to stand.
/// 6. The qualifying data is what was expected, all of it, compared in constant time.
/// 7. What is required is quoted, in one bank of SHA-256 or better.
/// 8. Each quoted value is supplied once, in its length, and nothing else.
/// 9. The values have the quoted digest, by the hash of the signing scheme.
///
/// What the values mean, and logs, come after it.
///
/// # Errors
/// [`QuoteError`] of the first step that does not hold.
pub fn verify_quote(
    quote: &Attest,
    signature: &Signature,
    key: &AttestationKey,
    expected: Expected<'_>,
    values: &[PcrValue],
) -> Result<VerifiedQuote, QuoteError> {
    Structure::of(quote)?
        .signed(signature, key)?
        .answering(expected.qualifying_data)?
        .covering(expected.required)?
        .with_values(values)?
        .proven()
}

/// Steps 2 and 3: a structure that says a TPM made it, and that it is a quote.
struct Structure<'a> {
    quote: &'a Attest,
    selection: &'a PcrSelection,
    pcr_digest: &'a [u8],
}

impl<'a> Structure<'a> {
    fn of(quote: &'a Attest) -> Result<Self, AttestError> {
        quote.check_magic()?;
        let Attested::Quote { selection, pcr_digest } = quote.untrusted_attested() else {
            return Err(quote.not("a quote"));
        };
        Ok(Self { quote, selection, pcr_digest })
    }

    fn signed(
        self,
        signature: &Signature,
        key: &'a AttestationKey,
    ) -> Result<Signed<'a>, QuoteError> {
        key.check_signature(signature, self.quote.bytes())?;
        check_place(self.quote, key)?;
        Ok(Signed { structure: self, scheme: signature.scheme(), standing: key.standing() })
    }
}

/// Refuses a signer that names another place than the key's.
fn check_place(attest: &Attest, key: &AttestationKey) -> Result<(), QuoteError> {
    match key.misplaced(attest.untrusted_qualified_signer()) {
        Some((expected, found)) => Err(QuoteError::QualifiedSigner { expected, found }),
        None => Ok(()),
    }
}

/// Step 5: the attestation key signed it.
struct Signed<'a> {
    structure: Structure<'a>,
    scheme: SigningScheme,
    standing: Standing,
}

/// Step 6: it answers what was asked.
struct Answer<'a>(Signed<'a>);

impl<'a> Signed<'a> {
    fn answering(self, qualifying_data: &[u8]) -> Result<Answer<'a>, QuoteError> {
        let found = self.structure.quote.untrusted_extra_data();
        if bool::from(found.ct_eq(qualifying_data)) {
            return Ok(Answer(self));
        }
        Err(QuoteError::QualifyingData { found: encode_hex(found) })
    }
}

/// Step 7: it covers what is needed.
struct Covering<'a>(Signed<'a>);

impl<'a> Answer<'a> {
    fn covering(self, required: PcrMask) -> Result<Covering<'a>, QuoteError> {
        let banks = self.0.structure.selection.banks();
        let missing = banks
            .iter()
            .filter(|found| found.bank.withstands_collisions())
            .map(|found| found.pcrs.missing(required))
            .min_by_key(|missing| missing.bits().count_ones())
            .unwrap_or(required);
        if missing.is_empty() {
            return Ok(Covering(self.0));
        }
        Err(QuoteError::NotCovered { missing })
    }
}

/// Step 8: each quoted value is there once, and nothing else.
struct Supplied<'a> {
    signed: Signed<'a>,
    banks: BTreeMap<HashAlgorithm, BTreeMap<u8, Vec<u8>>>,
}

impl<'a> Covering<'a> {
    fn with_values(self, values: &[PcrValue]) -> Result<Supplied<'a>, QuoteError> {
        let selection = self.0.structure.selection;
        let mut banks: BTreeMap<HashAlgorithm, BTreeMap<u8, Vec<u8>>> =
            selection.banks().iter().map(|found| (found.bank, BTreeMap::new())).collect();
        for PcrValue { bank, index, digest } in values {
            let (bank, pcrs) = (*bank, selection.of(*bank));
            let Some(pcr) = u8::try_from(*index).ok().filter(|pcr| pcrs.contains(*pcr)) else {
                return Err(QuoteError::NotSelected { bank, index: *index });
            };
            if digest.len() != bank.digest_length() {
                let found = digest.len();
                return Err(QuoteError::ValueLength { bank, index: pcr, found });
            }
            let known = banks.entry(bank).or_default().insert(pcr, digest.clone());
            if known.is_some() {
                return Err(QuoteError::SuppliedTwice { bank, index: pcr });
            }
        }
        for found in selection.banks() {
            let bank = found.bank;
            let is_absent = |pcr: &u8| banks.get(&bank).is_none_or(|bank| !bank.contains_key(pcr));
            if let Some(index) = found.pcrs.iter().find(is_absent) {
                return Err(QuoteError::NotSupplied { bank, index });
            }
        }
        Ok(Supplied { signed: self.0, banks })
    }
}

impl Supplied<'_> {
    /// Step 9: the values are those whose digest was signed. Banks stand in the order of the selection,
    /// PCRs ascend.
    fn proven(self) -> Result<VerifiedQuote, QuoteError> {
        let Signed { structure, scheme, standing } = self.signed;
        let banks = structure.selection.banks().iter();
        let values: Vec<&[u8]> = banks
            .filter_map(|found| self.banks.get(&found.bank))
            .flat_map(|values| values.values().map(Vec::as_slice))
            .collect();
        let computed = scheme.hash.hash(&values);
        let computed = computed.as_ref().map(Digest::as_bytes).unwrap_or_default();
        if computed != structure.pcr_digest {
            let (computed, quoted) = (encode_hex(computed), encode_hex(structure.pcr_digest));
            return Err(QuoteError::Digest { computed, quoted });
        }
        Ok(VerifiedQuote {
            banks: self.banks,
            scheme,
            standing,
            clock: structure.quote.untrusted_clock(),
            firmware_version: structure.quote.untrusted_firmware_version(),
            selection: structure.selection.clone(),
        })
    }
}
