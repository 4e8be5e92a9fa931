//! Lists and reference values at their worst: twice the input takes twice the instructions.

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{HashAlgorithm, Register, RegisterValues};
use avouch_linear::{Shape, check};
use avouch_mint::ima::device_mapper::DmDevice;
use avouch_mint::ima::{ImaEntry, ImaList};
use flate2::Compression;

use super::gzip;

const LIST_BYTES: usize = 1 << 20;

/// Reads a list, takes all of it as proven, and judges it.
fn appraise(input: &[u8]) {
    let Ok(list) = List::read(input) else { return };
    let Some(value) = claimed_value(&list, HashAlgorithm::Sha256) else { return };
    let values: RegisterValues = [(Register::Pcr(10), value)].into_iter().collect();
    let entries = prove(&list, &values, Sha1::Refused).unwrap();
    let references = References::local(b"exclude /a/a/a/\n").unwrap();
    drop(Appraisal::of(&entries, &values, &references, &FileKeys::none()));
}

/// As many entries as fit, in binary.
fn filled(bytes: usize, mut entry: impl FnMut(usize) -> ImaEntry) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0.. {
        let next = ImaList { entries: vec![entry(number)] }.binary();
        if out.len() + next.len() > bytes {
            break;
        }
        out.extend(next);
    }
    out
}

