//! Connections over TLS from an address of loopback, and bare requests on them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Outcome;

pub(crate) type Stream = TlsStream<TcpStream>;

/// Where a service listens and what it is known by.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) port: u16,
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Target {
    pub(crate) fn new(port: u16, ca_pem: &[u8]) -> Outcome<Self> {
        let said = |error: &dyn std::fmt::Display| format!("CA certificate: {error}");
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(ca_pem).map_err(|error| said(&error))?;
        roots.add(ca).map_err(|error| said(&error))?;
        let connector = |protocol: &[u8]| {
            let config = ClientConfig::builder().with_root_certificates(roots.clone());
            let mut config = config.with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self { port, http1: connector(b"http/1.1"), http2: connector(b"h2") })
    }

    /// A TCP connection from 127.0.0.`last`.
    pub(crate) async fn tcp(&self, last: u8) -> Outcome<TcpStream> {
        let text = |error: std::io::Error| format!("cannot connect: {error}");
        let socket = TcpSocket::new_v4().map_err(text)?;
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).map_err(text)?;
        let service = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = socket.connect(service).await.map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        Ok(stream)
    }

    pub(crate) async fn http1(&self, last: u8) -> Outcome<Stream> {
        self.tls(&self.http1, last).await
    }

    pub(crate) async fn http2(&self, last: u8) -> Outcome<Stream> {
        self.tls(&self.http2, last).await
    }

    async fn tls(&self, connector: &TlsConnector, last: u8) -> Outcome<Stream> {
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        let stream = self.tcp(last).await?;
        connector.connect(name, stream).await.map_err(|error| format!("handshake: {error}"))
    }
}

/// A request with a body, as it is on the wire.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer drill\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends a request and reads its answer: the status.
pub(crate) async fn ask(stream: &mut Stream, request: &[u8]) -> Outcome<u16> {
    let text = |error: std::io::Error| error.to_string();
    stream.write_all(request).await.map_err(text)?;
    stream.flush().await.map_err(text)?;
    let mut answer = Vec::new();
    let mut part = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut part).await.map_err(text)?;
        if read == 0 {
            return Err("the connection ended before the answer".to_owned());
        }
        answer.extend_from_slice(part.get(..read).unwrap_or_default());
        if let Some(status) = whole(&answer) {
            return Ok(status);
        }
    }
}

/// The status of an answer that is there as a whole.
fn whole(answer: &[u8]) -> Option<u16> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?.lines().next()?.trim().parse().ok()?;
    let body = answer.len().checked_sub(end.checked_add(4)?)?;
    if body < length {
        return None;
    }
    head.split(' ').nth(1)?.parse().ok()
}
