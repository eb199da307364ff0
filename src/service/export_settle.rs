//! Exports when the store opens: what was being written when the process ended is closed, files that
//! still have their time wait again, and what no record vouches for is removed.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ServiceError;
use super::exports::{SESSION_OVER, Waiting, wipe};
use super::fault;
use super::output_owed::OutputEnd;
use super::store::Store;
use crate::disclosure::output::{Output, OutputState};
use crate::domain::limit::Limit;

/// Every output there is.
const EVERY: Limit = Limit::rows(usize::MAX);

impl Store {
    /// Before anybody is let in: what was being written when the process ended is closed, and what
    /// no record vouches for is removed.
    pub(super) fn settle_exports(&self) -> Result<(), ServiceError> {
        let unsettled = |output: &Output| {
            let open = matches!(output.state, OutputState::Running | OutputState::Ready);
            open && !output.form.is_print()
        };
        let found = self.outputs.newest(u64::MAX, EVERY, unsettled);
        let (outputs, _) = found.map_err(fault::table)?;
        let mut vouched = Vec::new();
        for stored in outputs {
            let output = stored.row;
            let path = self.export_path(output.serial);
            match output.state {
                OutputState::Running => self.tell_end(output.serial, &interrupted(&output))?,
                // Sessions ended with the process.
                OutputState::Ready if output.sensitive && path.is_file() => {
                    self.end_file(output.serial, SESSION_OVER).whole()?;
                }
                OutputState::Ready if path.is_file() => {
                    self.exports.keep(output.serial, self.waits_on(&output));
                    vouched.push(path);
                }
                // The store was restored, or the file went with its disk.
                _ => {
                    let what = "interrupted: its file is not there".to_owned();
                    let lost = OutputEnd::new(OutputState::Interrupted, what);
                    self.tell_end(output.serial, &lost)?;
                }
            }
        }
        self.drop_strays(&vouched)
    }

    /// For how long a file that was there when the store opened still waits: never longer than any
    /// file does, and less by what the store's own time says, also where the wall clock was set back.
    fn waits_on(&self, output: &Output) -> Waiting {
        let now = self.own_time.latest(self.clock.as_ref()).as_millis();
        let until = output.file_until.unwrap_or(output.requested_at);
        let left = until.as_millis().saturating_sub(now);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let left = left.min(self.home.outputs.file_time());
        Waiting {
            by: output.by,
            until: self.clock.monotonic().saturating_add(left),
            session: None,
        }
    }

    fn drop_strays(&self, vouched: &[PathBuf]) -> Result<(), ServiceError> {
        let unreadable =
            |error: io::Error| ServiceError::Internal(format!("exports: {}", error.kind()));
        let files = match fs::read_dir(&self.exports.dir) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(error)),
        };
        for file in files {
            let path = file.map_err(unreadable)?.path();
            if path.is_file() && !vouched.contains(&path) {
                wipe(&path).map_err(unreadable)?;
            }
        }
        Ok(())
    }
}

/// What was being written when the process ended.
fn interrupted(output: &Output) -> OutputEnd {
    let most = output.cases;
    let known = output.finished.as_ref().map_or(0, |noted| noted.cases);
    let what = format!(
        "interrupted: the server stopped; how many cases were opened is not known, at least \
         {known}, at most {most}; nothing of it is left"
    );
    OutputEnd::new(OutputState::Interrupted, what)
}
