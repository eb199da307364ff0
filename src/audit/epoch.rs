//! Months of the access log. The bodies of a month share one unit, so that they can be destroyed
//! together when the law's two years are over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ring::hmac;

use crate::crypto::content_key::{ContentKey, RecipientHalf};
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::UnitId;
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::domain::secret::{Secret, SecretBytes};
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::{Clock, Timestamp};
use crate::engine::{Batch, CommitError, Engine, Expected, Key, KeyRange, Space, Value};
use crate::keyring::{Keyring, ServerKey};

use super::LogError;

/// Format of an epoch's row: `version ‖ month (4) ‖ unit (8) ‖ recipient half (32)`.
const VERSION: u8 = 1;
/// Key version of an epoch's content key; epochs are replaced, never re-keyed.
const KEY_VERSION: u32 = 1;
/// More months than any log has.
const ROWS_MAX: usize = 4096;
const HOUR_MS: i64 = 3_600_000;

/// A month as `year * 100 + month` in the office's zone.
type Month = u32;

fn month_of(time: Timestamp) -> Month {
    let year = u32::try_from(time.year()).unwrap_or(0);
    year * 100 + u32::try_from(time.month()).unwrap_or(0)
}

/// One month and the key of its bodies.
pub(super) struct Epoch {
    month: Month,
    pub(super) unit: UnitId,
    pub(super) key: ContentKey,
}

/// Every month, and the one that entries are sealed in now.
pub(super) struct Epochs {
    engine: Arc<dyn Engine>,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    rows: RowKey,
    location: hmac::Key,
    current: RwLock<Arc<Epoch>>,
    /// The hour for which `current` was last found right: months change at full hours.
    hour: AtomicI64,
    /// Held while a month is made, so that one thread allocates its unit.
    making: Mutex<()>,
}

/// What a row says.
struct Stored {
    month: Month,
    unit: UnitId,
    half: RecipientHalf,
}

impl Epochs {
    /// Finds or makes the month of now, or of the newest entry if the clock has gone back.
    pub(super) fn open(
        engine: Arc<dyn Engine>,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        newest: Option<Timestamp>,
    ) -> Result<Self, LogError> {
        let rows = RowKey::new(keyring.server_key(ServerKey::Audit));
        let location = keyring.server_key(ServerKey::Location);
        let location = hmac::Key::new(hmac::HMAC_SHA256, location.expose());
        let month = newest.map_or(0, month_of).max(month_of(clock.now()));
        let maker = Maker {
            engine: &*engine,
            keyring: &keyring,
            random: &*random,
            rows: &rows,
            location: &location,
        };
        let current = RwLock::new(Arc::new(maker.find_or_make(month)?));
        Ok(Self {
            engine,
            keyring,
            clock,
            random,
            rows,
            location,
            current,
            hour: AtomicI64::new(i64::MIN),
            making: Mutex::new(()),
        })
    }

    fn maker(&self) -> Maker<'_> {
        Maker {
            engine: &*self.engine,
            keyring: &self.keyring,
            random: &*self.random,
            rows: &self.rows,
            location: &self.location,
        }
    }

    fn newest(&self) -> Arc<Epoch> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The month in which to seal now. It never goes back, whatever the clock does: a wrong clock
    /// must not seal new entries into a month that is about to be destroyed.
    pub(super) fn current(&self) -> Result<Arc<Epoch>, LogError> {
        let now = self.clock.now();
        let hour = now.as_millis().div_euclid(HOUR_MS);
        if self.hour.load(Ordering::Acquire) == hour {
            return Ok(self.newest());
        }
        let month = month_of(now);
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut epoch = self.newest();
        if epoch.month < month {
            epoch = Arc::new(self.maker().find_or_make(month)?);
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            *current = epoch.clone();
        }
        self.hour.store(hour, Ordering::Release);
        Ok(epoch)
    }

    /// The keys of every month that has not been destroyed. Made anew for each query, so that no
    /// key outlives its unit here.
    pub(super) fn keys(&self) -> Result<Keys<'_>, LogError> {
        let page = self
            .engine
            .scan(
                Space::AuditEpoch,
                KeyRange::default(),
                Limit::rows(ROWS_MAX),
            )
            .map_err(LogError::unreadable)?;
        if page.more {
            return Err(LogError::unavailable("more months than a log has"));
        }
        let mut keys = BTreeMap::new();
        for (key, value) in page.rows {
            let stored = self.maker().open_row(&key, &value)?;
            if let Ok(shred) = self.keyring.shred_half(stored.unit) {
                keys.insert(stored.unit, combine(&shred, &stored));
            }
        }
        Ok(Keys {
            keyring: &self.keyring,
            keys,
        })
    }
}

