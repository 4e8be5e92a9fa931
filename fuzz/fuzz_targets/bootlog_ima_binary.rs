//! Lists of IMA in binary: no panic, no byte of an entry twice, and by a machine's registers
//! none proves what the machine's own does not.
#![no_main]

#[path = "../shared/ima.rs"]
mod ima;

use std::sync::LazyLock;

use ima::Machine;
use libfuzzer_sys::fuzz_target;

static MACHINE: LazyLock<Machine> = LazyLock::new(|| Machine::new(|ground| ground.list.binary()));

fuzz_target!(init: { LazyLock::force(&MACHINE); }, |data: &[u8]| MACHINE.judge(data));
