//! Lists and reference values at their worst: twice the input takes twice the instructions.

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{Algorithm, Register, RegisterValues};
use avouch_linear::{Shape, check};
use avouch_mint::ima::device_mapper::DmDevice;
use avouch_mint::ima::{ImaEntry, ImaList};
use flate2::Compression;

use super::gzip;

const LIST_BYTES: usize = 1 << 20;

/// Reads a list, takes all of it as proven, and judges it.
fn appraise(input: &[u8]) {
    let Ok(list) = List::read(input) else { return };
    let Some(value) = claimed_value(&list, Algorithm::Sha256) else { return };
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
