//! The access log for auditors: entries, checkpoints, proofs, bundles. For everybody else none of
//! it exists.

use std::io::Write;

use data_encoding::BASE64;

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{ConsistencyView, InclusionView, LogEntry, PageRequest, Rows};
use crate::audit::Shown;
use crate::audit::query::{Query, Row};
use crate::authn::session::Session;
use crate::authz::action::ReadLog;
use crate::authz::facts::Target;
use crate::authz::{Denied, Permit};
use crate::cases::draft::Invalid;
use crate::domain::purpose::Purpose;
use crate::engine::{Log, Pending};
use crate::merkle::tree::Hash;

impl Store {
    fn may_read_log(&self, session: &Session) -> Result<Permit<ReadLog>, Denied<ReadLog>> {
        self.authority
            .decide::<ReadLog>(session, Target::Office, Some(Purpose::Audit))
    }

    /// A denied look at the log is logged, and answered like an absent route.
    fn hide<T: Send + 'static>(&self, denied: Denied<ReadLog>) -> Pending<Result<T, ServiceError>> {
        self.log
            .refuse(denied)
            .map(|refused| refused.map_err(fault::log).and(Err(ServiceError::NotFound)))
    }

    /// `GET /log/entries`. The query is an entry itself, durable before anything is shown.
    pub fn log_entries(
        &self,
        session: &Session,
        query: Query,
        page: PageRequest,
    ) -> Answer<Rows<LogEntry>> {
        let permit = match self.may_read_log(session) {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide(denied)),
        };
        let before = page.cursor.as_deref().map(str::parse::<u64>).transpose();
        let before = before.map_err(|_| Invalid::new("cursor", "is not one this list gave"))?;
        let cases = query.case.into_iter().collect();
        let shown = Shown {
            cases,
            query: Some("entries"),
            ..Shown::default()
        };
        let receipt = self.log.record(permit, shown).wait().map_err(fault::log)?;
        let (rows, next) = self
            .log
            .entries(&receipt, &query, before, page.limit)
            .map_err(fault::log)?;
        let rows = rows.into_iter().map(|row| self.entry_view(row)).collect();
        Ok(Pending::ready(Ok(Rows {
            rows,
            next: next.map(|n| n.to_string()),
        })))
    }

    fn entry_view(&self, row: Row) -> LogEntry {
        let login = row.account.map(|id| self.directory.login(id));
        LogEntry { login, row }
    }

    /// `GET /log/checkpoint`: the signed note, of the log as it is now.
    pub fn checkpoint(&self, session: &Session, log: Log) -> Answer<String> {
        self.inspect(session, "checkpoint", |store| store.log.checkpoint(log))
    }

    /// `GET /log/key`: what an auditor keeps elsewhere.
    pub fn verifier_key(&self, session: &Session) -> Answer<String> {
        self.inspect(session, "key", |store| Ok(store.log.verifier_key()))
    }

    /// `GET /log/proofs/inclusion`.
    pub fn prove_inclusion(
        &self,
        session: &Session,
        log: Log,
        index: u64,
        size: u64,
    ) -> Answer<InclusionView> {
        self.inspect(session, "proof", |store| {
            let proof = store.log.inclusion(log, index, size)?;
            Ok(InclusionView {
                index,
                size,
                leaf: base64(&proof.leaf),
                root: base64(&proof.root),
                proof: proof.proof.iter().map(base64).collect(),
            })
        })
    }

    /// `GET /log/proofs/consistency`.
    pub fn prove_consistency(
        &self,
        session: &Session,
        log: Log,
        from: u64,
        to: u64,
    ) -> Answer<ConsistencyView> {
        self.inspect(session, "proof", |store| {
            let proof = store.log.consistency(log, from, to)?;
            Ok(ConsistencyView {
                from,
                to,
                from_root: base64(&proof.from_root),
                to_root: base64(&proof.to_root),
                proof: proof.proof.iter().map(base64).collect(),
            })
        })
    }

    fn inspect<T: Send + 'static>(
        &self,
        session: &Session,
        query: &'static str,
        look: impl FnOnce(&Self) -> Result<T, crate::audit::LogError>,
    ) -> Answer<T> {
        let permit = match self.may_read_log(session) {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide(denied)),
        };
        let value = look(self).map_err(fault::log)?;
        self.record_office(permit, query, value)
    }

    /// `GET /log/bundle`: logs the export, then writes the bundle to `out` on a thread of its own,
    /// at constant memory. If writing fails half-way, `out` is dropped without its last part.
    pub fn export_bundle(
        self: &std::sync::Arc<Self>,
        session: &Session,
        log: Log,
        mut out: Box<dyn Write + Send>,
    ) -> Answer<()> {
        let permit = match self.may_read_log(session) {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide(denied)),
        };
        let shown = Shown {
            query: Some("bundle"),
            ..Shown::default()
        };
        let receipt = self.log.record(permit, shown).wait().map_err(fault::log)?;
        let store = std::sync::Arc::clone(self);
        let (completer, done) =
            crate::engine::pending(|| Err(ServiceError::Internal("bundle".into())));
        std::thread::Builder::new()
            .name("bundle".into())
            .spawn(move || {
                let written = store.log.write_bundle(&receipt, log, &mut *out);
                completer.complete(written.map(|_| ()).map_err(fault::log));
            })
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        Ok(done)
    }
}

fn base64(hash: &Hash) -> String {
    BASE64.encode(&hash.0)
}
