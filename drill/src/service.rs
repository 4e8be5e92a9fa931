//! The service: minted endorsements, a configuration, a process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use avouch_mint::{Minted, Options, mint};
use avouch_wire::{EvidenceKind, UnixTime};

use crate::Outcome;
use crate::connect::{Target, request};
use crate::measure;

/// What the service is told that it may take for connections and requests, and for policies.
pub(crate) const MEMORY_BYTES_MAX: u64 = 256 << 20;
const POLICY_BYTES_MAX: u64 = 16 << 20;
/// What else it needs: the program, its threads, and appraisals under way on two processors.
const BESIDES_BYTES: u64 = 128 << 20;
/// All of it: what the system lets it have.
pub(crate) const ALLOWED_BYTES: u64 = MEMORY_BYTES_MAX + POLICY_BYTES_MAX + BESIDES_BYTES;

/// Where the log goes.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    /// Nobody needs it.
    Nowhere,
    /// To a disk without room.
    Full,
    /// Into a pipe that nobody reads.
    Stuck,
}

/// A running service; it ends with its handle.
pub(crate) struct Service {
    process: Child,
    pub(crate) target: Target,
    /// A good attest request as it is on the wire.
    pub(crate) attest: Vec<u8>,
    pub(crate) ca: PathBuf,
    /// Its body, in a file.
    pub(crate) request: PathBuf,
    group: Option<PathBuf>,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(group) = &self.group {
            let _ = std::fs::remove_dir(group);
        }
    }
}

impl Service {
    /// Starts it in a folder, with its data in another.
    pub(crate) async fn start(
        program: &str,
        folder: &Path,
        data: &Path,
        log: Log,
    ) -> Outcome<Self> {
        let minted = mint_sgx()?;
        let write = |name: &str, text: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, text).map(|()| path).map_err(|error| format!("{name}: {error}"))
        };
        let endorsements = write(minted.endorsements_name, &minted.endorsements)?;
        let root = write("root.pem", minted.root_pem.as_bytes())?;
        let body = write("request.json", minted.request.as_bytes())?;
        let config = write("avouch.toml", config().as_bytes())?;
        let group = memory_group();
        let mut process = Command::new("sh");
        process
            .args(["-c", &script(group.as_deref()), program])
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .arg("--data-dir")
            .arg(data)
            .arg("--endorsements")
            .arg(endorsements)
            .arg("--trust-root")
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_sink(log)?);
        let mut process = process.spawn().map_err(|error| format!("{program}: {error}"))?;
        let mut url = String::new();
        let stdout = process.stdout.take().ok_or("no standard output")?;
        let read = BufReader::new(stdout).read_line(&mut url);
        read.map_err(|error| format!("standard output: {error}"))?;
        let port = url.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| format!("the service did not start: {url:?}"))?;
        let ca = data.join("tls/ca.pem");
        let pem = std::fs::read(&ca).map_err(|error| format!("{}: {error}", ca.display()))?;
        let target = Target::new(port, &pem)?;
        let attest = request("POST", ATTEST, &minted.request);
        let service = Self { process, target, attest, ca, request: body, group };
        service
            .is_well(Duration::from_secs(20))
            .await
            .then_some(service)
            .ok_or_else(|| "the service does not attest good evidence".to_owned())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Whether good evidence is attested and the service says that it is ready, within a time.
    pub(crate) async fn is_well(&self, within: Duration) -> bool {
        let begun = Instant::now();
        let ready = request("GET", "/readyz", "");
        while begun.elapsed() < within {
            if measure::status(&self.target, &self.attest).await == Some(200)
                && measure::status(&self.target, &ready).await == Some(200)
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }
}

pub(crate) const ATTEST: &str = "/attest/SgxEnclave?api-version=2022-08-01";

fn mint_sgx() -> Outcome<Minted> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = UnixTime::EPOCH.saturating_add_seconds(i64::try_from(now).unwrap_or_default());
    mint(EvidenceKind::Sgx, &Options::new(now)).map_err(|error| format!("mint: {error}"))
}

fn config() -> String {
    format!(
        "[limits]\nmemory_bytes_max = {MEMORY_BYTES_MAX}\npolicy_bytes_max = {POLICY_BYTES_MAX}\n\
         connections_max = 2048\naddress_connections_max = 256\nrequest_seconds_max = 2\n\
         handshake_seconds_max = 2\n"
    )
}

/// Puts itself into the group, or limits its address space generously where there are no groups,
/// and becomes the program.
fn script(group: Option<&Path>) -> String {
    match group {
        Some(group) => format!("echo $$ > {}/cgroup.procs; exec \"$0\" \"$@\"", group.display()),
        // Address space is more than memory: each thread reserves some, and so does the allocator.
        None => {
            format!("ulimit -v {}; exec \"$0\" \"$@\"", ALLOWED_BYTES.saturating_mul(12) / 1024)
        }
    }
}

/// A group of processes that has no more memory than is allowed, where the system lets us make one.
fn memory_group() -> Option<PathBuf> {
    let group = PathBuf::from(format!("/sys/fs/cgroup/avouch-drill-{}", std::process::id()));
    std::fs::create_dir_all(&group).ok()?;
    let limited = std::fs::write(group.join("memory.max"), ALLOWED_BYTES.to_string());
    if limited.is_err() {
        let _ = std::fs::remove_dir(&group);
        return None;
    }
    let _ = std::fs::write(group.join("memory.swap.max"), "0");
    Some(group)
}

fn log_sink(log: Log) -> Outcome<Stdio> {
    match log {
        Log::Nowhere => Ok(Stdio::null()),
        Log::Full => {
            let file = std::fs::OpenOptions::new().write(true).open("/dev/full");
            file.map(Stdio::from).map_err(|error| format!("/dev/full: {error}"))
        }
        // The other end stays open, in the child's handle, and nobody reads it.
        Log::Stuck => Ok(Stdio::piped()),
    }
}
