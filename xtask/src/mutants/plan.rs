//! The mutants of all crates, and the files that hold them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Subject;
use super::edit::{Edit, Owner, Piece, render};
use super::find::{Mutant, Next, find};
use super::results::hash;
use super::tree;

const SWITCH: &str = include_str!("switch.txt");

/// All mutants, with what has been taken out because it does not compile.
pub(crate) struct Plan {
    pub(crate) mutants: Vec<Mutant>,
    files: BTreeMap<PathBuf, File>,
    strips: Vec<Strip>,
    /// What has been taken out, with the compiler's reason.
    dropped: BTreeMap<Owner, String>,
    /// Roots of the mutated crates; each gets a switch.
    libraries: BTreeSet<PathBuf>,
    /// Where inserted texts stand in the files as last written.
    pieces: BTreeMap<PathBuf, Vec<Piece>>,
}

/// A function that loses the word `const`.
struct Strip {
    number: u32,
    file: PathBuf,
    name: String,
    body: std::ops::Range<usize>,
}

struct File {
    text: String,
    edits: Vec<Edit>,
    /// The numbers of its owners begin here.
    first: Next,
}

/// What does not compile in one file: found once, as long as the file stays the same.
#[derive(Debug, Serialize, Deserialize)]
struct KnownFile {
    file_hash: u64,
    edits: usize,
    /// Owners, numbered from the start of the file, with the compiler's reason.
    dropped: Vec<(Owner, String)>,
}

/// Switches in each crate: more than all mutants together.
const SWITCHES: &str = "65536";

impl Plan {
    /// Reads the files of subjects and finds their mutants.
    ///
    /// # Errors
    /// A file cannot be read or is not Rust.
    pub(crate) fn new(root: &Path, subjects: &[Subject]) -> Result<Self, String> {
        let mut next = Next::default();
        let (mut mutants, mut files, mut strips) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (mut sites, mut constants) = (Vec::new(), HashSet::new());
        let read = |path: &Path| {
            let whole = root.join(path);
            std::fs::read_to_string(&whole).map_err(|error| format!("{}: {error}", path.display()))
        };
        for source in subjects.iter().flat_map(|subject| subject.sources) {
            for path in tree::rust_files(root, source)? {
                let text = read(&path)?;
                let found = find(&path.to_string_lossy(), &text, next)?;
                let first = next;
                next = next.after(&found);
                mutants.extend(found.mutants);
                let numbered = found.strips.into_iter().zip(first.strip..);
                strips.extend(numbered.map(|((name, body), number)| Strip {
                    number,
                    file: path.clone(),
                    name,
                    body,
                }));
                sites.extend(found.sites.into_iter().zip(first.site..));
                constants.extend(found.constants);
                files.insert(path, File { text, edits: found.edits, first });
            }
        }
        let library = |subject: &Subject| PathBuf::from(subject.folder).join("src/lib.rs");
        let libraries: BTreeSet<PathBuf> = subjects.iter().map(library).collect();
        for library in &libraries {
            if !files.contains_key(library) {
                let (text, edits) = (read(library)?, Vec::new());
                files.insert(library.clone(), File { text, edits, first: next });
            }
        }
        // Reading a constant that has no mutants stays as it is.
        let idle = sites.iter().filter(|(name, _)| !constants.contains(name));
        let dropped = idle.map(|(_, number)| (Owner::Site(*number), String::new())).collect();
        Ok(Self { mutants, files, strips, dropped, libraries, pieces: BTreeMap::new() })
    }

    /// The files that this plan writes.
    pub(crate) fn paths(&self) -> BTreeSet<PathBuf> {
        self.files.keys().cloned().collect()
    }

