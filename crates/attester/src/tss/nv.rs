//! Non-volatile storage through the software stack, with the owner's (empty) authorization.

use std::io::{Read as _, Write as _};

use tss_esapi::Error;
use tss_esapi::abstraction::nv::NvOpenOptions;
use tss_esapi::attributes::NvIndexAttributesBuilder;
use tss_esapi::handles::NvIndexTpmHandle;
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::resource_handles::NvAuth;
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::NvPublic;

use super::SoftwareStack;
use super::advice::refused;
use crate::{NvStorage, TpmError};

impl NvStorage for SoftwareStack {
    fn read_nv(&mut self, index: u32) -> Result<Vec<u8>, TpmError> {
        let failed = |error| refused("TPM2_NV_Read", error);
        let existing = existing(index).map_err(failed)?;
        self.context.execute_with_session(Some(AuthSession::Password), |context| {
            let mut reader = existing.open(context).map_err(failed)?;
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(|error| failed(inner(error)))?;
            Ok(bytes)
        })
    }

    fn write_nv(&mut self, index: u32, bytes: &[u8]) -> Result<(), TpmError> {
        let failed = |error| refused("TPM2_NV_Write", error);
        let existing = existing(index).map_err(failed)?;
        let is_there = self.has_nv(index);
        let options = if is_there { existing } else { new(index, bytes.len()).map_err(failed)? };
        self.context.execute_with_session(Some(AuthSession::Password), |context| {
            let mut writer = options.open(context).map_err(failed)?;
            writer.write_all(bytes).map_err(|error| failed(inner(error)))
        })
    }
}

impl SoftwareStack {
    fn has_nv(&mut self, index: u32) -> bool {
        let found = NvIndexTpmHandle::new(index).and_then(|index| {
            self.context.execute_without_session(|context| {
                let mut found = context.tr_from_tpm_public(index.into())?;
                context.tr_close(&mut found)
            })
        });
        found.is_ok()
    }
}

fn existing(index: u32) -> Result<NvOpenOptions, Error> {
    let nv_index_handle = NvIndexTpmHandle::new(index)?;
    Ok(NvOpenOptions::ExistingIndex { nv_index_handle, auth_handle: NvAuth::Owner })
}

/// One that the owner, and whoever knows its empty password, reads and writes.
fn new(index: u32, length: usize) -> Result<NvOpenOptions, Error> {
    let attributes = NvIndexAttributesBuilder::new()
        .with_owner_write(true)
        .with_auth_write(true)
        .with_owner_read(true)
        .with_auth_read(true)
        .build()?;
    let nv_public = NvPublic::builder()
        .with_nv_index(NvIndexTpmHandle::new(index)?)
        .with_index_name_algorithm(HashingAlgorithm::Sha256)
        .with_index_attributes(attributes)
        .with_data_area_size(length)
        .build()?;
    Ok(NvOpenOptions::NewIndex { nv_public, auth_handle: NvAuth::Owner })
}

/// The stack's own error, which the reader has wrapped.
fn inner(error: std::io::Error) -> Error {
    let wrapped = error.into_inner().and_then(|inner| inner.downcast::<Error>().ok());
    wrapped.map_or(Error::WrapperError(tss_esapi::WrapperErrorKind::WrongParamSize), |error| *error)
}
