//! One line for each request, to be found by the id that its answer has.
//!
//! The target of these lines is `requests`, so that a filter of the log decides which are written:
//! refusals and what the service did are at level `info`, probes and published keys at `debug`.

use std::time::Duration;

use avouch_wire::{beginning, excerpt};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::Peer;
use crate::error::Said;
use crate::handlers::Asked;

/// Characters of a path.
const PATH_CHARS_MAX: usize = 200;
/// Bytes of a message, and of a provider's name, which need not be one of a provider.
const MESSAGE_BYTES_MAX: usize = 1000;
const NAME_BYTES_MAX: usize = 64;

/// Writes the line of a request that was answered.
pub(super) fn write(
    head: &Parts,
    peer: &Peer,
    asked: Option<&Asked>,
    response: &Response<Body>,
    took: Duration,
) {
    let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let said = response.extensions().get::<Said>();
    let status = response.status();
    let quiet = said.is_none() && asked.is_some_and(|asked| asked.route_is_published());
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                target: "requests",
                $level,
                id = text("x-ms-request-id"),
                client_id = text("x-ms-client-request-id"),
                address = %peer.address(),
                method = %excerpt(head.method.as_str()),
                path = path(head),
                provider = asked.and_then(Asked::provider).map(|name| beginning(name, NAME_BYTES_MAX)),
                route = asked.map(Asked::route),
                status = status.as_u16(),
                code = said.map(Said::code),
                check = said.and_then(Said::check),
                // Not `message`, which is written without quotes: it quotes what outsiders send.
                error = said.map(|said| said.beginning(MESSAGE_BYTES_MAX)),
                why = said.and_then(|said| said.why(MESSAGE_BYTES_MAX)),
                microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            )
        };
    }
    if quiet {
        line!(tracing::Level::DEBUG);
    } else if status == StatusCode::INTERNAL_SERVER_ERROR {
        line!(tracing::Level::ERROR);
    } else {
        line!(tracing::Level::INFO);
    }
}

/// The beginning of a path: outsiders choose it, and the beginning tells enough.
pub(super) fn path(head: &Parts) -> String {
    let path = head.uri.path();
    path.chars().take(PATH_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::http::Request;

    use super::{Peer, write};
    use crate::ApiError;
    use crate::processor::Spent;
    use crate::work::Source;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().map_or(Err(io::ErrorKind::Other.into()), |mut log| log.write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_an_outsider_sends_makes_no_field_of_the_line() {
        let log = Log::default();
        let writer = log.clone();
        let lines =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let source = Source::new(address, 0, Arc::new(Spent::new(1)));
        let (head, ()) = Request::new(()).into_parts();
        let refused = ApiError::invalid_parameter("nonce: \" status=200 route=\"attest");
        tracing::subscriber::with_default(lines, || {
            let peer = Peer::new(address, source, None);
            write(&head, &peer, None, &refused.into_response(), Duration::ZERO);
        });
        let line = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let quoted = r#"error="nonce: \" status=200 route=\"attest""#;
        assert!(line.contains(quoted), "{line}");
    }
}
