//! Where imported endorsements go: a folder that the service reads, or its database.

use std::fmt;
use std::path::{Path, PathBuf};

use avouch_endorsements::{Bundle, EndorsementSet};
use avouch_server::Config;
use avouch_server::config::TrustRoot;
use avouch_store::ImportedEndorsements;
use avouch_wire::UnixTime;

use super::ImportArgs;
use crate::commands::endorsements::service::{self, Database};
use crate::commands::endorsements::write_whole;
use crate::failure::{Failure, read};
use crate::fleet::is_file;
use crate::setup;

/// The file of a folder that holds what was imported.
const IMPORTED: &str = "imported.json";

/// Where it goes.
pub(super) enum Place {
    Folder(PathBuf),
    Service { config: Box<Config>, database: Database },
}

impl Place {
    pub(super) fn of(args: &ImportArgs) -> Result<Self, Failure> {
        let Some(file) = &args.config else {
            return Ok(Self::Folder(args.into.clone().unwrap_or_default()));
        };
        let config = service::configuration(file)?;
        let database = Database::of(Some(&config), args.data_dir.as_deref())?;
        Ok(Self::Service { config: Box::new(config), database })
    }

    /// Roots that the service trusts besides the vendors' own.
    pub(super) fn trust_roots(&self) -> Vec<TrustRoot> {
        match self {
            Self::Folder(_) => Vec::new(),
            Self::Service { config, .. } => config.appraisal.trust_roots.0.clone(),
        }
    }

    /// What was imported before, and the number of that import, where they are counted.
    pub(super) fn imported(&self, at: UnixTime) -> Result<(Bundle, u64), Failure> {
        let (bytes, revision) = match self {
            Self::Folder(folder) => {
                let file = folder.join(IMPORTED);
                (file.exists().then(|| read(&file)).transpose()?, 0)
            }
            Self::Service { database, .. } => match database.imported()? {
                Some(ImportedEndorsements { bundle, revision, .. }) => (Some(bundle), revision),
                None => (None, 0),
            },
        };
        let Some(bytes) = bytes else { return Ok((Bundle::default(), revision)) };
        let name = self.to_string();
        let bundle = Bundle::read(&bytes, &name, at)
            .map_err(|error| Failure::Other(format!("{name}: {error}")))?;
        Ok((bundle, revision))
    }

    /// Everything that the service judges by, with this in place of what was imported before.
    pub(super) fn endorsements_with(&self, bundle: &Bundle) -> Result<EndorsementSet, Failure> {
        match self {
            Self::Folder(folder) => {
                let others = EndorsementSet::load(&others(folder)?).map_err(Failure::other)?;
                Ok(others.with_file(bundle))
            }
            Self::Service { config, database } => {
                let section = &config.endorsements;
                let files = setup::endorsements(section, section.amd_crl_rule(false));
                let fetched = database.fetched()?;
                Ok(files.map_err(Failure::other)?.with_file(bundle).with(fetched))
            }
        }
    }

    /// Puts a bundle there, whole, in place of the one of the import with this number. Of a database, the
    /// audit trail tells who signed it.
    pub(super) fn put(
        &self,
        bundle: &[u8],
        after: u64,
        signer: Option<&str>,
        at: UnixTime,
    ) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|source| Failure::Write { path: folder.clone(), source })?;
                write_whole(&folder.join(IMPORTED), bundle)
            }
            Self::Service { database, .. } => database.import(bundle, after, signer, at),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.join(IMPORTED).display()),
            Self::Service { database, .. } => write!(f, "{database}"),
        }
    }
}

/// What a folder has beside what was imported.
fn others(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |source| Failure::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.retain(|path| is_file(path) && path.file_name().is_none_or(|name| name != IMPORTED));
    paths.sort();
    Ok(paths)
}
