use std::os::unix::fs::PermissionsExt as _;

use avouch_wire::UnixTime;

use super::{AttestationKeyFile, Standing};
use crate::WrappedKey;

fn at(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

fn key() -> WrappedKey {
    WrappedKey { public: vec![1, 2, 3], private: vec![0xff; 200] }
}

#[test]
fn an_enrolled_key_is_kept_for_its_owner_only_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = AttestationKeyFile::new(&state, "https://one.example");
    assert_eq!(file.read().unwrap(), None, "nothing is kept yet");
    let valid_until = at("2026-03-01T00:00:00Z");
    file.write(&key(), "text", valid_until).unwrap();
    let standing = Standing::Enrolled { enrolment: "text".to_owned(), valid_until };
    assert_eq!(file.read().unwrap(), Some((key(), Some(standing))));
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(state.join(super::FILE)), 0o600);
    assert_eq!(mode(state.clone()), 0o700);
    assert_eq!(std::fs::read_dir(state).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_key_of_another_service_has_no_standing_here() {
    let folder = tempfile::tempdir().unwrap();
    let file = AttestationKeyFile::new(folder.path(), "https://one.example");
    file.write(&key(), "text", at("2026-03-01T00:00:00Z")).unwrap();
    let other = AttestationKeyFile::new(folder.path(), "https://two.example");
    assert_eq!(other.read().unwrap(), Some((key(), None)));
}

#[test]
fn what_this_program_did_not_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = AttestationKeyFile::new(folder.path(), "https://one.example");
    let path = folder.path().join(super::FILE);
    for text in ["", "[]", "{}", r#"{"service":"https://one.example"}"#] {
        std::fs::write(&path, text).unwrap();
        assert!(file.read().is_err(), "{text}");
    }
    file.write(&key(), "text", at("2026-03-01T00:00:00Z")).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [("AQID", "A*ID"), ("2026-03-01T", "2026-13-01T"), ("\"public\"", "\"more\"")]
    {
        assert!(good.contains(from), "{from} in {good}");
        std::fs::write(&path, good.replace(from, to)).unwrap();
        assert!(file.read().is_err(), "{to}");
    }
}

#[test]
fn an_enrolment_counts_until_ten_minutes_before_its_end() {
    let enrolled =
        Standing::Enrolled { enrolment: String::new(), valid_until: at("2026-03-01T00:10:00Z") };
    assert!(enrolled.counts_at(at("2026-02-28T23:59:59Z")));
    assert!(!enrolled.counts_at(at("2026-03-01T00:00:00Z")));
    assert!(Standing::Certified(Vec::new()).counts_at(at("2026-03-01T00:00:00Z")));
}
