use std::fs;
use std::path::PathBuf;

use avouch_tee::{EvidenceSource as _, Later, SourceName, TeeError, TeeSettings};
use avouch_wire::EvidenceKind;

use crate::fake::{Platform, gramine};
use crate::{ASKED, at};

fn settings(root: &std::path::Path) -> TeeSettings {
    TeeSettings {
        configfs: root.join("tsm"),
        gramine: root.join("attestation"),
        tcti: "device:/nonexistent/tpm".to_owned(),
        ..TeeSettings::default()
    }
}

#[test]
fn auto_takes_what_is_there_and_the_enclave_first() {
    let root = tempfile::tempdir().unwrap();
    let found = || {
        let source = settings(root.path()).choose().unwrap();
        source.map(|source| source.name())
    };
    assert_eq!(found(), None);
    fs::create_dir(root.path().join("tsm")).unwrap();
    assert_eq!(found(), Some("configfs-tsm"));
    fs::create_dir(root.path().join("attestation")).unwrap();
    fs::write(root.path().join("attestation/attestation_type"), "none").unwrap();
    assert_eq!(found(), Some("configfs-tsm"), "an enclave without attestation is none");
    fs::write(root.path().join("attestation/attestation_type"), "dcap").unwrap();
    assert_eq!(found(), Some("gramine"));
    let none = TeeSettings { source: SourceName::None, ..settings(root.path()) };
    assert!(none.choose().unwrap().is_none());
}

#[test]
fn what_is_demanded_and_absent_is_an_error_that_says_where_it_was_looked_for() {
    let root = tempfile::tempdir().unwrap();
    for (source, place) in [
        (SourceName::ConfigfsTsm, "tsm"),
        (SourceName::Gramine, "attestation_type"),
        (SourceName::AzureVtpm, "TPM"),
    ] {
        let error = TeeSettings { source, ..settings(root.path()) }.choose().err().unwrap();
        let TeeError::Absent { source_name, .. } = &error else { panic!("{error}") };
        assert_eq!(*source_name, source.name());
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[test]
fn a_file_that_is_named_and_absent_is_no_reason_to_go_without() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("tsm")).unwrap();
    let file = Some(PathBuf::from("/nonexistent/uvm"));
    let error = TeeSettings { uvm_endorsements: file, ..settings(root.path()) }.choose();
    let error = error.err().unwrap();
    assert!(matches!(&error, TeeError::Read { path, .. } if path.ends_with("uvm")), "{error}");
}

#[test]
fn what_is_half_there_hides_nothing_that_works() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("attestation")).unwrap();
    let epid = root.path().join("attestation/attestation_type");
    fs::write(&epid, "epid").unwrap();
    // Alone it is told, and not taken for none.
    let error = settings(root.path()).choose().err().unwrap();
    assert!(matches!(&error, TeeError::Unexpected { path, .. } if *path == epid), "{error}");
    fs::create_dir(root.path().join("tsm")).unwrap();
    let found = settings(root.path()).choose().unwrap().unwrap();
    assert_eq!(found.name(), "configfs-tsm");
    assert_eq!(fs::read_dir(root.path().join("tsm")).unwrap().count(), 0, "nothing is left");
    // A folder in which no entry can be made.
    let refusing = PathBuf::from("/proc/self");
    let refused = TeeSettings { configfs: refusing.clone(), ..settings(root.path()) };
    assert!(matches!(refused.choose(), Err(TeeError::Unexpected { .. })), "the first is told");
    fs::write(&epid, "none").unwrap();
    let error = refused.choose().err().unwrap();
    assert!(matches!(&error, TeeError::Write { path, .. } if path.starts_with("/proc")), "{error}");
    // Who names it has it.
    let demanded = TeeSettings { source: SourceName::ConfigfsTsm, ..refused };
    assert!(demanded.choose().unwrap().is_some());
}

#[test]
fn what_answers_later_is_found_later() {
    let root = tempfile::tempdir().unwrap();
    let mut later = Later::new(settings(root.path()));
    assert_eq!(later.name(), "auto");
    let error = later.evidence(&ASKED).unwrap_err();
    assert!(matches!(error, TeeError::Absent { source_name: "auto", .. }), "{error}");
    let platform = Platform::new(EvidenceKind::Sgx, at());
    gramine(&root.path().join("attestation"), move |asked, _| platform.mint(asked).evidence);
    for _ in 0..2 {
        assert_eq!(later.evidence(&ASKED).unwrap().kind(), "sgx");
    }
}

#[test]
fn names_are_one_to_one() {
    for name in SourceName::ALL {
        assert_eq!(name.name().parse(), Ok(name));
    }
    let error = "tsm".parse::<SourceName>().unwrap_err();
    for name in SourceName::ALL {
        assert!(error.contains(name.name()), "{error}");
    }
}
