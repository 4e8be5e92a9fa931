//! The examples of `docs/cli.md`, `docs/endorsements.md` and pages below `docs/evidence` run, and print what they
//! are said to print.
#![cfg(test)]

mod support;

use std::io::BufRead as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Folder, air_gap};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
const TDX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/tdx.md");
const ENDORSEMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/endorsements.md");
const IMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/ima.md");
const VBS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/vbs.md");
const TRUSTED_LAUNCH: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/trusted-launch.md");
const AZURE_CVM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/azure-cvm.md");
const VERITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evidence/dm-verity.md");

/// A command of an example with what is said of its answer.
#[derive(Debug, Default)]
struct Example {
    command: String,
    expected: Vec<String>,
    status: i32,
    needs: Option<String>,
}

/// The commands in the `console` blocks, in order.
fn examples(document: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("```console") else { continue };
        let needs = rest.trim().strip_prefix("needs=").map(str::to_owned);
        let mut end_of_input = false;
        for line in lines.by_ref().take_while(|line| *line != "```") {
            if let Some(command) = line.strip_prefix("$ ") {
                let command = command.to_owned();
                end_of_input = command.contains("<<'END'");
                examples.push(Example { command, needs: needs.clone(), ..Example::default() });
                continue;
            }
            let example = examples.last_mut().expect("a command first");
            if end_of_input {
                example.command.push('\n');
                example.command.push_str(line);
                end_of_input = line != "END";
            } else if let Some(status) = line.strip_prefix("(exit status ") {
                example.status = status.trim_end_matches(')').parse().expect("a status");
            } else {
                example.expected.push(line.to_owned());
            }
        }
    }
    examples
}

/// Whether a printed line is as said: `…` stands for any text, spaces for any number of them.
fn line_is(said: &str, printed: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (said, printed) = (squeeze(said), squeeze(printed));
    let parts: Vec<&str> = said.split('…').collect();
    let Some((first, rest)) = parts.split_first() else { return printed.is_empty() };
    let Some(mut left) = printed.strip_prefix(first) else { return false };
    let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
    for part in middle {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

/// Whether the printed lines are as said: `...` stands for any lines, also none.
fn is_as_said(said: &[String], printed: &[&str]) -> bool {
    match (said.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "..." => {
            (0..=printed.len()).any(|skipped| is_as_said(rest, &printed[skipped..]))
        }
        (Some((first, rest)), Some((line, after))) => {
            line_is(first, line) && is_as_said(rest, after)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// A shell with the command on its path.
fn shell(folder: &Path, command: &str) -> Command {
    let binaries = Path::new(env!("CARGO_BIN_EXE_avouch")).parent().expect("folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> =
        std::iter::once(binaries.to_owned()).chain(std::env::split_paths(&others)).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", std::env::join_paths(path).expect("path"));
    support::clean(&mut shell);
    shell
}

/// A command that keeps running until the test ends.
struct Background(Child);

impl Background {
    /// Starts it and waits for its first line.
    fn start(folder: &Path, command: &str, expected: &[String]) -> Self {
        let command = format!("exec {}", command.trim_end_matches('&'));
        let mut child = shell(folder, &command)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        std::io::BufReader::new(stdout).read_line(&mut line).expect("a line");
        assert_eq!(Some(line.trim()), expected.first().map(String::as_str), "$ {command}");
        Self(child)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_missing(tool: &str) -> bool {
    // What is there runs, whether it knows the option or not.
    let quiet = (Stdio::null(), Stdio::null());
    Command::new(tool).arg("--version").stdout(quiet.0).stderr(quiet.1).status().is_err()
}

/// Runs the examples of a page in order, in a folder of their own.
fn check_examples(page: &str, examples_min: usize) {
    let mut document = std::fs::read_to_string(page).expect("the page");
    // Held together, so that they differ.
    let free = [":8443", ":8444"].map(|said| (said, TcpListener::bind("127.0.0.1:0").unwrap()));
    for (said, listener) in &free {
        let port = listener.local_addr().unwrap().port();
        document = document.replace(said, &format!(":{port}"));
    }
    drop(free);
    let folder = Folder::new("documentation");
    let mut background = Vec::new();
    let examples = examples(&document);
    assert!(examples.len() >= examples_min, "only {} examples", examples.len());
    for example in &examples {
        if let Some(tool) = example.needs.as_deref().filter(|tool| is_missing(tool)) {
            eprintln!("skipped: there is no {tool} for: {}", example.command);
            continue;
        }
        if example.command.ends_with('&') {
            let started = Background::start(folder.path(), &example.command, &example.expected);
            background.push(started);
            continue;
        }
        let run = support::run(&mut shell(folder.path(), &example.command));
        let printed: Vec<&str> = run.stdout.lines().collect();
        let said = example.command.as_str();
        assert_eq!(run.status, example.status, "$ {said}\n{}\n{}", run.stdout, run.stderr);
        assert!(is_as_said(&example.expected, &printed), "$ {said}\n{}", run.stdout);
    }
}

#[test]
fn every_example_of_the_page_on_the_command_line_prints_what_the_page_says() {
    check_examples(DOCUMENT, 20);
}

#[test]
fn every_example_of_the_page_on_endorsements_prints_what_the_page_says_without_a_network() {
    const OWN: &str =
        "every_example_of_the_page_on_endorsements_prints_what_the_page_says_without_a_network";
    air_gap::run(OWN, || check_examples(ENDORSEMENTS, 20));
}

#[test]
fn every_example_of_the_pages_on_linux_prints_what_the_page_says() {
    check_examples(IMA, 2);
    check_examples(VERITY, 2);
}

#[test]
fn every_example_of_the_page_on_trust_domains_prints_what_the_page_says() {
    check_examples(TDX, 4);
}

#[test]
fn every_example_of_the_page_on_enclaves_prints_what_the_page_says() {
    check_examples(VBS, 6);
}

#[test]
fn the_examples_of_guests_print_what_they_are_said_to_print() {
    check_examples(TRUSTED_LAUNCH, 5);
    check_examples(AZURE_CVM, 4);
}

#[test]
fn every_command_has_a_section_with_an_example() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/cli.md");
    let help = support::avouch(["--help"]).expect_status(0).stdout;
    let commands = help.split("Commands:").nth(1).expect("commands");
    let commands = commands.lines().skip(1).take_while(|line| !line.trim().is_empty());
    let mut found = 0;
    for line in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("a name");
        if name == "help" {
            continue;
        }
        assert!(document.contains(&format!("\n## {name}\n")), "no section on {name}");
        let example = format!("avouch {name} ");
        assert!(examples(&document).iter().any(|one| one.command.contains(&example)), "{name}");
        found += 1;
    }
    assert!(found >= 7, "only {found} commands in the help");
}

#[test]
fn lines_that_differ_from_what_is_said_are_noticed() {
    let said = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(is_as_said(&said(&["a …", "...", "z"]), &["a   b", "c", "d", "z"]));
    assert!(is_as_said(&said(&["...", "a"]), &["a"]));
    assert!(!is_as_said(&said(&["a …", "...", "z"]), &["b", "z"]));
    assert!(!is_as_said(&said(&["a", "...", "z"]), &["a", "z", "y"]));
    assert!(!is_as_said(&said(&["a"]), &["a", "b"]));
    assert!(!is_as_said(&said(&["a", "b"]), &["a"]));
    assert!(!line_is("x … y", "x z"));
}