fn combine(shred: &crate::crypto::content_key::ShredHalf, stored: &Stored) -> ContentKey {
    ContentKey::combine(
        shred,
        &stored.half,
        stored.unit,
        Tier::Ordinary,
        KEY_VERSION,
    )
}

/// Content keys by unit, for one query.
pub(super) struct Keys<'a> {
    keyring: &'a Keyring,
    keys: BTreeMap<UnitId, ContentKey>,
}

impl Keys<'_> {
    /// The key of `unit`; `None` once it has been destroyed.
    pub(super) fn of(&self, unit: UnitId) -> Result<Option<&ContentKey>, LogError> {
        match self.keys.get(&unit) {
            Some(key) => Ok(Some(key)),
            None if self.keyring.shred_half(unit).is_err() => Ok(None),
            None => Err(LogError::unavailable(
                "the key row of a month of the access log is missing",
            )),
        }
    }
}

/// What finding and making a month needs.
struct Maker<'a> {
    engine: &'a dyn Engine,
    keyring: &'a Keyring,
    random: &'a dyn Random,
    rows: &'a RowKey,
    location: &'a hmac::Key,
}

impl Maker<'_> {
    /// `HMAC(K_loc, "epoch" ‖ yyyymm)[..16]`.
    fn key(&self, month: Month) -> Result<Key, LogError> {
        let mut context = hmac::Context::with_key(self.location);
        context.update(b"epoch");
        context.update(format!("{month:06}").as_bytes());
        let tag = context.sign();
        let short = tag.as_ref().first_chunk::<16>();
        short.copied().map(Key::from).ok_or_else(unreadable)
    }

    fn find_or_make(&self, month: Month) -> Result<Epoch, LogError> {
        let key = self.key(month)?;
        let stored = match self.find(&key)? {
            Some(stored) => stored,
            None => self.make(&key, month)?,
        };
        if stored.month != month {
            return Err(unreadable());
        }
        let shred = self
            .keyring
            .shred_half(stored.unit)
            .map_err(|_| LogError::unavailable("the key of this month's entries was destroyed"))?;
        Ok(Epoch {
            month,
            unit: stored.unit,
            key: combine(&shred, &stored),
        })
    }

    fn find(&self, key: &Key) -> Result<Option<Stored>, LogError> {
        self.engine
            .get(Space::AuditEpoch, key)
            .map_err(LogError::unreadable)?
            .map(|value| self.open_row(key, &value))
            .transpose()
    }

    fn make(&self, key: &Key, month: Month) -> Result<Stored, LogError> {
        let unit = self
            .keyring
            .allocate(Tier::Ordinary, UnitKind::AuditEpoch)
            .map_err(LogError::no_unit)?;
        let half = RecipientHalf::random(self.random).map_err(LogError::unavailable)?;
        let mut plain = Vec::with_capacity(45);
        plain.push(VERSION);
        plain.extend_from_slice(&month.to_be_bytes());
        plain.extend_from_slice(&unit.as_u64().to_be_bytes());
        plain.extend_from_slice(half.secret().expose());
        let plain = SecretBytes::new(plain);
        let sealed = self
            .rows
            .seal(
                Space::AuditEpoch,
                key.as_bytes(),
                plain.expose(),
                Padding::None,
                self.random,
            )
            .map_err(LogError::unavailable)?;
        let value = Value::new(sealed).map_err(LogError::unavailable)?;
        let batch = Batch {
            expect: vec![(Space::AuditEpoch, key.clone(), Expected::Absent)],
            put: vec![(Space::AuditEpoch, key.clone(), value)],
            ..Batch::default()
        };
        match self.engine.commit(batch).wait() {
            Ok(_) => Ok(Stored { month, unit, half }),
            // Somebody else made it; the unit allocated here stays unused.
            Err(CommitError::Conflict) => self.find(key)?.ok_or_else(unreadable),
            Err(error) => Err(error.into()),
        }
    }

    fn open_row(&self, key: &Key, value: &Value) -> Result<Stored, LogError> {
        let plain = self
            .rows
            .open(Space::AuditEpoch, key.as_bytes(), value.as_bytes())
            .map_err(|_| unreadable())?;
        read_row(plain.expose()).ok_or_else(unreadable)
    }
}

fn read_row(plain: &[u8]) -> Option<Stored> {
    let (&[version], rest) = plain.split_first_chunk()?;
    let (month, rest) = rest.split_first_chunk()?;
    let (unit, half) = rest.split_first_chunk()?;
    (version == VERSION).then_some(())?;
    Some(Stored {
        month: Month::from_be_bytes(*month),
        unit: UnitId::from_u64(u64::from_be_bytes(*unit)),
        half: RecipientHalf::new(Secret::from_slice(half)?),
    })
}

fn unreadable() -> LogError {
    LogError::unavailable("the key row of a month of the access log cannot be read")
}
