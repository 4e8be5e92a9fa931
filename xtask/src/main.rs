//! Automation of the project: `cargo xtask help` lists what it does.

mod clients;
mod drill;
mod fuzz;
mod machine;
mod mutants;
mod pkits;
mod release;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <task>

  test               everything CI checks: format, lints, all tests, the real clients
  test --quick       the Rust tests only
  pkits              NIST's suite of certification paths
  clients            the unmodified Azure SDKs against a running service
  fuzz               lists the fuzz targets
  fuzz NAME SECONDS [BYTES]
                     runs one (on the stable toolchain), with inputs of at most 65536 bytes
                     unless another size is given
  mutants [CRATE]    puts small faults into crates and sees whether tests notice (mutants --help)
  drill hostile      a service under hostile load: a table, and target/drill.json (some minutes)
  drill boot         machines that boot under emulation and attest what booted (ten minutes)
  drill kind         a toy kind of evidence put into a copy of the tree, from end to end
  drill reproduce    the release built twice in two folders, byte for byte the same (an hour)
  release            the release as anybody can build it again, and its SHA-256
  install            installs what the tests need and the machine lacks (Debian, as root)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::all(),
        ["test", "--quick"] => test::rust_tests(),
        ["pkits"] => pkits::run(),
        ["clients"] => clients::run(),
        ["fuzz"] => fuzz::list(),
        ["fuzz", name, seconds] => fuzz::run(name, seconds, fuzz::BYTES),
        ["fuzz", name, seconds, bytes] => fuzz::run(name, seconds, bytes),
        ["mutants", rest @ ..] => mutants::run(rest),
        ["drill", "hostile"] => drill::hostile(),
        ["drill", "boot"] => drill::boot(),
        ["drill", "kind"] => drill::kind(),
        ["drill", "reproduce"] => drill::reproduce(),
        ["release"] => release::release(),
        ["install"] => machine::install_missing(),
        [] | ["help" | "--help" | "-h"] => {
            run::say(HELP);
            Ok(())
        }
        other => Err(format!("unknown task {:?}\n\n{HELP}", other.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            run::say(&format!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}
