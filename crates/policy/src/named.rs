//! Enumerations whose variants each have a stable name: one list, from which all else is made.

/// Defines an enumeration with `ALL` and `name`, from `Variant = "name"` rows.
macro_rules! named {
    (
        $(#[$of_type:meta])*
        pub enum $Type:ident {
            $($(#[$of_variant:meta])* $Variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$of_type])*
        pub enum $Type {
            $($(#[$of_variant])* $Variant,)+
        }

        impl $Type {
            /// All of them, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$Variant),+];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Variant => $name,)+
                }
            }
        }
    };
}

pub(crate) use named;
