//! A TPM through the TCG's software stack (`tss-esapi`, over libtss2).
//!
//! Nothing is kept in the TPM: what is loaded is flushed when this is dropped.

mod advice;
mod endorsement_key;
mod nv;
mod pcrs;

use std::str::FromStr as _;

use avouch_tpm::{BankSelection, Credential, PcrValue};
use tss_esapi::abstraction::ak;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{AuthHandle, KeyHandle, ObjectHandle, SessionHandle};
use tss_esapi::interface_types::algorithm::{HashingAlgorithm, SignatureSchemeAlgorithm};
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Attest, Data, EncryptedSecret, IdObject, Private, Public, Signature, SignatureScheme,
    SymmetricDefinition,
};
use tss_esapi::traits::{Marshall as _, UnMarshall as _};
use tss_esapi::{Context, TctiNameConf};

use self::advice::{refused, unreachable};
use self::endorsement_key::{EkKind, persistent};
use crate::{Attestation, Certification, Endorsement, KeySource, Tpm, TpmError, WrappedKey};

/// A connection to a TPM.
pub(crate) struct SoftwareStack {
    context: Context,
    /// Endorsement keys that are loaded.
    endorsement_keys: Vec<(EkKind, KeyHandle)>,
    /// The kind whose certificate was asked for: it activates credentials.
    activating: Option<EkKind>,
    attestation_key: Option<(KeySource, KeyHandle)>,
}

impl SoftwareStack {
    /// Connects to the TPM behind a TCTI.
    pub(crate) fn open(tcti: &str) -> Result<Self, TpmError> {
        let failed = |error| unreachable(tcti, error);
        let name = TctiNameConf::from_str(tcti).map_err(|_| advice::unknown_tcti(tcti))?;
        let context = Context::new(name).map_err(failed)?;
        let mut opened =
            Self { context, endorsement_keys: Vec::new(), activating: None, attestation_key: None };
        // Connecting asks nothing yet: a TPM that does not answer shows here.
        opened.context.get_random(1).map_err(failed)?;
        Ok(opened)
    }

    /// The endorsement key of a kind, loaded once.
    fn endorsement_key(&mut self, kind: EkKind) -> Result<KeyHandle, TpmError> {
        let known = self.endorsement_keys.iter().find(|(known, _)| *known == kind);
        if let Some((_, handle)) = known {
            return Ok(*handle);
        }
        let handle = kind.load(&mut self.context)?;
        self.endorsement_keys.push((kind, handle));
        Ok(handle)
    }

    /// The endorsement key below which attestation keys are.
    fn parent(&mut self) -> Result<KeyHandle, TpmError> {
        let kind = EkKind::certified(&mut self.context).unwrap_or(EkKind::Rsa2048);
        self.endorsement_key(kind)
    }

    fn in_use(&self) -> Result<KeyHandle, TpmError> {
        let (_, handle) = self.attestation_key.as_ref().ok_or(TpmError::NoAttestationKey)?;
        Ok(*handle)
    }

    /// A session that satisfies the policy of endorsement keys: `TPM2_PolicySecret` of their hierarchy.
    fn policy_session(&mut self) -> Result<AuthSession, tss_esapi::Error> {
        let session = self.context.start_auth_session(
            None,
            None,
            None,
            SessionType::Policy,
            SymmetricDefinition::AES_128_CFB,
            HashingAlgorithm::Sha256,
        )?;
        let session = session.ok_or(tss_esapi::Error::WrapperError(
            tss_esapi::WrapperErrorKind::WrongValueFromTpm,
        ))?;
        let satisfied = self.satisfy(session);
        if satisfied.is_err() {
            // What went wrong first is what to tell.
            let _ = self.context.flush_context(SessionHandle::from(session).into());
        }
        satisfied.map(|()| session)
    }

    fn satisfy(&mut self, session: AuthSession) -> Result<(), tss_esapi::Error> {
        let policy = PolicySession::try_from(session)?;
        self.context.execute_with_session(Some(AuthSession::Password), |context| {
            context.policy_secret(
                policy,
                AuthHandle::Endorsement,
                Default::default(),
                Default::default(),
                Default::default(),
                None,
            )
        })?;
        Ok(())
    }
}

impl Tpm for SoftwareStack {
    fn endorsement(&mut self, certificate: Option<&[u8]>) -> Result<Endorsement, TpmError> {
        let (kind, certificate) = match certificate {
            Some(certificate) => (EkKind::of_certificate(certificate), certificate.to_vec()),
            None => {
                let kind = EkKind::certified(&mut self.context).ok_or(TpmError::NoEkCertificate)?;
                (kind, kind.certificate(&mut self.context)?)
            }
        };
        let handle = self.endorsement_key(kind)?;
        self.activating = Some(kind);
        let public = read_public(&mut self.context, handle)?;
        Ok(Endorsement { certificate, public })
    }

    fn create_attestation_key(&mut self) -> Result<WrappedKey, TpmError> {
        let parent = self.parent()?;
        let (hash, scheme) = (HashingAlgorithm::Sha256, SignatureSchemeAlgorithm::RsaSsa);
        let created = ak::create_ak(&mut self.context, parent, hash, scheme, None, None);
        let created = created.map_err(|error| refused("TPM2_Create", error))?;
        Ok(WrappedKey {
            public: marshalled(&created.out_public)?,
            private: created.out_private.value().to_vec(),
        })
    }

