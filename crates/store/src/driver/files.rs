//! The files of a SQLite database, known by what they are and not only by their names.
//!
//! SQLite goes on writing into a file that was deleted, and says that all went well. What is
//! written so is gone with the process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Database and write-ahead log as they were opened.
#[derive(Debug)]
pub(crate) struct DatabaseFiles {
    files: Vec<(PathBuf, Identity)>,
}

/// Device and number of a file: the same for as long as it exists, under whatever name.
type Identity = (u64, u64);

impl DatabaseFiles {
    /// Notes the files of the open database at `path`. SQLite keeps the log for as long as there
    /// is a connection.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let mut files = Vec::new();
        for path in [path.to_owned(), PathBuf::from(log)] {
            let identity = identity(&path)?;
            files.push((path, identity));
        }
        Ok(Self { files })
    }

    /// Refuses if another process would not find in these places what is written here.
    ///
    /// Asked on one other thread for all of them: a file system may hang.
    pub(crate) async fn check(self: &Arc<Self>) -> io::Result<()> {
        let files = Arc::clone(self);
        let checked = tokio::task::spawn_blocking(move || files.check_here()).await;
        checked.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn check_here(&self) -> io::Result<()> {
        for (path, noted) in &self.files {
            let found = identity(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{} is gone: {error}", path.display()))
            })?;
            if found != *noted {
                let message = format!(
                    "{} is another file than the one in use; restart to use it",
                    path.display()
                );
                return Err(io::Error::other(message));
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Elsewhere files in use cannot be deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|_| (0, 0))
}
