//! A stream that is watched where its connection runs.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::lanes;
use crate::processor::Weight;

/// A TCP stream that follows its connection from lane to lane.
///
/// A runtime watches the streams that were made in it, and tells whoever polls them, also on threads
/// that are not its own: each byte that arrives for a connection of a heavy address would wake a thread
/// for light ones first, which must wake the heavy one.
#[derive(Debug)]
pub(super) struct Homed {
    /// None once the system has refused to move it.
    stream: Option<TcpStream>,
    lane: Weight,
}

impl Homed {
    /// A stream that was accepted: all are on the threads for light addresses, also where the connection
    /// begins elsewhere.
    pub(super) const fn accepted(stream: TcpStream) -> Self {
        Self { stream: Some(stream), lane: Weight::Light }
    }

    /// The stream, watched by the runtime of this thread.
    fn here(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let here = lanes::here();
        if here != self.lane
            && let Some(stream) = self.stream.take()
        {
            self.stream = Some(TcpStream::from_std(stream.into_std()?)?);
            self.lane = here;
        }
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Homed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.here()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Homed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.here()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.here()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.here()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.here()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write as _;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::{Arc, mpsc};
    use std::time::{Duration, Instant};

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::{Builder, Runtime};

    use super::Homed;
    use crate::http::Limits;
    use crate::http::addresses::{Addresses, Place};
    use crate::http::lanes::Lanes;

    const SOON: Duration = Duration::from_secs(5);
    /// In which the reader has begun to wait.
    const WHILE: Duration = Duration::from_millis(100);

    /// A connection to a listener of a runtime for light addresses, which nothing drives any more, and
    /// both its ends.
    fn connect(light: &Runtime) -> (TcpStream, std::net::TcpStream) {
        light.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (listener.accept().await.unwrap().0, client)
        })
    }

    /// The place of an address that has taken so much.
    fn place(seconds: u64) -> Place {
        let addresses = Arc::new(Addresses::new(Limits::default()));
        let place = addresses.connect(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        place.address().spent.add(Duration::from_secs(seconds), Instant::now());
        place
    }

    async fn told(homed: &mut Homed, told: &mpsc::Sender<[u8; 5]>) {
        let mut bytes = [0; 5];
        homed.read_exact(&mut bytes).await.unwrap();
        told.send(bytes).unwrap();
    }

    #[test]
    fn a_stream_is_read_on_its_lane_while_the_other_one_does_something_else() {
        let light = Builder::new_current_thread().enable_all().build().unwrap();
        let (stream, mut client) = connect(&light);
        let (tell, heard) = mpsc::channel();
        let (lanes, place) = (Lanes::start(light.handle()).unwrap(), place(0));
        let mut homed = Homed::accepted(stream);
        light.block_on(async {
            client.write_all(b"light").unwrap();
            told(&mut homed, &tell).await;
            place.address().spent.add(Duration::from_secs(1), Instant::now());
            lanes.run(place.address(), async move { told(&mut homed, &tell).await });
        });
        assert_eq!(&heard.recv_timeout(SOON).unwrap(), b"light");
        std::thread::sleep(WHILE);
        client.write_all(b"heavy").unwrap();
        assert_eq!(&heard.recv_timeout(SOON).unwrap(), b"heavy");
    }

    #[test]
    fn so_is_one_whose_connection_begins_on_the_other_lane() {
        let light = Builder::new_current_thread().enable_all().build().unwrap();
        let (stream, mut client) = connect(&light);
        let (tell, heard) = mpsc::channel();
        let (lanes, place) = (Lanes::start(light.handle()).unwrap(), place(1));
        let task = async move { told(&mut Homed::accepted(stream), &tell).await };
        light.block_on(async { lanes.run(place.address(), task) });
        std::thread::sleep(WHILE);
        client.write_all(b"heavy").unwrap();
        assert_eq!(&heard.recv_timeout(SOON).unwrap(), b"heavy");
    }
}
