//! A row as it came back: cells taken in the order of the select list.

use avouch_wire::UnixTime;

use crate::error::StoreError;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The cells of one row, taken front to back; the column name is for the error only.
#[derive(Debug)]
pub(crate) struct Row {
    cells: std::vec::IntoIter<Cell>,
}

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self { cells: cells.into_iter() }
    }

    fn cell(&mut self, column: &'static str) -> Result<Cell, StoreError> {
        self.cells.next().ok_or_else(|| corrupt(column, "missing"))
    }

    pub(crate) fn opt_int(&mut self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(number) => Ok(Some(number)),
            Cell::Text(_) | Cell::Bytes(_) => Err(corrupt(column, "not an integer")),
        }
    }

    pub(crate) fn opt_text(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Int(_) | Cell::Bytes(_) => Err(corrupt(column, "not text")),
        }
    }

    pub(crate) fn opt_bytes(
        &mut self,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Int(_) | Cell::Text(_) => Err(corrupt(column, "not bytes")),
        }
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    pub(crate) fn u64(&mut self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| corrupt(column, "negative"))
    }

    pub(crate) fn opt_u64(&mut self, column: &'static str) -> Result<Option<u64>, StoreError> {
        self.opt_int(column)?
            .map(|number| u64::try_from(number).map_err(|_| corrupt(column, "negative")))
            .transpose()
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.opt_bytes(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    pub(crate) fn opt_digest(
        &mut self,
        column: &'static str,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        self.opt_bytes(column)?
            .map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| corrupt(column, "not 32 bytes")))
            .transpose()
    }

    pub(crate) fn digest(&mut self, column: &'static str) -> Result<[u8; 32], StoreError> {
        self.opt_digest(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    pub(crate) fn opt_time(
        &mut self,
        column: &'static str,
    ) -> Result<Option<UnixTime>, StoreError> {
        self.opt_int(column)?
            .map(|seconds| {
                UnixTime::from_seconds(seconds).map_err(|_| corrupt(column, "not a time"))
            })
            .transpose()
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<UnixTime, StoreError> {
        self.opt_time(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    /// A text column with a closed set of values.
    pub(crate) fn word<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(&self.text(column)?).ok_or_else(|| corrupt(column, "unknown word"))
    }

    /// A nullable text column with a closed set of values.
    pub(crate) fn opt_word<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?
            .map(|text| parse(&text).ok_or_else(|| corrupt(column, "unknown word")))
            .transpose()
    }
}

pub(crate) fn corrupt(column: &'static str, reason: &'static str) -> StoreError {
    StoreError::Corrupt { column, reason }
}
