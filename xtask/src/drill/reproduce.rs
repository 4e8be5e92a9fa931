//! The drill of a release: the same revision built twice, where nothing but the sources is the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::mutants::tree;
use crate::release::{Build, cargo_home, inputs, revision_time, sha256};
use crate::run::{Outcome, cargo, command, say, step, target, workspace};

/// Of cargo's folder, what a build without a network needs; nothing that only its owner should have.
const REGISTRY: [&str; 2] = ["registry/index", "registry/cache"];

/// Builds in two folders of other names and depths, with two folders of cargo's, and compares the bytes.
pub(crate) fn reproduce() -> Outcome {
    let own = target().join("reproduce");
    let epoch = revision_time()?;
    step("fetch", &mut cargo(&["fetch", "--locked"]))?;
    let homes = [cargo_home()?, own.join("registry-of-another")];
    copy_registry(&homes)?;
    let folders = [own.join("one"), own.join("another/of-a-longer-name")];
    for sources in &folders {
        tree::copy(&workspace(), sources, &BTreeSet::new())?;
    }
    let mut built = Vec::new();
    for (sources, home) in folders.iter().zip(&homes) {
        let products = sources.join("target");
        let build = Build { sources, target: &products, cargo_home: home, epoch: &epoch };
        built.push(build.run()?);
    }
    say(&inputs(&epoch)?);
    built.iter().try_for_each(|file| sha256(file).map(|line| say(&line)))?;
    match built.as_slice() {
        [one, another] => same(one, another),
        _ => Err("there are not two builds".to_owned()),
    }
}

fn copy_registry([from, to]: &[std::path::PathBuf; 2]) -> Outcome {
    for part in REGISTRY {
        let (from, to) = (from.join(part), to.join(part));
        let parent = to.parent().unwrap_or(&to);
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        let mut copy = command("cp", &["--archive", "--update"]);
        step("copy the registry", copy.arg(&from).arg(parent))?;
    }
    Ok(())
}

/// Compares the bytes; says where they begin to differ.
fn same(one: &Path, another: &Path) -> Outcome {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (first, second) = (read(one)?, read(another)?);
    if first == second {
        say(&format!("reproduced: {} bytes, the same in both folders", first.len()));
        return Ok(());
    }
    let offset = first.iter().zip(&second).take_while(|(left, right)| left == right).count();
    Err(format!(
        "the builds differ from byte {offset:#x} on ({} and {} bytes): {} and {}",
        first.len(),
        second.len(),
        one.display(),
        another.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn builds_are_the_same_only_byte_for_byte() {
        let folder = std::env::temp_dir().join(format!("avouch-reproduce-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let one = write("one", b"the same bytes");
        assert_eq!(same(&one, &write("two", b"the same bytes")), Ok(()));
        for (other, offset) in [(&b"the same Bytes"[..], "0x9"), (b"the same byte", "0xd")] {
            let error = same(&one, &write("other", other)).unwrap_err();
            assert!(error.contains(&format!("from byte {offset} on")), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
