//! What the drill needs from Debian: tools that are installed, and boot files that are only unpacked.

use std::path::{Path, PathBuf};

use crate::machine;
use crate::run::{Outcome, command, output, step};

/// Tools, each with its package.
const TOOLS: [(&str, &str); 11] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mcopy", "mtools"),
    ("sfdisk", "fdisk"),
    ("cpio", "cpio"),
    ("evmctl", "ima-evm-utils"),
    ("veritysetup", "cryptsetup-bin"),
    ("dmsetup", "dmsetup"),
    ("debugfs", "e2fsprogs"),
    ("openssl", "openssl"),
    ("strip", "binutils"),
    ("busybox", "busybox-static"),
];
/// Firmware, installed where QEMU's users expect it.
const FIRMWARE: (&str, &str) = ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "ovmf");
/// Boot files: they are unpacked, since installing them would make this machine boot by them.
const BOOT_FILES: [&str; 2] = ["shim-signed", "grub-efi-amd64-signed"];
/// The package that names the current kernel.
const KERNEL: &str = "linux-image-amd64";

/// Installs what is missing.
pub(super) fn install() -> Outcome {
    machine::install_missing()?;
    let mut missing: Vec<&str> =
        TOOLS.iter().filter(|(tool, _)| !is_on_path(tool)).map(|(_, package)| *package).collect();
    if !Path::new(FIRMWARE.0).exists() {
        missing.push(FIRMWARE.1);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let words = [&["install", "-q", "-y", "--no-install-recommends"], missing.as_slice()].concat();
    let mut install = command("apt-get", &words);
    step("install what boots machines", install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.iter().any(|folder| folder.join(tool).exists())
}

/// Debian's boot files in a folder.
#[derive(Debug)]
pub(super) struct Debian {
    pub(super) shim: PathBuf,
    pub(super) grub: PathBuf,
    pub(super) kernel: PathBuf,
    /// Folder of the kernel's modules.
    pub(super) modules: PathBuf,
}

/// Downloads and unpacks the boot files, once.
pub(super) fn unpack(folder: &Path) -> Result<Debian, String> {
    let (packages, root) = (folder.join("packages"), folder.join("root"));
    if !root.exists() {
        std::fs::create_dir_all(&packages).map_err(|error| error.to_string())?;
        let depends = output(&mut command("apt-cache", &["depends", KERNEL]))?;
        let kernel = depends
            .lines()
            .find_map(|line| line.trim().strip_prefix("Depends: "))
            .ok_or("the package of the kernel names none")?;
        let mut download = command("apt-get", &["download", "-q", kernel]);
        step("download boot files", download.args(BOOT_FILES).current_dir(&packages))?;
        let incomplete = folder.join("root.incomplete");
        for package in files(&packages)? {
            output(command("dpkg", &["-x"]).arg(package).arg(&incomplete))?;
        }
        std::fs::rename(&incomplete, &root).map_err(|error| error.to_string())?;
    }
    let only = |folder: &str, beginning: &str| {
        let found = files(&root.join(folder))?;
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning))
        };
        found.into_iter().find(named).ok_or_else(|| format!("no {folder}/{beginning}*"))
    };
    Ok(Debian {
        shim: root.join("usr/lib/shim/shimx64.efi.signed"),
        grub: root.join("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"),
        kernel: only("boot", "vmlinuz-")?,
        modules: only("lib/modules", "")?.join("kernel"),
    })
}

pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}
