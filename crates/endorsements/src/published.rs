//! What was published under a name, as it came.

use std::sync::Arc;

use avouch_pki::Window;
use avouch_wire::UnixTime;

use crate::EndorsementName;

/// An endorsement as a source gave it. **Nothing in it is trusted**: the evidence crates verify it
/// when it is used, and who fetches it verifies it before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Under which name it was asked for.
    pub name: EndorsementName,
    /// The thing itself: signed JSON as Intel sends it (document and signature), a CRL in DER, a VCEK
    /// in DER, a chain of AMD's in PEM.
    pub body: Arc<[u8]>,
    /// For what Intel signs: the signer's certificate and the root above, PEM. Empty for AMD's.
    pub issuer_chain: Arc<[u8]>,
    /// The name of the source, for people.
    pub source: Arc<str>,
    /// When it was fetched or read.
    pub fetched_at: UnixTime,
    /// The source's tag of this version, to ask whether there is a newer one.
    pub etag: Option<Arc<str>>,
}

impl Published {
    /// When it says that it is in force; none if it cannot be read. Issuer chains are not looked at.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        self.stated().ok().map(|stated| stated.window)
    }

    /// Whether it says that it is in force at `at`.
    pub(crate) fn is_in_force(&self, at: UnixTime) -> bool {
        self.window().is_some_and(|window| window.check(at).is_ok())
    }

    /// The TCB evaluation data number of a document of Intel's.
    pub(crate) fn evaluation_data_number(&self) -> Option<u32> {
        self.stated().ok()?.version?.evaluation_data_number()
    }
}
