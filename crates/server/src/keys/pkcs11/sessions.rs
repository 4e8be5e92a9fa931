//! Sessions with a PKCS#11 token: several at once, kept, and begun anew when the token was away.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::TokenKeyError;

/// How long a token that was away is left alone.
const AWAY: Duration = Duration::from_secs(1);
/// How long somebody waits for a session.
const WAITS: Duration = Duration::from_secs(10);
/// How long a token may take to open one, before others give up at once.
const HANGS: Duration = Duration::from_secs(5);

/// Where a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlace {
    /// The module: a library that speaks PKCS#11.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
}

impl TokenPlace {
    /// The one token of that label.
    pub(super) fn slot(&self, module: &Pkcs11) -> Result<Slot, TokenKeyError> {
        let slots = module.get_slots_with_token().map_err(failed("listing its slots"))?;
        let mut labelled = Vec::new();
        let mut labels = Vec::new();
        for slot in slots {
            let token = module.get_token_info(slot).map_err(failed("describing a token"))?;
            if token.label() == self.token {
                labelled.push(slot);
            }
            labels.push(format!("{:?}", token.label()));
        }
        match labelled.as_slice() {
            [slot] => Ok(*slot),
            other => Err(TokenKeyError::Token {
                label: self.token.clone(),
                found: other.len(),
                labels: labels.join(", "),
            }),
        }
    }

    /// Shows the token the PIN; whoever did so before in this process did it for all its sessions.
    pub(super) fn log_in(&self, session: &Session, pin: &str) -> Result<(), TokenKeyError> {
        let pin = AuthPin::new(pin.into());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(source) => {
                let label = self.token.clone();
                match is_about_pin(&source) {
                    true => Err(TokenKeyError::Pin { label, source }),
                    false => Err(TokenKeyError::Failed { what: "a login", source }),
                }
            }
        }
    }
}

/// Loads a module, and whether this call started it: another part of this process may have.
pub(super) fn started(path: &Path) -> Result<(Pkcs11, bool), TokenKeyError> {
    let refused = |source| TokenKeyError::Module { path: path.to_owned(), source };
    let module = Pkcs11::new(path).map_err(refused)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) => Ok((module, true)),
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok((module, false)),
        Err(source) => Err(refused(source)),
    }
}

pub(super) fn failed(what: &'static str) -> impl Fn(Error) -> TokenKeyError {
    move |source| TokenKeyError::Failed { what, source }
}

const fn is_about_pin(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized,
            _
        )
    )
}

/// Sessions of a user with one token, at most so many at once.
pub(super) struct TokenSessions {
    place: TokenPlace,
    pin: Zeroizing<String>,
    most: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    module: Option<Pkcs11>,
    slot: Option<Slot>,
    /// Counts connections: what was found in an earlier one may be gone.
    connection: u64,
    idle: Vec<Session>,
    in_use: usize,
    /// Since when somebody opens a session: one at a time, and nobody waits for the token under the lock.
    opening_since: Option<Instant>,
    away: Option<Away>,
}

/// Why the token cannot be reached, since when.
struct Away {
    since: Instant,
    why: String,
    /// The token refused the PIN: it is not shown again, for tokens lock themselves.
    is_final: bool,
}

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Reading,
    /// Objects can be made and destroyed in it.
    Writing,
}

/// The token as it was found.
struct Found {
    module: Option<Pkcs11>,
    slot: Option<Slot>,
}

/// A session that is counted as in use until this is dropped.
struct Lease<'a> {
    of: &'a TokenSessions,
    session: Option<Session>,
    connection: u64,
    /// Whether others may use it afterwards: nothing failed in it.
    is_good: bool,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut session = self.session.take();
        if self.is_good {
            let mut state = self.of.state();
            if state.connection == self.connection {
                state.idle.extend(session.take());
            }
        }
        // Ended before it counts as ended: nobody starts the module anew meanwhile.
        drop(session);
        let mut state = self.of.state();
        state.in_use = state.in_use.saturating_sub(1);
        drop(state);
        self.of.freed.notify_one();
    }
}