    fn use_attestation_key(&mut self, key: &KeySource) -> Result<Vec<u8>, TpmError> {
        let known = self.attestation_key.take();
        let handle = match (known, key) {
            (Some((known, handle)), _) if known == *key => handle,
            (_, KeySource::Persistent(handle)) => {
                KeyHandle::from(persistent(&mut self.context, *handle)?)
            }
            (known, KeySource::Wrapped(key)) => {
                if let Some((KeySource::Wrapped(_), handle)) = known {
                    let flushed = self.context.flush_context(ObjectHandle::from(handle));
                    flushed.map_err(|error| refused("TPM2_FlushContext", error))?;
                }
                self.load(key)?
            }
        };
        self.attestation_key = Some((key.clone(), handle));
        read_public(&mut self.context, handle)
    }

    fn activate_credential(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError> {
        let attestation_key = self.in_use()?;
        let kind = self.activating.unwrap_or(EkKind::Rsa2048);
        let endorsement_key = self.endorsement_key(kind)?;
        let failed = |error| refused("TPM2_ActivateCredential", error);
        let id_object = IdObject::try_from(contents(&credential.id_object)?).map_err(failed)?;
        let secret =
            EncryptedSecret::try_from(contents(&credential.encrypted_secret)?).map_err(failed)?;
        let session = self.policy_session().map_err(|error| refused("TPM2_PolicySecret", error))?;
        let activated = self.context.execute_with_sessions(
            (Some(AuthSession::Password), Some(session), None),
            |context| {
                context.activate_credential(attestation_key, endorsement_key, id_object, secret)
            },
        );
        // It would stay, and a TPM has few.
        let flushed = self.context.flush_context(SessionHandle::from(session).into());
        flushed.map_err(|error| refused("TPM2_FlushContext", error))?;
        Ok(activated.map_err(failed)?.value().to_vec())
    }

    fn read_pcrs(&mut self, selection: &[BankSelection]) -> Result<Vec<PcrValue>, TpmError> {
        pcrs::read(&mut self.context, selection)
    }

    fn quote(
        &mut self,
        qualifying_data: &[u8],
        selection: &[BankSelection],
    ) -> Result<Attestation, TpmError> {
        let key = self.in_use()?;
        let failed = |error| refused("TPM2_Quote", error);
        let data = Data::try_from(qualifying_data.to_vec()).map_err(failed)?;
        let list = pcrs::list(selection).map_err(failed)?;
        let quoted = self.context.execute_with_session(Some(AuthSession::Password), |context| {
            context.quote(key, data, SignatureScheme::Null, list)
        });
        attestation(quoted.map_err(failed)?)
    }

    fn certify(&mut self, handle: u32, qualifying_data: &[u8]) -> Result<Certification, TpmError> {
        let key = self.in_use()?;
        let failed = |error| refused("TPM2_Certify", error);
        let object = persistent(&mut self.context, handle)?;
        let data = Data::try_from(qualifying_data.to_vec()).map_err(failed)?;
        let certified = self.context.execute_with_sessions(
            (Some(AuthSession::Password), Some(AuthSession::Password), None),
            |context| context.certify(object, key, data, SignatureScheme::Null),
        );
        let attestation = attestation(certified.map_err(failed)?)?;
        let public = read_public(&mut self.context, KeyHandle::from(object))?;
        Ok(Certification { public, attestation })
    }
}

impl SoftwareStack {
    fn load(&mut self, key: &WrappedKey) -> Result<KeyHandle, TpmError> {
        let parent = self.parent()?;
        let failed = |error| refused("TPM2_Load", error);
        let private = Private::try_from(key.private.clone()).map_err(failed)?;
        let public = Public::unmarshall(&key.public).map_err(failed)?;
        ak::load_ak(&mut self.context, parent, None, private, public).map_err(failed)
    }
}

/// `TPMT_PUBLIC` of a loaded key.
fn read_public(context: &mut Context, key: KeyHandle) -> Result<Vec<u8>, TpmError> {
    let (public, _, _) =
        context.read_public(key).map_err(|error| refused("TPM2_ReadPublic", error))?;
    marshalled(&public)
}

fn marshalled(public: &Public) -> Result<Vec<u8>, TpmError> {
    public.marshall().map_err(|error| refused("TPM2_ReadPublic", error))
}

fn attestation((attest, signature): (Attest, Signature)) -> Result<Attestation, TpmError> {
    let failed = |error| refused("an attestation", error);
    let attest = attest.marshall().map_err(failed)?;
    Ok(Attestation { attest, signature: signature.marshall().map_err(failed)? })
}

/// What stands behind a 16-bit size, which must be all.
fn contents(sized: &[u8]) -> Result<Vec<u8>, TpmError> {
    let whole = sized
        .split_first_chunk::<2>()
        .filter(|(size, rest)| usize::from(u16::from_be_bytes(**size)) == rest.len());
    let (_, rest) =
        whole.ok_or(TpmError::Length { what: "a part of a credential", found: sized.len() })?;
    Ok(rest.to_vec())
}

#[cfg(test)]
mod tests;
