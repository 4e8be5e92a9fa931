//! The README's commands do what it promises.
#![cfg(test)]

mod support;

use std::process::{Command, Stdio};

use support::Folder;

const README: &str = include_str!("../../../README.md");

/// The commands of the README's `console` blocks, in order.
fn commands() -> Vec<&'static str> {
    let blocks = README.split("```console\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .collect()
}

#[test]
fn every_command_of_the_readme_is_known_here() {
    let known =
        ["cargo run -p avouch -- demo", "cargo install --path crates/cli", "cargo xtask test"];
    for command in commands() {
        let ours = command.starts_with("avouch ");
        assert!(ours || known.contains(&command), "{command} is run by no test");
    }
}

#[test]
fn the_readmes_avouch_commands_succeed_in_order() {
    let folder = Folder::new("readme");
    let mut run = 0;
    for command in commands() {
        let Some(words) = command.strip_prefix("avouch ") else { continue };
        let mut words: Vec<&str> = words.split(' ').collect();
        let serves = words.first() == Some(&"serve");
        if serves {
            words.extend(["--listen", "127.0.0.1:0"]);
        }
        let mut process = Command::new(env!("CARGO_BIN_EXE_avouch"));
        process.args(&words).current_dir(folder.path()).stdin(Stdio::null());
        if serves {
            // It serves until it is stopped: its URL on standard output says that it answers.
            use std::io::{BufRead as _, BufReader};
            let mut child = process.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut url = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(url.starts_with("https://localhost:"), "{command}: {url:?}");
        } else {
            let output = process.output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{command}: {error}");
        }
        run += 1;
    }
    assert!(run >= 4, "only {run} commands");
}
