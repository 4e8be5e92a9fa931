//! From file and environment to a checked configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;

use super::setting::Setting;
use super::{Config, ConfigError, FilesConfig, ReferenceValuesConfig};

/// Names of environment variables begin so; `__` stands between the levels of a key.
const PREFIX: &str = "AVOUCH_";

/// What file and environment say, before it is checked: so that two loads can be compared.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Setting,
    folder: Option<PathBuf>,
}

impl Settings {
    /// Loads a file and lays environment variables over it.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or is no TOML.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Self::parse("", "", environment) };
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Read {
            path: file.to_owned(),
            reason: error.to_string(),
        })?;
        let settings = Self::parse(&text, &file.display().to_string(), environment)?;
        Ok(Self { folder: Some(file.parent().unwrap_or(Path::new("")).to_owned()), ..settings })
    }

    fn parse(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let mut settings = Setting::from(toml::Value::Table(table));
        // In order of names, so that the outcome does not depend on the order of the environment.
        let words: BTreeMap<String, String> = environment.into_iter().collect();
        for (variable, word) in words {
            if let Some(path) = key_path(&variable) {
                settings.put(&path, Setting::Word(word));
            }
        }
        Ok(Self { values: settings, folder: None })
    }

    /// The configuration, checked.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key or variable.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::deserialize(self.values.clone())?;
        config.check()?;
        if let Some(folder) = &self.folder {
            config.resolve_paths(folder);
        }
        config.appraisal.files().try_for_each(FilesConfig::read_files)?;
        config.appraisal.reference_values().try_for_each(ReferenceValuesConfig::read_file)?;
        Ok(config)
    }

    /// The keys whose values differ, such as `server.listen`, in order.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        self.values.differences(&other.values)
    }
}

impl Config {
    /// Loads a file, lays environment variables over it and checks the result.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file, key or variable.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Settings::load(file, environment)?.config()
    }

    /// Reads the text of a file. `name` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(
        text: &str,
        name: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Settings::parse(text, name, environment)?.config()
    }

    /// Relative paths in a file start from the folder that it is in.
    fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
        let Self {
            server,
            database,
            auth,
            signing,
            endorsements,
            appraisal,
            monitoring,
            tee,
            publication,
            vault,
            telemetry,
            ..
        } = self;
        server.data_dir.iter_mut().for_each(resolve);
        if let Some(tls) = &mut server.tls {
            resolve(&mut tls.certificates);
            resolve(&mut tls.private_key);
            tls.client_ca.iter_mut().for_each(resolve);
        }
        database.url_file.iter_mut().for_each(resolve);
        auth.token_file.iter_mut().for_each(resolve);
        auth.issuers.iter_mut().filter_map(|issuer| issuer.ca_file.as_mut()).for_each(resolve);
        signing.paths().for_each(resolve);
        endorsements.paths.iter_mut().for_each(resolve);
        let sources = endorsements.sources.iter_mut().flatten();
        sources.filter_map(|source| source.ca_file.as_mut()).for_each(resolve);
        appraisal.trust_roots.0.iter_mut().for_each(|root| resolve(&mut root.file));
        appraisal.files().flat_map(FilesConfig::paths).for_each(resolve);
        appraisal.reference_values().for_each(|values| resolve(&mut values.file));
        monitoring.paths().for_each(resolve);
        tee.paths().for_each(resolve);
        publication.paths().for_each(resolve);
        vault.paths().for_each(resolve);
        telemetry.log_file.iter_mut().for_each(resolve);
    }

    /// Where the database is: the URL, the one in the file, or the embedded one in `data_dir`.
    ///
    /// # Errors
    /// [`ConfigError::Read`] for the file.
    pub fn database_location(&self, data_dir: &Path) -> Result<String, ConfigError> {
        match (&self.database.url, &self.database.url_file) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Read {
                    path: file.clone(),
                    reason: error.to_string(),
                })?;
                Ok(text.trim().to_owned())
            }
            (None, None) => Ok(data_dir.join("avouch.db").display().to_string()),
        }
    }
}

/// `AVOUCH_SERVER__PUBLIC_URL` is `server.public_url`. Names without a double underscore are no
/// settings: other parts of the command use some.
fn key_path(variable: &str) -> Option<Vec<String>> {
    let rest = variable.strip_prefix(PREFIX).filter(|rest| rest.contains("__"))?;
    Some(rest.split("__").map(str::to_ascii_lowercase).collect())
}
