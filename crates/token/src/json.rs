//! JSON in the one form that MAA writes, and JSON of others read without mercy for doubles.

mod canonical;
mod exact;
mod integer;
mod strict;

pub use canonical::{to_canonical, write_canonical};
pub(crate) use canonical::{write_integer, write_string};
pub use exact::first_inexact_number;
pub use integer::Integer;
pub use strict::{JsonError, parse_object, parse_value};
