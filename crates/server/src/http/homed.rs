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
    /// A stream that was made in the runtime of this thread.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Some(stream), lane: lanes::here() }
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
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::Homed;
    use crate::http::Limits;
    use crate::http::addresses::Addresses;
    use crate::http::lanes::Lanes;

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn a_stream_of_a_heavy_address_is_read_while_the_threads_for_light_ones_do_something_else() {
        let light = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (told, heard) = mpsc::channel();
        let addresses = std::sync::Arc::new(Addresses::new(Limits::default()));
        let lanes = Lanes::start().unwrap();
        let mut client = light.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (stream, from) = listener.accept().await.unwrap();
            let mut homed = Homed::new(stream);
            let place = addresses.connect(from.ip()).unwrap();
            let address = place.address();
            (&client).write_all(b"light").unwrap();
            let mut bytes = [0; 5];
            homed.read_exact(&mut bytes).await.unwrap();
            address.spent.add(Duration::from_secs(1), Instant::now());
            lanes.run(address, async move {
                let _place = place;
                told.send(bytes).unwrap();
                homed.read_exact(&mut bytes).await.unwrap();
                told.send(bytes).unwrap();
            });
            client
        });
        // From here on nothing drives that runtime.
        assert_eq!(&heard.recv_timeout(SOON).unwrap(), b"light");
        std::thread::sleep(Duration::from_millis(100));
        client.write_all(b"heavy").unwrap();
        assert_eq!(&heard.recv_timeout(SOON).unwrap(), b"heavy");
    }
}
