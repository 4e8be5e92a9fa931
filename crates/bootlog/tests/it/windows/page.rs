//! `docs/evidence/windows-boot.md` says what is so.

use avouch_bootlog::windows::{NoIdentityKey, WindowsError};
use avouch_mint::bootlog::{WindowsBoot, windows};
use avouch_wire::FailedCheck as _;

use super::believed;

pub(super) const PAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/windows-boot.md");

#[test]
fn the_page_names_every_check_of_windows() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let names = [WindowsError::checks(), NoIdentityKey::checks()].concat();
    for name in names.iter().filter(|name| name.starts_with("windows-")) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_page_names_every_fact() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let shown = believed(&windows(&WindowsBoot::default()).unwrap(), |facts| format!("{facts:#?}"));
    let fields = shown.lines().filter_map(|line| line.strip_prefix("    ")).filter_map(|line| {
        let (name, _) = line.split_once(": ")?;
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(name)
    });
    // What is listed is not kept in the facts, but read when somebody asks.
    let listed = [
        "data_execution_prevention",
        "elam_drivers",
        "application_svns",
        "modules",
        "si_policies",
        "boot_revocation_lists",
        "os_revocation_lists",
        "authorities",
    ];
    let mut named = 0;
    for field in fields.filter(|field| *field != "logs").chain(listed) {
        assert!(page.contains(&format!("`{field}`")), "{field}");
        named += 1;
    }
    assert!(named >= 35, "only {named}");
}
