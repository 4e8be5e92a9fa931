//! Words for events.

use crate::EventType;
use crate::Register;
use crate::tcg::Event;
use crate::uefi::{Guid, ImageLoad, PartitionTable, Variable, signatures, utf16};

/// Most characters of a log's text that are shown.
const TEXT_LIMIT: usize = 200;
/// Tags of Linux' EFI stub.
const LINUX_TAGS: [[u8; 4]; 2] = [0x8F3B_22EC_u32.to_le_bytes(), 0x8F3B_22ED_u32.to_le_bytes()];

/// Who seems to have measured it, by register and form.
pub(super) fn measurer(event: &Event<'_>) -> &'static str {
    let data = event.untrusted_data();
    let is_grub = [&b"grub_"[..], b"kernel_cmdline: "].iter().any(|label| data.starts_with(label));
    let shims = |variable: &Variable<'_>| variable.vendor == Guid::SHIM;
    match (event.extends(), event.untrusted_type()) {
        (_, EventType::IPL) if is_grub => "GRUB",
        (_, EventType::IPL) if data.starts_with(b"Mok") => "shim",
        (_, EventType::IPL) if is_utf16_text(data) => "systemd",
        (_, EventType::IPL) => "boot loader",
        (_, EventType::EVENT_TAG) if is_linux(data) => "kernel's EFI stub",
        (Some(Register::Pcr(11..=14 | 19 | 20)), EventType::EVENT_TAG | EventType::SEPARATOR) => {
            "Windows"
        }
        (Some(Register::Pcr(11)), EventType::COMPACT_HASH) => "Windows",
        (_, EventType::EFI_VARIABLE_AUTHORITY)
            if Variable::parse(data).is_ok_and(|variable| shims(&variable)) =>
        {
            "shim"
        }
        (Some(Register::Rtmr(3)), _) => "running system",
        _ => "firmware",
    }
}

/// What it says that it is.
pub(super) fn what(event: &Event<'_>) -> String {
    let data = event.untrusted_data();
    let event_type = event.untrusted_type();
    match event_type {
        EventType::NO_ACTION => format!("says {}", quoted(before_nul(data))),
        EventType::SEPARATOR => separator(data),
        EventType::ACTION | EventType::EFI_ACTION => quoted(before_nul(data)),
        EventType::S_CRTM_VERSION => format!("firmware version {}", any_text(data)),
        EventType::EFI_GPT_EVENT | EventType::EFI_GPT_EVENT2 => partition_table(data),
        EventType::EFI_BOOT_SERVICES_APPLICATION
        | EventType::EFI_BOOT_SERVICES_DRIVER
        | EventType::EFI_RUNTIME_SERVICES_DRIVER => image(data),
        EventType::EVENT_TAG if is_linux(data) => {
            // Tag and length stand before the name; an older kernel writes the name alone.
            let tagged = LINUX_TAGS.iter().any(|tag| data.starts_with(tag));
            let name = if tagged { data.get(8..).unwrap_or_default() } else { data };
            format!("content of {}", quoted(before_nul(name)))
        }
        EventType::EVENT_TAG => format!("{} bytes of tagged events", data.len()),
        EventType::IPL => any_text(data),
        _ => match Variable::parse(data) {
            Ok(found) => variable(event_type, &found),
            Err(_) => blob(event_type, data),
        },
    }
}

fn separator(data: &[u8]) -> String {
    match data {
        [0, 0, 0, 0] => "end of a phase".to_owned(),
        b"WBCL" => "the operating system takes over".to_owned(),
        other => format!("end of a phase, with an error: {}", avouch_wire::encode_hex(other)),
    }
}

fn partition_table(data: &[u8]) -> String {
    match PartitionTable::parse(data) {
        Ok(table) => {
            format!(
                "partition table of disk {}, {} partitions",
                table.disk,
                table.partitions().len()
            )
        }
        Err(_) => "partition table that cannot be read".to_owned(),
    }
}

fn image(data: &[u8]) -> String {
    let load = ImageLoad::parse(data);
    match load.and_then(|load| load.file_path()) {
        Some(path) => format!("image {}", quoted(path.as_bytes())),
        None => "image".to_owned(),
    }
}

fn variable(event_type: EventType, variable: &Variable<'_>) -> String {
    let name = quoted(variable.name.as_bytes());
    if event_type == EventType::EFI_VARIABLE_AUTHORITY {
        return match variable.data {
            value if value.len() <= 16 => format!("{name} = {}", avouch_wire::encode_hex(value)),
            value if is_text(value) => format!("{name} = {}", quoted(value)),
            value => format!("entry of {name}, {} bytes, by which an image ran", value.len()),
        };
    }
    let lists = matches!(variable.name.as_str(), "PK" | "KEK" | "db" | "dbx" | "dbt" | "dbr");
    match signatures(variable.data) {
        Ok(entries) if lists => format!("variable {name}, {} entries", entries.len()),
        _ if variable.data.len() <= 16 => {
            format!("variable {name} = {}", avouch_wire::encode_hex(variable.data))
        }
        _ => format!("variable {name}, {} bytes", variable.data.len()),
    }
}

/// Data of no form that is known: what it calls itself, if it does.
fn blob(event_type: EventType, data: &[u8]) -> String {
    // A description with its length before it, as firmware names its parts.
    let described = data.split_first().and_then(|(length, rest)| rest.get(..usize::from(*length)));
    let name = described.filter(|text| is_text(text)).unwrap_or_else(|| before_nul(data));
    match name.is_empty() || !is_text(name) {
        true => format!("{event_type}, {} bytes", data.len()),
        false => format!("{event_type} {}", quoted(name)),
    }
}

fn is_linux(data: &[u8]) -> bool {
    LINUX_TAGS.iter().any(|tag| data.starts_with(tag)) || data.starts_with(b"LOADED_IMAGE::")
}

fn before_nul(data: &[u8]) -> &[u8] {
    data.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_text(data: &[u8]) -> bool {
    let text = data.strip_suffix(&[0]).unwrap_or(data);
    !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

fn is_utf16_text(data: &[u8]) -> bool {
    data.get(1) == Some(&0) && utf16(data).is_some()
}

/// Text in UTF-16 or ASCII.
fn any_text(data: &[u8]) -> String {
    match utf16(data) {
        Some(text) if is_utf16_text(data) => quoted(text.trim_end_matches('\0').as_bytes()),
        _ => quoted(before_nul(data)),
    }
}

/// Text of a log between quotation marks, its control characters escaped, cut where it is long.
fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(TEXT_LIMIT).collect();
    let rest = characters.count();
    let more = if rest == 0 { String::new() } else { format!(" and {rest} characters more") };
    format!("{shown:?}{more}")
}