/// That somebody opens a session, until this is dropped.
struct Opening<'a>(&'a TokenSessions);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.state().opening_since = None;
        self.0.freed.notify_all();
    }
}

/// A session that somebody uses, and the number of its connection.
pub(super) struct Borrowed<'a> {
    pub(super) session: &'a Session,
    pub(super) connection: u64,
}

impl TokenSessions {
    pub(super) fn new(place: TokenPlace, pin: Zeroizing<String>, most: usize) -> Self {
        let (state, freed) = (Mutex::default(), Condvar::new());
        Self { place, pin, most: most.max(1), state, freed }
    }

    pub(super) const fn place(&self) -> &TokenPlace {
        &self.place
    }

    /// Does something in a session. If it fails, it is done once more in a new one: the token may have been away.
    ///
    /// # Errors
    /// What the second attempt said; [`TokenKeyError::Away`] while the token cannot be reached.
    pub(super) fn with<T>(
        &self,
        work: impl Fn(Borrowed<'_>) -> Result<T, TokenKeyError>,
    ) -> Result<T, TokenKeyError> {
        let first = self.once(&work);
        match first {
            Err(error) if error.may_pass() => self.once(&work),
            done => done,
        }
    }

    fn once<T>(
        &self,
        work: impl Fn(Borrowed<'_>) -> Result<T, TokenKeyError>,
    ) -> Result<T, TokenKeyError> {
        let mut lease = self.take()?;
        let session = lease.session.as_ref().ok_or_else(|| self.gone("it gave no session"))?;
        let done = work(Borrowed { session, connection: lease.connection });
        match &done {
            Ok(_) => lease.is_good = true,
            // A session in which something failed is not used again.
            Err(error) if error.is_loss() => self.lost(lease.connection),
            Err(_) => {}
        }
        done
    }

    /// Does something in a session of its own in which objects can be made and destroyed.
    ///
    /// # Errors
    /// What `work` says; [`TokenKeyError::Away`] while the token cannot be reached.
    pub(super) fn with_writing<T>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, TokenKeyError>,
    ) -> Result<T, TokenKeyError> {
        let since = Instant::now();
        let mut state = self.state();
        while state.opening_since.is_some() {
            state = self.waited(state, since)?;
        }
        let lease = self.open(state, Access::Writing)?;
        let session = lease.session.as_ref().ok_or_else(|| self.gone("it gave no session"))?;
        work(session)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone(&self, why: impl Into<String>) -> TokenKeyError {
        TokenKeyError::Away { label: self.place.token.clone(), why: why.into() }
    }

    fn take(&self) -> Result<Lease<'_>, TokenKeyError> {
        let since = Instant::now();
        let mut state = self.state();
        loop {
            if let Some(session) = state.idle.pop() {
                state.in_use = state.in_use.saturating_add(1);
                let (session, connection) = (Some(session), state.connection);
                return Ok(Lease { of: self, session, connection, is_good: false });
            }
            if state.in_use < self.most && state.opening_since.is_none() {
                match self.open(state, Access::Reading) {
                    Ok(lease) => return Ok(lease),
                    Err(error) => {
                        state = self.state();
                        // The token has no more sessions: one of those that there are will be free.
                        if !error.is_no_session_left() || state.in_use == 0 {
                            return Err(error);
                        }
                    }
                }
            }
            state = self.waited(state, since)?;
        }
    }

    /// Waits for whoever has a session or opens one, so long in all since a moment.
    fn waited<'a>(
        &self,
        state: MutexGuard<'a, State>,
        since: Instant,
    ) -> Result<MutexGuard<'a, State>, TokenKeyError> {
        // Whoever opens a session has the token's whole attention.
        if state.opening_since.is_some_and(|since| since.elapsed() >= HANGS) {
            return Err(self.gone("it does not answer"));
        }
        let left = WAITS.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(self.gone("all its sessions are in use"));
        }
        let left = if state.opening_since.is_some() { left.min(HANGS) } else { left };
        Ok(self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// A new session, for which the token may have to be found again. Only this shows the token the PIN.
    fn open<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        access: Access,
    ) -> Result<Lease<'a>, TokenKeyError> {
        if let Some(away) = &state.away
            && (away.is_final || away.since.elapsed() < AWAY)
        {
            return Err(self.gone(away.why.as_str()));
        }
        state.opening_since = Some(Instant::now());
        let before = state.slot;
        let mut found = Found { module: state.module.clone(), slot: before };
        // While there is no slot, nobody can get one of the sessions that are left.
        let is_alone = state.in_use == 0;
        let mut connection = state.connection;
        drop(state);
        let opening = Opening(self);
        let opened = self.try_open(&mut found, is_alone, access);
        let mut state = self.state();
        state.module = found.module;
        let mut ended = Vec::new();
        match &opened {
            Ok(_) => {
                if before.is_none() {
                    state.slot = found.slot;
                    state.connection = state.connection.saturating_add(1);
                    connection = state.connection;
                }
                state.in_use = state.in_use.saturating_add(1);
                state.away = None;
            }
            Err(error) if error.is_no_session_left() => state.away = None,
            Err(error) => {
                ended = state.disconnect();
                let is_final = matches!(error, TokenKeyError::Pin { .. });
                let why = error.to_string();
                state.away = Some(Away { since: Instant::now(), why, is_final });
            }
        }
        drop(state);
        // Closing takes the token too.
        drop(ended);
        drop(opening);
        opened.map(|session| Lease { of: self, session: Some(session), connection, is_good: false })
    }

    fn try_open(
        &self,
        found: &mut Found,
        is_alone: bool,
        access: Access,
    ) -> Result<Session, TokenKeyError> {
        let slot = self.connect(found, is_alone)?;
        let module = found.module.as_ref().ok_or_else(|| self.gone("it was never there"))?;
        let session = match access {
            Access::Reading => module.open_ro_session(slot),
            Access::Writing => module.open_rw_session(slot),
        };
        let session = session.map_err(failed("opening a session"))?;
        self.place.log_in(&session, &self.pin)?;
        Ok(session)
    }

    /// The token's slot. A module that finds it no more is started anew, if nobody is in it.
    fn connect(&self, found: &mut Found, is_alone: bool) -> Result<Slot, TokenKeyError> {
        if let Some(slot) = found.slot {
            return Ok(slot);
        }
        let known = match &found.module {
            Some(module) => self.place.slot(module),
            None => Err(self.gone("its module is not loaded")),
        };
        let slot = match known {
            Ok(slot) => slot,
            Err(error) if !is_alone => return Err(error),
            Err(_) => {
                if let Some(module) = found.module.take() {
                    // However it ends, it is started anew.
                    let _ = module.finalize();
                }
                let (module, _) = started(&self.place.module)?;
                self.place.slot(found.module.insert(module))?
            }
        };
        found.slot = Some(slot);
        Ok(slot)
    }

    /// Sessions of a connection may have ended.
    fn lost(&self, connection: u64) {
        let mut state = self.state();
        let ended = if state.connection == connection { state.disconnect() } else { Vec::new() };
        drop(state);
        drop(ended);
    }
}

impl State {
    /// What was found in the token may be gone. Gives the sessions that nobody uses, to be ended.
    fn disconnect(&mut self) -> Vec<Session> {
        self.slot = None;
        self.connection = self.connection.saturating_add(1);
        std::mem::take(&mut self.idle)
    }
}

impl TokenKeyError {
    /// Whether the session, or all of them, may have ended, so that it is worth another attempt.
    fn is_loss(&self) -> bool {
        let Self::Failed { source: Error::Pkcs11(said, _), .. } = self else { return false };
        matches!(
            said,
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::CryptokiNotInitialized
                | RvError::DeviceError
                | RvError::DeviceMemory
                | RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::SlotIdInvalid
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::GeneralError
                | RvError::FunctionFailed
        )
    }

    /// Whether another session may do better: an operation that is still active ends with its session.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    const fn is_no_session_left(&self) -> bool {
        matches!(self, Self::Failed { source: Error::Pkcs11(RvError::SessionCount, _), .. })
    }
}
