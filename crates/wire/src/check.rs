//! Errors that name the check that failed.

use crate::ParseError;

/// An error that names the check that failed. Names are stable: operators and programs rely on them.
pub trait FailedCheck: std::error::Error + Send + Sync + 'static {
    /// The stable name of the check that failed.
    fn check(&self) -> &'static str;

    /// Every name that [`Self::check`] can give; some may come up more than once.
    fn checks() -> Vec<&'static str>
    where
        Self: Sized;
}

/// Implements [`FailedCheck`] by one table, from which both the name of an error and the list of all
/// names come. An arm gives a name, or in parentheses the name that something else gives and all the
/// names that it can give, which may be left out where another arm has them.
///
/// ```
/// use avouch_wire::{FailedCheck, ParseError, failed_check};
///
/// #[derive(Debug, thiserror::Error)]
/// enum ReadError {
///     #[error("too large")]
///     Size,
///     #[error(transparent)]
///     Structure(ParseError),
/// }
///
/// failed_check!(ReadError {
///     Self::Size => "size",
///     Self::Structure(error) => (error.check(), ParseError::checks()),
/// });
///
/// assert_eq!(ReadError::Size.check(), "size");
/// assert_eq!(ReadError::checks(), ["size", "structure"]);
/// ```
#[macro_export]
macro_rules! failed_check {
    ($error:ty { $($pattern:pat => $name:tt),+ $(,)? }) => {
        impl $crate::FailedCheck for $error {
            fn check(&self) -> &'static str {
                match self {
                    $($pattern => $crate::failed_check!(@one $name),)+
                }
            }

            fn checks() -> ::std::vec::Vec<&'static str> {
                let mut checks = ::std::vec::Vec::new();
                $(checks.extend($crate::failed_check!(@all $name));)+
                checks
            }
        }
    };
    (@one $name:literal) => { $name };
    (@one ($one:expr $(, $all:expr)?)) => { $one };
    (@all $name:literal) => { [$name] };
    (@all ($one:expr, $all:expr)) => { $all };
    (@all ($one:expr)) => { [""; 0] };
}

failed_check!(ParseError {
    _ => "structure",
});
