//! A JMESPath engine that can be left alone with a hostile query and a hostile document.
//!
//! The language is that of the jmespath.org specification with its function library, plus
//! `equals_ignore_case`, which MAA's published policies use. What differs from common engines:
//! queries nest at most [`NESTING_MAX`] levels, so no input can overflow the stack; each search
//! is charged for each step before it is done; integers are exact; documents are values, results share subtrees
//! with them.

mod eval;
mod fold;
mod functions;
mod lexer;
mod node;
mod parser;

pub use functions::function_names;
pub(crate) use node::{Comparison, Node};

use crate::cost::{self, Meter};
use crate::json::Json;
use crate::limits::{Limit, LimitExceeded, Limits};

/// The deepest nesting of a query.
pub const NESTING_MAX: usize = 128;

/// A compiled query.
#[derive(Debug, Clone)]
pub struct Query {
    root: Node,
}

/// Why a query cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Not JMESPath.
    #[error("not a JMESPath query at byte {offset}: {problem}")]
    Syntax {
        /// Byte offset in the query.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
    /// Too long or nested too deep.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

/// Why a search failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// A function was called with a value of the wrong type.
    #[error("`{function}` takes {expected} as argument {argument}, not {found}")]
    InvalidType {
        /// The function.
        function: &'static str,
        /// Which argument, from 1.
        argument: usize,
        /// What it takes.
        expected: &'static str,
        /// The type that it got.
        found: &'static str,
    },
    /// A function was called with too few or too many arguments.
    #[error("`{function}` takes {expected}, not {found}")]
    InvalidArity {
        /// The function.
        function: &'static str,
        /// How many it takes, in words.
        expected: &'static str,
        /// How many it got.
        found: usize,
    },
    /// No such function.
    #[error("there is no JMESPath function `{0}`")]
    UnknownFunction(String),
    /// A slice with step 0, or a computation beyond the numbers that JSON can write.
    #[error("{0}")]
    InvalidValue(&'static str),
    /// Too much work or too large a result.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl Query {
    /// Compiles `text`.
    ///
    /// # Errors
    /// [`QueryError`] if the text is no query, or exceeds a limit. Unknown functions and wrong
    /// argument counts are found when the search reaches them, as the specification has it.
    pub fn compile(text: &str, limits: &Limits) -> Result<Self, QueryError> {
        Self::compile_within(text, limits, &mut Meter::new(limits))
    }

    pub(crate) fn compile_within(
        text: &str,
        limits: &Limits,
        meter: &mut Meter,
    ) -> Result<Self, QueryError> {
        if text.len() > limits.jmespath_query_bytes {
            let allowed = limits.jmespath_query_bytes;
            return Err(LimitExceeded::new(Limit::JmespathQueryBytes, allowed).into());
        }
        let nesting = limits.jmespath_nesting.min(NESTING_MAX);
        parser::parse(text, nesting, meter).map(|root| Self { root })
    }

    /// Searches `document` within the limits; what is found may be printed once.
    ///
    /// # Errors
    /// [`SearchError`]: a run-time error of the language, or a limit.
    pub fn search(&self, document: &Json, limits: &Limits) -> Result<Json, SearchError> {
        self.search_within(document, limits, &mut Meter::new(limits))
    }

    pub(crate) fn search_within(
        &self,
        document: &Json,
        limits: &Limits,
        meter: &mut Meter,
    ) -> Result<Json, SearchError> {
        let found = eval::Search::new(limits, meter).run(&self.root, document)?;
        // Sooner or later the text is printed. Values share subtrees, so a short query can make
        // one of astronomical size.
        if let Json::String(text) = &found {
            meter.charge_text(cost::READ, text.len())?;
        }
        meter.charge_text(cost::PRINTED, found.text_bytes())?;
        let nesting = limits.json_nesting.min(crate::json::NESTING_MAX);
        if found.depth() > nesting {
            return Err(LimitExceeded::new(Limit::JsonNesting, nesting).into());
        }
        Ok(found)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}
