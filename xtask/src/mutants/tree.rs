//! A copy of the workspace, in which mutants are built; files that did not change keep their time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is no source, by name.
const LEFT_OUT: [&str; 3] = [".git", "node_modules", "avouch-data"];

/// Copies a workspace, except for files that are written by others.
///
/// # Errors
/// A sentence with the path of what cannot be read or written.
pub(crate) fn copy(from: &Path, to: &Path, except: &BTreeSet<PathBuf>) -> Result<(), String> {
    copy_folder(from, to, Path::new(""), except)
}

fn copy_folder(
    from: &Path,
    to: &Path,
    folder: &Path,
    except: &BTreeSet<PathBuf>,
) -> Result<(), String> {
    let source = from.join(folder);
    let target = to.join(folder);
    fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    let mut kept = BTreeSet::new();
    for entry in entries(&source)? {
        let Some(name) = entry.file_name().map(ToOwned::to_owned) else { continue };
        let text = name.to_string_lossy();
        if text.starts_with("target") || LEFT_OUT.contains(&text.as_ref()) {
            continue;
        }
        kept.insert(name.clone());
        let path = folder.join(&name);
        if entry.is_dir() {
            copy_folder(from, to, &path, except)?;
        } else if entry.is_file() && !except.contains(&path) {
            let bytes =
                fs::read(&entry).map_err(|error| format!("{}: {error}", entry.display()))?;
            write(&to.join(&path), &bytes)?;
        }
    }
    for entry in entries(&target)? {
        if entry.file_name().is_some_and(|name| !kept.contains(name)) {
            remove(&entry)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

fn remove(path: &Path) -> Result<(), String> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file unless it holds this already.
///
/// # Errors
/// A sentence with the path.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a file is Rust and no module of unit tests.
fn is_source(path: &str) -> bool {
    path.ends_with(".rs") && !path.ends_with("tests.rs")
}

/// Rust files of a path: itself, or all below it; paths from the root.
///
/// # Errors
/// A sentence with the path of what cannot be read.
pub(crate) fn rust_files(root: &Path, path: &str) -> Result<Vec<PathBuf>, String> {
    let whole = root.join(path);
    if whole.is_file() {
        return Ok(vec![PathBuf::from(path)]);
    }
    let mut found = Vec::new();
    for entry in entries(&whole)? {
        let relative = entry.strip_prefix(root).unwrap_or(&entry).to_owned();
        if entry.is_dir() {
            found.extend(rust_files(root, &relative.to_string_lossy())?);
        } else if is_source(&relative.to_string_lossy()) {
            found.push(relative);
        }
    }
    found.sort();
    Ok(found)
}
