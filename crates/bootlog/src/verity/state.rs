//! What runs, after each event.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::event::{Device, Event, read};
use super::table::{Table, target_index};
use super::text::Groups;
use super::volume::{Volume, Volumes};
use crate::ima::Buffer;

/// Devices of the device mapper as a list's measured bytes, in order, make them.
#[derive(Debug, Clone, Default)]
pub struct Devices<'a> {
    by_name: BTreeMap<Cow<'a, [u8]>, Named<'a>>,
    events: usize,
    malformed: usize,
}

/// Most names that devices may have had. With more, nothing is known of what runs.
const NAMES_MAX: usize = 512;

/// What is known of a name.
#[derive(Debug, Clone, Default)]
struct Named<'a> {
    /// The device that has it now.
    device: Option<Box<State<'a>>>,
    /// The hash of the table that first ran under it.
    first: Option<&'a [u8]>,
    /// Whether more than one table ran under it.
    changed: bool,
}

#[derive(Debug, Clone, Default)]
struct State<'a> {
    uuid: Cow<'a, [u8]>,
    active: Active<'a>,
    inactive: Option<Box<Table<'a>>>,
}

/// The table that runs.
#[derive(Debug, Clone, Default)]
enum Active<'a> {
    /// None.
    #[default]
    None,
    /// One that the list shows.
    Shown { table: Box<Table<'a>>, hash: &'a [u8] },
    /// One that it does not show: it was loaded before the kernel measured, or the list is not the
    /// kernel's.
    Unknown,
}

impl<'a> Named<'a> {
    /// A table of that hash runs under the name now.
    fn runs(&mut self, hash: &'a [u8]) {
        self.changed |= *self.first.get_or_insert(hash) != hash;
    }
}

impl<'a> Devices<'a> {
    /// Takes the next measured bytes of the list; passes over what is not the device mapper's.
    pub fn next(&mut self, buffer: &Buffer<'a>) {
        let known = match read(buffer.name.as_bytes(), buffer.bytes) {
            None => return,
            Some(Ok(event)) => self.event(event, buffer.bytes),
            Some(Err(())) => None,
        };
        if known.is_none() {
            self.malformed = self.malformed.saturating_add(1);
        }
        self.events = self.events.saturating_add(1);
    }

    /// `None` if what it makes is not known.
    fn event(&mut self, event: Event<'a>, text: &'a [u8]) -> Option<()> {
        match event {
            Event::Load { device, targets } => self.load(device, text, targets),
            Event::Resume { device, active } => self.resume(device, active),
            Event::Rename { from, to } => self.rename(from, to),
            Event::Clear { device } => {
                if let Some(state) = self.by_name.get_mut(&device).and_then(|of| of.device.as_mut())
                {
                    state.inactive = None;
                }
                Some(())
            }
            Event::Remove { device } => {
                if let Some(named) = self.by_name.get_mut(&device) {
                    named.device = None;
                }
                Some(())
            }
        }
    }

    /// What is known of a name; `None` if there are too many.
    fn named(&mut self, name: Cow<'a, [u8]>) -> Option<&mut Named<'a>> {
        if self.by_name.len() == NAMES_MAX && !self.by_name.contains_key(&name) {
            return None;
        }
        Some(self.by_name.entry(name).or_default())
    }

    fn load(&mut self, device: Device<'a>, text: &'a [u8], mut targets: Groups<'a>) -> Option<()> {
        let Device { name, uuid, targets: expected } = device;
        let mut first = targets;
        let first_index = first.next().and_then(target_index);
        let state = self.named(name)?.device.get_or_insert_default();
        state.uuid = uuid;
        match &mut state.inactive {
            Some(table) if table.goes_on(expected, first_index) => table.add(text, &mut targets),
            inactive => {
                *inactive = Some(Box::new(Table::begin(expected, text, &mut targets)));
            }
        }
        Some(())
    }

    fn resume(&mut self, name: Cow<'a, [u8]>, active: Option<&'a [u8]>) -> Option<()> {
        let named = self.named(name)?;
        let mut state = named.device.take().unwrap_or_default();
        let loaded = state.inactive.as_ref().and_then(|table| table.hash());
        match (active, &state.active) {
            // Nothing runs, as far as the kernel knows.
            (None, _) => state.active = Active::Unknown,
            (Some(hash), _) if loaded.is_some_and(|loaded| loaded.as_bytes() == hash) => {
                named.runs(hash);
                let table = state.inactive.take();
                state.active = table.map_or(Active::Unknown, |table| Active::Shown { table, hash });
            }
            // It was suspended, and runs what it ran.
            (Some(hash), Active::Shown { hash: running, .. }) if *running == hash => {}
            (Some(_), _) => {
                named.changed = true;
                state.active = Active::Unknown;
            }
        }
        named.device = Some(state);
        Some(())
    }

    /// Names are unique: what had the new one has none that the list shows, and nothing is known then.
    fn rename(&mut self, from: Option<Cow<'a, [u8]>>, to: Cow<'a, [u8]>) -> Option<()> {
        let from = from.and_then(|from| self.by_name.get_mut(&from));
        let Some(state) = from.and_then(|named| named.device.take()) else { return Some(()) };
        let named = self.named(to)?;
        if let Active::Shown { hash, .. } = state.active {
            named.runs(hash);
        }
        named.device.replace(state).is_none().then_some(())
    }

    /// What runs after the last event.
    #[must_use]
    pub fn finish(self) -> Volumes {
        let mut volumes = Vec::new();
        let (mut others, mut unknown) = (0_usize, 0_usize);
        for (name, named) in &self.by_name {
            let Some(state) = &named.device else { continue };
            match &state.active {
                Active::None => {}
                Active::Unknown => unknown = unknown.saturating_add(1),
                Active::Shown { table, .. } => match table.verity() {
                    Some(verity) => {
                        volumes.push(Volume::new(name, &state.uuid, &verity, !named.changed));
                    }
                    None => others = others.saturating_add(1),
                },
            }
        }
        Volumes::new(volumes, others, unknown, self.events, self.malformed)
    }
}