fn repeated(bytes: usize, begin: &[u8], text: &[u8], end: &[u8]) -> Vec<u8> {
    let copies = bytes.saturating_sub(begin.len() + end.len()) / text.len();
    [begin, &text.repeat(copies), end].concat()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "files",
        bytes_max: LIST_BYTES,
        make: |bytes| filled(bytes, |number| ImaEntry::file(&format!("/{number}"), b"x")),
        read: appraise,
    },
    Shape {
        name: "old-files",
        bytes_max: LIST_BYTES,
        make: |bytes| filled(bytes, |_| ImaEntry::old("/x", b"x")),
        read: appraise,
    },
    Shape {
        name: "violations",
        bytes_max: LIST_BYTES,
        make: |bytes| filled(bytes, |_| ImaEntry::violation("x")),
        read: appraise,
    },
    Shape {
        name: "one-long-name",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let name = "/a".repeat((bytes - 256) / 2);
            ImaList { entries: vec![ImaEntry::file(&name, b"x")] }.binary()
        },
        read: appraise,
    },
    Shape {
        name: "ascii-lines",
        bytes_max: LIST_BYTES,
        make: |bytes| repeated(bytes, b"", b"10 \n", b""),
        read: appraise,
    },
    Shape {
        name: "ascii-spaces",
        bytes_max: LIST_BYTES,
        make: |bytes| repeated(bytes, b"10", b" ", b""),
        read: appraise,
    },
    Shape {
        name: "ascii-hex",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let begin = format!("10 {} ima-buf sha256:{} x ", "00".repeat(20), "00".repeat(32));
            repeated(bytes, begin.as_bytes(), b"00", b"")
        },
        read: appraise,
    },
    Shape {
        name: "gzip-stored",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            gzip(&filled(bytes - 1024, |_| ImaEntry::file("/x", b"x")), Compression::none())
        },
        read: appraise,
    },
    Shape {
        name: "gzip-empty-blocks",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            repeated(bytes, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &[0, 0, 0, 0xff, 0xff], b"")
        },
        read: appraise,
    },
    Shape {
        name: "gzip-files",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let list = filled(bytes, |number| ImaEntry::file(&format!("/{number}"), b"x"));
            gzip(&list, Compression::best())
        },
        read: appraise,
    },
    Shape {
        name: "tables-of-many-targets",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let target = DmDevice::linear("x", 1).targets[0].clone();
            let targets = (0..bytes / (target.len() + 8))
                .map(|index| target.replace("target_index=0", &format!("target_index={index}")));
            let device = DmDevice { targets: targets.collect(), ..DmDevice::linear("x", 1) };
            let boot = ImaList::begin(
                &avouch_mint::bootlog::Registers::default(),
                avouch_mint::bootlog::Bank::Sha256,
            );
            boot.with(device.load()).with(device.resume()).binary()
        },
        read: appraise,
    },
    Shape {
        name: "tables-in-many-parts",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let target = DmDevice::linear("x", 1).targets[0].clone();
            let targets = (0..bytes / 512)
                .map(|index| target.replace("target_index=0", &format!("target_index={index}")));
            let device = DmDevice { targets: targets.collect(), ..DmDevice::linear("x", 1) };
            ImaList { entries: device.load_in_parts(1) }.binary()
        },
        read: appraise,
    },
    Shape {
        name: "pairs-of-a-target",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let mut targets = "target_index=0".to_owned();
            for number in 0..bytes / 16 {
                targets.push_str(&format!(",k{number}=v"));
            }
            let device = DmDevice { targets: vec![targets + ";"], ..DmDevice::linear("x", 1) };
            ImaList { entries: vec![device.load(), device.resume()] }.binary()
        },
        read: appraise,
    },
    Shape {
        name: "ascii-old-files",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let hash = "00".repeat(20);
            repeated(bytes, b"", format!("10 {hash} ima {hash} x\n").as_bytes(), b"")
        },
        read: appraise,
    },
    Shape {
        name: "ascii-uneven",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let (hash, md5) = ("00".repeat(20), "00".repeat(16));
            let buffer = "00".repeat(bytes / 8);
            let first = format!("10 {hash} ima-buf md5:{md5} x {buffer}\n");
            let line = format!("10 {hash} ima-ng md5:{md5} n\n");
            repeated(bytes, first.as_bytes(), line.as_bytes(), b"")
        },
        read: appraise,
    },
    Shape {
        name: "gzip-that-says-it-is-short",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let list = filled(bytes - 1024, |_| ImaEntry::file("/x", b"x"));
            let mut member = gzip(&list, Compression::none());
            let at = member.len() - 4;
            member[at..].copy_from_slice(&1_u32.to_le_bytes());
            member
        },
        read: appraise,
    },
    Shape {
        name: "keys",
        bytes_max: LIST_BYTES,
        make: |bytes| filled(bytes, |_| ImaEntry::buffer(".ima", &[0x30; 8])),
        read: appraise,
    },
    Shape {
        name: "groups-of-a-table",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let text =
                "dm_version=4.48.0;name=d,uuid=,major=253,minor=0,minor_count=1,num_targets=1;";
            let text = repeated(bytes - 400, text.as_bytes(), b"a;", b"");
            ImaList { entries: vec![ImaEntry::buffer("dm_table_load", &text)] }.binary()
        },
        read: appraise,
    },
    Shape {
        name: "backslashes",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let text = repeated(bytes - 400, b"dm_version=4.48.0;name=", b"\\", b"a;");
            ImaList { entries: vec![ImaEntry::buffer("dm_table_load", &text)] }.binary()
        },
        read: appraise,
    },
    Shape {
        name: "devices-of-other-names",
        bytes_max: LIST_BYTES,
        make: |bytes| filled(bytes, |number| DmDevice::linear(&format!("d{number}"), 1).load()),
        read: appraise,
    },
    Shape {
        name: "a-table-loaded-again-and-again",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            filled(bytes, |number| match number % 2 {
                0 => DmDevice::linear("d", 1).load(),
                _ => DmDevice::linear("d", 1).resume(),
            })
        },
        read: appraise,
    },
    Shape {
        name: "devices-renamed",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            filled(bytes, |number| {
                let device = DmDevice::linear(&format!("d{number}"), 1);
                match number % 3 {
                    0 => device.load(),
                    1 => DmDevice::linear(&format!("d{}", number - 1), 1).resume(),
                    _ => DmDevice::linear(&format!("d{}", number - 2), 1).rename("one"),
                }
            })
        },
        read: appraise,
    },
    Shape {
        name: "references",
        bytes_max: LIST_BYTES,
        make: |bytes| {
            let line = format!("{}  /one/name\n", "0".repeat(64));
            repeated(bytes, b"", line.as_bytes(), b"")
        },
        read: |input| drop(References::local(input)),
    },
    Shape {
        name: "references-excluded",
        bytes_max: LIST_BYTES,
        make: |bytes| repeated(bytes, b"exclude ", b"/a", b"/\n"),
        read: |input| drop(References::local(input)),
    },
];

#[test]
fn twice_the_list_takes_twice_the_instructions() {
    check("ima::linear::twice_the_list_takes_twice_the_instructions", SHAPES);
}
