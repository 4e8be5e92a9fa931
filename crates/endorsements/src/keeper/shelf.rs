//! Where what was fetched survives a restart.

use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::{EndorsementName, Published};

/// Something that keeps what was fetched, one thing for each name. What comes from it is proven again.
pub trait Shelf: Send + Sync + 'static {
    /// Everything.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn load(&self) -> BoxFuture<'_, Result<Vec<Published>, ShelfError>>;

    /// What has a name: others may have put it there.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn find<'a>(
        &'a self,
        name: &'a EndorsementName,
    ) -> BoxFuture<'a, Result<Option<Published>, ShelfError>>;

    /// Keeps this in place of what had its name.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn save<'a>(&'a self, published: &'a Published) -> BoxFuture<'a, Result<(), ShelfError>>;

    /// Drops what has these names.
    ///
    /// # Errors
    /// [`ShelfError`].
    fn forget<'a>(&'a self, names: &'a [EndorsementName]) -> BoxFuture<'a, Result<(), ShelfError>>;
}

/// Why a shelf does not work, in words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ShelfError(pub String);

/// Keeps nothing: each start is cold.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoShelf;

impl Shelf for NoShelf {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Published>, ShelfError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn find<'a>(
        &'a self,
        _: &'a EndorsementName,
    ) -> BoxFuture<'a, Result<Option<Published>, ShelfError>> {
        Box::pin(async { Ok(None) })
    }

    fn save<'a>(&'a self, _: &'a Published) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async { Ok(()) })
    }

    fn forget<'a>(&'a self, _: &'a [EndorsementName]) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async { Ok(()) })
    }
}
