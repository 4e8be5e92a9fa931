//! CAs of TPMs: of their manufacturers, and of the hosts of virtual ones, filed by their names.
//!
//! Each stands between a root and the keys of many TPMs, and is verified where a key is. Roots are none of
//! them: whom to trust is said by the configuration alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use avouch_engine::{TPM_CAS_MAX, TpmCasWanted};
use avouch_pki::{Certificate, Name};
use avouch_wire::{Hex, UnixTime};

use crate::by_name::{Age, ByName, Bytes, Kept, Mismatch, Origin};
use crate::{EndorsementName, Published};

/// Most CAs between a root and a key. Hosts of virtual TPMs have two, manufacturers have two.
const LEVELS_MAX: usize = 4;
/// Most CAs of one name whose signatures are tried.
const TRIES_MAX: usize = 8;

/// The CAs at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct TpmShelf {
    published: ByName<Certificate>,
    /// By the DER of their subjects.
    by_subject: BTreeMap<Vec<u8>, Vec<Certificate>>,
    /// Their hashes.
    known: HashSet<Hex<32>>,
}

impl TpmShelf {
    /// Files a CA.
    pub(crate) fn put(
        &mut self,
        published: Arc<Published>,
        origin: Origin,
    ) -> Result<(), Mismatch> {
        let certificate = Certificate::parse(&published.body).map_err(Mismatch::new)?;
        if ca_name(&certificate) != Some(published.name) {
            return Err(Mismatch::other());
        }
        if self.known.insert(certificate.fingerprint_sha256()) {
            let subject = certificate.subject().as_der().to_vec();
            self.by_subject.entry(subject).or_default().push(certificate.clone());
        }
        let (age, read) = (Age::of(certificate.validity()), Arc::new(certificate));
        self.published.put(Kept { published, origin, age, read }, true);
        Ok(())
    }

    /// The CAs that may stand above a certificate, the nearest first.
    pub(crate) fn above(&self, wanted: &TpmCasWanted<'_>) -> Vec<Certificate> {
        let mut found: Vec<Certificate> = Vec::new();
        let mut below = vec![wanted.certificate.clone()];
        for _ in 0..LEVELS_MAX {
            let issuers: Vec<Certificate> =
                below.iter().flat_map(|one| self.issuers(one, wanted.at)).collect();
            below.clear();
            for issuer in issuers {
                if found.iter().any(|known| known.der() == issuer.der()) {
                    continue;
                }
                if found.len() == TPM_CAS_MAX {
                    return found;
                }
                found.push(issuer.clone());
                below.push(issuer);
            }
        }
        found
    }

    /// The same above a CA that is published.
    pub(crate) fn above_ca(&self, thing: &Published, at: UnixTime) -> Vec<Arc<Published>> {
        let Ok(certificate) = Certificate::parse(&thing.body) else { return Vec::new() };
        let above = self.above(&TpmCasWanted { certificate: &certificate, at });
        let names = above.iter().filter_map(ca_name);
        names
            .filter_map(|name| Some(Arc::clone(&self.published.newest(&name)?.published)))
            .collect()
    }

    /// Who may have issued a certificate: the one of its issuer's name, or those of several whose key
    /// signed it. Those in force come first, then those that are valid longest.
    fn issuers(&self, below: &Certificate, at: UnixTime) -> Vec<Certificate> {
        let of_name = self.of_name(below.issuer());
        let mut found: Vec<Certificate> = match of_name {
            [] | [_] => of_name.to_vec(),
            several => {
                let signed = |ca: &&Certificate| below.is_signed_by(ca.public_key());
                let mut sorted: Vec<&Certificate> = several.iter().collect();
                sorted.sort_by_key(|ca| place(ca, at));
                sorted.into_iter().take(TRIES_MAX).filter(signed).cloned().collect()
            }
        };
        found.truncate(TPM_CAS_MAX);
        found
    }

    fn of_name(&self, subject: &Name) -> &[Certificate] {
        self.by_subject.get(subject.as_der()).map_or(&[], Vec::as_slice)
    }

    pub(crate) const fn published(&self) -> &ByName<Certificate> {
        &self.published
    }

    pub(crate) fn count(&self, bytes: &mut Bytes) {
        for kept in self.published.iter() {
            bytes.add_published(&kept.published);
            bytes.add(kept.read.bytes_held());
        }
        // Found by their subjects, and known by their hashes.
        let index = self.by_subject.keys().map(Vec::len);
        let hashes = self.known.len().saturating_mul(size_of::<Hex<32>>());
        bytes.add(index.fold(hashes, usize::saturating_add));
    }
}

/// What a CA is sorted by: in force before all else, then the one that is valid longest.
fn place(ca: &Certificate, at: UnixTime) -> (bool, Reverse<UnixTime>) {
    (ca.validity().check(at).is_err(), Reverse(ca.not_after()))
}

/// The name of a CA that may stand below a root of a TPM; none of a root, of a key's certificate, and of
/// what belongs to another vendor's evidence.
pub(crate) fn ca_name(certificate: &Certificate) -> Option<EndorsementName> {
    let is_below = certificate.is_ca() && !certificate.is_self_issued();
    (is_below && !is_of_other(certificate))
        .then(|| EndorsementName::TpmCa(certificate.fingerprint_sha256()))
}

impl EndorsementName {
    /// The name of a CA's certificate among the endorsements of TPMs; none of a root, of a key's
    /// certificate, and of what belongs to another vendor's evidence. That it certifies TPMs at all is not
    /// proven.
    #[must_use]
    pub fn of_tpm_ca(certificate: &Certificate) -> Option<Self> {
        ca_name(certificate)
    }
}

/// Whether it is a root, which no file of endorsements makes trusted.
pub(crate) fn is_root(certificate: &Certificate) -> bool {
    certificate.is_ca() && certificate.is_self_issued() && !is_of_other(certificate)
}

/// Whether its name is one of Intel's or AMD's certificates for SGX, TDX and SEV-SNP.
fn is_of_other(certificate: &Certificate) -> bool {
    const BEGINNINGS: [&str; 3] = ["Intel SGX", "SEV-", "ARK-"];
    let name = certificate.subject().common_name().unwrap_or_default();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}
