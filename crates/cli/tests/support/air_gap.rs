//! Tests that run where there is no network: this process again, in a network namespace of its own
//! whose only interface is loopback.
#![allow(dead_code, unreachable_pub, reason = "test code; each test program uses a part")]

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// Says that this process is inside.
const INSIDE: &str = "AVOUCH_AIR_GAP_INSIDE";
/// Makes a namespace that cannot be had an error: CI sets it.
const REQUIRED: &str = "AVOUCH_AIR_GAP_REQUIRED";
/// A shell that does what its arguments say once it has loopback and nothing else.
const UNSHARE: [&str; 8] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    "ip link set lo up && exec \"$@\"",
    "sh",
];

/// Runs `body` of the test of this name where no network is. Where this system gives no namespaces it
/// runs as it is, and says so; with `AVOUCH_AIR_GAP_REQUIRED` that is an error.
pub fn run(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        assert_eq!(interfaces(), ["lo"], "a network that is none");
        return body();
    }
    if let Err(why) = inside(&["true"]) {
        let required = std::env::var_os(REQUIRED).is_some();
        assert!(!required, "no network namespace can be had, and {REQUIRED} is set: {why}");
        eprintln!("WARNING: {test} runs WITH the network of this system: {why}");
        return body();
    }
    let own = std::env::current_exe().expect("this program");
    let own = own.to_str().expect("a path in UTF-8");
    inside(&[own, "--exact", test, "--nocapture"]).unwrap_or_else(|why| panic!("{why}"));
}

/// Runs a program inside; what it printed if it fails.
fn inside(program: &[&str]) -> Result<(), String> {
    let [unshare, options @ ..] = UNSHARE;
    let mut command = Command::new(unshare);
    command.args(options).args(program).env(INSIDE, "1").stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{unshare}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    // A test that is not there is no success.
    let is_run = program.len() == 1 || said.contains("1 passed");
    if output.status.success() && is_run { Ok(()) } else { Err(said) }
}

fn interfaces() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/dev").expect("the table of interfaces");
    let names = table.lines().skip(2).filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

/// The sockets of a process that stand for anything but loopback, as the kernel lists them.
pub fn sockets_beyond_loopback(process: u32) -> Vec<String> {
    let process = Path::new("/proc").join(process.to_string());
    let links = std::fs::read_dir(process.join("fd")).expect("its open files");
    let targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
    let inodes: HashSet<String> = targets
        .filter_map(|target| {
            let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    assert!(!inodes.is_empty(), "a service has sockets");
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|table| process.join("net").join(table));
    let read = tables.iter().map(|table| std::fs::read_to_string(table).expect("a table"));
    let rows: Vec<String> = read.flat_map(|table| beyond_loopback(&table, &inodes)).collect();
    rows
}

/// The rows of a table of sockets that have one of these inodes and an end that is not on loopback.
pub fn beyond_loopback(table: &str, inodes: &HashSet<String>) -> Vec<String> {
    const INODE: usize = 9;
    let rows = table.lines().skip(1).filter(|row| {
        let words: Vec<&str> = row.split_whitespace().collect();
        let is_own = words.get(INODE).is_some_and(|inode| inodes.contains(*inode));
        is_own && !words[1..3].iter().all(|end| is_near(end))
    });
    rows.map(str::to_owned).collect()
}

/// Whether an end of a socket, `ADDRESS:PORT` in hex, is on loopback, or the far end of none.
fn is_near(end: &str) -> bool {
    const LOOPBACK_V6: &str = "00000000000000000000000001000000";
    const MAPPED_LOOPBACK: &str = "0000000000000000FFFF00000100007F";
    let (address, port) = end.split_once(':').expect("an address and a port");
    let is_none = port == "0000" && address.bytes().all(|byte| byte == b'0');
    // Of IPv4 the bytes stand in the order of the machine.
    let is_loopback_v4 = address.len() == 8 && address.ends_with("7F");
    is_none || is_loopback_v4 || [LOOPBACK_V6, MAPPED_LOOPBACK].contains(&address)
}
