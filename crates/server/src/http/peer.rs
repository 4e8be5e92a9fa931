//! Who is at the other end of a connection.

use std::net::IpAddr;
use std::sync::Arc;

use avouch_pki::Certificate;
use rustls::pki_types::CertificateDer;

use crate::work::Source;

/// The other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    address: IpAddr,
    source: Source,
    certificate: Option<Arc<Certificate>>,
}

impl Peer {
    /// The peer at an address, for whom work is done, and the chain that it proved in the TLS
    /// handshake to hold the key of.
    pub(super) fn new(
        address: IpAddr,
        source: Source,
        chain: Option<&[CertificateDer<'_>]>,
    ) -> Self {
        let leaf = chain.and_then(<[_]>::first);
        // TLS accepted it; should our reader be stricter, the peer counts as one without.
        let certificate = leaf.and_then(|der| Certificate::parse(der).ok()).map(Arc::new);
        Self { address, source, certificate }
    }

    /// Its address: that of the last proxy where there is one.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// For whom work is done: this address, on this connection.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Its certificate, which chains to a client CA of the configuration. Checked when the
    /// connection was made: its validity is to be looked at again.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_deref()
    }
}
