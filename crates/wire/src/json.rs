//! JSON in the one form that MAA writes, and JSON of others read without mercy for doubles.

mod canonical;
mod document;
mod exact;
mod integer;
mod strict;
mod typed;

pub use canonical::{
    object_to_canonical, to_canonical, write_canonical, write_integer, write_string,
};
pub use document::CanonicalJson;
pub use exact::first_inexact_number;
pub use integer::Integer;
pub use strict::{JsonError, parse_embedded_object, parse_object, parse_value};
pub use typed::read_object;
