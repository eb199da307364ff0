//! The decision function over the policies, and its memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::action::Action;
use super::aim::{Aim, Question};
use super::cedar_ask::Verdict;
use super::cedar_rules::Rules;
use super::facts::{Fields, Target};
use super::permit::{Basis, Denied, Permit};
use super::source::{Files, Source};
use crate::authn::session::Session;
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;

/// Why a policy set was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A set without policies would refuse everybody everything.
    #[error("no policies in {0}")]
    None(String),
    /// A file that is missing, unreadable, or does not pass the strict checks.
    #[error("{file}: {why}")]
    Invalid {
        /// Which.
        file: String,
        /// Why, for the person who has to put it right.
        why: String,
    },
}

/// Questions remembered. An office asks some hundreds: roles that occur × actions × purposes.
const REMEMBERED: usize = 4096;

/// All verdicts on one question. They are made together, so that how long an answer takes tells
/// nothing of the case: whichever is asked about first, the rest is there.
type Row = HashMap<Aim, Verdict>;

/// The decision function.
pub struct Authority {
    rules: Rules,
    memory: RwLock<HashMap<Question, Arc<Row>>>,
}

impl Authority {
    /// The policies built into the program (`policies/`).
    pub fn built_in() -> Result<Self, PolicyError> {
        Self::from_source(&Source::BuiltIn)
    }
    /// Policies of an office, replacing the built-in set: `schema.cedarschema`, `*.cedar`,
    /// `*.tests.json`. The schema must state exactly the actions of [`super::action::NAMES`],
    /// every policy its `@id` and `@basis`, every permit on cases its `@fields`.
    pub fn load(dir: &Path) -> Result<Self, PolicyError> {
        Self::from_source(&Source::Directory(dir.to_owned()))
    }
    /// SHA-256 of the policy set.
    pub const fn policy_set(&self) -> [u8; 32] {
        self.rules.hash
    }
    /// May this person do `A` to `target` for `purpose`? It depends only on their roles, on how
    /// they stand to the target (hold it, share its department, asked for it), on its tier and
    /// restriction, and on the purpose. What does not exist is denied exactly like a stranger's
    /// sensitive case.
    pub fn decide<A: Action>(
        &self,
        session: &Session,
        target: Target<'_>,
        purpose: Option<Purpose>,
    ) -> Result<Permit<A>, Denied<A>> {
        let aim = Aim::of(target, session.account(), session.department());
        let verdict = self.verdict(question::<A>(session, purpose), aim);
        let case = match target {
            Target::Case(facts) => Some(facts.case),
            Target::NoCase(case) => Some(case),
            Target::NewCase { .. } | Target::Office | Target::Request { .. } => None,
        };
        let basis = Basis::of(session, purpose, case, verdict.policies, self.rules.hash);
        if verdict.allowed {
            Ok(Permit::mint(basis, verdict.fields))
        } else {
            Err(Denied::mint(basis))
        }
    }
    /// Could somebody in these roles do `A` to the office now? For what they asked for earlier and
    /// another carries out; it proves nothing.
    pub fn of_office<A: Action>(&self, roles: Roles) -> bool {
        let question = Question {
            action: A::NAME,
            roles,
            purpose: None,
        };
        self.verdict(question, Aim::Office).allowed
    }
    /// May this person look through cases for `A` with this purpose? The permit stands for the
    /// look itself and shows nothing of any case: each case found is decided on its own.
    pub fn survey<A: Action>(
        &self,
        session: &Session,
        purpose: Purpose,
    ) -> Result<Permit<A>, Denied<A>> {
        let has_department = session.department().is_some();
        let row = self.row(question::<A>(session, Some(purpose)));
        let mut policies: Vec<String> = row
            .iter()
            .filter(|(aim, verdict)| verdict.allowed && aim.reachable(has_department))
            .flat_map(|(_, verdict)| verdict.policies.iter().cloned())
            .collect();
        policies.sort_unstable();
        policies.dedup();
        let allowed = !policies.is_empty();
        let basis = Basis::of(
            session,
            Some(purpose),
            None,
            policies.into(),
            self.rules.hash,
        );
        if allowed {
            Ok(Permit::mint(basis, Fields::default()))
        } else {
            Err(Denied::mint(basis))
        }
    }
    /// Whether `A` with this purpose could be allowed to this person on any target at all: the
    /// answer depends on no case, so telling it reveals none.
    pub fn conceivable<A: Action>(&self, session: &Session, purpose: Option<Purpose>) -> bool {
        let has_department = session.department().is_some();
        self.row(question::<A>(session, purpose))
            .iter()
            .any(|(aim, verdict)| verdict.allowed && aim.reachable(has_department))
    }

    /// The same policies without reading them again: for tests that open a store very often.
    #[cfg(test)]
    pub(crate) fn again(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            memory: RwLock::default(),
        }
    }

    fn from_source(source: &Source) -> Result<Self, PolicyError> {
        let rules = Rules::read(&Files::read(source)?)?;
        Ok(Self {
            rules,
            memory: RwLock::default(),
        })
    }
    /// The verdict on this aim; one that no row knows of is denied.
    fn verdict(&self, question: Question, aim: Aim) -> Verdict {
        self.row(question)
            .get(&aim)
            .cloned()
            .unwrap_or_else(Verdict::denied)
    }

    fn row(&self, question: Question) -> Arc<Row> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = memory.get(&question) {
            return Arc::clone(row);
        }
        drop(memory);
        let row: Arc<Row> = Arc::new(
            Aim::all()
                .map(|aim| (aim, self.rules.ask(question, aim)))
                .collect(),
        );
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= REMEMBERED {
            memory.clear();
        }
        memory.insert(question, Arc::clone(&row));
        row
    }
}

fn question<A: Action>(session: &Session, purpose: Option<Purpose>) -> Question {
    Question {
        action: A::NAME,
        roles: session.roles(),
        purpose,
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
