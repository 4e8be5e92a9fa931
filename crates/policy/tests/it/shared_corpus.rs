//! The shared corpus of policies, read at run time.

use std::path::PathBuf;

use avouch_policy::{Limits, corpus};

/// The folder of shared vectors, or nothing if it is absent and not required.
pub(crate) fn vectors() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let folder = PathBuf::from(std::env::var("AVOUCH_VECTORS").unwrap_or(default.into()));
    if folder.join("policy").is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "vectors are required, but {} is missing",
        folder.display()
    );
    println!("skipped: there are no vectors at {}", folder.display());
    None
}

#[test]
fn every_case_of_the_shared_corpus_passes() {
    let Some(vectors) = vectors() else { return };
    let cases = corpus::read_directory(&vectors.join("policy")).unwrap();
    let cases: Vec<_> = cases.into_iter().map(|case| case.unwrap()).collect();
    assert!(cases.len() >= 330, "only {} cases", cases.len());
    let report = corpus::run(&cases, &Limits::default());
    let failures: Vec<_> = report.cases.iter().filter(|case| !case.passed).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}
