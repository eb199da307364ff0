//! Bringing a store back from a backup, a keyring from a capsule, or both: `bongham backup
//! restore`, `bongham keyring restore`. Nobody serves the store meanwhile.
//!
//! 1. Verify the backup with the log's public key; refuse logs that end before what an auditor's
//!    checkpoint, or for the ledger the keyring, vouches for, unless bundles bring the rest.
//! 2. Put the files together beside their place, open the journal, bring what the bundles have,
//!    compare every root. Until here nothing but the new directory has been written.
//! 3. Mark the keyring: the floor is lowered, which only a restore may do, and from now on nothing
//!    but this restore opens the store. Rename the directory into place.
//! 4. Destroy again every key that the ledger names, whether by a destruction, by a new key or with
//!    its account, and believe no row of an account that is older than it says; drop the rows of
//!    the destroyed; look at every case; put the blind index under a living key; overwrite what was
//!    dropped; shut out accounts whose rights or passwords changed since.
//! 5. Enter it in ledger and access log, take the mark away.
//!
//! A crash before 3 leaves a directory that the next try replaces; after it, the same command goes
//! on, and every step may be repeated.
//!
//! Holds and locks that were set after the backup are set again as the ledger tells. The requests
//! behind them are lost with their rows: the report says so. Exports and prints that nobody had fetched
//! when the backup was made may be out since, and are taken to be.

#[cfg(test)]
mod crash_tests;
mod layout;
#[cfg(test)]
mod output_tests;
mod proofs;
mod records;
mod replay;
#[cfg(test)]
mod scene;
mod step;
#[cfg(test)]
mod tests;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ServiceError;
use super::fault;
use super::open;
use super::seal::Settings;
use super::store::Store;
use crate::audit::verifier_key_of;
use crate::cases::rows::Cases;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::RowKey;
use crate::domain::id::{BackupId, KeyHolderId, UnitId};
use crate::domain::random::Random;
use crate::domain::role::Role;
use crate::domain::secret::SecretText;
use crate::domain::time::Clock;
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::{Engine, Log};
use crate::keyring::{
    Capsule, CapsuleError, Floor, Keyring, KeyringError, Restoring, ServerKey, UnsealSecret,
};
use crate::merkle::checkpoint::Verifier;
use crate::merkle::manifest::{self, Sound};
use crate::merkle::tree::Hash;
use crate::people::account::Account;
use crate::people::rows::People;
use crate::people::view::{AccountState, Invitation};
use proofs::{Bundle, Need};
use replay::{Past, Swept};
use step::Step;
use told::Told;

/// What to restore, and what must not be lost by it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The backup; none where the data is there and the keyring came out of a capsule.
    pub backup: Option<PathBuf>,
    /// Backup of the separate store, or its directory; needed with `backup`.
    pub retained: Option<PathBuf>,
    /// Serial number of the capsule that the keyring must have come out of.
    pub capsule: Option<KeyHolderId>,
    /// The log's public key, kept elsewhere since the store was made.
    pub key: String,
    /// Checkpoints that an auditor kept.
    pub checkpoints: Vec<String>,
    /// A bundle of the ledger, for what the backup does not have.
    pub ledger: Option<PathBuf>,
    /// A bundle of the access log, likewise.
    pub log: Option<PathBuf>,
    /// Nobody has the ledger's newest entries: go on without them, which is recorded.
    pub ledger_lost: bool,
}

/// What a restore did. Names nobody.
pub struct Report {
    /// One line each.
    pub lines: Vec<String>,
    /// New codes for administrators and privacy officers, where none is left who could let the
    /// others in again.
    pub invitations: Vec<Invitation>,
}

fn refused(why: String) -> ServiceError {
    ServiceError::RestoreRefused(why)
}

/// Makes a keyring of a capsule. It opens no store before [`restore`] was run with it.
pub fn unpack_keyring(
    dir: &Path,
    capsule: &[u8],
    passphrase: &SecretText,
) -> Result<KeyHolderId, ServiceError> {
    let unpacked = Capsule::unpack(capsule, passphrase, dir).or_else(|error| match error {
        // Of a try that was broken off: the restore looks whether it is the one.
        CapsuleError::Keyring(KeyringError::Exists) => Capsule::serial(capsule),
        other => Err(other),
    });
    unpacked.map_err(|error| match error {
        CapsuleError::WrongSecret => ServiceError::WrongPassphrase,
        CapsuleError::Newer => ServiceError::Newer(error.to_string()),
        CapsuleError::Damaged => refused(error.to_string()),
        CapsuleError::Keyring(error) => fault::keyring(error),
    })
}

