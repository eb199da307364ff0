//! Who is asking: sessions that live in memory only, found by the hash of their token.
//!
//! The officer's private key lies in a session sealed: `AES-256-GCM(HKDF-SHA-256(salt = key of
//! this process, ikm = token, info), key, aad = account)`. A dump of the memory without a live
//! token opens nothing, and a restart ends every session.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use ring::{aead, digest, hkdf};
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::wrap::{Fingerprint, PrivateKey};
use crate::domain::id::{AccountId, DepartmentId};
use crate::domain::random::Random;
use crate::domain::role::Roles;
use crate::domain::secret::Secret;
use crate::domain::time::{Clock, Timestamp};

/// How long a session stays stepped up after the password was given again.
pub const STEP_UP: Duration = Duration::from_secs(5 * 60);

const PREFIX: &str = "bgs_";
const TEXT_LEN: usize = 52;
const KEY_INFO: &[u8] = b"bongham session private key v1";

/// From where a request came (접속지).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// Network address; `None` for the control socket.
    pub address: Option<IpAddr>,
    /// What the device says of itself, at most 64 bytes (a digest of User-Agent and the like).
    pub device: String,
}

/// The bearer token, shown once.
pub struct Token(Secret<32>);

impl Token {
    /// Reads `bgs_` + 52 characters of lower-case base32 (RFC 4648, no padding); nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(PREFIX)?;
        if body.len() != TEXT_LEN || body.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let upper = Zeroizing::new(body.to_ascii_uppercase());
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(upper.as_bytes()).ok()?);
        Secret::from_slice(&bytes).map(Self)
    }
    /// The text to hand to the client, once.
    pub fn reveal(&self) -> String {
        let text = Zeroizing::new(BASE32_NOPAD.encode(self.0.expose()));
        format!("{PREFIX}{}", text.to_ascii_lowercase())
    }
    /// `SHA-256(token)`: under this a session is found.
    fn digest(&self) -> TokenDigest {
        let mut bytes = [0; 32];
        let digest = digest::digest(&digest::SHA256, self.0.expose());
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        bytes
    }
}

type TokenDigest = [u8; 32];

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Ends after this long without a request (안전성 확보조치 기준 제6조 제4항).
    pub idle: Duration,
    /// Ends this long after log-in, whatever happens.
    pub absolute: Duration,
    /// Most sessions of one account; 0 counts as 1.
    pub per_account: usize,
}

/// A private key that only the token opens.
struct SealedKey {
    account: AccountId,
    /// Of its public key.
    fingerprint: Fingerprint,
    /// Ciphertext ‖ tag. The nonce is zero: the sealing key is used for this one message.
    bytes: Vec<u8>,
}

/// Derived from the token for one session: seals its private key, once.
struct SealingKey(Secret<32>);

impl SealingKey {
    /// `HKDF-SHA-256(salt = process, ikm = token, info = KEY_INFO)`, 32 bytes.
    fn derive(process: &Secret<32>, token: &Token) -> Option<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, process.expose());
        let mut key = Zeroizing::new([0; 32]);
        salt.extract(token.0.expose())
            .expand(&[KEY_INFO], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .ok()?;
        Some(Self(Secret::new(*key)))
    }
    fn aead(&self) -> Option<aead::LessSafeKey> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, self.0.expose()).ok()?;
        Some(aead::LessSafeKey::new(key))
    }
    /// `AES-256-GCM(self, nonce = 0, key, aad = account)`.
    fn seal(self, account: AccountId, key: &PrivateKey) -> Option<SealedKey> {
        let mut bytes = key.secret().expose().to_vec();
        let sealed = self.aead()?.seal_in_place_append_tag(
            zero_nonce(),
            aead::Aad::from(account.as_bytes()),
            &mut bytes,
        );
        if sealed.is_err() {
            bytes.zeroize();
            return None;
        }
        Some(SealedKey {
            account,
            fingerprint: key.public().fingerprint(),
            bytes,
        })
    }
    fn open(&self, sealed: &SealedKey) -> Option<PrivateKey> {
        let mut bytes = Zeroizing::new(sealed.bytes.clone());
        let aad = aead::Aad::from(sealed.account.as_bytes());
        let key = self.aead()?;
        let plain = key.open_in_place(zero_nonce(), aad, &mut bytes).ok()?;
        Secret::from_slice(plain).map(PrivateKey::new)
    }
}

