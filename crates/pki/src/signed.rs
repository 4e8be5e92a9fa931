//! What certificates and CRLs have in common: `SEQUENCE { signed part, algorithm, signature }`.

use avouch_wire::{Cursor, ParseError};

use crate::der;
use crate::oid::dotted;

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

    /// Reads the AlgorithmIdentifier that comes next inside of the signed part. If it is not the one
    /// outside, byte for byte, says in what it differs.
    pub(crate) fn algorithm_difference(&mut self) -> Result<Option<String>, ParseError> {
        let inside = der::element(&mut self.content, "signature", der::SEQUENCE)?.whole;
        if inside == self.algorithm {
            return Ok(None);
        }
        let (inside, outside) = (named(inside)?, named(self.algorithm)?);
        Ok(Some(if inside == outside {
            format!(
                "the parameters of signature algorithm {inside} differ inside and outside of the signed \
                 part"
            )
        } else {
            format!(
                "signature algorithm is {inside} inside of the signed part and {outside} outside"
            )
        }))
    }
}

/// The identifier that an AlgorithmIdentifier begins with, dotted.
fn named(identifier: &[u8]) -> Result<String, ParseError> {
    let mut cursor = Cursor::new("AlgorithmIdentifier", identifier);
    let mut fields = der::open(&mut cursor, "structure", der::SEQUENCE)?;
    Ok(dotted(der::identifier(&mut fields, "algorithm")?))
}
