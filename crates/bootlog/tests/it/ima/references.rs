//! Reference values: what lists, what excludes, and who may say so.

use avouch_bootlog::ima::{Appraisal, List, References, Requirement, Sha1, prove};
use avouch_mint::ima::{FileKey, FileKeyKind, Ground, ImaEntry, ground};
use avouch_pki::{PublicKey, pem};
use avouch_wire::{FailedCheck as _, encode_hex};

use super::{keys, quoted};

/// Whether a machine on which also this file ran meets "only listed files".
fn listed(lines: &str, entry: ImaEntry) -> Result<(), &'static str> {
    let mut ground = ground().unwrap();
    ground.run(entry);
    judged(&ground, lines)
}

fn judged(ground: &Ground, lines: &str) -> Result<(), &'static str> {
    let text = [ground.references.as_str(), lines].concat();
    let references = References::local(text.as_bytes()).unwrap();
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let proven = quoted(&ground.registers);
    let entries = prove(&list, &proven, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&entries, &proven, &references, &keys(ground));
    appraisal.require(Requirement::OnlyListed, &references).map_err(|error| error.check())
}

fn line(content: &[u8], path: &str) -> String {
    format!("{}  {path}\n", encode_hex(&avouch_pki::digest::sha256(content).0))
}

const OTHER: Result<(), &str> = Err("ima-only-listed");

#[test]
fn a_file_is_listed_by_name_and_content() {
    let entry = || ImaEntry::file("/opt/a_b", b"content");
    assert_eq!(listed(&line(b"content", "/opt/a_b"), entry()), Ok(()));
    assert_eq!(listed(&line(b"content", "/opt/a b"), entry()), Ok(()), "as the kernel measures it");
    assert_eq!(listed(&line(b"content", "/opt/a").replace("  ", " *"), entry()), OTHER);
    assert_eq!(listed(&line(b"other", "/opt/a_b"), entry()), OTHER);
    let both = [line(b"other", "/opt/a_b"), line(b"content", "/opt/a_b")].concat();
    assert_eq!(listed(&both, entry()), Ok(()), "one of two contents");
    assert_eq!(listed("", entry()), OTHER);
    // SHA-1 lists nothing, and neither does a digest of another kind.
    assert_eq!(listed(&line(b"content", "/opt/a_b"), ImaEntry::old("/opt/a_b", b"content")), OTHER);
    let digest = avouch_pki::digest::sha256(b"content").0;
    let verity = [b"verity:sha256:\0".as_slice(), &digest].concat();
    let verity = ImaEntry::of_fields("ima-ngv2", &[&verity, b"/opt/a_b\0"]);
    assert_eq!(listed(&line(b"content", "/opt/a_b"), verity), OTHER);
}

#[test]
fn what_is_excluded_is_a_file_or_all_below_a_folder() {
    let excluded = |path: &str, lines: &str| listed(lines, ImaEntry::file(path, b"any"));
    assert_eq!(excluded("/var/log/x", "exclude /var/log/\n"), Ok(()));
    assert_eq!(excluded("/var/log/deep/x", "exclude /var/log/\n"), Ok(()));
    assert_eq!(excluded("/var/log", "exclude /var/log/\n"), OTHER);
    assert_eq!(excluded("/var/logs", "exclude /var/log/\n"), OTHER);
    assert_eq!(excluded("/var/log/x", "exclude /var/log\n"), OTHER, "a file");
    assert_eq!(excluded("/etc/mtab", "exclude /etc/mtab\n"), Ok(()));
    assert_eq!(excluded("/x/var/log/x", "exclude /var/log/\n"), OTHER);
    for path in ["/var/log/../../bin/x", "/var/log/./x", "/var/log//x", "var/log/x", "/var/log/"] {
        assert_eq!(excluded(path, "exclude /var/log/\n"), OTHER, "{path}");
    }
    // What is not proven to have that name is not excluded.
    let violation = ImaEntry::violation("/var/log/x");
    assert_eq!(listed("exclude /var/log/\n", violation), OTHER);
}

#[test]
fn lines_that_are_none_are_refused_by_their_number() {
    for line in [
        "x  /usr/bin/x",
        "abcd  /usr/bin/x",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709  /usr/bin/sha1",
        "exclude relative",
        "exclude /",
        "exclude /a/../b",
        "exclude",
        "volume x  root",
        " ",
    ] {
        let text = format!("# a comment\n\n{line}\n");
        let error = References::local(text.as_bytes()).unwrap_err();
        assert_eq!(error.check(), "ima-references", "{line}");
        assert!(error.to_string().starts_with("line 3 "), "{error}");
    }
    let digest = "0".repeat(64);
    for line in [
        format!("{digest} /one/space"),
        format!("{digest}  relative"),
        format!("\\{digest}  /a\\nb"),
    ] {
        assert_eq!(References::local(line.as_bytes()).unwrap_err().check(), "ima-references");
    }
}

#[test]
fn signed_reference_values_count_by_the_operators_key_only() {
    let document = line(b"content", "/opt/a");
    for kind in [FileKeyKind::Rsa, FileKeyKind::P256, FileKeyKind::P384] {
        let key = FileKey::new(kind).unwrap();
        let pem = key.pem();
        let spki = pem::blocks_of_any_label(pem.as_bytes(), 1).unwrap()[0].der().unwrap();
        let trusted = [PublicKey::from_spki(&spki).unwrap()];
        let signature = key.sign(document.as_bytes()).unwrap();
        let read = References::signed(document.as_bytes(), &signature, &trusted).unwrap();
        assert_eq!(read.file_count(), 1, "{kind:?}");
        let more = format!("{document}exclude /opt/\n");
        let mut other = signature.clone();
        *other.last_mut().unwrap() ^= 1;
        for refused in [
            References::signed(more.as_bytes(), &signature, &trusted),
            References::signed(document.as_bytes(), &other, &trusted),
            References::signed(document.as_bytes(), b"", &trusted),
            References::signed(document.as_bytes(), &signature, &[]),
        ] {
            assert_eq!(refused.unwrap_err().check(), "ima-references-signature", "{kind:?}");
        }
    }
}