fn zero_nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; aead::NONCE_LEN])
}

/// One request's proof of who asks. Minted by [`Sessions::resume`] alone; lives as long as the
/// request, whose [`Session::pulse`] tells whether it has been ended meanwhile.
pub struct Session {
    subject: Subject,
    origin: Origin,
    key: Option<(SealingKey, Arc<SealedKey>)>,
    pulse: Pulse,
    stepped_up: Option<Duration>,
}

/// Whether a session still lives, for work that began under it.
#[derive(Clone)]
pub struct Pulse(Weak<()>);

impl Pulse {
    /// Whether it is that of the same session.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
    /// An error once the session was ended: by log-out, a change of the account, or a seal.
    pub fn beats(&self) -> Result<(), SessionError> {
        if self.0.strong_count() > 0 {
            Ok(())
        } else {
            Err(SessionError::Ended)
        }
    }
}

impl Session {
    /// Who asks.
    pub const fn account(&self) -> AccountId {
        self.subject.account
    }
    /// What they may be, as of their log-in: a change of roles ends their sessions.
    pub const fn roles(&self) -> Roles {
        self.subject.roles
    }
    /// Where they belong.
    pub const fn department(&self) -> Option<DepartmentId> {
        self.subject.department
    }
    /// The same for work that goes on behind the request: it decides as this person and opens
    /// nothing with their key.
    #[must_use]
    pub fn without_key(self) -> Self {
        Self { key: None, ..self }
    }
    /// Whether it still lives, now and later.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }
    /// Whether the password was given again within [`STEP_UP`] before this moment of the monotonic
    /// clock.
    pub fn stepped_up(&self, now: Duration) -> bool {
        self.stepped_up
            .is_some_and(|at| now.saturating_sub(at) < STEP_UP)
    }
    /// From where this request came.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
    /// Fingerprint of the officer's public key, known without opening the private one.
    pub fn key_fingerprint(&self) -> Option<Fingerprint> {
        self.key.as_ref().map(|(_, sealed)| sealed.fingerprint)
    }
    /// The officer's private key, opened for this request with the token's secret; `None` if the
    /// account has none.
    pub fn private_key(&self) -> Option<PrivateKey> {
        let (opening, sealed) = self.key.as_ref()?;
        opening.open(sealed)
    }
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Unknown, ended, expired or revoked: all alike.
    #[error("the session has ended: log in again")]
    Ended,
    /// No token could be made.
    #[error(transparent)]
    Random(#[from] crate::domain::random::RandomError),
}

/// Who logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The account.
    pub account: AccountId,
    /// Its roles now.
    pub roles: Roles,
    /// Its department now.
    pub department: Option<DepartmentId>,
}

struct Live {
    subject: Subject,
    /// Order of log-in: the lowest of an account is its oldest.
    serial: u64,
    started: Duration,
    last: Duration,
    key: Option<Arc<SealedKey>>,
    /// When the password was given again.
    stepped_up: Option<Duration>,
    /// Held here alone: it goes with the session, whatever ends it.
    heart: Arc<()>,
}

#[derive(Default)]
struct State {
    serial: u64,
    live: HashMap<TokenDigest, Live>,
}

/// All sessions of this process.
pub struct Sessions {
    limits: SessionLimits,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    process: Secret<32>,
    state: Mutex<State>,
}