/// Restores (see the module).
pub fn restore(
    settings: &Settings,
    secret: &UnsealSecret,
    request: &Request,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Report, ServiceError> {
    restore_in_steps(settings, secret, request, (random, clock), &|_| Ok(()))
}

/// The same; `behind` is told of every step and may stop it there, as a crash would.
fn restore_in_steps(
    settings: &Settings,
    secret: &UnsealSecret,
    request: &Request,
    (random, clock): (Arc<dyn Random>, Arc<dyn Clock>),
    behind: &dyn Fn(Step) -> Result<(), ServiceError>,
) -> Result<Report, ServiceError> {
    let verifier = Verifier::parse(request.key.trim())
        .map_err(|error| refused(format!("the log's public key: {error}")))?;
    let progress = settings.progress.clone();
    let sound = request.backup.as_deref().map(|dir| {
        let sound = manifest::verify(dir, &verifier, |_| ());
        sound.map_err(|error| refused(error.to_string()))
    });
    let sound = sound.transpose()?;
    let keyring = Keyring::open(
        &settings.keyring,
        secret,
        Arc::clone(&random),
        Arc::clone(&clock),
    );
    let keyring = Arc::new(keyring.map_err(fault::keyring)?);
    let own = verifier_key_of(&keyring).map_err(fault::log)?;
    if own.trim() != request.key.trim() {
        let why = "the public key is not that of this keyring's store";
        return Err(refused(why.to_owned()));
    }
    let capsule = keyring.restoring().and_then(|begun| begun.capsule);
    if request.capsule.is_some() && request.capsule != capsule {
        let why = "there is a keyring already, and it did not come out of this copy";
        return Err(refused(why.to_owned()));
    }
    // The floor of an older keyring vouches for an older ledger: somebody else has to.
    let witnessed = !request.checkpoints.is_empty() || request.ledger.is_some();
    if capsule.is_some() && !witnessed && !request.ledger_lost {
        let why = "this keyring came out of a copy and does not know how long the ledger was: give a \
                   checkpoint that an auditor kept (--checkpoint) or a bundle (--ledger)";
        return Err(refused(why.to_owned()));
    }
    let work = Work {
        settings,
        request,
        verifier,
        sound,
        keyring,
        random,
        clock,
        behind,
    };
    let vouched = work
        .keyring
        .restoring()
        .map_or_else(|| work.keyring.floor(), |begun| begun.floor);
    let brought = work.put_together(vouched, &|done, all| {
        if let Some(tell) = &progress {
            tell(done, all);
        }
    })?;
    work.finish(vouched, brought)
}

/// A restore at work.
struct Work<'a> {
    settings: &'a Settings,
    request: &'a Request,
    verifier: Verifier,
    sound: Option<Sound>,
    keyring: Arc<Keyring>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    behind: &'a dyn Fn(Step) -> Result<(), ServiceError>,
}

