//! Builds the tests with all mutants in them; a mutant that does not compile is taken out.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::edit::{Owner, Piece};
use super::plan::Plan;
use crate::run::say;

/// Rounds of compiling; each takes out what the one before it did not show.
const ROUNDS_MAX: u32 = 40;

/// Programs of tests that run long and judge no answer: they count instructions.
const LEFT_OUT: [&str; 1] = ["linear"];

/// One program of tests.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Where its tests run: the folder of its package.
    pub(crate) folder: PathBuf,
    pub(crate) package: String,
    pub(crate) name: String,
}

/// Builds the tests of packages; what is left in the plan is what compiles.
///
/// # Errors
/// The compiler's words about an error that no mutant explains.
pub(crate) fn build(
    plan: &mut Plan,
    tree: &Path,
    packages: &BTreeSet<&str>,
) -> Result<Vec<Program>, String> {
    for round in 1..=ROUNDS_MAX {
        plan.write(tree)?;
        let messages = cargo(tree, packages)?;
        let errors: Vec<&Value> = messages
            .iter()
            .filter(|line| line["reason"] == "compiler-message")
            .map(|line| &line["message"])
            .filter(|message| message["level"] == "error" && has_place(message))
            .collect();
        if errors.is_empty() {
            return programs(&messages);
        }
        let mut taken = 0_u32;
        for error in &errors {
            taken = taken.saturating_add(u32::from(take_out(plan, error)));
        }
        say(&format!("   round {round}: {} errors, {taken} places taken out", errors.len()));
        if taken == 0 {
            let text = errors.iter().filter_map(|error| error["rendered"].as_str());
            return Err(text.collect::<Vec<_>>().concat());
        }
    }
    Err(format!("does not compile after {ROUNDS_MAX} rounds"))
}

fn has_place(message: &Value) -> bool {
    message["spans"].as_array().is_some_and(|spans| !spans.is_empty())
}

