//! The scenarios, one after the other.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::connect::request;
use crate::measure::{self, Seen};
use crate::report::{self, Row};
use crate::service::{Log, Service};
use crate::{Outcome, attack};

/// How long each scenario lasts, and how long until all is well again.
const TIME: Duration = Duration::from_secs(20);
const RECOVERY: Duration = Duration::from_secs(20);
/// The attacker's first moments are not measured: connections are being made.
const WARM_UP: Duration = Duration::from_secs(1);

/// Runs them all and says what was seen.
pub(crate) async fn all(program: &str, json: Option<&str>) -> Outcome<()> {
    let mut rows = attacks(program).await?;
    for (name, log) in [("log on a full disk", Log::Full), ("log that nobody reads", Log::Stuck)] {
        rows.push(with_log(program, name, log).await?);
    }
    match full_disk(program).await {
        Ok(row) => rows.push(row),
        Err(reason) => report::say(&format!("no scenario of a full data disk: {reason}")),
    }
    report::say(&format!("\n{}", report::table(&rows)));
    if let Some(path) = json {
        let text = report::json(&rows).to_string();
        std::fs::write(path, text).map_err(|error| format!("{path}: {error}"))?;
    }
    match report::broken(&rows) {
        0 => Ok(()),
        count => Err(format!("{count} scenarios broke a promise")),
    }
}

/// One service through all attacks: what one leaves behind, the next would show.
async fn attacks(program: &str) -> Outcome<Vec<Row>> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let data = folder.path().join("data");
    let mut service = Service::start(program, folder.path(), &data, Log::Nowhere).await?;
    report::say("idle");
    let idle = observe(&service, TIME).await?;
    let mut rows = vec![Row { name: "idle", seen: idle, recovered: true }];
    for name in attack::NAMES {
        report::say(name);
        let mut attacker = attacker(name, &service)?;
        tokio::time::sleep(WARM_UP).await;
        let seen = observe(&service, TIME).await?;
        let _ = attacker.kill().await;
        let recovered = service.is_well(RECOVERY).await && !service.has_ended();
        rows.push(Row { name, seen, recovered });
        if service.has_ended() {
            report::say("the service has ended");
            service = Service::start(program, folder.path(), &data, Log::Nowhere).await?;
        }
    }
    Ok(rows)
}

/// This program again, at the lowest priority: what it does itself is not the service's.
fn attacker(name: &str, service: &Service) -> Outcome<tokio::process::Child> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(own).args(["attack", name, &service.target.port.to_string()]);
    command.arg(&service.ca).arg(&service.request).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().map_err(|error| format!("nice: {error}"))
}

async fn observe(service: &Service, time: Duration) -> Outcome<Seen> {
    measure::during(&service.target, &service.attest, service.pid(), time).await
}

async fn with_log(program: &str, name: &'static str, log: Log) -> Outcome<Row> {
    report::say(name);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let data = folder.path().join("data");
    let mut service = Service::start(program, folder.path(), &data, log).await?;
    // Refusals are logged: enough of them to fill any pipe.
    let mut attacker = attacker(attack::REFUSALS, &service)?;
    let seen = observe(&service, TIME).await?;
    let _ = attacker.kill().await;
    let recovered = service.is_well(RECOVERY).await && !service.has_ended();
    Ok(Row { name, seen, recovered })
}

/// A data folder on a small file system that is filled and emptied again.
async fn full_disk(program: &str) -> Outcome<Row> {
    const NAME: &str = "data on a full disk, and back";
    report::say(NAME);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let disk = Disk::mount(&folder.path().join("disk"))?;
    let mut service = Service::start(program, folder.path(), &disk.path, Log::Nowhere).await?;
    let filler = disk.path.join("filler");
    disk.fill(&filler)?;
    let policy = "version=1.0; authorizationrules { => permit(); };";
    let jws = format!("eyJhbGciOiJub25lIn0.{}.", payload(policy));
    let set = request("PUT", "/policies/SgxEnclave?api-version=2022-08-01", &jws);
    let mut seen_full = false;
    let writing = async {
        // Until the disk has no page left for the database.
        for _ in 0..200 {
            match measure::status(&service.target, &set).await {
                Some(503) => seen_full = true,
                Some(200) => {}
                other => report::say(&format!("a write on the full disk: {other:?}")),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (seen, ()) = tokio::join!(observe(&service, TIME), writing);
    std::fs::remove_file(&filler).map_err(|error| error.to_string())?;
    let well = service.is_well(RECOVERY).await && !service.has_ended();
    let written = measure::status(&service.target, &set).await == Some(200);
    if !seen_full {
        report::say("no write was refused with 503 while the disk was full");
    }
    drop(service);
    Ok(Row { name: NAME, seen: seen?, recovered: well && written && seen_full })
}

fn payload(policy: &str) -> String {
    let encode = |text: &str| avouch_wire::base64url::encode(text.as_bytes());
    encode(&format!("{{\"AttestationPolicy\":\"{}\"}}", encode(policy)))
}

/// A small file system in memory; it goes with its handle.
struct Disk {
    path: std::path::PathBuf,
}

impl Disk {
    fn mount(path: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(path).map_err(|error| error.to_string())?;
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(path)
            .stderr(Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Ok(Self { path: path.to_owned() }),
            _ => Err("cannot mount a small file system (needs root)".to_owned()),
        }
    }

    /// Takes all the room that is left.
    fn fill(&self, file: &Path) -> Outcome<()> {
        use std::io::Write as _;
        let mut file = std::fs::File::create(file).map_err(|error| error.to_string())?;
        let block = [0; 4096];
        while file.write_all(&block).is_ok() {}
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