impl Work<'_> {
    fn backup(&self) -> Result<Option<BackupId>, ServiceError> {
        let Some(sound) = &self.sound else {
            return Ok(None);
        };
        let id = sound.manifest.backup.parse();
        id.map(Some)
            .map_err(|_| refused("the backup has no id".to_owned()))
    }

    /// Steps 2 and 3; gives how many leaves of the access log came without their bodies.
    fn put_together(
        &self,
        vouched: Floor,
        progress: &dyn Fn(u64, u64),
    ) -> Result<u64, ServiceError> {
        let data = &self.settings.data;
        let stage = layout::stage(data);
        let begun = self.keyring.restoring();
        let (Some(sound), Some(backup)) = (&self.sound, self.backup()?) else {
            if begun.is_none() {
                let why = "this keyring did not come out of a capsule; name a backup";
                return Err(refused(why.to_owned()));
            }
            return self.bring_to(data, vouched);
        };
        let other = |begun: Restoring| begun.backup.is_some_and(|begun| begun != backup);
        if begun.is_some_and(other) {
            let why = "another backup's restore was begun with this keyring: finish that one first";
            return Err(refused(why.to_owned()));
        }
        if begun.is_none_or(|begun| begun.backup.is_none()) {
            if sound.manifest.set != "live" {
                return Err(refused("this is a backup of the separate store".to_owned()));
            }
            if data.exists() {
                return Err(refused(format!("{} exists already", data.display())));
            }
            proofs::reach(&self.needs(vouched)?, self.sizes(sound.manifest.sizes)?)?;
            let dir = self.request.backup.as_deref().unwrap_or(Path::new(""));
            layout::copy(sound, dir, &stage, progress)?;
            (self.behind)(Step::Copied)?;
            layout::copy_apart(self.request.retained.as_deref(), &self.verifier, &stage)?;
            (self.behind)(Step::CopiedApart)?;
            let brought = self.bring_to(&stage, vouched)?;
            (self.behind)(Step::Brought)?;
            let floor = Floor {
                access_size: sound.access.size,
                access_root: sound.access.root.0,
                ledger_size: sound.ledger.size,
                ledger_root: sound.ledger.root.0,
            };
            self.keyring
                .begin_restore(backup, floor)
                .map_err(fault::keyring)?;
            (self.behind)(Step::Marked)?;
            layout::place(&stage, data)?;
            (self.behind)(Step::Placed)?;
            return Ok(brought);
        }
        if stage.exists() && !data.exists() {
            layout::place(&stage, data)?;
        }
        // Begun before: whatever the bundles have is there already.
        Ok(0)
    }

    /// Sizes of the logs with what the bundles bring.
    fn sizes(&self, [access, ledger]: [u64; 2]) -> Result<[u64; 2], ServiceError> {
        let mut sizes = [access, ledger];
        for bundle in self.bundles()? {
            let [access, ledger] = &mut sizes;
            let size = match bundle.need().log {
                Log::Access => access,
                Log::Ledger => ledger,
            };
            *size = bundle.said.size.max(*size);
        }
        Ok(sizes)
    }

    fn bundles(&self) -> Result<Vec<Bundle<'_>>, ServiceError> {
        let copy = |log| {
            let list = self.sound.as_ref().map(|sound| &sound.manifest);
            list.map(|list| match log {
                Log::Access => list.access.as_str(),
                Log::Ledger => list.ledger.as_str(),
            })
        };
        let given = [
            (Log::Access, &self.request.log),
            (Log::Ledger, &self.request.ledger),
        ];
        let mut bundles = Vec::new();
        for (log, path) in given {
            if let Some(path) = path {
                bundles.push(Bundle::verify(path, log, &self.verifier, copy(log))?);
            }
        }
        Ok(bundles)
    }

    /// Everything that somebody vouches for.
    fn needs(&self, vouched: Floor) -> Result<Vec<Need>, ServiceError> {
        let mut needs = Vec::new();
        for note in &self.request.checkpoints {
            needs.extend(proofs::of_checkpoint(note, &self.verifier)?);
        }
        if !self.request.ledger_lost {
            needs.push(Need {
                log: Log::Ledger,
                size: vouched.ledger_size,
                root: Hash(vouched.ledger_root),
                who: "the keyring",
            });
        }
        Ok(needs)
    }

    /// Opens the journal below `data`, brings what the bundles have, compares every root, closes.
    fn bring_to(&self, data: &Path, vouched: Floor) -> Result<u64, ServiceError> {
        let sizes = self.sound.as_ref().map_or([0; 2], |s| s.manifest.sizes);
        let mut options = open::options(self.settings, &self.keyring, &self.random, &self.clock);
        options.dir = open::store_dir(data);
        options.floor = sizes;
        let engine = EmbeddedEngine::open(options).map_err(fault::engine)?;
        let mut needs = self.needs(vouched)?;
        let mut headers_only = 0;
        for bundle in self.bundles()? {
            let brought = bundle.bring(&engine, &self.verifier)?;
            if bundle.need().log == Log::Access {
                headers_only = brought;
            }
            needs.push(bundle.need());
        }
        proofs::reach(&needs, Log::ALL.map(|log| engine.log_size(log)))?;
        proofs::hold(&engine, &needs)?;
        self.skip_named(&engine)?;
        engine.close().map_err(fault::engine)?;
        Ok(headers_only)
    }

    /// Where the keyring came out of a capsule: no bucket is numbered like one of the lost time.
    fn skip_named(&self, engine: &EmbeddedEngine) -> Result<(), ServiceError> {
        let begun = self.keyring.restoring();
        if begun.is_none_or(|begun| begun.capsule.is_none()) {
            return Ok(());
        }
        let past = Past::read(engine)?;
        replay::skip_named(&self.keyring, past.units())
    }

    /// Steps 4 and 5.
    fn finish(&self, vouched: Floor, headers_only: u64) -> Result<Report, ServiceError> {
        let mut options = open::options(self.settings, &self.keyring, &self.random, &self.clock);
        options.floor = [0; 2];
        let engine = EmbeddedEngine::open(options).map_err(fault::engine)?;
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let begun = self.keyring.restoring();
        let begun = begun.ok_or_else(|| refused("no restore was begun".to_owned()))?;
        let past = Past::read(&*engine)?;
        past.teach(&self.keyring)?;
        (self.behind)(Step::Taught)?;
        if begun.capsule.is_some() {
            self.skip_rows(&engine)?;
        }
        (self.behind)(Step::Skipped)?;
        let apart = open::open_apart(self.settings, &self.keyring, &self.random, &self.clock)?;
        let store = open::assemble(
            self.settings,
            Arc::clone(&self.keyring),
            (Arc::clone(&engine), Arc::new(apart) as _),
            Arc::clone(&self.random),
            Arc::clone(&self.clock),
        )?;
        let from = store.log.floor().map_err(fault::log)?;
        store.finish_punctures()?;
        (self.behind)(Step::Punctured)?;
        let mut swept = Swept::default();
        if begun.capsule.is_some() {
            store.keep_named(&mut swept)?;
        }
        (self.behind)(Step::Kept)?;
        store.sweep_dead(&past, &mut swept)?;
        store.settle_index_again(begun.capsule.is_some())?;
        store.overwrite_again(&past.dead)?;
        (self.behind)(Step::Swept)?;
        let held = store.older();
        let invitations = store.let_in_again(&held)?;
        (self.behind)(Step::LetIn)?;
        store.hold_back()?;
        (self.behind)(Step::HeldBack)?;
        let (orders, approvals) = store.withdraw()?;
        let outputs = match begun.backup {
            Some(_) => store.doubt_outputs()?,
            None => 0,
        };
        (self.behind)(Step::Withdrawn)?;
        store.relist_copies()?;
        (self.behind)(Step::Relisted)?;
        let told = Told {
            orders,
            approvals,
            outputs,
            begun,
            from,
            vouched,
            headers_only,
            held: held.len() as u64,
        };
        store.enter_restore(&told, &past, &swept)?;
        (self.behind)(Step::Entered)?;
        let floor = store.log.floor().map_err(fault::log)?;
        self.keyring.finish_restore(floor).map_err(fault::keyring)?;
        (self.behind)(Step::Finished)?;
        let lines = told.lines(&past, &swept);
        store.close()?;
        Ok(Report { lines, invitations })
    }

    /// The same for what rows name.
    fn skip_rows(&self, engine: &Arc<dyn Engine>) -> Result<(), ServiceError> {
        let locator = || Locator::new(&self.keyring.server_key(ServerKey::Location));
        let row_key = || RowKey::new(self.keyring.server_key(ServerKey::Row));
        let cases = Cases::new(
            Arc::clone(engine),
            locator(),
            row_key(),
            Arc::clone(&self.random),
        );
        let mut highest = UnitId::from_u64(0);
        replay::each_head(&cases.map_err(fault::cases)?, |stored| {
            let units = stored.head.units.iter().map(|unit| unit.unit);
            highest = units.fold(highest, std::cmp::max);
        })?;
        let people = People::new(
            Arc::clone(engine),
            locator(),
            row_key(),
            Arc::clone(&self.random),
        );
        let accounts: Vec<Account> = people.all().map_err(fault::table)?;
        let units = accounts
            .into_iter()
            .filter_map(|a| a.credentials.map(|c| c.unit));
        replay::skip_named(&self.keyring, units.chain([highest]))
    }
}

impl Store {
    /// Where nobody is left who could let the others in again, those who could get a new code:
    /// whoever restores has passphrase and keyring in hand, as at the making of the store. Who was
    /// given one by a try that was broken off gets another.
    fn let_in_again(&self, older: &[(Account, u64)]) -> Result<Vec<Invitation>, ServiceError> {
        let mut invitations = Vec::new();
        let is_older = |a: &Account| older.iter().any(|(older, _)| older.id == a.id);
        for role in [Role::Admin, Role::PrivacyOfficer] {
            let all: Vec<Account> = self.directory.accounts();
            let holders = || all.iter().filter(|a| a.roles.has(role));
            if holders().any(|a| a.state == AccountState::Enrolled && !is_older(a)) {
                continue;
            }
            let waiting = |a: &&Account| is_older(a) || a.state == AccountState::Invited;
            for account in holders().filter(waiting) {
                let known = older.iter().find(|(older, _)| older.id == account.id);
                let revision = known.map_or(account.revision, |(_, least)| *least);
                invitations.push(self.invite_again(account.id, role, revision)?);
            }
        }
        Ok(invitations)
    }
}
