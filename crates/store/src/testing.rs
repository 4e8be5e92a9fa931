//! A PostgreSQL of our own, for tests and benchmarks of this crate and of the server.
//!
//! [`PostgresServer::start`] makes a cluster in a temporary directory from the Debian packages
//! and serves it on a Unix socket there; nothing listens on the network. PostgreSQL refuses to
//! run as root, so root drops to `nobody` for it. The server ends with its handle, and also when
//! the test process dies: it lives as long as a pipe that this process holds open.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use avouch_wire::UnixTime;

use crate::error::StoreError;
use crate::migrate::{MIGRATIONS, fingerprint, migrate};
use crate::options::StoreOptions;
use crate::store::connect;

/// Set it, and the absence of PostgreSQL fails tests instead of skipping them.
pub const REQUIRED: &str = "AVOUCH_POSTGRES_REQUIRED";
/// Folder of `initdb` and `postgres`, if they are not where Debian puts them.
pub const BIN_DIR: &str = "AVOUCH_POSTGRES_BIN";
/// Debian's versioned folders.
const DEBIAN_DIR: &str = "/usr/lib/postgresql";
/// User and group `nobody` and `nogroup` of Debian.
const NOBODY: u32 = 65_534;
/// How long the server may take to answer.
const START_SECONDS_MAX: u64 = 60;

/// Why no server runs.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No `initdb` and `postgres` found.
    #[error("no PostgreSQL server is installed")]
    NotInstalled,
    /// The operating system refused.
    #[error("cannot {0}: {1}")]
    Io(&'static str, #[source] io::Error),
    /// A program failed; its output.
    #[error("{0} failed: {1}")]
    Failed(&'static str, String),
}

/// Whether what is written survives the machine, or only the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production: for benchmarks.
    Synced,
    /// Without fsync: for tests.
    Fast,
}

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    /// Holds the pipe whose end stops the server.
    keeper: Child,
    directory: tempfile::TempDir,
    bin: PathBuf,
    /// Names the socket; also listened on at loopback when there is a certificate.
    port: u16,
    databases: AtomicU64,
}

/// Certificate and private key of a server, both PEM.
#[derive(Debug, Clone, Copy)]
pub struct ServerIdentity<'a> {
    /// The certificate, PEM.
    pub certificate: &'a str,
    /// Its key, PKCS#8 PEM.
    pub key: &'a str,
}

impl PostgresServer {
    /// Starts a server, or `None` with a printed notice when none is installed.
    ///
    /// # Panics
    /// When one is installed but does not start, or none is installed although [`REQUIRED`] is
    /// set: both must fail a test, not skip it.
    #[must_use]
    #[expect(clippy::panic, clippy::print_stderr, reason = "called by tests only")]
    pub fn start_or_skip() -> Option<Self> {
        match Self::start(Durability::Fast) {
            Ok(server) => Some(server),
            Err(PostgresError::NotInstalled) if std::env::var_os(REQUIRED).is_none() => {
                eprintln!("notice: no PostgreSQL server is installed, its tests are skipped");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a server.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn start(durability: Durability) -> Result<Self, PostgresError> {
        Self::start_with(durability, None)
    }

    /// Starts a server that also takes connections at loopback, with TLS, for tests of TLS.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn start_with_tls(identity: ServerIdentity<'_>) -> Result<Self, PostgresError> {
        Self::start_with(Durability::Fast, Some(identity))
    }

    fn start_with(
        durability: Durability,
        identity: Option<ServerIdentity<'_>>,
    ) -> Result<Self, PostgresError> {
        let bin = find_binaries().ok_or(PostgresError::NotInstalled)?;
        let directory = tempfile::Builder::new()
            .prefix("avouch-pg-")
            .tempdir()
            .map_err(|error| PostgresError::Io("make a temporary directory", error))?;
        let owner = fs::metadata("/proc/self")
            .map(|process| process.uid())
            .map_err(|error| PostgresError::Io("read the user of this process", error))?;
        let drop_root = owner == 0;
        prepare(directory.path(), drop_root)
            .map_err(|error| PostgresError::Io("prepare the temporary directory", error))?;
        init(&bin, directory.path(), drop_root)?;
        let mut settings = vec!["max_connections=200".to_owned()];
        if durability == Durability::Fast {
            settings.extend(["fsync=off".to_owned(), "full_page_writes=off".to_owned()]);
        }
        let port = match identity {
            None => {
                settings.push("listen_addresses=".to_owned());
                5432
            }
            Some(identity) => {
                let port = install(directory.path(), drop_root, identity)
                    .map_err(|error| PostgresError::Io("install the certificate", error))?;
                settings.extend(["listen_addresses=127.0.0.1".to_owned(), "ssl=on".to_owned()]);
                port
            }
        };
        settings.push(format!("port={port}"));
        let keeper = spawn(&bin, directory.path(), &settings, drop_root)
            .map_err(|error| PostgresError::Io("start postgres", error))?;
        let server = Self { keeper, directory, bin, port, databases: AtomicU64::new(0) };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// A new, empty database; returns its URL for [`crate::Store::open`].
    ///
    /// # Errors
    /// [`PostgresError::Failed`].
    pub fn create_database(&self) -> Result<String, PostgresError> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("create database {name} template template0 encoding 'UTF8'"))?;
        Ok(self.url(&name))
    }

    /// The URL of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (port, directory) = (self.port, self.directory.path().display());
        format!("postgres://postgres@localhost:{port}/{database}?host={directory}")
    }

