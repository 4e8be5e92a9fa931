//! A thread that asks a TEE, so that one which does not answer stops nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{EvidenceSource, OwnEvidence, TeeError};

/// Most questions that wait for their turn.
const WAITING_MAX: usize = 16;

/// A question, until when its answer is of use, and who waits for it.
struct Question {
    report_data: [u8; 64],
    until: Instant,
    answer: SyncSender<Result<OwnEvidence, TeeError>>,
}

/// A source on a thread of its own. Questions are answered one after the other; a read that never returns
/// costs that thread and nothing else.
#[derive(Debug)]
pub struct TeeWorker {
    name: &'static str,
    questions: SyncSender<Question>,
}

impl TeeWorker {
    /// Starts the thread. It ends with this handle, once the TEE has answered.
    ///
    /// # Errors
    /// [`TeeError::Ended`] if the system gives no thread.
    pub fn start(mut source: Box<dyn EvidenceSource>) -> Result<Self, TeeError> {
        let (questions, asked) = sync_channel::<Question>(WAITING_MAX);
        let name = source.name();
        let answers = move || {
            for Question { report_data, until, answer } in asked {
                if Instant::now() < until {
                    let asked = AssertUnwindSafe(|| source.evidence(&report_data));
                    let evidence = catch_unwind(asked).unwrap_or(Err(TeeError::Ended));
                    // Who asked may have gone.
                    let _ = answer.try_send(evidence);
                }
            }
        };
        let started = thread::Builder::new().name("tee".to_owned()).spawn(answers);
        started.map_err(|_| TeeError::Ended)?;
        Ok(Self { name, questions })
    }

    /// The name of the source.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Evidence whose report data are these bytes. Blocks for no longer than `within`.
    ///
    /// # Errors
    /// That of the source; [`TeeError::Silent`] if it does not answer in time; [`TeeError::Busy`].
    pub fn evidence(
        &self,
        report_data: &[u8; 64],
        within: Duration,
    ) -> Result<OwnEvidence, TeeError> {
        let (answer, answered) = sync_channel(1);
        let now = Instant::now();
        let until = now.checked_add(within).unwrap_or(now);
        let question = Question { report_data: *report_data, until, answer };
        self.questions.try_send(question).map_err(|error| match error {
            TrySendError::Full(_) => TeeError::Busy,
            TrySendError::Disconnected(_) => TeeError::Ended,
        })?;
        answered.recv_timeout(within).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => TeeError::Silent { milliseconds: within.as_millis() },
                // A question whose time was over before its turn came.
                RecvTimeoutError::Disconnected if Instant::now() >= until => {
                    TeeError::Silent { milliseconds: within.as_millis() }
                }
                RecvTimeoutError::Disconnected => TeeError::Ended,
            })
        })
    }
}
