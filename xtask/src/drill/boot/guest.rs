//! What a machine boots from: a disk with boot loader and kernel, a disk of tools whose files are signed, and
//! a volume with its hash tree.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Scenario;
use super::packages::{Debian, files};
use super::service::{BEARER, Service};
use super::tpm::fresh;
use crate::run::{Outcome, command, output, say};

/// Modules in the order in which they are loaded.
const MODULES: [&str; 16] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "crc16",
    "mbcache",
    "jbd2",
    "crc32c_generic",
    "ext4",
    "e1000",
    "dm-mod",
    "dm-bufio",
    "reed_solomon",
    "dm-verity",
];
const INIT: &str = include_str!("init.sh");
const IMA_POLICY: &str = include_str!("ima-policy");
const GRUB: &str = include_str!("grub.cfg");

const BUSYBOX: &str = "/bin/busybox";
/// A program whose signature a scenario leaves out.
const HELLO: &str = "/bin/true";
const DMSETUP: &str = "/usr/sbin/dmsetup";
const TCTI: &str = "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
/// Where the partition begins on the disk.
const ESP: &str = "@@1M";
const ESP_TABLE: &str = "label: gpt\nstart=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n";
/// Bytes of the volume.
const VOLUME_BYTES: usize = 1 << 20;
/// The same in blocks of 4096 bytes, and in sectors.
const VOLUME_BLOCKS: usize = VOLUME_BYTES / 4096;
const VOLUME_SECTORS: usize = VOLUME_BYTES / 512;

/// The disks of a machine.
pub(super) struct Media {
    esp: PathBuf,
    tools: PathBuf,
    volume: PathBuf,
    hashes: PathBuf,
}

impl Media {
    /// In the order in which the kernel finds them.
    pub(super) fn disks(&self) -> [(&'static str, &Path); 4] {
        [
            ("esp", &self.esp),
            ("tools", &self.tools),
            ("volume", &self.volume),
            ("hashes", &self.hashes),
        ]
    }
}

/// What machines are made of.
pub(super) struct Guest<'a> {
    pub(super) avouch: &'a Path,
    pub(super) debian: &'a Debian,
    pub(super) key: &'a Path,
    pub(super) service: &'a Service,
}

impl Guest<'_> {
    /// Makes the disks for a scenario.
    pub(super) fn make(&self, place: &Path, scenario: Scenario) -> Result<Media, String> {
        say(&format!("\n== make the disks of {}", scenario.name));
        fresh(place)?;
        let tools = self.tools(place, scenario)?;
        let (volume, hashes) = volume_files(place);
        let root = root_digest(place, scenario.content)?;
        let initrd = self.initrd(place, &root)?;
        let esp = self.esp(place, scenario, &initrd)?;
        Ok(Media { esp, tools, volume, hashes })
    }

    /// A file system with the attester and its libraries. All files are signed, but for one where the scenario
    /// says so.
    fn tools(&self, place: &Path, scenario: Scenario) -> Result<PathBuf, String> {
        let folder = place.join("tools");
        for part in ["bin", "lib"] {
            make_folder(&folder.join(part))?;
        }
        let avouch = folder.join("bin/avouch");
        output(command("strip", &["-o"]).arg(&avouch).arg(self.avouch))?;
        copy(DMSETUP.as_ref(), &folder.join("bin/dmsetup"))?;
        copy(HELLO.as_ref(), &folder.join("bin/hello"))?;
        copy(&self.service.ca, &folder.join("ca.pem"))?;
        write(&folder.join("bearer"), BEARER)?;
        let wanted = [avouch.as_path(), DMSETUP.as_ref(), HELLO.as_ref(), TCTI.as_ref()];
        for library in libraries(&wanted)? {
            let name = library.file_name().unwrap_or_default();
            copy(&library, &folder.join("lib").join(name))?;
        }
        let image = place.join("tools.img");
        sized(&image, 160 << 20)?;
        output(command("mke2fs", &["-q", "-t", "ext4", "-d"]).arg(&folder).arg(&image))?;
        for part in ["bin", "lib"] {
            for file in files(&folder.join(part))? {
                let name =
                    format!("/{part}/{}", file.file_name().unwrap_or_default().to_string_lossy());
                if scenario.signed || name != "/bin/hello" {
                    self.sign(place, &file, &image, &name)?;
                }
            }
        }
        Ok(image)
    }

    /// Puts IMA's signature of a file into the file system, where the kernel looks for it.
    fn sign(&self, place: &Path, file: &Path, image: &Path, name: &str) -> Outcome {
        let (copied, signature) = (place.join("signed"), place.join("signed.sig"));
        copy(file, &copied)?;
        let mut evmctl = command("evmctl", &["ima_sign", "--sigfile", "-a", "sha256", "--key"]);
        run(evmctl.arg(self.key).arg(&copied))?;
        let request = format!("ea_set -f {} {name} security.ima", signature.display());
        run(command("debugfs", &["-w", "-R", &request]).arg(image))
    }

    fn initrd(&self, place: &Path, root: &str) -> Result<PathBuf, String> {
        let folder = place.join("initrd.d");
        for part in ["bin", "modules", "proc", "sys", "dev", "tools", "tmp", "etc", "lib64"] {
            make_folder(&folder.join(part))?;
        }
        copy(BUSYBOX.as_ref(), &folder.join("bin/busybox"))?;
        for (name, module) in modules(self.debian)? {
            copy(&module, &folder.join("modules").join(name))?;
        }
        symlink("/tools/lib/ld-linux-x86-64.so.2", folder.join(LOADER.trim_start_matches('/')))
            .map_err(|error| error.to_string())?;
        let init = folder.join("init");
        write(&init, INIT)?;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&init, executable).map_err(|error| error.to_string())?;
        write(&folder.join("ima-policy"), IMA_POLICY)?;
        let table = format!(
            "0 {VOLUME_SECTORS} verity 1 /dev/vdc /dev/vdd 4096 4096 {VOLUME_BLOCKS} 1 sha256 {root} 00"
        );
        let (list, url) = (MODULES.join(" "), &self.service.url);
        let parameters = format!("MODULES=\"{list}\"\nURL={url}\nVERITY_TABLE=\"{table}\"\n");
        write(&folder.join("parameters"), &parameters)?;
        let initrd = place.join("initrd");
        let pack = "find . | cpio --quiet -o -H newc | gzip -1 > \"$1\"";
        let mut shell = command("sh", &["-c", pack, "sh"]);
        output(shell.arg(&initrd).current_dir(&folder))?;
        Ok(initrd)
    }

    /// A disk with one partition, from which the firmware boots.
    fn esp(&self, place: &Path, scenario: Scenario, initrd: &Path) -> Result<PathBuf, String> {
        let image = place.join("esp.img");
        sized(&image, 96 << 20)?;
        let table = place.join("table");
        write(&table, ESP_TABLE)?;
        let mut shell = command("sh", &["-c", "sfdisk -q \"$1\" < \"$2\"", "sh"]);
        output(shell.arg(&image).arg(&table))?;
        // Without Secure Boot GRUB's own `linux` passes the kernel's EFI stub by, and with it the log.
        let (linux, read) =
            if scenario.secure_boot { ("linux", "initrd") } else { ("linuxefi", "initrdefi") };
        let config = place.join("grub.cfg");
        write(&config, &GRUB.replace("LINUX", linux).replace("INITRD", read))?;
        let partition = format!("{}{ESP}", image.display());
        output(&mut command("mformat", &["-i", &partition, "-F", "-v", "ESP", "::"]))?;
        for folder in ["::/EFI", "::/EFI/BOOT", "::/EFI/debian"] {
            output(&mut command("mmd", &["-i", &partition, folder]))?;
        }
        for (file, to) in [
            (self.debian.shim.as_path(), "::/EFI/BOOT/BOOTX64.EFI"),
            (&self.debian.grub, "::/EFI/BOOT/grubx64.efi"),
            (&config, "::/EFI/debian/grub.cfg"),
            (&self.debian.kernel, "::/vmlinuz"),
            (initrd, "::/initrd"),
        ] {
            output(command("mcopy", &["-i", &partition]).arg(file).arg(to))?;
        }
        Ok(image)
    }
}

