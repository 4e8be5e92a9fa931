//! What shim says of itself.

use crate::uefi::{Guid, Variable};

/// What shim says of itself in PCR 7.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Shim<'a> {
    /// `MokSBState`, every value in order. Any other than 00 means that shim verified nothing from
    /// then on, whatever stands behind it.
    pub mok_sb_states: Vec<&'a [u8]>,
    /// `SbatLevel`: which generations of boot loaders are revoked.
    pub sbat_levels: Vec<&'a [u8]>,
    /// `MokListTrusted`: whether the kernel trusts keys of the machine's owner.
    pub mok_list_trusted: Vec<&'a [u8]>,
}

/// Most values of one variable: shim measures each once, and may be started again.
const VALUES_MAX: usize = 16;
/// The longest value, in bytes: `SbatLevel` has some hundred.
const VALUE_BYTES_MAX: usize = 4096;

impl<'a> Shim<'a> {
    /// Takes in a variable, if it is one of these, and neither longer nor more often there than shim
    /// measures it.
    pub(super) fn take(&mut self, variable: &Variable<'a>) -> bool {
        if variable.vendor != Guid::SHIM {
            return false;
        }
        let list = match variable.name.as_str() {
            "MokSBState" => &mut self.mok_sb_states,
            "SbatLevel" => &mut self.sbat_levels,
            "MokListTrusted" => &mut self.mok_list_trusted,
            _ => return false,
        };
        if list.len() == VALUES_MAX || variable.data.len() > VALUE_BYTES_MAX {
            return false;
        }
        list.push(variable.data);
        true
    }

    /// Whether shim was ever told to verify nothing.
    #[must_use]
    pub fn verifies_nothing(&self) -> bool {
        self.mok_sb_states.iter().any(|value| *value != [0])
    }
}
