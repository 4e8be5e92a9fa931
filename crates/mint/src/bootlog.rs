//! Measured-boot logs, built event by event, with the registers that they lead to.
//!
//! Bytes follow the TCG PC Client Platform Firmware Profile (both forms), UEFI 2.10 section 38.4.1
//! (confidential computing) and Windows' `wbcl.h`. The registers are computed here, apart from any
//! reader of logs: a test that compares the two has two opinions.
//!
//! A [`BootLog`] is a plan: a break changes one thing in it, and then it is written as it stands.

mod breaks;
mod event;
mod firmware;
mod linux;
mod log;
mod registers;
mod td;
pub mod uefi;
pub mod windows;

pub use breaks::{BrokenLog, Ground, LogBreak, Notices, breaks, broken};
pub use event::{LogEvent, Measured, event_type};
pub use firmware::{SecureBoot, SecureBootKeys, secure_boot_keys};
pub use linux::{LinuxBoot, Loader, linux};
pub use log::{BootLog, LogForm};
pub use registers::{Bank, Registers};
pub use td::{RUNTIME_EVENT, TdBoot, td};
pub use windows::{Vbs, WindowsBoot, resume_chain, windows, windows_ca};
