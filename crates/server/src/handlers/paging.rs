//! Lists in pages: `$top` and `$skipToken` in a query, `nextLink` in an answer.

use avouch_store::PageRequest;

use crate::body::Malformed;
use crate::query;

/// What a query asks of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    /// Rows wanted, at least 1; none if the query does not say.
    pub(super) top: Option<u32>,
    /// Mark to continue after; 0 starts.
    pub(super) after: u64,
}

impl Paging {
    /// Reads a query string; the names are taken in any case.
    ///
    /// # Errors
    /// What is no number, `$top=0`, and a parameter given twice.
    pub(super) fn from_query(query: Option<&str>) -> Result<Self, Malformed> {
        let top = match number(query, "$top")? {
            Some(0) => return Err(Malformed("$top: at least 1 is expected".to_owned())),
            top => top.map(|top| u32::try_from(top).unwrap_or(u32::MAX)),
        };
        Ok(Self { top, after: number(query, "$skipToken")?.unwrap_or(0) })
    }

    /// The page to read, of `rows_max` rows at most.
    pub(super) fn page(self, rows_max: u32) -> PageRequest {
        PageRequest { after: self.after, rows: self.top.unwrap_or(rows_max).min(rows_max) }
    }
}

/// The query of the page after this one.
pub(super) fn next_query(page: PageRequest, next: u64) -> String {
    format!("%24top={}&%24skipToken={next}", page.rows)
}

fn number(query: Option<&str>, name: &str) -> Result<Option<u64>, Malformed> {
    let mut found = query::values(query, name);
    let Some(value) = found.next() else { return Ok(None) };
    match (value.parse(), found.next()) {
        (Ok(number), None) => Ok(Some(number)),
        _ => Err(Malformed(format!("{name}: one number is expected"))),
    }
}
