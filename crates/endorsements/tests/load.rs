//! Files of endorsements: what is taken, and by which check the others are refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_mint::{Expected, Kind, Options, mint};
use avouch_wire::UnixTime;

fn options() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap())
}

fn load(path: &Path) -> Result<EndorsementSet, LoadError> {
    EndorsementSet::load(&[path.to_owned()])
}

#[test]
fn minted_endorsements_load_and_broken_ones_that_do_not_name_the_check_of_their_break() {
    let mut refused = 0;
    for kind in Kind::ALL {
        let good = mint(kind, &options()).unwrap();
        EndorsementSet::default().add(&good.endorsements).unwrap();
        for one in kind.breaks() {
            let minted = mint(kind, &options().broken(one.name)).unwrap();
            let Err(error) = EndorsementSet::default().add(&minted.endorsements) else { continue };
            let Expected::Refused { check, .. } = minted.expected else {
                panic!("{kind:?} {}: expected a refusal", one.name);
            };
            assert_eq!(error.check(), check, "{kind:?} {}: {error}", one.name);
            refused += 1;
        }
    }
    // Intel documents that do not parse, of three kinds of evidence, and a few of AMD's files.
    assert!(refused >= 60, "only {refused}");
}

#[test]
fn a_file_is_refused_by_its_check_and_so_is_a_folder_with_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = mint(Kind::Sgx, &options()).unwrap();
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("cut.json", good.endorsements.split_at(300).0.to_vec(), "collateral-malformed"),
        ("other.json", b"{}".to_vec(), "collateral-malformed"),
        ("text.txt", b"no endorsement".to_vec(), "chain-pem"),
        ("der", vec![0x30, 0x03, 0x02, 0x01, 0x00], "chain-certificate"),
        ("large", vec![b' '; 8 * 1024 * 1024 + 1], "endorsements-size"),
    ];
    for (name, bytes, check) in &cases {
        std::fs::write(at(name), bytes).unwrap();
        let error = load(&at(name)).unwrap_err();
        assert_eq!(error.check(), Some(*check), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    // In a folder the first that is damaged is named; those that are skipped are all told.
    std::fs::write(at("good.json"), &good.endorsements).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert_eq!(error.check(), Some("collateral-malformed"), "{error}");
    let set = EndorsementSet::load_skipping_damaged(&[folder.path().to_owned()]).unwrap();
    let skipped: Vec<_> = set.skipped().iter().filter_map(LoadError::check).collect();
    assert_eq!(skipped, ["collateral-malformed", "endorsements-size"]);
    assert_eq!(load(&at("nonexistent")).unwrap_err().check(), None);
}

#[test]
fn a_folder_without_endorsements_is_an_error_without_a_check() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.txt"), "no endorsement").unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, LoadError::Empty { files: 1, .. }), "{error}");
    assert_eq!(error.check(), None);
}
