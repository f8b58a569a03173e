//! Slows down who guesses passwords: per account and per address, in memory, with a delay that grows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bugle_protocol::UnixMillis;

/// A key without failures for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);
/// No delay is longer: an account is never locked, only slow.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// The most keys in memory, some 100 bytes each; beyond it the oldest go.
const MOST_KEYS: usize = 10_000;
/// A key is cut to this many bytes: nobody fills the memory with long names.
const LONGEST_KEY: usize = 128;

/// Whom to slow down, and after how many failures the delays begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Guesser {
    /// Everybody who tries this account, by its address in lower case.
    Account(String),
    /// Everybody behind this network address; an office may share one.
    Address(String),
}

impl Guesser {
    /// The guesser of an account.
    pub(crate) fn account(email: &str) -> Self {
        Self::Account(short(&email.trim().to_lowercase()))
    }

    fn free_failures(&self) -> u32 {
        match self {
            Self::Account(_) => 5,
            Self::Address(_) => 20,
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_KEY / 4).collect()
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: UnixMillis,
}

/// The failures of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failures: Mutex<HashMap<Guesser, Failures>>,
}

impl Throttle {
    /// Notes an attempt as failed before it is made, so that attempts at the same time do not slip through.
    ///
    /// # Errors
    /// How long to wait; the attempt must not be made and was not counted.
    pub(crate) fn begin(&self, guessers: &[Guesser], now: UnixMillis) -> Result<(), Duration> {
        let mut failures = self.lock();
        let wait = guessers
            .iter()
            .filter_map(|who| Some(failures.get(who)?.wait(who, now)))
            .max()
            .unwrap_or_default();
        if wait > Duration::ZERO {
            return Err(wait);
        }
        make_room(&mut failures, now);
        for who in guessers {
            let entry = failures.entry(who.clone()).or_insert(Failures {
                count: 0,
                last: now,
            });
            if entry.last < now.before(FORGET_AFTER) {
                entry.count = 0;
            }
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
        }
        Ok(())
    }

    /// Forgets the failures of the account. Of an address only this attempt is taken back: who has an account of their
    /// own must not win time for guessing others with it.
    pub(crate) fn succeed(&self, guessers: &[Guesser]) {
        let mut failures = self.lock();
        for who in guessers {
            match who {
                Guesser::Account(_) => drop(failures.remove(who)),
                Guesser::Address(_) => {
                    if let Some(entry) = failures.get_mut(who) {
                        entry.count = entry.count.saturating_sub(1);
                    }
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Guesser, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// How long the next attempt has to wait: nothing at first, then 1, 2, 4 … seconds after the last one.
    fn wait(self, who: &Guesser, now: UnixMillis) -> Duration {
        let Some(doublings) = self.count.checked_sub(who.free_failures()) else {
            return Duration::ZERO;
        };
        let delay = Duration::from_secs(1 << doublings.min(10)).min(LONGEST_DELAY);
        let passed = now.0.saturating_sub(self.last.0);
        delay.saturating_sub(Duration::from_millis(u64::try_from(passed).unwrap_or(0)))
    }
}

fn make_room(failures: &mut HashMap<Guesser, Failures>, now: UnixMillis) {
    if failures.len() < MOST_KEYS {
        return;
    }
    let oldest_kept = now.before(FORGET_AFTER);
    failures.retain(|_, entry| entry.last > oldest_kept);
    if failures.len() >= MOST_KEYS {
        let mut times: Vec<UnixMillis> = failures.values().map(|entry| entry.last).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        failures.retain(|_, entry| entry.last > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_success_ends_them() {
        let throttle = Throttle::default();
        let who = [Guesser::account(" Ada@Example.com")];
        let now = UnixMillis(1_000_000);
        for _ in 0..5 {
            assert_eq!(throttle.begin(&who, now), Ok(()));
        }
        assert_eq!(throttle.begin(&who, now), Err(Duration::from_secs(1)));
        let later = now.after(Duration::from_secs(1));
        assert_eq!(throttle.begin(&who, later), Ok(()));
        assert_eq!(throttle.begin(&who, later), Err(Duration::from_secs(2)));
        assert!(
            throttle
                .begin(&[Guesser::account("bob@example.com")], later)
                .is_ok()
        );
        throttle.succeed(&[Guesser::account("ada@example.com")]);
        assert_eq!(throttle.begin(&who, later), Ok(()));
    }

    #[test]
    fn own_accounts_do_not_excuse_an_address() {
        let throttle = Throttle::default();
        let address = Guesser::Address("192.0.2.1".to_owned());
        let now = UnixMillis(1_000_000);
        for i in 0..20 {
            let victim = Guesser::account(&format!("{i}@example.com"));
            assert_eq!(throttle.begin(&[victim, address.clone()], now), Ok(()));
            if i < 19 {
                let own = [Guesser::account("eve@example.com"), address.clone()];
                assert_eq!(throttle.begin(&own, now), Ok(()));
                throttle.succeed(&own);
            }
        }
        let who = std::slice::from_ref(&address);
        assert_eq!(throttle.begin(who, now), Err(Duration::from_secs(1)));
        let later = now.after(FORGET_AFTER * 2);
        for _ in 0..20 {
            assert_eq!(throttle.begin(who, later), Ok(()));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for i in 0..25_000 {
            let who = Guesser::account(&format!("{i}@example.com"));
            let _ = throttle.begin(&[who], UnixMillis(i));
        }
        assert!(throttle.lock().len() <= MOST_KEYS + 1);
        let Guesser::Account(key) = Guesser::account(&"ä".repeat(10_000)) else {
            panic!("not an account");
        };
        assert!(key.len() <= LONGEST_KEY);
    }
}
