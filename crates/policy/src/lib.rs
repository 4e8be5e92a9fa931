//! MAA's attestation policy language 1.0, 1.1 and 1.2.
//!
//! Facts become claims; *the tenant's policy permits or refuses and issues claims*. This crate is
//! that step: text in, a compiled [`Policy`]; claims in, an [`Outcome`]. It sees claim values only,
//! and does no I/O, so it also runs in a browser.
//!
//! ```
//! use avouch_policy::{Claim, Limits, Policy};
//!
//! let text = r#"version=1.0;
//! authorizationrules { c:[type=="x-ms-sgx-is-debuggable", value==false] => permit(); };
//! issuancerules { c:[type=="x-ms-sgx-svn"] => issue(type="svn", value=c.value); };"#;
//! let limits = Limits::default();
//! let policy = Policy::compile(text, &limits)?;
//! let claims = [
//!     Claim::service("x-ms-sgx-is-debuggable", false),
//!     Claim::service("x-ms-sgx-svn", 3),
//! ];
//! let outcome = policy.evaluate(&claims, &limits)?;
//! assert!(outcome.decision.is_permit());
//! assert_eq!(avouch_policy::token::contribution(&outcome.outgoing).to_json()["svn"], 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Stages are modules: `lexer` → `parser` → `check` → `compile` → `eval`. What the checker hands to the
//! compiler is `resolved`: no name is left in it. Beside them stand diagnostics, [`lint`], [`format()`],
//! [`explain`] and [`corpus`].

pub mod ast;
mod check;
mod compile;
pub mod corpus;
mod cost;
pub mod defaults;
mod diag;
mod eval;
pub mod explain;
mod format;
pub mod jmespath;
pub mod json;
mod lexer;
mod limits;
pub mod lint;
mod named;
mod parser;
mod policy;
pub mod print;
pub mod properties;
mod resolved;
mod span;
mod suggest;
pub mod token;
mod type_name;
mod value;

pub use cost::Cost;
pub use diag::{Diagnostic, PolicyErrors, Slug};
pub use eval::{Decision, DenyReason, EvalError, EvalSlug, Outcome};
pub use format::format;
pub use limits::{Limit, LimitExceeded, Limits};
pub use policy::Policy;
pub use properties::Properties;
pub use span::{Position, Span};
pub use type_name::TypeName;
pub use value::{Claim, Issuer, Text, Value, ValueKind};

/// Runs the Rust examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/policy.md")]
pub struct Guide;
