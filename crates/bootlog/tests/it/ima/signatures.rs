//! Signatures of files by each kind of key, and what is none.

use avouch_bootlog::ima::{FileKeys, List, References, Sha1, Signed, prove};
use avouch_mint::ima::{FileKey, FileKeyKind, Ground, ImaEntry, SignedEntry, ground};
use avouch_wire::FailedCheck as _;

use super::quoted;

const KINDS: [FileKeyKind; 4] =
    [FileKeyKind::Rsa, FileKeyKind::P256, FileKeyKind::P384, FileKeyKind::Secp256k1];
const FORMS: [(u8, bool); 3] = [(2, false), (3, false), (3, true)];

/// What is said of the last entry's signature.
fn signed(ground: &Ground, keys: &FileKeys) -> Signed {
    let bytes = ground.list.binary();
    let list = List::read(&bytes).unwrap();
    let proven = quoted(&ground.registers);
    let entries = prove(&list, &proven, Sha1::Refused).unwrap();
    let references = References::none();
    let verdicts = entries.verdicts(&proven, &references, keys);
    match verdicts.last().unwrap().1 {
        avouch_bootlog::ima::EntryVerdict::File { signed, .. } => signed,
        other => panic!("{other:?}"),
    }
}

fn parsed(key: &FileKey) -> FileKeys {
    FileKeys::parse(key.pem().as_bytes()).unwrap()
}

#[test]
fn each_kind_of_key_signs_contents_and_verity_digests() {
    for kind in KINDS {
        let key = FileKey::new(kind).unwrap();
        let keys = parsed(&key);
        for (version, verity) in FORMS {
            let mut ground = ground().unwrap();
            let by = SignedEntry { key: &key, version, verity };
            ground.run(ImaEntry::signed("/usr/bin/x", b"x", by).unwrap());
            let found = signed(&ground, &keys);
            assert_eq!(found, Signed::By { key_id: key.id() }, "{kind:?} {version} {verity}");
            let others = FileKeys::parse(ground.key.pem().as_bytes()).unwrap();
            let unknown = Signed::UnknownKey { key_id: key.id() };
            assert_eq!(signed(&ground, &others), unknown, "{kind:?}");
        }
    }
}

#[test]
fn a_signature_is_of_one_content_one_form_and_one_hash() {
    let key = FileKey::new(FileKeyKind::P256).unwrap();
    let keys = parsed(&key);
    let of = |content: &[u8], version, verity| key.attribute(content, version, verity).unwrap();
    let with = |template: &str, mark: &str, signature: &[u8]| {
        let digest = [mark.as_bytes(), b"sha256:\0", &avouch_pki::digest::sha256(b"x").0].concat();
        let mut ground = ground().unwrap();
        ground.run(ImaEntry::of_fields(template, &[&digest, b"/usr/bin/x\0", signature]));
        signed(&ground, &keys)
    };
    let good = Signed::By { key_id: key.id() };
    assert_eq!(with("ima-sig", "", &of(b"x", 2, false)), good);
    assert_eq!(with("ima-sigv2", "ima:", &of(b"x", 2, false)), good);
    assert_eq!(with("ima-sig", "", &of(b"y", 2, false)), Signed::Invalid);
    assert_eq!(with("ima-sig", "", &of(b"x", 3, true)), Signed::Invalid, "verity's for a content");
    assert_eq!(with("ima-sigv2", "verity:", &of(b"x", 2, false)), Signed::Invalid);
    assert_eq!(with("ima-sigv2", "verity:", &of(b"x", 3, false)), Signed::Invalid);
    let changed = |at: usize, byte: u8| {
        let mut signature = of(b"x", 2, false);
        signature[at] = byte;
        with("ima-sig", "", &signature)
    };
    assert_eq!(changed(0, 5), Signed::NotInList, "portable EVM");
    assert_eq!(changed(0, 6), Signed::Invalid, "verity without version 3");
    assert_eq!(changed(0, 4), Signed::Malformed);
    assert_eq!(changed(1, 1), Signed::Malformed);
    assert_eq!(changed(1, 3), Signed::Invalid);
    assert_eq!(changed(2, 2), Signed::WeakHash, "SHA-1");
    assert_eq!(changed(2, 5), Signed::Invalid, "SHA-384 over a digest of SHA-256");
    assert_eq!(changed(8, 1), Signed::Malformed, "another length");
    let mut last = of(b"x", 2, false);
    *last.last_mut().unwrap() ^= 1;
    assert_eq!(with("ima-sig", "", &last), Signed::Invalid);
    assert_eq!(with("ima-sig", "", b""), Signed::Not);
}

#[test]
fn keys_that_are_none_are_refused_and_say_which() {
    let good = FileKey::new(FileKeyKind::P384).unwrap().pem();
    let two = [good.as_str(), &FileKey::new(FileKeyKind::Rsa).unwrap().pem()].concat();
    assert_eq!(FileKeys::parse(two.as_bytes()).unwrap().len(), 2);
    let secp256k1 = FileKey::new(FileKeyKind::Secp256k1).unwrap().pem();
    let mut der =
        avouch_pki::pem::blocks_of_any_label(secp256k1.as_bytes(), 1).unwrap()[0].der().unwrap();
    *der.last_mut().unwrap() ^= 1;
    let off_curve = avouch_pki::pem::encode("PUBLIC KEY", &der);
    let private = avouch_pki::pem::encode("PRIVATE KEY", b"\x30\x00");
    for text in [&off_curve, &private, "", "text", "\x30\x03\x02\x01\x00"] {
        let error = FileKeys::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.check(), "ima-keys", "{text}");
    }
    let many = good.repeat(65);
    assert_eq!(FileKeys::parse(many.as_bytes()).unwrap_err().check(), "ima-keys");
    let forty = FileKeys::parse(good.repeat(40).as_bytes()).unwrap();
    assert_eq!(forty.clone().and(forty).unwrap_err().check(), "ima-keys");
}
