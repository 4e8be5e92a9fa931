//! The event log beside a trust domain's quote.

use super::{Row, at_stage, prepared, row};
use crate::Stage;
use crate::bootlog::{Bank, LogEvent, LogForm, TdBoot, event_type, uefi};
use crate::intel::plan::Plan;

/// Breaks of TDX.
pub(super) const ROWS: &[Row] = &[
    booted(row(
        "event-log-cut",
        "the last event of the event log is cut short",
        "log-structure",
        |plan| {
            change(plan, |log| {
                log.cut_bytes = 7;
                log.fill.clear();
            });
        },
    )),
    booted(row("event-log-empty", "the event log is nothing but fill", "log-empty", |plan| {
        change(plan, |log| {
            log.form = LogForm::Sha1;
            log.events.clear();
        });
    })),
    booted(row(
        "event-log-rest-behind-fill",
        "other bytes stand behind the fill of the event log",
        "log-register",
        |plan| change(plan, |log| log.fill.push(1)),
    )),
    booted(row(
        "event-log-register",
        "an event of the event log extends a register that no trust domain has",
        "log-register",
        |plan| change(plan, |log| log.events.push(LogEvent::efi_action(5, "nothing"))),
    )),
    booted(row("event-log-mrtd", "an event of the event log extends MRTD", "ccel-mrtd", |plan| {
        change(plan, |log| log.events.push(LogEvent::efi_action(0, "nothing")))
    })),
    booted(row(
        "event-log-sha256",
        "the event log has SHA-256 digests alone",
        "ccel-algorithm",
        |plan| {
            change(plan, |log| log.form = LogForm::CryptoAgile(vec![Bank::Sha256]));
        },
    )),
    booted(row(
        "event-log-no-digest",
        "an event of the event log has no digest",
        "log-digests",
        |plan| {
            change(plan, |log| {
                let mut event = LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1]);
                event.banks = Some(Vec::new());
                log.push(event);
            });
        },
    )),
    booted(row(
        "event-log-last-missing",
        "the last event of the event log is left out",
        "ccel-replay",
        |plan| {
            change(plan, |log| {
                log.events.pop();
            });
        },
    )),
    booted(row(
        "event-log-event-added",
        "the event log has an event that extended nothing",
        "ccel-replay",
        |plan| {
            change(plan, |log| log.push(LogEvent::efi_action(5, "Exit Boot Services Invocation")))
        },
    )),
    booted(row(
        "event-log-event-changed",
        "an event of the event log is not the one that extended the register",
        "ccel-replay",
        |plan| {
            change(plan, |log| {
                let is = |event: &LogEvent| event.event_type == event_type::EFI_ACTION;
                if let Some(event) = log.find(is) {
                    event.data.push(b'!');
                }
            });
        },
    )),
];

/// The same row of a domain that sends its event log; the quote itself is good.
const fn booted(row: Row) -> Row {
    prepared(at_stage(row, Stage::Binding), |options| {
        options.td.boot.get_or_insert_with(TdBoot::default);
    })
}

fn change(plan: &mut Plan, change: impl FnOnce(&mut crate::bootlog::BootLog)) {
    if let Some(log) = &mut plan.event_log {
        change(log);
    }
}
