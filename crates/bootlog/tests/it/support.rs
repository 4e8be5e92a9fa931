//! What the tests share: where recorded logs lie.

use std::path::PathBuf;

/// The folder of recorded evidence, unless it is absent and need not be there.
pub(crate) fn vectors(kind: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let folder = root.join(kind);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "recorded evidence is required and absent"
    );
    eprintln!("skipped: no recorded evidence (set AVOUCH_VECTORS)");
    None
}
