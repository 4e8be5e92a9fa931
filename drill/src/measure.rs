//! What others notice of an attack: a probe, a good client, and the system's count of memory.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connect::{Stream, Target, ask, request};

/// Last numbers of the addresses of the probe and of the good client.
const PROBE: u8 = 250;
const CLIENT: u8 = 251;
/// Pause between two requests of each.
const PROBE_PAUSE: Duration = Duration::from_millis(10);
const CLIENT_PAUSE: Duration = Duration::from_millis(20);
/// Whoever has no answer by then has none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Times of the requests of one sender, in microseconds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times {
    sorted: Vec<u64>,
    /// Requests that were refused because the service is busy: a client tries again.
    pub(crate) busy: usize,
    /// Requests that had no good answer.
    pub(crate) failed: usize,
}

impl Times {
    /// The time that so many of a hundred requests keep within.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let last = self.sorted.len().saturating_sub(1);
        let at = last.saturating_mul(percent).div_ceil(100);
        self.sorted.get(at).copied().unwrap_or(u64::MAX)
    }

    pub(crate) fn answered(&self) -> usize {
        self.sorted.len()
    }
}

/// What was seen during a scenario.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) probe: Times,
    pub(crate) client: Times,
    /// The most that the process held, in bytes.
    pub(crate) resident_bytes_max: u64,
}

/// Measures for some time.
pub(crate) async fn during(
    target: &Target,
    attest: &[u8],
    pid: u32,
    time: Duration,
) -> Outcome<Seen> {
    let until = Instant::now().checked_add(time).ok_or("no such time")?;
    let healthz = request("GET", "/healthz", "");
    let (probe, client, resident_bytes_max) = tokio::join!(
        repeat(target, PROBE, &healthz, PROBE_PAUSE, until),
        repeat(target, CLIENT, attest, CLIENT_PAUSE, until),
        watch(pid, until),
    );
    Ok(Seen { probe, client, resident_bytes_max })
}

async fn repeat(
    target: &Target,
    from: u8,
    request: &[u8],
    pause: Duration,
    until: Instant,
) -> Times {
    let mut times = Times::default();
    let mut stream = None;
    while Instant::now() < until {
        let begun = Instant::now();
        let asked = tokio::time::timeout(PATIENCE, once(target, from, &mut stream, request)).await;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        match asked {
            Ok(Ok(200)) => times.sorted.push(took),
            Ok(Ok(429 | 503)) => times.busy = times.busy.saturating_add(1),
            _ => {
                times.failed = times.failed.saturating_add(1);
                stream = None;
            }
        }
        tokio::time::sleep(pause).await;
    }
    times.sorted.sort_unstable();
    times
}

/// One request on the connection at hand, or on a new one.
async fn once(
    target: &Target,
    from: u8,
    kept: &mut Option<Stream>,
    request: &[u8],
) -> Outcome<u16> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => target.http1(from).await?,
    };
    let status = ask(&mut stream, request).await?;
    *kept = Some(stream);
    Ok(status)
}

/// Asks once, on a connection of its own.
pub(crate) async fn status(target: &Target, request: &[u8]) -> Option<u16> {
    let mut kept = None;
    let asked = once(target, CLIENT, &mut kept, request);
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
}

async fn watch(pid: u32, until: Instant) -> u64 {
    let mut most = 0;
    while Instant::now() < until {
        most = most.max(resident_bytes(pid));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    most
}

/// What a process holds of memory; 0 if there is none.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default().saturating_mul(1024)
}
