//! The password once more, with a reason, for what needs more than a session: for some minutes the
//! session is stepped up. Slowed exactly like log-ins, and by the same failures.

use super::error::ServiceError;
use super::fault;
use super::login::{Try, enrolled};
use super::recipients::reason_fits;
use super::store::{Answer, Store};
use crate::audit::Outcome;
use crate::authn::password::PasswordError;
use crate::authn::session::{Session, Token};
use crate::cases::draft::Invalid;
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};

/// The entry of a wrong password says where it was tried.
const WRONG: &str = "step-up";

/// What is given again, and why.
pub struct StepUp {
    /// The password.
    pub password: SecretText,
    /// Why more than usual is needed, in the person's words; sealed in the access log.
    pub reason: String,
    /// Device secret of an earlier log-in.
    pub device: Option<String>,
}

impl Store {
    /// `POST /sessions/current/step-up`: gives until when the session is stepped up.
    ///
    /// # Errors
    /// [`ServiceError::CredentialsRefused`] for a wrong password: the session goes on, and the try
    /// is an entry like a failed log-in; [`ServiceError::Throttled`] as there.
    pub fn step_up(&self, session: &Session, token: &Token, asked: StepUp) -> Answer<Timestamp> {
        session.pulse().beats().map_err(fault::ended)?;
        needed(&asked.reason)?;
        let login = self.directory.login(session.account());
        let origin = session.origin().clone();
        let attempt = self.attempt(&login, asked.device.as_deref(), origin, Try::LogIn)?;
        let record = enrolled(attempt.account.as_ref()).map(|c| c.password.clone());
        match self.hasher.check(asked.password, record).wait() {
            Ok(_) => {}
            Err(PasswordError::Wrong) => return Ok(self.refuse_password(&attempt, Some(WRONG))),
            Err(error) => return Err(fault::password(error)),
        }
        // It may have been ended while argon2id ran.
        session.pulse().beats().map_err(fault::ended)?;
        let event = attempt.event(Task::StepUp, Outcome::Done, Some(asked.reason));
        let logged = self.log.event(event, Batch::default()).wait();
        logged.map_err(fault::log)?;
        let until = self.sessions.step_up(token).map_err(fault::ended)?;
        self.throttle.succeeded(attempt.tag, attempt.origin.address);
        Ok(Pending::ready(Ok(until)))
    }
}

/// A reason that is there and fits into an entry.
pub(super) fn needed(reason: &str) -> Result<(), ServiceError> {
    if reason.trim().is_empty() {
        return Err(Invalid::new("reason", "is needed").into());
    }
    reason_fits(reason)
}