    /// The text of a file before any edit.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files.get(Path::new(path)).map_or("", |file| file.text.as_str())
    }

    /// Writes the files with all that has not been taken out.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn write(&mut self, tree: &Path) -> Result<(), String> {
        for (path, file) in &self.files {
            let kept: Vec<&Edit> = file.edits.iter().filter(|edit| self.is_kept(edit)).collect();
            let rendered = render(&file.text, &kept);
            let mut text = rendered.text;
            if self.libraries.contains(path) {
                text.push_str(&SWITCH.replace("COUNT", SWITCHES));
            }
            tree::write(&tree.join(path), text.as_bytes())?;
            self.pieces.insert(path.clone(), rendered.pieces);
        }
        Ok(())
    }

    fn is_kept(&self, edit: &Edit) -> bool {
        !self.dropped.contains_key(&edit.owner)
    }

    /// The inserted texts of a file as last written.
    pub(crate) fn pieces(&self, path: &str) -> &[Piece] {
        self.pieces.get(Path::new(path)).map_or(&[], Vec::as_slice)
    }

    /// Takes an owner's edits out; whether that is new.
    pub(crate) fn drop_owner(&mut self, owner: Owner, reason: &str) -> bool {
        owner != Owner::Frame && self.dropped.insert(owner, reason.to_owned()).is_none()
    }

    /// The mutants that do not compile, each with the compiler's reason, as lines of text.
    pub(crate) fn not_compiled(&self) -> String {
        let line = |mutant: &Mutant| {
            let reason = self.dropped.get(&Owner::Mutant(mutant.number))?;
            Some(format!("{}: {reason}\n", mutant.key()))
        };
        self.mutants.iter().filter_map(line).collect()
    }

    /// Gives functions of a name the word `const` back, without any mutant in them.
    pub(crate) fn keep_const(&mut self, name: &str) -> bool {
        let mut is_new = false;
        for Strip { number, file, body, .. } in self.strips.iter().filter(|one| one.name == name) {
            is_new |= self.dropped.insert(Owner::Strip(*number), String::new()).is_none();
            let edits = self.files.get(file).map_or(&[][..], |file| file.edits.as_slice());
            for edit in edits {
                let inside = body.start <= edit.range.start && edit.range.end <= body.end;
                if inside && !matches!(edit.owner, Owner::Strip(_) | Owner::Frame) {
                    let reason = format!("`{name}` is computed by the compiler");
                    self.dropped.insert(edit.owner, reason);
                }
            }
        }
        is_new
    }

    /// Takes out what an earlier build took out of files that are the same.
    pub(crate) fn recall(&mut self, path: &Path) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let known: BTreeMap<PathBuf, KnownFile> = serde_json::from_str(&text).unwrap_or_default();
        for (path, file) in &self.files {
            let same = |known: &&KnownFile| {
                known.file_hash == hash(&file.text) && known.edits == file.edits.len()
            };
            let dropped = known.get(path).filter(same).map_or(&[][..], |known| &known.dropped);
            let numbered = dropped.iter().map(|(owner, why)| (file.first.plus(*owner), why));
            self.dropped.extend(numbered.map(|(owner, why)| (owner, why.clone())));
        }
    }

    /// Keeps what was taken out for the next build.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn remember(&self, path: &Path) -> Result<(), String> {
        let known = |file: &File| {
            let owners: BTreeSet<Owner> = file.edits.iter().map(|edit| edit.owner).collect();
            let reason = |owner: &Owner| {
                let number = file.first.minus(*owner);
                self.dropped.get(owner).map(|why| (number, why.clone()))
            };
            let dropped = owners.iter().filter_map(reason).collect();
            KnownFile { file_hash: hash(&file.text), edits: file.edits.len(), dropped }
        };
        let all: BTreeMap<&PathBuf, KnownFile> =
            self.files.iter().map(|(path, file)| (path, known(file))).collect();
        let text = serde_json::to_string(&all).map_err(|error| error.to_string())?;
        tree::write(path, text.as_bytes())
    }

    /// The mutants that are left.
    pub(crate) fn alive(&self) -> Vec<&Mutant> {
        let kept = |mutant: &&Mutant| !self.dropped.contains_key(&Owner::Mutant(mutant.number));
        self.mutants.iter().filter(kept).collect()
    }
}

impl Next {
    fn after(self, found: &super::find::Found) -> Self {
        // Room for more: a change of one file leaves the numbers of the others.
        const ROOM: u32 = 256;
        let more = |number: u32, count: usize| {
            let end = number.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            end.saturating_add(1).next_multiple_of(ROOM)
        };
        Self {
            mutant: more(self.mutant, found.mutants.len()),
            site: more(self.site, found.sites.len()),
            strip: more(self.strip, found.strips.len()),
        }
    }

    fn plus(self, owner: Owner) -> Owner {
        match owner {
            Owner::Mutant(number) => Owner::Mutant(number.saturating_add(self.mutant)),
            Owner::Site(number) => Owner::Site(number.saturating_add(self.site)),
            Owner::Strip(number) => Owner::Strip(number.saturating_add(self.strip)),
            Owner::Frame => Owner::Frame,
        }
    }

    fn minus(self, owner: Owner) -> Owner {
        match owner {
            Owner::Mutant(number) => Owner::Mutant(number.saturating_sub(self.mutant)),
            Owner::Site(number) => Owner::Site(number.saturating_sub(self.site)),
            Owner::Strip(number) => Owner::Strip(number.saturating_sub(self.strip)),
            Owner::Frame => Owner::Frame,
        }
    }
}
