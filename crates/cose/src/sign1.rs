//! A tagged `COSE_Sign1` (RFC 9052, section 4.2), taken apart.

use avouch_wire::ParseError;
use coset::cbor::value::Value;
use coset::{
    AsCborValue as _, CborSerializable as _, CoseSign1, CoseSign1Builder, Header, SignatureContext,
    TaggedCborSerializable as _, sig_structure_data,
};
use thiserror::Error;

use crate::bounds::check_bounds;
use crate::words::integer;

/// Countersignatures of both versions (RFC 9052, RFC 9338).
const COUNTERSIGNATURES: [i64; 4] = [7, 9, 11, 12];
/// The tag of a `COSE_Sign1`.
const TAG: u64 = 18;

/// A message, taken apart. Nothing in it is verified.
#[derive(Debug, Clone)]
pub struct Sign1 {
    message: CoseSign1,
}

/// Why bytes are no tagged `COSE_Sign1`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Sign1Error {
    /// Larger than accepted.
    #[error("{found} bytes are over the limit of {limit}")]
    TooLarge {
        /// Their number.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not one data item of CBOR within the bounds.
    #[error(transparent)]
    Bounds(#[from] ParseError),
    /// CBOR, and something else.
    #[error("no tagged COSE_Sign1: {0}")]
    Form(String),
    /// A header that must be understood and is not.
    #[error("critical headers are not understood: {0}")]
    Critical(String),
}

impl Sign1 {
    /// Reads a message of at most `bytes_max` bytes. `structure` is what errors call it.
    ///
    /// Its protected headers are bounded as the message is. Critical headers are for the caller to look at
    /// ([`Sign1::check_critical`]).
    ///
    /// # Errors
    /// [`Sign1Error`].
    pub fn parse(
        structure: &'static str,
        bytes: &[u8],
        bytes_max: usize,
    ) -> Result<Self, Sign1Error> {
        if bytes.len() > bytes_max {
            return Err(Sign1Error::TooLarge { found: bytes.len(), limit: bytes_max });
        }
        check_bounds(structure, bytes)?;
        check_headers(structure, &parts(bytes)?)?;
        let message = CoseSign1::from_tagged_slice(bytes)
            .map_err(|error| Sign1Error::Form(error.to_string()))?;
        Ok(Self { message })
    }

    /// As [`Sign1::parse`], but with its unprotected headers taken off and given as they are: whatever anybody wrote
    /// there, well-formed and within the bounds, the message is the one that was signed.
    ///
    /// # Errors
    /// [`Sign1Error`].
    pub fn parse_apart(
        structure: &'static str,
        bytes: &[u8],
        bytes_max: usize,
    ) -> Result<(Self, Vec<(Value, Value)>), Sign1Error> {
        if bytes.len() > bytes_max {
            return Err(Sign1Error::TooLarge { found: bytes.len(), limit: bytes_max });
        }
        check_bounds(structure, bytes)?;
        let mut parts = parts(bytes)?;
        let Some(Value::Map(unprotected)) = parts.get_mut(1) else {
            return Err(Sign1Error::Form("the unprotected headers are no map".to_owned()));
        };
        let unprotected = std::mem::take(unprotected);
        check_headers(structure, &parts)?;
        let message = CoseSign1::from_cbor_value(Value::Array(parts))
            .map_err(|error| Sign1Error::Form(error.to_string()))?;
        Ok((Self { message }, unprotected))
    }

    /// That nothing is demanded to be understood: nothing is.
    ///
    /// # Errors
    /// [`Sign1Error::Critical`].
    pub fn check_critical(&self) -> Result<(), Sign1Error> {
        let critical = &self.protected().crit;
        if critical.is_empty() {
            Ok(())
        } else {
            Err(Sign1Error::Critical(format!("{critical:?}")))
        }
    }

    /// The headers that the signature covers.
    #[must_use]
    pub const fn protected(&self) -> &Header {
        &self.message.protected.header
    }

    /// The headers that anybody may have written.
    #[must_use]
    pub const fn untrusted_headers(&self) -> &Header {
        &self.message.unprotected
    }

    /// The payload, none if it is detached.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.message.payload.as_deref()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.message.signature
    }

    /// What the signature is over, with this payload.
    #[must_use]
    pub fn signed_bytes(&self, payload: &[u8]) -> Vec<u8> {
        let protected = self.message.protected.clone();
        sig_structure_data(SignatureContext::CoseSign1, protected, None, b"", payload)
    }

    /// The message without the headers that anybody may have written: what a ledger registers.
    ///
    /// # Errors
    /// [`Sign1Error::Form`] never but by a fault of this build.
    pub fn without_untrusted_headers(&self) -> Result<Vec<u8>, Sign1Error> {
        self.with_untrusted_headers(Vec::new())
    }

    /// The message with these headers, in the place of those that anybody may have written.
    ///
    /// # Errors
    /// As [`Sign1::without_untrusted_headers`].
    pub fn with_untrusted_headers(
        &self,
        headers: Vec<(i64, Value)>,
    ) -> Result<Vec<u8>, Sign1Error> {
        let rest = headers.into_iter().map(|(label, value)| (coset::Label::Int(label), value));
        let unprotected = Header { rest: rest.collect(), ..Header::default() };
        let message = CoseSign1 { unprotected, ..self.message.clone() };
        message.to_tagged_vec().map_err(|error| Sign1Error::Form(error.to_string()))
    }
}

/// Walks over the protected headers by themselves, which are CBOR in a byte string, and refuses countersignatures. Such
/// a one has headers of its own, in bytes, and they may have one again: the library descends into them without a
/// limit. Nothing rests on any.
fn check_headers(structure: &'static str, parts: &[Value]) -> Result<(), Sign1Error> {
    for part in parts.iter().take(2) {
        let protected = part.as_bytes().filter(|bytes| !bytes.is_empty());
        let protected = protected.map(|bytes| {
            check_bounds(structure, bytes)?;
            value(bytes)
        });
        let protected = protected.transpose()?;
        let header = protected.as_ref().unwrap_or(part).as_map().map_or(&[][..], Vec::as_slice);
        let mut labels = header.iter().filter_map(|(label, _)| integer(label));
        if let Some(label) = labels.find(|label| COUNTERSIGNATURES.contains(label)) {
            let reason = format!("header {label} is a countersignature, which is not read");
            return Err(Sign1Error::Form(reason));
        }
    }
    Ok(())
}

/// What the tag of a message is around.
fn parts(bytes: &[u8]) -> Result<Vec<Value>, Sign1Error> {
    match value(bytes)? {
        Value::Tag(TAG, message) => match *message {
            Value::Array(parts) => Ok(parts),
            _ => Err(Sign1Error::Form("the tag is not around an array".to_owned())),
        },
        _ => Err(Sign1Error::Form("no tag 18".to_owned())),
    }
}

fn value(bytes: &[u8]) -> Result<Value, Sign1Error> {
    Value::from_slice(bytes).map_err(|error| Sign1Error::Form(error.to_string()))
}

/// Makes a message with its payload in it, or detached; `sign` signs what is to be signed.
///
/// # Errors
/// What `sign` says.
pub fn write_sign1<E>(
    protected: Header,
    payload: &[u8],
    is_detached: bool,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Sign1, E> {
    let builder = CoseSign1Builder::new().protected(protected);
    let message = if is_detached {
        builder.try_create_detached_signature(payload, b"", sign)?.build()
    } else {
        builder.payload(payload.to_vec()).try_create_signature(b"", sign)?.build()
    };
    Ok(Sign1 { message })
}
