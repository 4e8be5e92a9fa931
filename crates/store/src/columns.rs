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

#[cfg(test)]
mod tests {
    use crate::driver::{Cell, Row};

    columns! {
        pair_columns, read_pair -> (String, Option<u64>) {
            name: text,
            number: opt_u64,
        } => (name, number)
    }

    fn row(cells: Vec<Cell>) -> Row {
        Row::new(cells)
    }

    #[test]
    fn columns_are_listed_in_the_order_in_which_they_are_read() {
        assert_eq!(pair_columns!(), "name, number");
        assert_eq!(pair_columns!("r."), "r.name, r.number");
        let cells = vec![Cell::Text("a".to_owned()), Cell::Int(7)];
        assert_eq!(read_pair(row(cells)).ok(), Some(("a".to_owned(), Some(7))));
    }

    #[test]
    fn a_cell_that_is_not_what_its_column_holds_is_called_by_its_name() {
        let cells = vec![Cell::Text("a".to_owned()), Cell::Text("b".to_owned())];
        let error = read_pair(row(cells)).unwrap_err();
        assert!(error.to_string().contains("number"), "{error}");
    }

    #[test]
    fn what_stands_behind_the_columns_is_left_to_be_read() {
        let mut row = row(vec![Cell::Text("a".to_owned()), Cell::Null, Cell::Bytes(vec![1])]);
        assert!(read_pair(&mut row).is_ok());
        assert_eq!(row.bytes("jws").ok(), Some(vec![1]));
    }
}
