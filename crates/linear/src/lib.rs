//! Whether a reader takes twice the instructions for twice the input, and no more: counted, not
//! timed, so that a busy machine changes nothing.
//!
//! A test names its own name and its worst shapes. For each shape it starts itself anew under
//! valgrind, four times: with an input of half the size and of the whole, read once and read twice.
//! The difference between once and twice is the reader alone, without the process around it. The
//! input is made once and given to both, because making it may take chance (a minted key) and more
//! instructions than reading it.
//!
//! ```no_run
//! use avouch_linear::Shape;
//!
//! const SHAPES: &[Shape] = &[Shape {
//!     name: "dashes",
//!     bytes_max: 1 << 20,
//!     make: |bytes| vec![b'-'; bytes],
//!     read: |input| drop(std::str::from_utf8(input)),
//! }];
//!
//! #[test]
//! fn doubling_a_text_doubles_its_cost() {
//!     avouch_linear::check("doubling_a_text_doubles_its_cost", SHAPES);
//! }
//! ```
//!
//! That takes seconds for each shape, so it is done only where `AVOUCH_LINEAR` is set, as
//! `cargo xtask test` does; elsewhere the test is skipped with a notice.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "for tests: a failed one panics, a skipped one says so"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Command, Output};

/// An input that a reader may find hard, at any size.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What it is called; unique within one test.
    pub name: &'static str,
    /// The largest size that the reader is given, in bytes; it is measured there and at half of it.
    pub bytes_max: usize,
    /// Makes an input of about so many bytes, at a cost that does not matter.
    pub make: fn(usize) -> Vec<u8>,
    /// Reads the input; whether with success does not matter.
    pub read: fn(&[u8]),
}

/// Most instructions for twice the input, in hundredths of those for the input: sorting and tables
/// that grow take a little more than twice, a search in pairs takes four times.
const GROWTH_MAX_PERCENT: u64 = 250;
/// What may be spent whatever the size: below it nothing is compared.
const INSTRUCTIONS_FREE: u64 = 1_000_000;
/// Whether to measure at all.
const WANTED: &str = "AVOUCH_LINEAR";
/// Tells the child which shape's reader to use how often: `NAME TIMES`. The input is its standard
/// input.
const TASK: &str = "AVOUCH_LINEAR_TASK";

/// Checks every shape; `test` is the name of the test that calls, with its modules.
///
/// # Panics
/// If a shape grows faster than its size, or cannot be measured though it is wanted.
pub fn check(test: &str, shapes: &[Shape]) {
    if let Ok(task) = std::env::var(TASK) {
        return work(&task, shapes);
    }
    if std::env::var_os(WANTED).is_none() {
        println!("skipped: instructions are counted where {WANTED} is set");
        return;
    }
    let superlinear: Vec<String> =
        shapes.iter().filter_map(|shape| grows_too_fast(test, shape)).collect();
    assert!(superlinear.is_empty(), "more than linear:\n{}", superlinear.join("\n"));
}

fn work(task: &str, shapes: &[Shape]) {
    let asked = task.split_once(' ').and_then(|(name, times)| {
        Some((shapes.iter().find(|shape| shape.name == name)?, times.parse::<u32>().ok()?))
    });
    let Some((shape, times)) = asked else {
        panic!("no such task: {task}");
    };
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).unwrap_or_else(|error| panic!("input: {error}"));
    for _ in 0..times {
        (shape.read)(black_box(&input));
    }
}

fn grows_too_fast(test: &str, shape: &Shape) -> Option<String> {
    let whole = instructions(test, shape, shape.bytes_max);
    if whole <= INSTRUCTIONS_FREE {
        println!("{}: {whole} instructions for {} bytes", shape.name, shape.bytes_max);
        return None;
    }
    let half = instructions(test, shape, shape.bytes_max / 2);
    let found = format!(
        "{}: {half} instructions for half of {} bytes, {whole} for all",
        shape.name, shape.bytes_max
    );
    println!("{found}");
    (whole > half.saturating_mul(GROWTH_MAX_PERCENT) / 100).then_some(found)
}

/// What one reading takes.
fn instructions(test: &str, shape: &Shape, bytes: usize) -> u64 {
    let input = (shape.make)(bytes);
    let [once, twice] = [1, 2].map(|times| run(test, &format!("{} {times}", shape.name), &input));
    twice.saturating_sub(once)
}

/// Instructions of a whole process that does `task` with `input`.
fn run(test: &str, task: &str, input: &[u8]) -> u64 {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("own path: {error}"));
    let input = file_of(input).unwrap_or_else(|error| panic!("file of the input: {error}"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(program).args(["--exact", test, "--test-threads=1"]).env(TASK, task).stdin(input);
    let output = command.output().unwrap_or_else(|error| panic!("valgrind: {error}"));
    count(&output).unwrap_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        panic!("{task}: {}: {said}", output.status)
    })
}

/// A file without a name, at its beginning.
fn file_of(bytes: &[u8]) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// The number in `==17== I   refs:      1,234`, of a process that ran one test and ended well.
fn count(output: &Output) -> Option<u64> {
    let ran_one = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("refs:"))?;
    let digits: String = line.rsplit(':').next()?.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|_| ran_one && output.status.success())
}
