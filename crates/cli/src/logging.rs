//! The log: of the service one that costs nothing when it cannot be written, of the other commands
//! plain lines on standard error.
//!
//! Lines of the service wait in a bounded queue for a thread that writes them. When the disk is full,
//! or nobody reads the pipe, lines are lost and counted, and nothing waits.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use avouch_server::config::{LogFormat, TelemetryConfig};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::failure::Failure;

/// Lines that wait to be written.
const WAITING_LINES_MAX: usize = 8192;
/// The longest that the end of the service waits for the last lines.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(2);

/// Starts the log of a command that is no service: warnings on standard error.
pub(crate) fn start_for_command() {
    let filter = EnvFilter::try_from_env("AVOUCH_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let (format, ansi) = (format(LogFormat::Text), on_terminal());
    Registry::default().with(filter).with(lines(format, ansi, io::stderr)).init();
}

/// The log of the service.
pub(crate) struct ServiceLog {
    control: LogControl,
    guard: WorkerGuard,
}

/// What can be asked of the log of a running service, and changed.
#[derive(Clone)]
pub(crate) struct LogControl {
    filter: reload::Handle<EnvFilter, Registry>,
    unwritten: Arc<AtomicU64>,
    unqueued: ErrorCounter,
    reopen: Arc<AtomicBool>,
}

impl ServiceLog {
    /// Starts it as configured; `AVOUCH_LOG` and `AVOUCH_LOG_FORMAT` go over filter and format.
    /// Panics are logged too: what is printed could wait for a reader for ever.
    ///
    /// # Errors
    /// A filter that is none, or a file that cannot be opened.
    pub(crate) fn start(config: &TelemetryConfig) -> Result<Self, Failure> {
        let reopen = Arc::new(AtomicBool::new(false));
        let unwritten = Arc::new(AtomicU64::new(0));
        let target = match &config.log_file {
            Some(path) => Target::File(LogFile::open(path, &reopen)?),
            None => Target::StandardError(standard_error()),
        };
        let ansi = matches!(target, Target::StandardError(_)) && on_terminal();
        let sink = Sink { target, unwritten: Arc::clone(&unwritten) };
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(WAITING_LINES_MAX)
            .thread_name("log")
            .finish(sink);
        let unqueued = writer.error_counter();
        let (filter, handle) = reload::Layer::new(filter(config)?);
        let lines = lines(format(config.log_format), ansi, writer);
        Registry::default().with(filter).with(lines).init();
        std::panic::set_hook(Box::new(|panic| {
            let text = panic.to_string().replace('\n', " ");
            tracing::error!(panic = text, "a panic");
        }));
        Ok(Self { control: LogControl { filter: handle, unwritten, unqueued, reopen }, guard })
    }

    pub(crate) fn control(&self) -> LogControl {
        self.control.clone()
    }

    /// Writes what still waits, if that can be done soon.
    pub(crate) fn finish(self) {
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        // Dropping the guard waits for the writing thread within limits, but may then print: where
        // nobody reads, that would wait for ever.
        let flushing = std::thread::Builder::new().spawn(move || {
            drop(self.guard);
            drop(done);
        });
        if flushing.is_ok() {
            let _ = is_done.recv_timeout(LAST_LINES_WITHIN);
        }
    }
}

impl LogControl {
    /// Lines that were not written since the start.
    pub(crate) fn lost_lines(&self) -> u64 {
        let unqueued = u64::try_from(self.unqueued.dropped_lines()).unwrap_or(u64::MAX);
        self.unwritten.load(Ordering::Relaxed).saturating_add(unqueued)
    }

    /// Takes another filter.
    ///
    /// # Errors
    /// As [`ServiceLog::start`].
    pub(crate) fn set_filter(&self, filter: EnvFilter) -> Result<(), Failure> {
        self.filter.reload(filter).map_err(Failure::other)
    }

    /// Opens the log file anew before the next line: the old one may have been moved away.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Says from time to time that lines were lost, if any were.
    pub(crate) async fn tell_of_losses(&self) {
        let mut told = 0;
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let lost = self.lost_lines();
            if lost > told {
                tracing::warn!(lines = lost.saturating_sub(told), "lines of the log were lost");
                told = lost;
            }
        }
    }
}

/// The filter of the configuration, unless the environment has one.
///
/// # Errors
/// One that cannot be read, naming where it is from.
pub(crate) fn filter(config: &TelemetryConfig) -> Result<EnvFilter, Failure> {
    let (from, text) = match std::env::var("AVOUCH_LOG") {
        Ok(text) => ("AVOUCH_LOG", text),
        Err(_) => {
            let text = config.log_filter.clone().unwrap_or_else(|| "info".to_owned());
            ("telemetry.log_filter", text)
        }
    };
    EnvFilter::try_new(text).map_err(|error| Failure::Other(format!("{from}: {error}")))
}

fn format(configured: LogFormat) -> LogFormat {
    match std::env::var("AVOUCH_LOG_FORMAT").as_deref() {
        Ok("json") => LogFormat::Json,
        Ok("text") => LogFormat::Text,
        _ => configured,
    }
}

/// Colours are for terminals.
fn on_terminal() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !unwanted
}

fn lines<S>(
    format: LogFormat,
    ansi: bool,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(ansi)
        .log_internal_errors(false);
    match format {
        LogFormat::Json => layer.json().boxed(),
        LogFormat::Text => layer.with_target(false).boxed(),
    }
}

/// Standard error without the lock that others who print there would wait for.
fn standard_error() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        if let Ok(descriptor) = io::stderr().as_fd().try_clone_to_owned() {
            return Box::new(File::from(descriptor));
        }
    }
    Box::new(io::stderr())
}

/// Where lines go.
enum Target {
    StandardError(Box<dyn Write + Send>),
    File(LogFile),
}

/// Writes lines and counts those that it cannot; never fails.
struct Sink {
    target: Target,
    unwritten: Arc<AtomicU64>,
}

impl Write for Sink {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::StandardError(stream) => stream.write_all(line),
            Target::File(file) => file.write_all(line),
        };
        if written.is_err() {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is appended to.
struct LogFile {
    path: PathBuf,
    file: File,
    reopen: Arc<AtomicBool>,
}

impl LogFile {
    fn open(path: &Path, reopen: &Arc<AtomicBool>) -> Result<Self, Failure> {
        let file =
            append_to(path).map_err(|source| Failure::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, reopen: Arc::clone(reopen) })
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        if self.reopen.swap(false, Ordering::Relaxed) {
            // The old file is better than none.
            if let Ok(file) = append_to(&self.path) {
                self.file = file;
            }
        }
        self.file.write_all(line)
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_nobody_sees_an_error() {
        let unwritten = Arc::new(AtomicU64::new(0));
        let target = Target::StandardError(Box::new(Full));
        let mut sink = Sink { target, unwritten: Arc::clone(&unwritten) };
        for _ in 0..3 {
            sink.write_all(b"a line\n").unwrap();
        }
        sink.flush().unwrap();
        assert_eq!(unwritten.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_log_file_that_was_moved_away_is_opened_anew_when_told_to() {
        let folder = std::env::temp_dir().join(format!("avouch-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, old) = (folder.join("log"), folder.join("log.1"));
        let reopen = Arc::new(AtomicBool::new(false));
        let mut file = LogFile::open(&path, &reopen).unwrap();
        file.write_all(b"1\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        file.write_all(b"2\n").unwrap();
        reopen.store(true, Ordering::Relaxed);
        file.write_all(b"3\n").unwrap();
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "1\n2\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "3\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
