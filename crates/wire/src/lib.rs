//! Words of the wire: what every reader of foreign bytes in Avouch is built from.
//!
//! * [`Cursor`] takes fields from a byte slice and knows where it stands, so that every
//!   [`ParseError`] names the structure, the field and the absolute offset;
//! * [`Hex`] is a fixed-size byte string that shows itself as lower-case hex;
//! * [`base64url`] decodes what clients send and encodes what MAA sends;
//! * [`without_final_nuls`] undoes what C programs add;
//! * [`excerpt`] is how a message quotes foreign text: escaped, and not more than its beginning;
//! * [`EvidenceKind`] is the table of the kinds of evidence: what each is called where;
//! * [`json`] is read strictly and written in one form;
//! * [`FailedCheck`] is an error that names the check that failed, and [`AcceptanceError`] all that an
//!   operator refuses of evidence that verified;
//! * [`UnixTime`] is a moment; nothing in this crate, or in any crate that verifies, reads a clock.
//!
//! ```
//! use avouch_wire::Cursor;
//!
//! let mut header = Cursor::new("Header", &[3, 0, 2, 0]);
//! assert_eq!(header.u16_le("version")?, 3);
//! assert_eq!(header.u16_le("attestation_key_type")?, 2);
//! header.finish()?;
//! # Ok::<(), avouch_wire::ParseError>(())
//! ```

mod acceptance;
mod base64url_codec;
mod check;
mod cursor;
mod error;
mod excerpt;
mod hex;
pub mod json;
mod kind;
mod nul;
mod time;

/// Base64url as MAA writes it (RFC 4648 section 5, no padding) and as its clients send it.
pub mod base64url {
    pub use crate::base64url_codec::{
        DecodeError, decode, decode_either, decode_standard, encode, encode_append, encode_standard,
    };
}

pub use acceptance::AcceptanceError;
pub use check::FailedCheck;
pub use cursor::Cursor;
pub use error::{ParseError, ParseErrorKind};
pub use excerpt::{Excerpt, beginning, excerpt};
pub use hex::{Hex, HexError, decode_hex, encode_hex, hex_beginning};
pub use kind::{DefaultPolicy, EvidenceKind};
pub use nul::without_final_nuls;
pub use time::{TimeError, UnixTime};
