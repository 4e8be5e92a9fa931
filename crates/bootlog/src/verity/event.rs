//! Events of the device mapper.

use std::borrow::Cow;

use super::text::{Groups, groups, next, number, one_group, pairs, table_hash, unescaped};

/// What happened to a device.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A table was loaded, or its text goes on.
    Load { device: Device<'a>, targets: Groups<'a> },
    /// It was resumed, with the table of this hash, if it has one.
    Resume { device: Cow<'a, [u8]>, active: Option<&'a [u8]> },
    /// It was renamed. Without its old name it had no table.
    Rename { from: Option<Cow<'a, [u8]>>, to: Cow<'a, [u8]> },
    /// What was loaded and not resumed was forgotten.
    Clear { device: Cow<'a, [u8]> },
    /// It was removed.
    Remove { device: Cow<'a, [u8]> },
}

/// A device as events name it.
#[derive(Debug)]
pub(super) struct Device<'a> {
    pub(super) name: Cow<'a, [u8]>,
    pub(super) uuid: Cow<'a, [u8]>,
    pub(super) targets: u64,
}

/// An event by its name and text. None if the name is none of the device mapper's; an error if the
/// text is none that it writes.
pub(super) fn read<'a>(name: &[u8], text: &'a [u8]) -> Option<Result<Event<'a>, ()>> {
    let event = match name {
        b"dm_table_load" => load(text),
        b"dm_device_resume" => resume(text),
        b"dm_device_rename" => rename(text),
        b"dm_table_clear" => clear(text),
        b"dm_device_remove" => remove(text),
        _ => return None,
    };
    Some(event.ok_or(()))
}

/// The groups behind the version of the device mapper.
fn behind_version(text: &[u8]) -> Option<Groups<'_>> {
    let mut groups = groups(text)?;
    groups.next()?.starts_with(b"dm_version=").then_some(groups)
}

/// A text whose targets do not end as they should still shows which device it is about.
fn load(text: &[u8]) -> Option<Event<'_>> {
    let whole = behind_version(text);
    let Some(mut groups) = whole else {
        let at = text.iter().enumerate().filter(|(_, byte)| **byte == b';').nth(1)?.0;
        let mut groups = behind_version(text.get(..=at)?)?;
        let device = device(groups.next()?)?;
        return Some(Event::Load { device, targets: one_group(text.get(at.checked_add(1)?..)?) });
    };
    let device = device(groups.next()?)?;
    Some(Event::Load { device, targets: groups })
}

/// `name`, `uuid`, numbers of the device, and how many targets the table has.
fn device(group: &[u8]) -> Option<Device<'_>> {
    let mut pairs = pairs(group)?.into_iter();
    let name = unescaped(next(&mut pairs, "name")?)?;
    let uuid = unescaped(next(&mut pairs, "uuid")?)?;
    for key in ["major", "minor", "minor_count"] {
        number(next(&mut pairs, key)?)?;
    }
    let targets = number(next(&mut pairs, "num_targets")?)?;
    pairs.next().is_none().then_some(Device { name, uuid, targets })
}

/// `name` and `uuid` of a device that has no table.
fn bare(group: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut pairs = pairs(group)?.into_iter();
    let name = unescaped(next(&mut pairs, "name")?)?;
    unescaped(next(&mut pairs, "uuid")?)?;
    pairs.next().is_none().then_some(name)
}

fn name_of(group: &[u8]) -> Option<Cow<'_, [u8]>> {
    device(group).map(|device| device.name).or_else(|| bare(group))
}

fn resume(text: &[u8]) -> Option<Event<'_>> {
    let mut groups = behind_version(text)?;
    let device = name_of(groups.next()?)?;
    let mut active = None;
    for group in groups {
        match pairs(group)?.as_slice() {
            [(b"active_table_hash", hash)] if active.is_none() => active = Some(table_hash(hash)?),
            [(b"device_resume", b"no_data")] | [(b"current_device_capacity", _)] => {}
            _ => return None,
        }
    }
    Some(Event::Resume { device, active })
}

fn rename(text: &[u8]) -> Option<Event<'_>> {
    let mut groups = behind_version(text)?;
    let old = groups.next()?;
    let from = if old == b"device_rename=no_data" { None } else { Some(name_of(old)?) };
    let mut pairs = pairs(groups.next()?)?.into_iter();
    let to = unescaped(next(&mut pairs, "new_name")?)?;
    unescaped(next(&mut pairs, "new_uuid")?)?;
    Some(Event::Rename { from, to })
}

fn clear(text: &[u8]) -> Option<Event<'_>> {
    let device = name_of(behind_version(text)?.next()?)?;
    Some(Event::Clear { device })
}

/// What was active and what was loaded have the same name; without either there is the name alone.
fn remove(text: &[u8]) -> Option<Event<'_>> {
    let group = behind_version(text)?.next()?;
    let of = |mark: &[u8]| group.strip_prefix(mark);
    let metadata = of(b"device_active_metadata=")
        .or_else(|| of(b"device_inactive_metadata="))
        .unwrap_or(group);
    Some(Event::Remove { device: name_of(metadata)? })
}
