//! The evidence for a petitioner: who opened their case.

use data_encoding::BASE64;

use super::error::ServiceError;
use super::fault;
use super::recipients::reason_fits;
use super::store::{Answer, Store};
use crate::audit::about::About;
use crate::audit::{LogError, Shown};
use crate::authn::session::Session;
use crate::authz::action::GiveEvidence;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::cases::head::Head;
use crate::destruction::draft::IdentityMethod;
use crate::domain::id::CaseId;
use crate::engine::{Log, Pending};
use crate::inspection::evidence::{Body, Evidence, Fault, Since};
use crate::inspection::evidence_page;
use crate::merkle::checkpoint::{Checkpoint, CheckpointError, Verifier};

/// Entries of one document at the most: the newest. How many older ones there are is said in it.
const ENTRIES_MAX: usize = 10_000;

/// About which case, exactly one of the two; and to whom it is given.
#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceDraft {
    /// Number on the petitioner's receipt (접수증).
    pub receipt: Option<String>,
    /// Id of the case.
    pub case: Option<String>,
    /// How it was checked who asks; sealed in the access log.
    pub identity: IdentityMethod,
    /// Why and to whom it is given, in words; sealed in the access log.
    pub reason: String,
    /// A checkpoint of the access log that the petitioner kept: the document proves that the log goes
    /// on from there.
    pub since: Option<String>,
}

/// What is handed to the petitioner.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct EvidenceView {
    /// Entries in it.
    pub entries: usize,
    /// The document, canonical JSON: its bytes are what `bongham log verify-evidence` checks.
    pub document: String,
    /// The same as a page to print, in Korean and English.
    pub page: String,
}

impl Store {
    /// `POST /evidence`. The telling is an entry itself, durable before anything is told. Of a case
    /// that was destroyed it is told under its id; its receipt is gone with it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a receipt or case that does not exist: both alike;
    /// [`ServiceError::Invalid`] without a reason, and for what is no checkpoint of this log.
    pub fn give_evidence(&self, session: &Session, asked: EvidenceDraft) -> Answer<EvidenceView> {
        self.office::<GiveEvidence, _>(session, Target::Office, |permit| {
            let found = given_to(&asked).and_then(|given_to| {
                let since = asked.since.as_deref().map(|note| self.earlier(note));
                Ok((self.case_asked_for(&asked)?, given_to, since.transpose()?))
            });
            self.or_fail(permit, found, |permit, (head, given_to, since)| {
                let shown = Shown {
                    cases: vec![head.case],
                    reason: Some(given_to),
                    query: Some("evidence"),
                    ..Shown::default()
                };
                let recorded = self.log.record(permit, shown).wait();
                let receipt = recorded.map_err(fault::log)?;
                let about = self.log.about(&receipt, head.case, ENTRIES_MAX);
                let about = about.map_err(fault::log)?;
                let view = self.evidence_of(&head, &about, since.as_ref())?;
                Ok(Pending::ready(Ok(view)))
            })
        })
    }

    fn case_asked_for(&self, asked: &EvidenceDraft) -> Result<Head, ServiceError> {
        let found = match (&asked.receipt, &asked.case) {
            (Some(receipt), None) => self.cases.by_receipt(receipt),
            (None, Some(case)) => {
                let case = case.parse::<CaseId>().map_err(|_| ServiceError::NotFound)?;
                self.cases.head(case)
            }
            _ => return Err(Invalid::new("receipt", "give either a receipt or a case").into()),
        };
        let found = found.map_err(fault::cases)?;
        found
            .map(|stored| stored.head)
            .ok_or(ServiceError::NotFound)
    }

    /// A checkpoint of this log that somebody kept.
    fn earlier(&self, note: &str) -> Result<Checkpoint, ServiceError> {
        let untold = |error: CheckpointError| ServiceError::Internal(error.to_string());
        let verifier = Verifier::parse(&self.log.verifier_key()).map_err(untold)?;
        let unfit = || Invalid::new("since", "is no checkpoint of this access log");
        let kept = verifier.open(note).map_err(|_| unfit())?;
        let now = self.log.checkpoint(Log::Access).map_err(fault::log)?;
        let now = verifier.open(&now).map_err(untold)?;
        if kept.origin != now.origin || kept.size == 0 || kept.size > now.size {
            return Err(unfit().into());
        }
        Ok(kept)
    }

    /// Proves that the first `size` entries go on from those of `kept`.
    fn since(&self, kept: &Checkpoint, size: u64) -> Result<Since, LogError> {
        let found = self.log.consistency(Log::Access, kept.size, size)?;
        if found.from_root != kept.root {
            let why = "a checkpoint that was given out vouches for other entries";
            return Err(LogError::Regressed(why.to_owned()));
        }
        let hashes = found.proof.iter();
        Ok(Since {
            size: kept.size,
            proof: hashes.map(|hash| BASE64.encode(&hash.0)).collect(),
        })
    }

    fn evidence_of(
        &self,
        head: &Head,
        about: &About,
        since: Option<&Checkpoint>,
    ) -> Result<EvidenceView, ServiceError> {
        let mut body = None;
        let said = |fault: Fault| LogError::Unavailable(fault.to_string());
        let note = self.log.checkpoint_for(Log::Access, |size| {
            let proof = |index| {
                let inclusion = self.log.inclusion(Log::Access, index, size)?;
                let hashes = inclusion.proof.iter();
                Ok::<_, LogError>(hashes.map(|hash| BASE64.encode(&hash.0)).collect())
            };
            let indexes = about.entries.iter().map(|entry| entry.index);
            let proofs = indexes.map(proof).collect::<Result<_, _>>()?;
            let issued = self.clock.now().rfc3339();
            let (receipt, case) = (head.receipt.to_string(), head.case.to_string());
            let since = since.map(|kept| self.since(kept, size)).transpose()?;
            let made = Body::of(receipt, case, issued, about, proofs, since);
            let line = made.line().map_err(said)?;
            body = Some(made);
            Ok(line)
        });
        let checkpoint = note.map_err(fault::log)?;
        let untold = |why: String| ServiceError::Internal(why);
        let body = body.ok_or_else(|| untold("evidence without text".to_owned()))?;
        let (entries, page) = (body.entries.len(), evidence_page::page(&body));
        let document = Evidence { body, checkpoint }.bytes();
        let document = document.map_err(|fault| untold(fault.to_string()))?;
        Ok(EvidenceView {
            entries,
            document: String::from_utf8(document).map_err(|error| untold(error.to_string()))?,
            page,
        })
    }
}

/// What the entry says of it: how they were identified, and the words.
fn given_to(asked: &EvidenceDraft) -> Result<String, ServiceError> {
    if asked.reason.trim().is_empty() {
        return Err(Invalid::new("reason", "is needed: to whom it is given, and why").into());
    }
    let method = serde_json::to_value(asked.identity);
    let method = method.map_err(|error| ServiceError::Internal(error.to_string()))?;
    let method = method.as_str().unwrap_or_default();
    let given_to = format!("{method}: {}", asked.reason);
    reason_fits(&given_to)?;
    Ok(given_to)
}