    /// The port at loopback of a server with TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs one statement with the server's own client and returns what it prints, unadorned.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn sql(&self, statement: &str) -> Result<String, PostgresError> {
        self.psql("postgres", statement)
    }

    /// As [`PostgresServer::sql`], in a database of that name.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub fn psql(&self, database: &str, statement: &str) -> Result<String, PostgresError> {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d"])
            .arg(database)
            .arg("-h")
            .arg(self.directory.path())
            .args(["-p", &self.port.to_string(), "-c", statement])
            .output()
            .map_err(|error| PostgresError::Io("run psql", error))?;
        succeeded("psql", &output)
    }

    fn wait_until_ready(&self) -> Result<(), PostgresError> {
        let started = Instant::now();
        loop {
            match self.sql("select 1") {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > Duration::from_secs(START_SECONDS_MAX) => {
                    return Err(error);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // End of the pipe: the keeper stops the server, then ends.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn find_binaries() -> Option<PathBuf> {
    let has_server = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if let Some(dir) = std::env::var_os(BIN_DIR) {
        return Some(PathBuf::from(dir)).filter(|dir| has_server(dir));
    }
    let newest = fs::read_dir(DEBIAN_DIR)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| has_server(bin))
        .max_by_key(|(version, _)| *version);
    newest.map(|(_, bin)| bin)
}

/// The directory belongs to the server's user; other users of the machine stay out.
fn prepare(directory: &Path, drop_root: bool) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    if drop_root { chown(directory, Some(NOBODY), Some(NOBODY)) } else { Ok(()) }
}

fn as_server_user(command: &mut Command, directory: &Path, drop_root: bool) {
    command.current_dir(directory).env("LC_ALL", "C").env("CLUSTER", directory);
    if drop_root {
        command.uid(NOBODY).gid(NOBODY);
    }
}

fn init(bin: &Path, directory: &Path, drop_root: bool) -> Result<(), PostgresError> {
    let mut command = Command::new(bin.join("initdb"));
    command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D"]);
    command.arg(directory.join("data")).stdin(Stdio::null());
    as_server_user(&mut command, directory, drop_root);
    let output = command.output().map_err(|error| PostgresError::Io("run initdb", error))?;
    succeeded("initdb", &output).map(|_| ())
}

/// Puts certificate and key where the server reads them, and finds a free port.
fn install(directory: &Path, drop_root: bool, identity: ServerIdentity<'_>) -> io::Result<u16> {
    for (name, text) in [("server.crt", identity.certificate), ("server.key", identity.key)] {
        let path = directory.join("data").join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if drop_root {
            chown(&path, Some(NOBODY), Some(NOBODY))?;
        }
    }
    std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}

/// A shell between us and the server: it waits for the end of its input, which comes however
/// this process ends, then stops the server it started and removes the cluster.
fn spawn(bin: &Path, directory: &Path, settings: &[String], drop_root: bool) -> io::Result<Child> {
    const KEEPER: &str = r#"
        "$0" "$@" </dev/null >"$CLUSTER/log" 2>&1 &
        server=$!
        read -r _
        kill -INT "$server"
        wait "$server"
        rm -rf "$CLUSTER"
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER]).arg(bin.join("postgres"));
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory);
    command.args(settings.iter().flat_map(|setting| ["-c", setting.as_str()]));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A signal to the group of the tests must not end the keeper before it has cleaned up.
    command.process_group(0);
    as_server_user(&mut command, directory, drop_root);
    command.spawn()
}

