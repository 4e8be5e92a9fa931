//! The release build, in one form: whoever builds the same revision with the same toolchain gets the same bytes.
//!
//! Three things would else differ between two machines: paths in messages of panics and in debug sections, the
//! time, and a build id that the linker derives from all of it. The first are mapped to fixed names, in Rust and
//! in C; the second is that of the revision; the third is left out. `Cargo.lock` fixes every dependency.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, output, say, step, target, workspace};

/// What the folder of the sources is called in what is built.
const SOURCES: &str = "/avouch";
/// What the folder of cargo's registry is called.
const REGISTRY: &str = "/cargo";
/// The variables that come from outside; all others are left behind.
const KEPT: [&str; 6] =
    ["PATH", "HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "SSL_CERT_FILE", "HTTPS_PROXY"];

/// One build: from which folders.
pub(crate) struct Build<'a> {
    /// The sources.
    pub(crate) sources: &'a Path,
    /// Where build products go.
    pub(crate) target: &'a Path,
    /// Cargo's own folder, with the registry.
    pub(crate) cargo_home: &'a Path,
    /// The time of the revision, in seconds since the epoch.
    pub(crate) epoch: &'a str,
}

impl Build<'_> {
    /// Builds the command; gives its file.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn run(&self) -> Result<PathBuf, String> {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command
            .args(["build", "--locked", "--release", "--package", "avouch", "--bin", "avouch"])
            .current_dir(self.sources)
            .env_clear()
            .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs([("LC_ALL", "C"), ("TZ", "UTC"), ("CARGO_INCREMENTAL", "0")])
            .env("SOURCE_DATE_EPOCH", self.epoch)
            .env("CARGO_HOME", self.cargo_home)
            .env("CARGO_TARGET_DIR", self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags().join("\u{1f}"))
            .env("CFLAGS", self.c_flags().join(" "));
        step(&format!("build in {}", self.sources.display()), &mut command)?;
        Ok(self.target.join("release/avouch"))
    }

    /// Folders and their fixed names. Of two that fit, the compilers take the one that is given last.
    fn names(&self) -> [(&Path, &'static str); 3] {
        [(self.sources, SOURCES), (self.target, "/avouch/target"), (self.cargo_home, REGISTRY)]
    }

    fn rust_flags(&self) -> Vec<String> {
        let names = self.names();
        let paths = names
            .iter()
            .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()));
        paths.chain(["-Clink-arg=-Wl,--build-id=none".to_owned()]).collect()
    }

    fn c_flags(&self) -> Vec<String> {
        let names = self.names();
        names
            .iter()
            .map(|(path, name)| format!("-ffile-prefix-map={}={name}", path.display()))
            .collect()
    }
}

/// `cargo xtask release`: builds what is checked out, and says what came out of what.
pub(crate) fn release() -> Outcome {
    let (sources, target) = (workspace(), target().join("reproducible"));
    let epoch = revision_time()?;
    let changed =
        output(Command::new("git").args(["status", "--porcelain"]).current_dir(&sources))?;
    if !changed.trim().is_empty() {
        say("warning: there are changes that no revision has: nobody can build this again");
    }
    let home = cargo_home()?;
    let build = Build { sources: &sources, target: &target, cargo_home: &home, epoch: &epoch };
    let file = build.run()?;
    say(&format!("{}\n{}", inputs(&epoch)?, sha256(&file)?));
    Ok(())
}

/// What the bytes depend on besides the sources: whoever builds again needs the same.
pub(crate) fn inputs(epoch: &str) -> Result<String, String> {
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let cc = output(Command::new("cc").arg("--version"))?;
    let linker = output(Command::new("ld").arg("--version"))?;
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let revision =
        output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(workspace()))?;
    Ok(format!(
        "revision {}\nSOURCE_DATE_EPOCH {epoch}\n{}\n{}\n{}",
        revision.trim(),
        first(&rustc),
        first(&cc),
        first(&linker)
    ))
}

/// When the revision that is checked out was made, in seconds since the epoch.
pub(crate) fn revision_time() -> Result<String, String> {
    let time =
        output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(workspace()))?;
    Ok(time.trim().to_owned())
}

/// Cargo's own folder.
pub(crate) fn cargo_home() -> Result<PathBuf, String> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(home).ok_or_else(|| "neither CARGO_HOME nor HOME is set".to_owned())
}

/// A line as `sha256sum` writes it.
pub(crate) fn sha256(file: &Path) -> Result<String, String> {
    Ok(output(Command::new("sha256sum").arg(file))?.trim().to_owned())
}
