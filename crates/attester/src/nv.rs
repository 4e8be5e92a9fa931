//! Non-volatile storage of a TPM.

use crate::TpmError;

/// The NV indexes of a TPM, as who owns it reads and writes them.
pub trait NvStorage {
    /// All bytes at an index.
    ///
    /// # Errors
    /// [`TpmError`].
    fn read_nv(&mut self, index: u32) -> Result<Vec<u8>, TpmError>;

    /// Writes bytes at the beginning of an index, which is made of their length if there is none.
    ///
    /// # Errors
    /// [`TpmError`].
    fn write_nv(&mut self, index: u32, bytes: &[u8]) -> Result<(), TpmError>;
}

/// The storage of the TPM behind a TCTI, as [`crate::open`] finds it.
///
/// # Errors
/// [`TpmError::NotBuilt`] without the feature `tss`, [`TpmError::Unreachable`] if none answers.
#[cfg(feature = "tss")]
pub fn open_nv(tcti: &str) -> Result<Box<dyn NvStorage>, TpmError> {
    Ok(Box::new(crate::tss::SoftwareStack::open(tcti)?))
}

/// The storage of the TPM behind a TCTI: none, since the crate is built without the feature `tss`.
///
/// # Errors
/// [`TpmError::NotBuilt`].
#[cfg(not(feature = "tss"))]
pub fn open_nv(_tcti: &str) -> Result<Box<dyn NvStorage>, TpmError> {
    Err(TpmError::NotBuilt)
}