fn succeeded(program: &'static str, output: &Output) -> Result<String, PostgresError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PostgresError::Failed(program, text))
}

/// Makes a database as a released program of schema `version` left it, for migration tests.
///
/// # Errors
/// As [`crate::Store::open`].
pub async fn create_schema(location: &str, version: u32, at: UnixTime) -> Result<(), StoreError> {
    let database = connect(location, &StoreOptions::default()).await?;
    let through = MIGRATIONS.get(..version as usize).unwrap_or(MIGRATIONS);
    let done = migrate(&database, through, at).await;
    database.close().await;
    done
}

/// Runs SQL against a database as it is, without migrating it.
///
/// `x:00ff` in single quotes becomes a byte literal of the database at hand.
///
/// # Errors
/// [`StoreError::Unavailable`], [`StoreError::Database`].
pub async fn run_script(location: &str, script: &str) -> Result<(), StoreError> {
    let database = connect(location, &StoreOptions::default()).await?;
    let bytes = if database.is_postgres() { "'\\x" } else { "x'" };
    let mut tx = database.begin_write("run a script").await?;
    let done = match tx.execute_script(script.replace("'x:", bytes)).await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            // Closing waits for every connection to come back.
            drop(tx);
            Err(error)
        }
    };
    database.close().await;
    done
}

/// Version, name and the SHA-256 of both texts of every migration of this program.
#[must_use]
pub fn migrations() -> Vec<(u32, &'static str, String, String)> {
    MIGRATIONS
        .iter()
        .map(|it| (it.version, it.name, fingerprint(it.sqlite), fingerprint(it.postgres)))
        .collect()
}

/// Bytes of memory that this process holds now (resident set), for benchmarks on Linux.
///
/// # Errors
/// When the process status cannot be read.
pub fn resident_bytes() -> io::Result<u64> {
    let mut status = String::new();
    fs::File::open("/proc/self/status")?.read_to_string(&mut status)?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .ok_or_else(|| io::Error::other("no VmRSS in the process status"))?;
    Ok(kibibytes.saturating_mul(1024))
}

/// A database with one table of its own: what one row costs that is there when the next begins, with
/// nothing of this crate around it. For benchmarks.
#[derive(Debug)]
pub struct BareRows(sqlx::SqlitePool);

impl BareRows {
    /// Makes the table in a file, or in memory for `:memory:`, as durable as a store is there.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn open(location: &str) -> Result<Self, sqlx::Error> {
        let options = sqlx::sqlite::SqliteConnectOptions::new();
        let options = if location == ":memory:" {
            options.in_memory(true)
        } else {
            let options = options.filename(location).create_if_missing(true);
            let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
            options.synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        };
        let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).min_connections(1);
        let pool = pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
        let pool = pool.connect_with(options).await?;
        sqlx::query("create table bare_rows (text text)").execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Writes a row.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn write(&self, text: &str) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("insert into bare_rows (text) values ($1)").bind(text);
        insert.execute(&self.0).await.map(drop)
    }
}
