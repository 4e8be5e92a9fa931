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

/// Rows of a page of the vault, as Azure Key Vault.
const VAULT_ROWS_MAX: u32 = 25;

/// The page of a list of the vault that a query asks for: `maxresults` and `$skiptoken`.
///
/// # Errors
/// What is no number, a page of no rows or of more than 25, and a parameter given twice.
pub fn vault_page(query: Option<&str>) -> Result<PageRequest, Malformed> {
    let rows = match number(query, "maxresults")? {
        None => VAULT_ROWS_MAX,
        Some(rows) => {
            u32::try_from(rows).ok().filter(|rows| (1..=VAULT_ROWS_MAX).contains(rows)).ok_or_else(
                || Malformed(format!("maxresults: 1 to {VAULT_ROWS_MAX} is expected")),
            )?
        }
    };
    Ok(PageRequest { after: number(query, "$skiptoken")?.unwrap_or(0), rows })
}

fn number(query: Option<&str>, name: &str) -> Result<Option<u64>, Malformed> {
    let mut found = query::values(query, name);
    let Some(value) = found.next() else { return Ok(None) };
    match (value.parse(), found.next()) {
        (Ok(number), None) => Ok(Some(number)),
        _ => Err(Malformed(format!("{name}: one number is expected"))),
    }
}
