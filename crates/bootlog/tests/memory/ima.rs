//! Lists of IMA.

use std::io::Write as _;

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{HashAlgorithm, Register, RegisterValues};
use avouch_mint::bootlog::{Bank, Registers};
use avouch_mint::ima::device_mapper::DmDevice;
use avouch_mint::ima::{ImaEntry, ImaList};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{FREE_BYTES, alone, check, peak};

/// Reads a list, takes all of it as proven, and judges it.
fn read(input: &[u8]) {
    let list = List::read(input).unwrap();
    let value = claimed_value(&list, HashAlgorithm::Sha256).unwrap();
    let values: RegisterValues = [(Register::Pcr(10), value)].into_iter().collect();
    let entries = prove(&list, &values, Sha1::Refused).unwrap();
    drop(Appraisal::of(&entries, &values, &References::none(), &FileKeys::none()));
}

fn begun() -> ImaList {
    // Nothing but an entry of this boot lets volumes and keys count; it does not matter here.
    ImaList::begin(&Registers::default(), Bank::Sha256)
}

/// A list of so many entries.
fn of(count: usize, entry: impl Fn(usize) -> ImaEntry) -> ImaList {
    let mut list = begun();
    list.entries.extend((0..count).map(entry));
    list
}

/// Entries without data, of thirty-eight bytes each.
fn smallest() -> Vec<u8> {
    let mut list = ImaList { entries: vec![ImaEntry::file("/x", b"x")] }.binary();
    for _ in 0..50_000 {
        list.extend(10_u32.to_le_bytes());
        list.extend([7; 20]);
        list.extend(6_u32.to_le_bytes());
        list.extend(b"ima-ng");
        list.extend(0_u32.to_le_bytes());
    }
    list
}

/// One long line, of which half is saved in binary, and lines of which little is.
fn uneven() -> Vec<u8> {
    let buffer = "00".repeat(50_000);
    let hash = "00".repeat(20);
    let first = format!("10 {hash} ima-buf md5:{} x {buffer}\n", "00".repeat(16));
    let name = "n".repeat(400);
    let other = format!("10 {hash} ima-ng md5:{} {name}\n", "00".repeat(16));
    [first.as_bytes(), &other.as_bytes().repeat(20_000)].concat()
}

fn old() -> Vec<u8> {
    let hash = "00".repeat(20);
    format!("10 {hash} ima {hash} \n").into_bytes().repeat(50_000)
}

#[test]
fn a_list_of_sixteen_thousand_entries_takes_at_most_twice_its_length() {
    let _alone = alone();
    let list =
        of(16_000, |number| ImaEntry::file(&format!("/usr/lib/file-{number}.so"), b"content"));
    check("binary", &list.binary(), read);
    check("ascii", &list.ascii(), read);
}

#[test]
fn a_list_at_its_worst_takes_at_most_twice_its_length() {
    let _alone = alone();
    let device = |number: usize| DmDevice::linear(&format!("d{number}"), 1);
    let verity = |number: usize| DmDevice::verity(&format!("v{number}"), 1, &"ab".repeat(32));
    let loads = of(10_000, |number| device(number).load());
    let volumes = of(20_000, |number| match number % 2 {
        0 => verity(number / 2).load(),
        _ => verity(number / 2).resume(),
    });
    let few_volumes = of(1_000, |number| match number % 2 {
        0 => verity(number / 2).load(),
        _ => verity(number / 2).resume(),
    });
    let renames = of(9_000, |number| match number % 3 {
        0 => device(number).load(),
        1 => device(number - 1).resume(),
        _ => device(number - 2).rename(&format!("e{number}")),
    });
    let keys = of(10_000, |_| ImaEntry::buffer(".ima", &[0x30]));
    let text = |target: &str| {
        format!(
            "dm_version=4.45.0;name=d,uuid=,major=253,minor=0,minor_count=1,num_targets=1;{target}"
        )
    };
    let groups = text(&"a;".repeat(200_000));
    let pairs = text(&format!("target_index=0{};", ",k=".repeat(200_000)));
    let escaped = format!("dm_version=4.45.0;name={};", "\\a".repeat(200_000));
    let one = |text: &str| of(1, |_| ImaEntry::buffer("dm_table_load", text.as_bytes())).binary();
    let name = "/a".repeat(200_000);
    for (name, input) in [
        ("smallest", smallest()),
        ("uneven", uneven()),
        ("old", old()),
        ("loads", loads.binary()),
        ("volumes", volumes.binary()),
        ("few-volumes", few_volumes.binary()),
        ("renames", renames.binary()),
        ("keys", keys.binary()),
        ("keys-in-ascii", keys.ascii()),
        ("groups", one(&groups)),
        ("pairs", one(&pairs)),
        ("escaped", one(&escaped)),
        ("long-name", of(1, |_| ImaEntry::file(&name, b"x")).binary()),
        ("violations", of(20_000, |_| ImaEntry::violation("x")).ascii()),
    ] {
        check(name, &input, read);
    }
}

/// What is compressed takes what it is held as, beside itself.
#[test]
fn a_compressed_list_takes_at_most_twice_what_it_expands_to() {
    let _alone = alone();
    for (name, expanded) in [
        ("binary", of(16_000, |number| ImaEntry::file(&format!("/{number}"), b"x")).binary()),
        ("ascii", of(16_000, |number| ImaEntry::file(&format!("/{number}"), b"x")).ascii()),
    ] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&expanded).unwrap();
        let mut input = encoder.finish().unwrap();
        let peak_of = |input: &[u8]| peak(|| drop(List::read(input)));
        let whole = peak_of(&input);
        println!("{name}: {} bytes of {}, {whole} more at most", input.len(), expanded.len());
        assert!(whole <= 2 * expanded.len() + FREE_BYTES, "{name}: {whole}");
        // One that says that it is shorter takes no more.
        let at = input.len() - 4;
        input[at..].copy_from_slice(&1_u32.to_le_bytes());
        assert!(List::read(&input).is_err());
        let lying = peak_of(&input);
        assert!(lying <= FREE_BYTES, "{name}: {lying}");
    }
}
