//! Fuzzing on the stable toolchain: the flags that sanitizer coverage needs, without nightly.

use crate::run::{Outcome, cargo, say, step, workspace};

/// As `cargo fuzz` sets them.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Zsanitizer=address -Ccodegen-units=1";
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The names of the fuzz targets.
fn targets() -> Result<Vec<String>, String> {
    let folder = workspace().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("fuzz targets: {error}"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Prints the names of the targets.
pub(crate) fn list() -> Outcome {
    targets()?.iter().for_each(|name| say(name));
    Ok(())
}

/// The largest input, unless another is asked for.
pub(crate) const BYTES: &str = "65536";
/// An input that takes longer is a finding: what is read in a request takes milliseconds, also with
/// a sanitizer's checks.
const SLOW_SECONDS: &str = "10";

/// Builds and runs one target for a time, with inputs of at most `bytes`; a finding ends it with an
/// error.
pub(crate) fn run(name: &str, seconds: &str, bytes: &str) -> Outcome {
    let names = targets()?;
    if !names.iter().any(|known| known == name) {
        return Err(format!("no fuzz target {name:?}; there are: {}", names.join(", ")));
    }
    let seconds: u32 = seconds.parse().map_err(|_| format!("{seconds:?} is no time in seconds"))?;
    let bytes: usize = bytes.parse().map_err(|_| format!("{bytes:?} is no size in bytes"))?;
    let folder = workspace().join("fuzz");
    let corpus = folder.join("corpus").join(name);
    std::fs::create_dir_all(&corpus).map_err(|error| format!("corpus: {error}"))?;
    let limit = format!("-max_total_time={seconds}");
    let size = format!("-max_len={bytes}");
    let slow = format!("-timeout={SLOW_SECONDS}");
    let corpus = corpus.display().to_string();
    let seeds = folder.join("seeds").join(name);
    let seeds_text = seeds.display().to_string();
    let mut words = vec![
        "run",
        "--release",
        "--target",
        TARGET,
        "--bin",
        name,
        "--",
        &corpus,
        &limit,
        &size,
        &slow,
    ];
    if seeds.is_dir() {
        // Read, never written to: what is found goes to the first folder.
        words.push(&seeds_text);
    }
    let mut command = cargo(&words);
    command.current_dir(&folder).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", RUSTFLAGS);
    // C libraries are instrumented by another compiler, whose globals look as if they were twice.
    command.env("ASAN_OPTIONS", "detect_odr_violation=0");
    step(&format!("fuzz {name} for {seconds} s"), &mut command)
}
