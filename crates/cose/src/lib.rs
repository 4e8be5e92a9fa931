//! `COSE_Sign1` messages (RFC 9052), as endorsements of utility VMs, signed statements and receipts have them.
//!
//! * [`check_bounds`] walks over CBOR before anything is built of it: depth, items and lengths are bounded;
//! * [`Sign1`] is a message taken apart, and what its signature is over;
//! * [`words`] finds header parameters and claims by number or name;
//! * [`SignatureAlgorithm`] is what `alg` may name here.
//!
//! Nothing here is verified: whoever reads a message knows which key it must be by, and calls that key.

mod algorithm;
mod bounds;
mod sign1;
pub mod words;

pub use algorithm::SignatureAlgorithm;
pub use bounds::check_bounds;
pub use sign1::{Sign1, Sign1Error, write_sign1};

pub use coset;
