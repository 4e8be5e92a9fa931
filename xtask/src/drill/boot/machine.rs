//! One machine: boots under emulation until it turns itself off.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Scenario;
use super::guest::Media;
use crate::run::{command, say};

/// How long a boot may take; one takes two to three minutes where nothing else runs.
const BOOT: Duration = Duration::from_secs(900);
const FIRMWARE: &str = "/usr/share/OVMF";

/// Boots a machine and gives what it said on its second serial port.
pub(super) fn run(
    scenario: Scenario,
    media: &Media,
    tpm: &Path,
    place: &Path,
) -> Result<String, String> {
    let (code, variables, smm) = if scenario.secure_boot {
        ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", "on")
    } else {
        ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "off")
    };
    let own = place.join("variables.fd");
    std::fs::copy(format!("{FIRMWARE}/{variables}"), &own).map_err(|error| error.to_string())?;
    let (console, said) = (place.join("console.log"), place.join("said.log"));
    let mut qemu = command("qemu-system-x86_64", &["-display", "none", "-monitor", "none"]);
    qemu.args(["-no-reboot", "-cpu", "max", "-m", "1024", "-rtc", "base=utc"]);
    qemu.args(["-machine", &format!("q35,smm={smm},accel=tcg")]);
    qemu.args(["-global", "ICH9-LPC.disable_s3=1"]);
    if scenario.secure_boot {
        qemu.args(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
    }
    let flash = "if=pflash,format=raw,unit";
    qemu.args(["-drive", &format!("{flash}=0,readonly=on,file={FIRMWARE}/{code}")]);
    qemu.args(["-drive", &format!("{flash}=1,file={}", own.display())]);
    for (name, path) in media.disks() {
        let drive = format!("if=none,id={name},format=raw,readonly=on,file={}", path.display());
        qemu.args(["-drive", &drive, "-device", &format!("virtio-blk-pci,drive={name}")]);
    }
    qemu.args(["-chardev", &format!("socket,id=tpm,path={}", tpm.display())]);
    qemu.args(["-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]);
    qemu.args(["-netdev", "user,id=net", "-device", "e1000,netdev=net,romfile="]);
    for log in [&console, &said] {
        qemu.args(["-serial", &format!("file:{}", log.display())]);
    }
    say(&format!("\n== boot {}", scenario.name));
    let begun = Instant::now();
    let mut machine = qemu.stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    while machine.try_wait().map_err(|error| error.to_string())?.is_none() {
        if begun.elapsed() > BOOT {
            // It is stopped; what it said so far is in its logs.
            let _ = machine.kill();
            let _ = machine.wait();
            let shown = console.display();
            return Err(format!("{}: it does not end; see {shown}", scenario.name));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    say(&format!("== boot {}: {} s", scenario.name, begun.elapsed().as_secs()));
    std::fs::read_to_string(&said).map_err(|error| format!("{}: {error}", said.display()))
}
