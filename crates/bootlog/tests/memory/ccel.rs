//! Logs of trust domains.

use avouch_bootlog::ccel::{self, ProvenLog};
use avouch_bootlog::{HashAlgorithm, Register, replay};
use avouch_mint::bootlog::{BootLog, Ground, LogEvent, LogForm, event_type, uefi};
use avouch_wire::Hex;

use super::{alone, check};

/// What a log proves by what it replays to.
fn read(input: &[u8]) {
    let log = ccel::parse(input).unwrap();
    let values = replay::values(&log);
    let rtmrs = [0, 1, 2, 3].map(|index| {
        let value = values.get(HashAlgorithm::Sha384, Register::Rtmr(index));
        Hex(value.map_or([0; 48], |value| value.as_bytes().try_into().unwrap()))
    });
    drop(ProvenLog::prove(input, rtmrs.each_ref()).unwrap());
}

/// A log full of an event.
fn full_of(event: impl Fn(usize) -> LogEvent) -> BootLog {
    let mut log = BootLog::new(LogForm::Ccel);
    let firmware = Ground::TrustDomain.log().unwrap().events;
    log.events.extend(firmware.into_iter().take(8));
    for number in 0..8_000 {
        log.push(event(number));
    }
    log
}

#[test]
fn a_log_of_a_domain_takes_at_most_twice_its_length() {
    let _alone = alone();
    let path = uefi::image_load(&"語".repeat(250));
    let line = "a".repeat(400);
    let labelled = [b"td_payload_info\0".as_slice(), &200_u32.to_le_bytes(), &[b'a'; 200]].concat();
    for (name, log) in [
        ("genuine", Ground::TrustDomain.log().unwrap()),
        ("smallest-events", full_of(|_| LogEvent::new(3, event_type::IPL, []))),
        ("images", full_of(|_| LogEvent::new(2, event_type::UNUSED, []))),
        ("actions", full_of(|_| LogEvent::efi_action(1, "x"))),
        ("command-lines", full_of(|_| LogEvent::kernel_command_line(&line))),
        ("labelled", full_of(|_| LogEvent::new(4, 0xa, labelled.clone()).measuring([b'a'; 200]))),
        ("one-command-line", {
            let line = "a".repeat(1_000_000);
            let lines = (0..4).map(|_| LogEvent::kernel_command_line(&line)).collect::<Vec<_>>();
            let mut log = BootLog::new(LogForm::Ccel);
            lines.into_iter().take(3).for_each(|event| log.push(event));
            log
        }),
        ("paths", {
            let mut log = BootLog::new(LogForm::Ccel);
            for _ in 0..128 {
                let event_type = event_type::EFI_BOOT_SERVICES_APPLICATION;
                log.push(LogEvent::new(2, event_type, path.clone()));
            }
            log
        }),
    ] {
        check(name, &log.to_bytes().unwrap(), read);
    }
}
