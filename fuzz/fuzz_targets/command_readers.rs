//! What the command reads of others, by the first byte: files of evidence, files to be inspected, a
//! service's answers and its published documents. No panic; evidence is never longer than its file;
//! what is printed of a file has no control characters that its reader did not write, and is bounded
//! by the file.

#![no_main]

use avouch_command::foreign::{evidence_length, inspected, published, refused};
use avouch_wire::EvidenceKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match choice % 4 {
        0 => {
            for kind in EvidenceKind::appraised() {
                assert!(evidence_length(kind, rest).is_none_or(|length| length <= rest.len()));
            }
        }
        1 => inspect(rest),
        2 => {
            for status in [200, 302, 400, 503] {
                printable(&refused(status, rest));
            }
        }
        _ => {
            let (metadata, keys) = rest.split_at(rest.len() / 2);
            printable(&published(metadata, keys));
            printable(&published(rest, rest));
        }
    }
});

fn inspect(bytes: &[u8]) {
    let (text, json) = inspected(bytes);
    printable(&text);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert_eq!(inspected(bytes), (text, json));
}

fn printable(text: &str) {
    assert!(!text.chars().any(|char| char.is_control() && char != '\n'), "{text:?}");
}
