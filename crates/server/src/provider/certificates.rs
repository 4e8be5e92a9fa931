//! The certificates of a provider's keys, each made once: they cost signatures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use avouch_token::{
    SignError, Signer, provider_certificate, report_ca_certificate, report_certificate,
};

use crate::tee::KeyEvidence;

/// DER of certificates by what they are made of. What other keys do leaves them as they are.
#[derive(Debug, Default)]
pub(super) struct Certificates(Mutex<Made>);

#[derive(Debug, Default, Clone)]
struct Made {
    /// Of keys for tokens, with the evidence in each.
    tokens: HashMap<String, OfToken>,
    /// Of keys for reports, by key and CA.
    reports: HashMap<(String, String), Arc<[u8]>>,
    /// Of CAs.
    authorities: HashMap<String, Arc<[u8]>>,
}

#[derive(Debug, Clone)]
struct OfToken {
    evidence: Option<Arc<KeyEvidence>>,
    der: Arc<[u8]>,
}

/// A certificate, and whether it is what it should be: one of before may be all that there is.
pub(super) struct Found {
    pub(super) der: Arc<[u8]>,
    pub(super) is_current: bool,
}

impl Certificates {
    /// Those that are still of use for keys of these names.
    pub(super) fn of_keys(&self, is_kept: impl Fn(&str) -> bool) -> Self {
        let mut made = self.made().clone();
        made.tokens.retain(|kid, _| is_kept(kid));
        made.reports.retain(|(kid, ca), _| is_kept(kid) && is_kept(ca));
        made.authorities.retain(|kid, _| is_kept(kid));
        Self(Mutex::new(made))
    }

    /// The certificate of a key for tokens. Where none can be made, the one of before, with other evidence.
    ///
    /// # Errors
    /// [`SignError`] if there is none.
    pub(super) fn of_token(
        &self,
        signer: &dyn Signer,
        url: &str,
        evidence: Option<&Arc<KeyEvidence>>,
        may_sign: bool,
    ) -> Result<Found, SignError> {
        let known = self.made().tokens.get(signer.kid()).cloned();
        if let Some(known) = &known
            && known.evidence.as_ref() == evidence
        {
            return Ok(Found { der: Arc::clone(&known.der), is_current: true });
        }
        let extension = evidence.map(|evidence| evidence.extension());
        let made =
            if may_sign { provider_certificate(signer, url, extension) } else { Err(away(signer)) };
        match (made, known) {
            (Ok(der), _) => {
                let der: Arc<[u8]> = der.into();
                let made = OfToken { evidence: evidence.cloned(), der: Arc::clone(&der) };
                self.made().tokens.insert(signer.kid().to_owned(), made);
                Ok(Found { der, is_current: true })
            }
            (Err(SignError::External { .. }), Some(known)) => {
                Ok(Found { der: known.der, is_current: false })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The certificates of a key for reports: its own, and its CA's.
    ///
    /// # Errors
    /// [`SignError`].
    pub(super) fn of_report(
        &self,
        signer: &dyn Signer,
        ca: &dyn Signer,
        url: &str,
        may_sign: bool,
    ) -> Result<[Arc<[u8]>; 2], SignError> {
        let pair = (signer.kid().to_owned(), ca.kid().to_owned());
        let own = self.made().reports.get(&pair).cloned();
        let own = match own {
            Some(own) => own,
            None if !may_sign => return Err(away(ca)),
            None => {
                let own: Arc<[u8]> = report_certificate(ca, signer.public_key(), url)?.into();
                self.made().reports.insert(pair, Arc::clone(&own));
                own
            }
        };
        let of_ca = self.made().authorities.get(ca.kid()).cloned();
        let of_ca = match of_ca {
            Some(of_ca) => of_ca,
            None if !may_sign => return Err(away(ca)),
            None => {
                let of_ca: Arc<[u8]> = report_ca_certificate(ca)?.into();
                self.made().authorities.insert(ca.kid().to_owned(), Arc::clone(&of_ca));
                of_ca
            }
        };
        Ok([own, of_ca])
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn away(signer: &dyn Signer) -> SignError {
    let reason = "it is not asked, for it does not answer".to_owned();
    SignError::External { kid: signer.kid().to_owned(), reason }
}
