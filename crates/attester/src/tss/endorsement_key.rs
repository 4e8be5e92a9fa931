//! Endorsement keys by the TCG's templates (*EK Credential Profile for TPM Family 2.0*, low range).

use avouch_pki::{Certificate, KeyKind, PublicKey};
use avouch_tpm::trim_padding;
use tss_esapi::Context;
use tss_esapi::abstraction::{AsymmetricAlgorithmSelection, ek};
use tss_esapi::handles::{
    KeyHandle, NvIndexTpmHandle, ObjectHandle, PersistentTpmHandle, TpmHandle,
};
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::key_bits::RsaKeyBits;
use tss_esapi::traits::Marshall as _;

use super::advice::refused;
use crate::TpmError;

/// Where an RSA-2048 endorsement key is kept, if it is (TCG *TPM v2.0 Provisioning Guidance*, 7.8).
const RSA_2048_HANDLE: u32 = 0x8101_0001;

/// A kind of endorsement key, of which a TPM has one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EkKind {
    /// Template L-1.
    Rsa2048,
    /// Template L-2.
    P256,
}

impl EkKind {
    /// The kind that the TPM holds a certificate for, RSA first.
    pub(super) fn certified(context: &mut Context) -> Option<Self> {
        [Self::Rsa2048, Self::P256].into_iter().find(|kind| {
            let index = NvIndexTpmHandle::new(kind.certificate_index());
            let found = index.and_then(|index| {
                context.execute_without_session(|context| {
                    let mut found = context.tr_from_tpm_public(TpmHandle::NvIndex(index))?;
                    context.tr_close(&mut found)
                })
            });
            found.is_ok()
        })
    }

    /// The kind of the key in a certificate; what is no certificate is for the service to refuse.
    pub(super) fn of_certificate(der: &[u8]) -> Self {
        match Certificate::parse_for_its_key(trim_padding(der)) {
            Ok(certificate) if certificate.public_key().kind() == KeyKind::P256 => Self::P256,
            _ => Self::Rsa2048,
        }
    }

    const fn certificate_index(self) -> u32 {
        match self {
            Self::Rsa2048 => 0x01c0_0002,
            Self::P256 => 0x01c0_000a,
        }
    }

    const fn algorithm(self) -> AsymmetricAlgorithmSelection {
        match self {
            Self::Rsa2048 => AsymmetricAlgorithmSelection::Rsa(RsaKeyBits::Rsa2048),
            Self::P256 => AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP256),
        }
    }

    /// The certificate that the TPM holds.
    pub(super) fn certificate(self, context: &mut Context) -> Result<Vec<u8>, TpmError> {
        ek::retrieve_ek_pubcert(context, self.algorithm())
            .map_err(|error| refused("TPM2_NV_Read", error))
    }

    /// The key: where it is kept, if it is the one of the certificate, or made anew from the template, which
    /// always gives the same.
    pub(super) fn load(self, context: &mut Context) -> Result<KeyHandle, TpmError> {
        if let Some(kept) = self.kept(context) {
            return Ok(kept);
        }
        ek::create_ek_object_2(context, self.algorithm(), None)
            .map_err(|error| refused("TPM2_CreatePrimary", error))
    }

    fn kept(self, context: &mut Context) -> Option<KeyHandle> {
        if self != Self::Rsa2048 {
            return None;
        }
        let certificate = self.certificate(context).ok()?;
        let certificate = Certificate::parse_for_its_key(trim_padding(&certificate)).ok()?;
        let handle = KeyHandle::from(persistent(context, RSA_2048_HANDLE).ok()?);
        let (public, _, _) = context.read_public(handle).ok()?;
        let public = avouch_tpm::Public::parse(&public.marshall().ok()?).ok()?;
        let key: &PublicKey = public.key();
        (key == certificate.public_key()).then_some(handle)
    }
}

/// The object at a persistent handle.
pub(super) fn persistent(context: &mut Context, handle: u32) -> Result<ObjectHandle, TpmError> {
    PersistentTpmHandle::new(handle)
        .and_then(|handle| {
            context.execute_without_session(|context| {
                context.tr_from_tpm_public(TpmHandle::Persistent(handle))
            })
        })
        .map_err(|error| refused("TPM2_ReadPublic", error))
}
