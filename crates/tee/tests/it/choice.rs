use std::fs;
use std::path::PathBuf;

use avouch_tee::{SourceName, TeeError, TeeSettings};

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
fn names_are_one_to_one() {
    for name in SourceName::ALL {
        assert_eq!(name.name().parse(), Ok(name));
    }
    let error = "tsm".parse::<SourceName>().unwrap_err();
    for name in SourceName::ALL {
        assert!(error.contains(name.name()), "{error}");
    }
}
