//! What runs, after each event.

use std::collections::{HashMap, HashSet};

use super::event::{Device, Event, read};
use super::table::{Table, Verity, target_index};
use super::volume::{Volume, Volumes};
use crate::ima::Buffer;

/// Devices of the device mapper as a list's measured bytes, in order, make them.
#[derive(Debug, Clone, Default)]
pub struct Devices<'a> {
    by_name: HashMap<Vec<u8>, State<'a>>,
    /// Names under which more than one table ran.
    changed: HashSet<Vec<u8>>,
    /// The hash of the table that first ran under a name.
    first: HashMap<Vec<u8>, String>,
    events: usize,
    malformed: usize,
}

#[derive(Debug, Clone, Default)]
struct State<'a> {
    uuid: Vec<u8>,
    active: Active<'a>,
    inactive: Option<Table<'a>>,
}

/// The table that runs.
#[derive(Debug, Clone, Default)]
enum Active<'a> {
    /// None.
    #[default]
    None,
    /// One that the list shows.
    Shown { table: Table<'a>, hash: String },
    /// One that it does not show: it was loaded before the kernel measured, or the list is not the
    /// kernel's.
    Unknown,
}

impl<'a> Devices<'a> {
    /// Takes the next measured bytes of the list; passes over what is not the device mapper's.
    pub fn next(&mut self, buffer: &Buffer<'a>) {
        match read(buffer.name.as_bytes(), buffer.bytes) {
            None => return,
            Some(Ok(event)) => self.event(event, buffer.bytes),
            Some(Err(())) => self.malformed = self.malformed.saturating_add(1),
        }
        self.events = self.events.saturating_add(1);
    }

    fn event(&mut self, event: Event<'a>, text: &'a [u8]) {
        match event {
            Event::Load { device, targets } => self.load(device, text, &targets),
            Event::Resume { device, active } => self.resume(device, active),
            Event::Rename { from, to } => self.rename(from, to),
            Event::Clear { device } => {
                if let Some(state) = self.by_name.get_mut(&device) {
                    state.inactive = None;
                }
            }
            Event::Remove { device } => {
                self.by_name.remove(&device);
            }
        }
    }

    fn load(&mut self, device: Device, text: &'a [u8], targets: &[&'a [u8]]) {
        let Device { name, uuid, targets: expected } = device;
        let first_index = targets.first().and_then(|group| target_index(group));
        let state = self.by_name.entry(name).or_default();
        state.uuid = uuid;
        let groups = targets.iter().copied();
        match &mut state.inactive {
            Some(table) if table.goes_on(expected, first_index) => table.add(text, groups),
            inactive => *inactive = Some(Table::begin(expected, text, groups)),
        }
    }

    fn resume(&mut self, name: Vec<u8>, active: Option<&[u8]>) {
        let state = self.by_name.entry(name.clone()).or_default();
        let hash = active.map(|hash| String::from_utf8_lossy(hash).into_owned());
        let loaded = state.inactive.as_ref().and_then(Table::hash);
        match (hash, &state.active) {
            // Nothing runs, as far as the kernel knows.
            (None, _) => state.active = Active::Unknown,
            (Some(hash), _) if loaded.as_ref() == Some(&hash) => {
                let first = self.first.entry(name.clone()).or_insert_with(|| hash.clone());
                if *first != hash {
                    self.changed.insert(name);
                }
                let table = state.inactive.take();
                state.active = table.map_or(Active::Unknown, |table| Active::Shown { table, hash });
            }
            // It was suspended, and runs what it ran.
            (Some(hash), Active::Shown { hash: running, .. }) if *running == hash => {}
            (Some(_), _) => {
                self.changed.insert(name);
                state.active = Active::Unknown;
            }
        }
    }

    fn rename(&mut self, from: Option<Vec<u8>>, to: Vec<u8>) {
        let Some(state) = from.and_then(|from| self.by_name.remove(&from)) else { return };
        if let Active::Shown { hash, .. } = &state.active {
            let first = self.first.entry(to.clone()).or_insert_with(|| hash.clone());
            if first != hash {
                self.changed.insert(to.clone());
            }
        }
        // Names are unique: what had this one has none that the list shows.
        if self.by_name.insert(to, state).is_some() {
            self.malformed = self.malformed.saturating_add(1);
        }
    }

    /// What runs after the last event.
    #[must_use]
    pub fn finish(self) -> Volumes {
        let mut volumes = Vec::new();
        let (mut others, mut unknown) = (0_usize, 0_usize);
        for (name, state) in &self.by_name {
            match &state.active {
                Active::None => {}
                Active::Unknown => unknown = unknown.saturating_add(1),
                Active::Shown { table, .. } => match table.verity() {
                    Some(verity) => volumes.push(self.volume(name, state, verity)),
                    None => others = others.saturating_add(1),
                },
            }
        }
        Volumes::new(volumes, others, unknown, self.events, self.malformed)
    }

    fn volume(&self, name: &[u8], state: &State<'_>, verity: &Verity<'_>) -> Volume {
        Volume::new(name, &state.uuid, verity, !self.changed.contains(name))
    }
}
