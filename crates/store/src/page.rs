//! Lists come in pages.

use crate::limits::PAGE_ROWS_MAX;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Continue after this mark of a [`Page`]; 0 starts.
    pub after: u64,
    /// Rows wanted, 1 to [`PAGE_ROWS_MAX`]; held inside that range.
    pub rows: u32,
}

impl PageRequest {
    /// The first page, as long as allowed.
    #[must_use]
    pub const fn first() -> Self {
        Self { after: 0, rows: PAGE_ROWS_MAX }
    }

    pub(crate) fn rows_max(self) -> u32 {
        self.rows.clamp(1, PAGE_ROWS_MAX)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows in order, at most as many as were asked for.
    pub items: Vec<T>,
    /// Where to continue; `None` when the list has been read to its end.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, request: PageRequest, mark: impl Fn(&T) -> u64) -> Self {
        let full = items.len() >= request.rows_max() as usize;
        let next = items.last().map(mark).filter(|_| full);
        Self { items, next }
    }

    /// The request for the page after this one.
    #[must_use]
    pub fn next_request(&self, request: PageRequest) -> Option<PageRequest> {
        self.next.map(|after| PageRequest { after, ..request })
    }
}
