//! Columns and their readers, in one list.

/// Names columns and reads them: the order of a select list is that of its reader.
///
/// `columns! { NAMES, READ -> Type { column: reader, … } => value }` makes a macro `NAMES!()` for the
/// select list, `NAMES!("r.")` with the alias of a table, and a function `READ` that takes the cells
/// into variables named like their columns, of which `value` is made. A reader is a method of
/// [`crate::driver::Row`], with what parses a word.
macro_rules! columns {
    ($($tokens:tt)*) => { $crate::columns::columns_with! { ($) $($tokens)* } };
}
pub(crate) use columns;

/// As [`columns`], given a `$` for the macro that it makes.
macro_rules! columns_with {
    (($d:tt) $names:ident, $read:ident -> $type:ty {
        $first:ident: $first_reader:ident $(($first_parse:expr))?,
        $($column:ident: $reader:ident $(($parse:expr))?,)*
    } => $value:expr) => {
        macro_rules! $names {
            ($d($d alias:literal)?) => {
                concat!(
                    $d($d alias,)? stringify!($first)
                    $(, ", ", $d($d alias,)? stringify!($column))*
                )
            };
        }

        pub(crate) fn $read(
            mut row: impl std::borrow::BorrowMut<$crate::driver::Row>,
        ) -> Result<$type, $crate::error::StoreError> {
            let row = row.borrow_mut();
            let $first = row.$first_reader(stringify!($first) $(, $first_parse)?)?;
            $(let $column = row.$reader(stringify!($column) $(, $parse)?)?;)*
            Ok($value)
        }
    };
}
pub(crate) use columns_with;