impl Sessions {
    /// None yet, under a fresh key of this process.
    pub fn new(
        limits: SessionLimits,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SessionError> {
        let process = Secret::random(&*random)?;
        Ok(Self {
            limits,
            random,
            clock,
            process,
            state: Mutex::default(),
        })
    }
    /// Starts one; the oldest of the account ends when there are too many. The wall time says
    /// when it ends at the latest. [`SessionError::Ended`] if the key cannot be sealed.
    pub fn start(
        &self,
        subject: Subject,
        key: Option<PrivateKey>,
    ) -> Result<(Token, Timestamp), SessionError> {
        let token = Token(Secret::random(&*self.random)?);
        let key = key
            .map(|key| self.seal(&token, subject.account, &key))
            .transpose()?;
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.live.retain(|_, live| self.alive(live, now));
        state.make_room(subject.account, self.limits.per_account.max(1));
        state.serial += 1;
        let live = Live {
            subject,
            serial: state.serial,
            started: now,
            last: now,
            key,
            stepped_up: None,
            heart: Arc::default(),
        };
        state.live.insert(token.digest(), live);
        Ok((token, self.clock.now().plus(self.limits.absolute)))
    }
    /// The session of `token`, for one request from `origin`; counts as a sign of life.
    pub fn resume(&self, token: &Token, origin: Origin) -> Result<Session, SessionError> {
        let digest = token.digest();
        let now = self.clock.monotonic();
        let (subject, sealed, pulse, stepped_up) = {
            let mut state = self.state();
            let live = state.live.get_mut(&digest).ok_or(SessionError::Ended)?;
            if !self.alive(live, now) {
                state.live.remove(&digest);
                return Err(SessionError::Ended);
            }
            live.last = now;
            let pulse = Pulse(Arc::downgrade(&live.heart));
            (live.subject, live.key.clone(), pulse, live.stepped_up)
        };
        let key = match sealed {
            Some(sealed) => {
                let opening = SealingKey::derive(&self.process, token);
                Some((opening.ok_or(SessionError::Ended)?, sealed))
            }
            None => None,
        };
        Ok(Session {
            subject,
            origin,
            key,
            pulse,
            stepped_up,
        })
    }
    /// The password was given again: for [`STEP_UP`] from now. Gives until when, by the wall clock.
    ///
    /// # Errors
    /// [`SessionError::Ended`] where there is no such session any more.
    pub fn step_up(&self, token: &Token) -> Result<Timestamp, SessionError> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let live = state.live.get_mut(&token.digest());
        let live = live.filter(|live| self.alive(live, now));
        live.ok_or(SessionError::Ended)?.stepped_up = Some(now);
        Ok(self.clock.now().plus(STEP_UP))
    }
    /// Ends one; says whose it was.
    pub fn end(&self, token: &Token) -> Option<Subject> {
        let live = self.state().live.remove(&token.digest())?;
        Some(live.subject)
    }
    /// Ends all of an account, at once: its next request finds none.
    pub fn revoke(&self, account: AccountId) {
        self.state()
            .live
            .retain(|_, live| live.subject.account != account);
    }
    /// Ends those whose time is over without anybody asking for them again: what goes on behind a
    /// request ends with its session. To be called every minute.
    pub fn tidy(&self) {
        let now = self.clock.monotonic();
        self.state().live.retain(|_, live| self.alive(live, now));
    }
    /// Ends all.
    pub fn end_all(&self) {
        self.state().live.clear();
    }

    fn seal(
        &self,
        token: &Token,
        account: AccountId,
        key: &PrivateKey,
    ) -> Result<Arc<SealedKey>, SessionError> {
        SealingKey::derive(&self.process, token)
            .and_then(|sealing| sealing.seal(account, key))
            .map(Arc::new)
            .ok_or(SessionError::Ended)
    }
    fn alive(&self, live: &Live, now: Duration) -> bool {
        now.saturating_sub(live.last) < self.limits.idle
            && now.saturating_sub(live.started) < self.limits.absolute
    }
    /// A panic elsewhere cannot leave a session half made, so a poisoned lock is taken over.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self, account: AccountId, most: usize) {
        let mut of_account: Vec<(u64, TokenDigest)> = self
            .live
            .iter()
            .filter(|(_, live)| live.subject.account == account)
            .map(|(digest, live)| (live.serial, *digest))
            .collect();
        of_account.sort_unstable();
        let surplus = (of_account.len() + 1).saturating_sub(most);
        for (_, digest) in of_account.iter().take(surplus) {
            self.live.remove(digest);
        }
    }
}

#[cfg(test)]
mod tests;
