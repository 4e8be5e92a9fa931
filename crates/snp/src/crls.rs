//! AMD's revocation lists: signed by an ARK, naming revoked ASKs and ASVKs.

use std::sync::Arc;

use avouch_pki::{Crl, CrlError, OutsideWindow, VerifiedCrl, Window, verify_crl};
use avouch_wire::UnixTime;

use crate::error::AMD_SCHEME;
use crate::{Anchors, Ark, VerifiedIntermediate, VerifyError};

/// Verified CRLs of trusted roots, and whether there must be one.
///
/// AMD lists the serial numbers of ASKs and ASVKs. VCEKs cannot be listed: their serial number is
/// always 0.
///
/// # Source
/// AMD 57230, certificate revocation list.
#[derive(Debug, Clone, Default)]
pub struct Crls {
    lists: Vec<(Arc<Ark>, VerifiedCrl)>,
    required: bool,
}

impl Crls {
    /// No list, and none required.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Verifies lists under the trusted roots that they name as their issuers.
    ///
    /// # Errors
    /// [`VerifyError::CrlIssuer`] for a list of a foreign root, [`VerifyError::Crl`] for one that
    /// does not verify or is not current at `at`.
    pub fn verify(lists: &[Crl], anchors: &Anchors, at: UnixTime) -> Result<Self, VerifyError> {
        let verified = lists.iter().map(|crl| verify_one(crl, anchors, at));
        Ok(Self { lists: verified.collect::<Result<_, _>>()?, required: false })
    }

    /// Refuses every chain whose root has no list here.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The span in which all lists are current; `None` without lists.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        self.lists.iter().map(|(_, crl)| crl.window()).reduce(Window::intersect)
    }

    /// Judges an intermediate by every list of its root. Lists are judged at `at` again: they may
    /// have been verified long ago.
    pub(crate) fn check(
        &self,
        intermediate: &VerifiedIntermediate,
        at: UnixTime,
    ) -> Result<(), VerifyError> {
        let mut seen = false;
        for (_, crl) in self.lists.iter().filter(|(root, _)| root.as_ref() == intermediate.root()) {
            seen = true;
            current(crl, at)?;
            if crl.is_revoked(intermediate.serial()) {
                return Err(VerifyError::IntermediateRevoked {
                    intermediate: intermediate.issuer_name().label().to_owned(),
                    serial: intermediate.serial().to_string(),
                    root: intermediate.root().anchor().label().to_owned(),
                });
            }
        }
        if self.required && !seen {
            let root = intermediate.root().anchor().label().to_owned();
            return Err(VerifyError::CrlMissing { root });
        }
        Ok(())
    }
}

fn verify_one(
    crl: &Crl,
    anchors: &Anchors,
    at: UnixTime,
) -> Result<(Arc<Ark>, VerifiedCrl), VerifyError> {
    let issuer = crl.issuer().label().to_owned();
    if crl.rsa_signature_scheme() != Some(AMD_SCHEME) {
        return Err(VerifyError::CrlScheme { found: crl.rsa_signature_scheme() });
    }
    let mut refusal = VerifyError::CrlIssuer { issuer };
    for root in anchors.arks().filter(|root| root.anchor().subject() == crl.issuer()) {
        match verify_crl(crl, root.anchor(), at) {
            Ok(verified) => return Ok((Arc::clone(root), verified)),
            Err(error) => refusal = VerifyError::Crl(error),
        }
    }
    Err(refusal)
}

fn current(crl: &VerifiedCrl, at: UnixTime) -> Result<(), VerifyError> {
    crl.window().check(at).map_err(|source: OutsideWindow| {
        let issuer = crl.issuer().label().to_owned();
        VerifyError::Crl(CrlError::OutsideWindow { issuer, source })
    })
}