fn volume_files(place: &Path) -> (PathBuf, PathBuf) {
    (place.join("volume.img"), place.join("hashes.img"))
}

/// Makes a volume of one byte over and over with its hash tree; gives the root digest.
pub(super) fn root_digest(place: &Path, content: u8) -> Result<String, String> {
    make_folder(place)?;
    let (volume, hashes) = volume_files(place);
    let bytes = vec![content; VOLUME_BYTES];
    std::fs::write(&volume, bytes).map_err(|error| error.to_string())?;
    let mut format = command("veritysetup", &["format", "--salt=00"]);
    let told = output(format.arg(volume).arg(hashes))?;
    let root = told.lines().find_map(|line| line.strip_prefix("Root hash:"));
    Ok(root.ok_or("veritysetup names no root")?.trim().to_owned())
}

/// The shared libraries that these load, and who loads them.
fn libraries(of: &[&Path]) -> Result<Vec<PathBuf>, String> {
    let told = output(command("ldd", &[]).args(of))?;
    let mut found: Vec<PathBuf> = told
        .lines()
        .filter_map(|line| line.split_once("=> ")?.1.split(' ').next())
        .map(PathBuf::from)
        .collect();
    found.extend([PathBuf::from(TCTI), PathBuf::from(LOADER)]);
    found.sort();
    found.dedup();
    Ok(found)
}

/// Modules as `sha256sum` would print them in the guest. With Secure Boot on the kernel measures those too, and
/// the first file system has no room for signatures.
pub(super) fn reference_values(debian: &Debian) -> Result<String, String> {
    let mut text = String::new();
    for (name, module) in modules(debian)? {
        let told = output(command("sha256sum", &["--"]).arg(module))?;
        let digest = told.split(' ').next().unwrap_or_default();
        text.push_str(&format!("{digest}  /modules/{name}\n"));
    }
    Ok(text)
}

/// The modules that the guest loads, by file name.
fn modules(debian: &Debian) -> Result<Vec<(String, PathBuf)>, String> {
    let all = below(&debian.modules)?;
    let module = |name: &&str| {
        let file = format!("{name}.ko");
        let found = all.iter().find(|path| path.ends_with(&file)).cloned();
        Ok((file, found.ok_or_else(|| format!("the kernel has no module {name}"))?))
    };
    MODULES.iter().map(module).collect()
}

/// Every file below a folder.
fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in files(folder)? {
        if path.is_dir() {
            found.extend(below(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn make_folder(path: &Path) -> Outcome {
    std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{} to {}: {error}", from.display(), to.display());
    std::fs::copy(from, to).map(drop).map_err(failed)
}

/// An empty file of so many bytes.
fn sized(path: &Path, bytes: u64) -> Outcome {
    std::fs::File::create(path)
        .and_then(|file| file.set_len(bytes))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a tool that talks too much; what it said is told if it fails.
fn run(tool: &mut Command) -> Outcome {
    let output = tool.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{:?}: {}: {told}", tool.get_program(), output.status))
}
