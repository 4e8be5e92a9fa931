//! What anybody may send beside a quote costs twice as much when it is twice as long.

use avouch_bootlog::ccel::{self, ProvenLog};
use avouch_bootlog::timeline::timeline;
use avouch_bootlog::{HashAlgorithm, Register, replay};
use avouch_linear::{Shape, check};
use avouch_mint::bootlog::{BootLog, Ground, LogEvent, LogForm, event_type, uefi};
use avouch_wire::Hex;

/// The largest body that the service reads, and more.
const BYTES_MAX: usize = 1 << 20;

/// All that is done with a log, as if a quote had proved what it replays to.
fn read(input: &[u8]) {
    let Ok(binary) = ccel::binary(input) else { return };
    let Ok(log) = ccel::parse(&binary) else { return };
    let values = replay::values(&log);
    let rtmrs = [0, 1, 2, 3].map(|index| {
        let value = values.get(HashAlgorithm::Sha384, Register::Rtmr(index));
        Hex(value.map_or([0; 48], |value| value.as_bytes().try_into().unwrap()))
    });
    let proven = ProvenLog::prove(input, rtmrs.each_ref()).unwrap();
    drop(serde_json::to_string(&proven));
    timeline(&log, HashAlgorithm::Sha384).for_each(drop);
}

/// A log of about so many bytes: the firmware's variables, then `event` again and again.
fn repeated(bytes: usize, event: impl Fn(usize) -> LogEvent) -> Vec<u8> {
    let mut log = BootLog::new(LogForm::Ccel);
    let firmware = Ground::TrustDomain.log().unwrap().events;
    log.events.extend(firmware.into_iter().take(8));
    let mut size = 0;
    for number in 0.. {
        let event = event(number);
        size += event.data.len() + 66;
        if size > bytes {
            break;
        }
        log.push(event);
    }
    log.to_bytes().unwrap()
}

/// As many events as fit, as dstack writes them.
fn json(bytes: usize, event: impl Fn(usize) -> (u32, u32, String, String)) -> Vec<u8> {
    let mut text = String::from("[");
    for number in 0.. {
        let (imr, event_type, digest, name) = event(number);
        let event = serde_json::json!({
            "imr": imr, "event_type": event_type, "digest": digest, "event": name,
            "event_payload": "",
        });
        let next = event.to_string();
        if text.len() + next.len() > bytes {
            break;
        }
        text.push_str(if number == 0 { "" } else { "," });
        text.push_str(&next);
    }
    text.push(']');
    text.into_bytes()
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "boot-variables",
        bytes_max: BYTES_MAX,
        make: |bytes| repeated(bytes, |_| LogEvent::boot_variable("Boot0000", &[7; 200])),
        read,
    },
    Shape {
        name: "nested-variables",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let inner = uefi::variable(uefi::GLOBAL, "Boot0000", &[7; 200]);
            repeated(bytes, move |_| LogEvent::boot_variable("Boot0000", &inner))
        },
        read,
    },
    Shape {
        name: "images",
        bytes_max: BYTES_MAX / 2,
        make: |bytes| repeated(bytes, |_| LogEvent::application("a", b"image")),
        read,
    },
    Shape {
        name: "command-lines",
        bytes_max: BYTES_MAX,
        make: |bytes| repeated(bytes, |_| LogEvent::kernel_command_line(&"a ".repeat(100))),
        read,
    },
    Shape {
        name: "labelled",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let data = [b"td_payload_info\0".as_slice(), &200_u32.to_le_bytes(), &[b'a'; 200]];
            let data = data.concat();
            repeated(bytes, move |_| LogEvent::new(4, 0xa, data.clone()).measuring([b'a'; 200]))
        },
        read,
    },
    Shape {
        name: "json-of-the-running-system",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            json(bytes, |number| {
                let (imr, digest) = (3, String::new());
                (imr, 0x0800_0001, digest, format!("name-{number}"))
            })
        },
        read,
    },
    Shape {
        name: "json-of-firmware",
        bytes_max: BYTES_MAX,
        make: |bytes| json(bytes, |_| (1, 0x8000_0003, "7".repeat(96), String::new())),
        read,
    },
    Shape {
        name: "json-of-escapes",
        bytes_max: BYTES_MAX,
        make: |bytes| {
            let name = "\\u0061".repeat(bytes / 6 - 64);
            let event =
                r#"[{"imr":3,"event_type":134217729,"digest":"","event_payload":"","event":""#;
            format!("{event}{name}\"}}]").into_bytes()
        },
        read,
    },
    Shape { name: "json-of-brackets", bytes_max: BYTES_MAX, make: |bytes| vec![b'['; bytes], read },
    Shape {
        name: "json-of-commas",
        bytes_max: BYTES_MAX,
        make: |bytes| [b"[".as_slice(), &b"{},".repeat(bytes / 3)].concat(),
        read,
    },
    Shape {
        name: "smallest-events",
        bytes_max: BYTES_MAX / 2,
        make: |bytes| repeated(bytes, |_| LogEvent::new(8, event_type::IPL, [])),
        read,
    },
];

#[test]
fn doubling_a_domains_log_doubles_its_cost() {
    check("ccel_linear::doubling_a_domains_log_doubles_its_cost", SHAPES);
}
