//! The unmodified Azure SDKs, relying parties and a packaged OpenID server, from their registries,
//! against running services.

mod evidence;
mod service;

use std::path::{Path, PathBuf};
use std::process::Command;

use service::Service;

use crate::run::{Outcome, cargo, command, say, step, target, workspace};
use crate::{machine, test};

/// Where the command that is tested comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// The tests of the workspace have built it for themselves just now.
    Tested,
    /// It has to be built.
    Own,
}

/// As [`run_with`], with a build of its own.
pub(crate) fn run() -> Outcome {
    run_with(Build::Own)
}

/// Builds the service, mints evidence, starts one service for it and one for recorded evidence at
/// its pinned time, and runs the SDKs' tests against both.
pub(crate) fn run_with(build: Build) -> Outcome {
    machine::install_missing()?;
    let folder = folder()?;
    // Providers that an earlier run made are not to be met again.
    let data = folder.join("data");
    evidence::remove(&data)?;
    if build == Build::Own {
        step("build the service", &mut cargo(&["build", "--locked", "-p", "avouch"]))?;
    }
    let avouch = target().join("debug/avouch");
    let python = python(&folder)?;
    let node_modules = javascript(&folder)?;
    let snpguest = snpguest(&folder);
    let rust = folder.join("rust");
    let guest_devices = guest_devices(&folder)?;
    step("Rust crates from their registry", &mut rust_crates(&rust, &["--no-run"]))?;

    let minted = folder.join("minted");
    let present = Service::start(&avouch, &data, &evidence::mint(&avouch, &minted)?)?;
    let mut variables = vec![
        ("AVOUCH_COMMAND", avouch.display().to_string()),
        ("AVOUCH_URL", present.url.clone()),
        ("AVOUCH_CA", present.ca.display().to_string()),
        ("NODE_EXTRA_CA_CERTS", present.ca.display().to_string()),
        ("AVOUCH_MINTED", minted.display().to_string()),
        ("AVOUCH_JS", node_modules.display().to_string()),
        ("AVOUCH_GUEST_SDK", rust.join("debug/examples/guest").display().to_string()),
        ("AVOUCH_GUEST_DEVICES", guest_devices.display().to_string()),
    ];
    match snpguest {
        Ok(program) => variables.push(("AVOUCH_SNPGUEST", program.display().to_string())),
        // It has C libraries of its own, which not every machine can build.
        Err(why) => say(&format!("WARNING: no snpguest, its tests are skipped: {why}")),
    }
    let recorded = match test::vectors() {
        None => None,
        Some(vectors) => {
            let words = evidence::recorded(&vectors);
            // The same data folder: both services show a certificate of one CA.
            let service = Service::start(&avouch, &data, &words)?;
            variables.push(("AVOUCH_RECORDED_URL", service.url.clone()));
            let folder = vectors.join("intel/maa");
            variables.push(("AVOUCH_RECORDED", folder.display().to_string()));
            Some(service)
        }
    };

    let mut tests = command(python, &["-m", "unittest", "discover", "-v"]);
    tests.current_dir(workspace().join("tests/clients/python")).envs(variables.clone());
    tests.env("PYTHONDONTWRITEBYTECODE", "1");
    step("Python SDKs", &mut tests)?;

    let scitt = workspace().join("tests/clients/scitt");
    let pyscitt = environment(&scitt.join("requirements.txt"), folder.join("venv-scitt"))?;
    let mut tests = command(pyscitt, &["-m", "unittest", "discover", "-v"]);
    tests.current_dir(scitt).envs(variables.clone()).env("PYTHONDONTWRITEBYTECODE", "1");
    step("pyscitt", &mut tests)?;

    let mut tests = command("node", &["--test", "--test-timeout=600000"]);
    tests.args(scripts()?.iter().filter(|name| name.ends_with(".test.js")));
    tests.current_dir(node_modules).envs(variables.clone());
    step("JavaScript SDKs and OpenID server", &mut tests)?;

    step("Rust crates", rust_crates(&rust, &[]).envs(variables))?;
    drop((present, recorded));
    Ok(())
}

/// The tests of Rust crates, and the example by which a guest runs one. In a target folder of its own: its
/// dependencies are not those of the workspace.
fn rust_crates(target_folder: &Path, words: &[&str]) -> Command {
    let mut tests = cargo(&[&["test", "--locked"], words].concat());
    tests.current_dir(workspace().join("tests/clients/rust"));
    tests.env("CARGO_TARGET_DIR", target_folder);
    tests
}

/// The library that gives a guest's program the devices of a virtual machine, built by the C compiler that links Rust.
fn guest_devices(folder: &Path) -> Result<PathBuf, String> {
    let source = workspace().join("tests/clients/rust/shim/devices.c");
    let library = folder.join("guest-devices.so");
    let mut compile = command("cc", &["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]);
    compile.arg("-o").arg(&library).arg(source).arg("-ldl");
    step("devices of a guest", &mut compile)?;
    Ok(library)
}

/// Where environments, data and evidence are kept between runs.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let folder = target().join("clients");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The Python of a virtual environment with the SDK and the test suites that come as packages; made anew when the requirements change.
pub(crate) fn python(folder: &Path) -> Result<PathBuf, String> {
    environment(&workspace().join("tests/clients/python/requirements.txt"), folder.join("venv"))
}

/// The Python of a virtual environment with what a file names.
fn environment(requirements: &Path, venv: PathBuf) -> Result<PathBuf, String> {
    let python = venv.join("bin/python");
    let installed = venv.join("requirements.txt");
    if same_content(requirements, &installed) {
        return Ok(python);
    }
    let venv_text = venv.display().to_string();
    step("Python environment", &mut command("python3", &["-m", "venv", "--clear", &venv_text]))?;
    let file = requirements.display().to_string();
    let words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", &file];
    step("Python SDKs from their registry", &mut command(&python, &words))?;
    copy(requirements, &installed)?;
    Ok(python)
}

/// AMD's tool for guests, from its registry.
const SNPGUEST: &str = "0.11.0";

/// The program; built once for each version.
fn snpguest(folder: &Path) -> Result<PathBuf, String> {
    let place = folder.join(format!("snpguest-{SNPGUEST}"));
    let program = place.join("bin/snpguest");
    if program.is_file() {
        return Ok(program);
    }
    let mut install = cargo(&["install", "--quiet", "--locked", "snpguest", "--version", SNPGUEST]);
    install.arg("--root").arg(&place).arg("--target-dir").arg(folder.join("snpguest-target"));
    step("snpguest from its registry", &mut install)?;
    Ok(program)
}

/// A folder with the JavaScript SDK and its tests; made anew when the lock file changes.
fn javascript(folder: &Path) -> Result<PathBuf, String> {
    let source = workspace().join("tests/clients/js");
    let place = folder.join("js");
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let lock = "package-lock.json";
    let fresh = !same_content(&source.join(lock), &place.join("installed-lock.json"));
    for name in ["package.json", lock, ".npmrc"].map(str::to_owned).into_iter().chain(scripts()?) {
        copy(&source.join(&name), &place.join(&name))?;
    }
    if fresh {
        let mut install = command("npm", &["ci", "--silent"]);
        install.current_dir(&place);
        step("JavaScript packages from their registry", &mut install)?;
        copy(&source.join(lock), &place.join("installed-lock.json"))?;
    }
    Ok(place)
}

/// The names of our own scripts: the tests and what they share.
fn scripts() -> Result<Vec<String>, String> {
    let folder = workspace().join("tests/clients/js");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".js") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn same_content(one: &Path, other: &Path) -> bool {
    matches!((std::fs::read(one), std::fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    std::fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}
