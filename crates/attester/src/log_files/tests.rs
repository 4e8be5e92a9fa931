use std::io::Read as _;

use avouch_tpm::protocol::LogKind;
use avouch_wire::FailedCheck as _;
use flate2::read::GzDecoder;

use super::LogFiles;

#[test]
fn the_boots_log_comes_first_and_a_long_list_is_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let (tcg, ima) = (folder.path().join("tcg"), folder.path().join("ima"));
    let long = vec![7; super::PLAIN_BYTES_MAX + 1];
    std::fs::write(&tcg, &long).unwrap();
    std::fs::write(&ima, &long).unwrap();
    let files = LogFiles { tcg: Some(tcg), ima: Some(ima.clone()) };
    let [boot, list] = files.read().unwrap().try_into().unwrap();
    assert_eq!((boot.kind, &boot.bytes), (LogKind::Tcg, &long), "as it is");
    assert_eq!(list.kind, LogKind::Ima);
    let mut expanded = Vec::new();
    GzDecoder::new(list.bytes.as_slice()).read_to_end(&mut expanded).unwrap();
    assert!(expanded == long && list.bytes.len() < 1000);

    std::fs::write(&ima, &long[1..]).unwrap();
    assert_eq!(files.read().unwrap()[1].bytes, &long[1..], "a short list goes as it is");
    std::fs::write(&ima, "").unwrap();
    assert_eq!(files.read().unwrap().len(), 1, "an empty list is none");
}

#[test]
fn a_log_that_is_named_must_be_there_and_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let (tcg, absent) = (folder.path().join("tcg"), folder.path().join("absent"));
    let file = std::fs::File::create(&tcg).unwrap();
    for files in [
        LogFiles { tcg: Some(absent.clone()), ima: None },
        LogFiles { tcg: Some(tcg.clone()), ima: Some(absent) },
    ] {
        let error = files.read().unwrap_err();
        assert_eq!(error.check(), "log-read");
        assert!(error.to_string().contains("securityfs"), "{error}");
    }
    let files = LogFiles { tcg: Some(tcg), ima: None };
    file.set_len(super::LOG_BYTES_MAX).unwrap();
    assert_eq!(files.read().unwrap()[0].bytes.len(), 16 << 20);
    file.set_len(super::LOG_BYTES_MAX + 1).unwrap();
    assert_eq!(files.read().unwrap_err().check(), "log-file-length");
}
