//! dm-verity: the volumes that run, by what the device mapper had IMA measure.
//!
//! A volume is what its last resumed table says: loading a table changes nothing yet, resuming the
//! device makes it run, renaming moves it, clearing forgets what was loaded, removing ends it. So the
//! events are judged in order, each by what stood before it, and a table counts as running only if the
//! kernel's hash in the resume event is that of a table which the list shows.
//!
//! What is proven is that the device mapper ran that table at the time of the quote, and so what the
//! volume can give to read. What is not: that anything was mounted from it, or that what runs came
//! from there.
//!
//! Source: the kernel's `Documentation/admin-guide/device-mapper/dm-ima.rst`, and `drivers/md/dm-ima.c`
//! for what it leaves out.

mod event;
mod state;
mod table;
mod text;
mod volume;

pub use state::Devices;
pub use volume::{Volume, Volumes};
