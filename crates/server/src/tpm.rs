//! Conversations with TPMs: what the service gives clients to keep, and how long it counts.
//!
//! An instance remembers nothing that another one needs. What clients keep is sealed under a key that all
//! instances derive from the key file, or from the master key. Which challenges were answered each instance remembers for
//! itself: a challenge can be answered once at each.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use avouch_tpm::protocol::ContextKey;
use avouch_wire::UnixTime;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::config::TpmConfig;

/// What the key for contexts is derived for.
const PURPOSE: &[u8] = b"avouch TPM service context key 1";

/// Conversations with TPMs.
#[derive(Debug)]
pub struct TpmConversations {
    /// The key that is sealed under, and opened by.
    keys: Vec<ContextKey>,
    config: TpmConfig,
    answered: Mutex<Answered>,
}

impl TpmConversations {
    /// Under a key derived from a secret that all instances of the service have, such as their signing
    /// key. A service whose secret is replaced takes nothing that it sealed before.
    #[must_use]
    pub fn derived(secret: &[u8], config: TpmConfig) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&key, PURPOSE);
        Self::under(derived.as_ref().try_into().ok(), config)
    }

    /// Under keys derived from secrets that all instances of the service have, such as their master keys:
    /// the first seals, and what was sealed under the others still opens.
    #[must_use]
    pub fn derived_of_all<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
        config: TpmConfig,
    ) -> Self {
        let derived = |secret: S| Self::derived(secret.as_ref(), config.clone()).into_key();
        let keys = secrets.into_iter().filter_map(derived).collect();
        Self { keys, config, answered: Mutex::default() }
    }

    /// Under a key of this instance's alone.
    #[must_use]
    pub fn of_this_instance(config: TpmConfig) -> Self {
        let mut secret = [0; 32];
        let filled = SystemRandom::new().fill(&mut secret);
        Self::under(filled.ok().map(|()| secret), config)
    }

    fn under(secret: Option<[u8; 32]>, config: TpmConfig) -> Self {
        let keys = secret.and_then(|secret| ContextKey::new(&secret)).into_iter().collect();
        Self { keys, config, answered: Mutex::default() }
    }

    /// The keys that what clients keep opens by; the first seals.
    pub(crate) fn keys(&self) -> &[ContextKey] {
        &self.keys
    }

    /// The key that seals: for who plays another instance.
    #[must_use]
    pub fn into_key(self) -> Option<ContextKey> {
        self.keys.into_iter().next()
    }

    /// What the operator says of them.
    pub(crate) const fn config(&self) -> &TpmConfig {
        &self.config
    }

    /// Whether a challenge was answered here.
    pub(crate) fn is_answered(&self, challenge: &[u8]) -> bool {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.challenges.contains(challenge)
    }

    /// Notes that a challenge is answered; not if it was already.
    pub(crate) fn answer(&self, challenge: &[u8], now: UnixTime) -> bool {
        let life = i64::from(self.config.challenge_seconds);
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        // A challenge that can no longer be answered need not be remembered.
        answered.forget(|given| given.saturating_add_seconds(life.saturating_mul(2)) < now);
        answered.add(challenge, now, self.config.answered_challenges_max)
    }
}

/// Challenges that were answered, oldest first.
#[derive(Debug, Default)]
struct Answered {
    challenges: HashSet<Vec<u8>>,
    order: VecDeque<(UnixTime, Vec<u8>)>,
}

impl Answered {
    fn forget(&mut self, is_over: impl Fn(UnixTime) -> bool) {
        while self.order.front().is_some_and(|(at, _)| is_over(*at)) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, challenge)) = self.order.pop_front() {
            self.challenges.remove(&challenge);
        }
    }

    fn add(&mut self, challenge: &[u8], now: UnixTime, limit: u32) -> bool {
        if !self.challenges.insert(challenge.to_vec()) {
            return false;
        }
        self.order.push_back((now, challenge.to_vec()));
        while self.order.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
            self.forget_oldest();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use avouch_wire::UnixTime;

    use super::TpmConversations;
    use crate::config::TpmConfig;

    #[test]
    fn a_challenge_is_answered_once_until_it_could_not_be_answered_anyway() {
        let config = TpmConfig { answered_challenges_max: 2, ..TpmConfig::default() };
        let conversations = TpmConversations::derived(b"secret", config);
        let at = |seconds| UnixTime::EPOCH.saturating_add_seconds(seconds);
        assert!(conversations.answer(b"one", at(0)));
        assert!(!conversations.answer(b"one", at(1)));
        assert!(conversations.is_answered(b"one") && !conversations.is_answered(b"two"));
        assert!(conversations.answer(b"two", at(1)));
        // Of more than are remembered the oldest is forgotten.
        assert!(conversations.answer(b"three", at(2)));
        assert!(!conversations.is_answered(b"one") && conversations.is_answered(b"two"));
        let later = 2 + i64::from(TpmConfig::default().challenge_seconds) * 2;
        assert!(!conversations.answer(b"three", at(later)));
        assert!(conversations.answer(b"three", at(later + 1)));
    }

    #[test]
    fn instances_with_one_secret_have_one_key_and_others_another() {
        let key = |secret: &[u8]| {
            let made = TpmConversations::derived(secret, TpmConfig::default());
            made.keys().first().unwrap().name().to_owned()
        };
        assert_eq!(key(b"secret"), key(b"secret"));
        assert_ne!(key(b"secret"), key(b"other"));
        let own = || {
            let made = TpmConversations::of_this_instance(TpmConfig::default());
            made.keys().first().unwrap().name().to_owned()
        };
        assert_ne!(own(), own());
    }
}
