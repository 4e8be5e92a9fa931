//! What the tests share: the real binary, folders of their own, and the recorded evidence.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

pub mod air_gap;
pub mod attester;
pub mod keys;
pub mod liar;
pub mod schema;
pub mod service;
pub mod signed;
pub mod softhsm;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A moment around which minted evidence is valid.
pub const AT: &str = "2026-01-31T12:00:00Z";

/// How a run of the command ended.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Standard output as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in {}\n{}", self.stdout, self.stderr))
    }

    /// The message of an answer that is nothing but an error, which people are told too.
    #[track_caller]
    pub fn only_error(&self) -> String {
        let document = self.json();
        assert_eq!(document.as_object().expect("an object").len(), 1, "{document}");
        let message = text(&document["error"]["message"]).to_owned();
        assert!(self.stderr.contains(&message), "{message}: {}", self.stderr);
        message
    }

    #[track_caller]
    pub fn expect_status(self, expected: i32) -> Self {
        assert_eq!(self.status, expected, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// The command, with nothing of this environment that could change what it does.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
    clean(&mut command);
    command
}

/// Takes from a command's environment what could change what `avouch` does.
pub fn clean(command: &mut Command) {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AVOUCH_")) {
            command.env_remove(name);
        }
    }
}

pub fn avouch<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    run(command().args(arguments).stdin(Stdio::null()))
}

/// As [`avouch`], with `--output json`.
pub fn avouch_json<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    run(command().args(["--output", "json"]).args(arguments).stdin(Stdio::null()))
}

/// As [`avouch`], in a folder.
pub fn avouch_in(folder: &Path, line: &str) -> Run {
    run(command().args(line.split_whitespace()).current_dir(folder).stdin(Stdio::null()))
}

pub fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the binary runs");
    Run {
        status: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// As [`avouch`], with `input` on standard input.
pub fn avouch_with_input<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
) -> Run {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("stdin").write_all(input).expect("write");
    let output = child.wait_with_output().expect("the binary ends");
    Run {
        status: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A folder of one test, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let name = format!("{name}-{process}-{count}");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, bytes).expect("write");
        path
    }

    /// Mints into a folder of its own and gives that.
    pub fn mint(&self, arguments: &str) -> PathBuf {
        let out = self.join(&arguments.replace([' ', '/'], "_"));
        let mut all: Vec<&str> = vec!["mint"];
        all.extend(arguments.split_whitespace());
        let out_text = out.display().to_string();
        all.extend(["--at", AT, "--out", &out_text]);
        avouch(all).expect_status(0);
        out
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command line in a minted `README.txt`, run in its folder, with more arguments.
pub fn appraise_minted(folder: &Path, more: &str) -> Run {
    let readme = std::fs::read_to_string(folder.join("README.txt")).expect("README");
    let line = readme.lines().map(str::trim).find(|line| line.starts_with("avouch appraise "));
    let line = line.expect("a command").trim_start_matches("avouch ");
    avouch_in(folder, &format!("--output json {line} {more}"))
}

/// The folder of recorded evidence, unless it is absent and need not be there.
pub fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    if root.join("intel").is_dir() {
        return Some(root);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "recorded evidence is required and absent"
    );
    eprintln!("skipped: no recorded evidence (set AVOUCH_VECTORS)");
    None
}

pub fn manifest(folder: &Path) -> Vec<Value> {
    let text = std::fs::read(folder.join("manifest.json")).expect("manifest");
    serde_json::from_slice::<Value>(&text).expect("json").as_array().expect("list").clone()
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