/// Lines of JSON from a build of the tests.
fn cargo(tree: &Path, packages: &BTreeSet<&str>) -> Result<Vec<Value>, String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(["build", "--lib", "--tests", "--quiet", "--keep-going"]);
    command.args(["--message-format=json"]);
    packages.iter().for_each(|package| {
        command.args(["-p", package]);
    });
    // In a folder of its own: a program with mutants must never pass for one without.
    command.current_dir(tree).env("CARGO_TARGET_DIR", crate::run::target().join("mutants"));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let is_told = lines
        .iter()
        .any(|line| line.pointer("/message/level").is_some_and(|level| level == "error"));
    if output.status.success() || is_told {
        return Ok(lines);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn programs(messages: &[Value]) -> Result<Vec<Program>, String> {
    let mut programs = Vec::new();
    for line in messages {
        let Some(path) = line["executable"].as_str() else { continue };
        if line.pointer("/profile/test") != Some(&Value::Bool(true)) {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let manifest = PathBuf::from(text(&line["manifest_path"]));
        let folder = manifest.parent().unwrap_or(&manifest).to_owned();
        let package = text(&line["package_id"]);
        let package = package.rsplit(['/', '#']).next().unwrap_or_default();
        let package = package.split('@').next().unwrap_or_default().to_owned();
        let package = match package.starts_with(|c: char| c.is_ascii_digit()) {
            true => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            false => package,
        };
        let name = line.pointer("/target/name").map(text).unwrap_or_default();
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        programs.push(Program { path: PathBuf::from(path), folder, package, name });
    }
    if programs.is_empty() {
        return Err("cargo built no tests".to_owned());
    }
    Ok(programs)
}

/// A place in a file that a message of the compiler points at.
#[derive(Debug)]
struct Span {
    file: String,
    range: Range<usize>,
    is_primary: bool,
}

/// Takes out what an error of the compiler is about; whether something new was.
fn take_out(plan: &mut Plan, error: &Value) -> bool {
    let text = error["message"].as_str().unwrap_or_default();
    if text.contains("non-const") || text.contains("not a const fn") {
        let names = quoted_names(text);
        let mut is_new = false;
        for name in names {
            is_new |= plan.keep_const(&name);
        }
        return is_new;
    }
    let mut spans = Vec::new();
    collect_spans(error, true, &mut spans);
    let code = error.pointer("/code/code").and_then(Value::as_str).unwrap_or_default();
    let owners = culprits(&spans, code, |file| plan.pieces(file));
    let mut is_new = false;
    for owner in owners {
        is_new |= plan.drop_owner(owner, text);
    }
    is_new
}

/// The last words of paths in backticks: `Tcb::parts` gives `parts`.
fn quoted_names(message: &str) -> Vec<String> {
    let quoted = message.split('`').skip(1).step_by(2);
    let word = |part: &str| {
        let path = part.split(['(', '<']).next().unwrap_or_default();
        let generic = part.rsplit("::").next().unwrap_or_default();
        let last = path.rsplit("::").next().unwrap_or_default();
        [last.to_owned(), generic.to_owned()]
    };
    quoted.flat_map(word).collect()
}

fn collect_spans(message: &Value, is_top: bool, spans: &mut Vec<Span>) {
    for span in message["spans"].as_array().into_iter().flatten() {
        let mut place = span;
        // What a macro made is where it was called.
        while let Some(outer) = place["expansion"].get("span") {
            place = outer;
        }
        let number = |name: &str| {
            place[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
        };
        spans.push(Span {
            file: place["file_name"].as_str().unwrap_or_default().to_owned(),
            range: number("byte_start")..number("byte_end"),
            is_primary: is_top && span["is_primary"] == true,
        });
    }
    for child in message["children"].as_array().into_iter().flatten() {
        collect_spans(child, false, spans);
    }
}

/// Errors about borrows and moves: what is inside of the place they point at is to blame.
const OF_LIFETIMES: [&str; 10] =
    ["E0716", "E0515", "E0597", "E0499", "E0502", "E0505", "E0382", "E0381", "E0506", "E0492"];

/// All that lies between the places in the file of the first one.
fn hull(spans: &[Span]) -> Option<Span> {
    let first = spans.iter().find(|span| span.is_primary)?;
    let same = || spans.iter().filter(|span| span.file == first.file).map(|span| &span.range);
    let start = same().map(|range| range.start).min()?;
    let end = same().map(|range| range.end).max()?;
    Some(Span { file: first.file.clone(), range: start..end, is_primary: true })
}

/// Whose edits an error is about: those whose inserted text it points at, else those around or
/// within the place.
fn culprits<'p>(
    spans: &[Span],
    code: &str,
    pieces: impl Fn(&str) -> &'p [Piece],
) -> BTreeSet<Owner> {
    let within = |inner: &Range<usize>, outer: &Range<usize>| {
        outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty()
    };
    let inserted = |span: &Span| -> BTreeSet<Owner> {
        let hit = |piece: &&Piece| {
            within(&span.range, &piece.before) || within(&span.range, &piece.after)
        };
        let owners = pieces(&span.file).iter().filter(hit).map(|piece| piece.owner);
        owners.filter(|owner| *owner != Owner::Frame).collect()
    };
    let whole = |piece: &Piece| piece.before.start..piece.after.end;
    let inside_one = |span: &Span| -> BTreeSet<Owner> {
        let hit = |piece: &&Piece| within(&whole(piece), &span.range);
        let owners = pieces(&span.file).iter().filter(hit).map(|piece| piece.owner);
        owners.filter(|owner| *owner != Owner::Frame).collect()
    };
    let around_one = |span: &Span| -> BTreeSet<Owner> {
        let hit =
            |piece: &&Piece| piece.owner != Owner::Frame && within(&span.range, &whole(piece));
        let smallest = pieces(&span.file).iter().filter(hit).min_by_key(|piece| whole(piece).len());
        smallest.map(|piece| piece.owner).into_iter().collect()
    };
    let primary = || spans.iter().filter(|span| span.is_primary);
    let secondary = || spans.iter().filter(|span| !span.is_primary);
    let mut tries: Vec<BTreeSet<Owner>> =
        vec![primary().flat_map(inserted).collect(), secondary().flat_map(inserted).collect()];
    let (inside, around) =
        (primary().flat_map(inside_one).collect(), primary().flat_map(around_one).collect());
    tries.extend(if OF_LIFETIMES.contains(&code) { [inside, around] } else { [around, inside] });
    tries.push(secondary().flat_map(around_one).collect());
    tries.push(hull(spans).iter().flat_map(inside_one).collect());
    tries.into_iter().find(|owners| !owners.is_empty()).unwrap_or_default()
}
