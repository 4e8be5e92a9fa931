//! What certificates and CRLs have in common: `SEQUENCE { signed part, algorithm, signature }`.

use avouch_wire::{Cursor, ParseError};

use crate::der;

/// The three parts. Only the first is covered by the signature; the reader leaves no freedom in the
/// others: the algorithm is compared with the one inside, and the signature is whole bytes.
pub(crate) struct Signed<'a> {
    /// The signed part with its tag and length.
    pub(crate) tbs: &'a [u8],
    /// Its content.
    pub(crate) content: Cursor<'a>,
    /// The AlgorithmIdentifier outside of the signed part, with its tag and length.
    pub(crate) algorithm: &'a [u8],
    /// The content of the BIT STRING.
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Takes `der` apart, which it must fill exactly.
    pub(crate) fn open(structure: &'static str, der: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(structure, der);
        let mut parts = der::open(&mut cursor, "structure", der::SEQUENCE)?;
        cursor.finish()?;
        let tbs = der::element(&mut parts, "signed_part", der::SEQUENCE)?;
        let algorithm = der::element(&mut parts, "signature_algorithm", der::SEQUENCE)?.whole;
        let signature = der::whole_bytes(&mut parts, "signature")?;
        parts.finish()?;
        Ok(Self { tbs: tbs.whole, content: tbs.content, algorithm, signature })
    }
}
