//! What an administrator sends and writes, by the first byte: bodies of the control plane, or the
//! text of a token file. No panic, the same verdict twice, and errors that are no longer than an
//! answer may be.

#![no_main]

use avouch_server::auth::StaticTokens;
use avouch_server::handlers::control_plane::{BodyKind, check_body};
use libfuzzer_sys::fuzz_target;

/// Bytes that a message may add to the names and numbers in it.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match choice % 4 {
        0 => body(BodyKind::Creation, rest),
        1 => body(BodyKind::Patch, rest),
        2 => body(BodyKind::Connection, rest),
        _ => token_file(rest),
    }
});

fn body(kind: BodyKind, bytes: &[u8]) {
    let verdict = check_body(kind, bytes);
    assert_eq!(verdict.is_ok(), check_body(kind, bytes).is_ok());
    if let Err(error) = verdict {
        assert_eq!(error.fault().status(), 400);
        let length = error.fault().message().len();
        assert!(length <= MESSAGE_BYTES_MAX, "{length}");
    }
}

fn token_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(tokens) = StaticTokens::parse(text) else { return };
    assert_eq!(Ok(tokens), StaticTokens::parse(text));
    // Each entry has 64 hex digits of its own.
    assert!(text.len() >= 64 || !text.contains("[[tokens]]"));
}
