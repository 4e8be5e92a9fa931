//! Logs of Windows: tags within tags.

use avouch_bootlog::RegisterMap;
use avouch_bootlog::replay::{judge, values};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::windows::{Chain, Session, TAG_LIMIT, WindowsAuthorities, WindowsFacts};
use avouch_mint::bootlog::windows::{flag, tag, tagged, trust_boundary};
use avouch_mint::bootlog::{BootLog, LogEvent, WindowsBoot, windows, windows_ca};
use avouch_pki::digest::sha256;

use super::{alone, check};

/// A boot of Windows that measured more, before it took over.
fn with(more: impl IntoIterator<Item = LogEvent>) -> Vec<u8> {
    let mut log: BootLog = windows(&WindowsBoot::default()).unwrap();
    let is_separator = |event: &LogEvent| event.register == 12 && event.data == b"WBCL";
    let at = log.events.iter().position(is_separator).unwrap();
    log.events.splice(at..at, more);
    log.to_bytes().unwrap()
}

#[test]
fn a_log_of_windows_takes_at_most_twice_its_length() {
    let _alone = alone();
    let by = WindowsAuthorities::new([sha256(&windows_ca().unwrap())]);
    let read = |input: &[u8]| {
        let log = Log::parse(input, RegisterMap::Tpm).unwrap();
        let proven = values(&log);
        let judged = judge(&log, &proven);
        let session = Session::read(judged.strong_bank().unwrap(), &by).unwrap();
        let facts = WindowsFacts::of(&Chain::new(vec![session]).unwrap());
        assert_eq!(facts.code_integrity, Some(true));
        // Whatever is listed is looked at once.
        let listed = facts.modules().unwrap().count() + facts.elam_drivers().count();
        let sums = facts.application_svns().count() + facts.data_execution_prevention().count();
        assert!(listed > 0 && sums > 0);
    };
    let most = TAG_LIMIT - 200;
    let modules = vec![tagged(tag::LOADEDMODULE_AGGREGATION, &[]); most];
    let drivers = vec![tagged(tag::ELAM_AGGREGATION, &[]); most];
    let unknown = vec![tagged(0x0007_0fff, &[]); most];
    let path: Vec<u8> = "語".repeat(100_000).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = tagged(tag::LOADEDMODULE_AGGREGATION, &tagged(0x0007_0001, &path));
    let svn = |_| trust_boundary(12, &[tagged(tag::APPLICATION_SVN, &7_u32.to_le_bytes())]);
    let off = |_| trust_boundary(13, &[flag(tag::TESTSIGNING, false)]);
    for (name, log) in [
        ("genuine", with([])),
        ("modules", with([trust_boundary(13, &modules)])),
        ("drivers", with([trust_boundary(12, &drivers)])),
        ("unknown", with([trust_boundary(12, &unknown)])),
        ("long-path", with([trust_boundary(13, &[long])])),
        ("events", with((0..5_000).map(svn))),
        ("settings", with((0..5_000).map(off))),
        ("empty-events", with((0..9_000).map(|_| trust_boundary(12, &[])))),
    ] {
        check(name, &log, read);
    }
}
