//! Who may do what: bearer tokens, roles, and the answer 401.

mod role;

pub use role::Role;
