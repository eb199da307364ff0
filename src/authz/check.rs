//! `policy check`: runs the tests that stand beside the policies.

use std::collections::BTreeSet;

use super::action;
use super::aim::{Aim, Question};
use super::cedar::PolicyError;
use super::cedar_rules::{Rules, field, invalid};
use super::facts::Fields;
use super::source::{Files, Source};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;

/// How the tests of a policy set went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests that passed.
    pub passed: usize,
    /// What did not, in words.
    pub failed: Vec<Failure>,
}

/// One thing that a policy set's tests found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The test file, or the set's origin.
    pub file: String,
    /// The test's name, or the policy's id.
    pub name: String,
    /// What was expected and what came.
    pub why: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.name, self.why)
    }
}

/// A case of a `*.tests.json`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    roles: Roles,
    action: String,
    #[serde(default)]
    purpose: Option<Purpose>,
    on: Aim,
    decision: Decision,
    /// Ids of the policies that decide; none where no policy permits.
    by: BTreeSet<String>,
    /// What may be shown.
    #[serde(default)]
    fields: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

/// Reads a policy set as strictly as the program does and runs every `*.tests.json` of it. A set
/// without tests, or with a policy that decides in none, does not pass.
///
/// # Errors
/// [`PolicyError`] where the set, or a test file, cannot be read at all.
pub fn check(source: &Source) -> Result<Report, PolicyError> {
    let files = Files::read(source)?;
    let rules = Rules::read(&files)?;
    run(&rules, &files)
}

pub(super) fn run(rules: &Rules, files: &Files) -> Result<Report, PolicyError> {
    let mut report = Report::default();
    let mut untested = rules.ids();
    for (file, text) in files.tests() {
        let cases: Vec<Case> = serde_json::from_str(text).map_err(|e| invalid(file, e))?;
        for case in cases {
            match case.run(rules) {
                Ok(()) => report.passed += 1,
                Err(why) => report.failed.push(Failure {
                    file: file.to_owned(),
                    name: case.name,
                    why,
                }),
            }
            untested.retain(|id| !case.by.contains(id));
        }
    }
    report.failed.extend(untested.into_iter().map(|id| Failure {
        file: files.origin.clone(),
        name: id,
        why: "this policy decides in no test".to_owned(),
    }));
    Ok(report)
}

impl Case {
    fn run(&self, rules: &Rules) -> Result<(), String> {
        let action = action::NAMES.iter().find(|name| **name == self.action);
        let action = *action.ok_or_else(|| format!("there is no action {}", self.action))?;
        let question = Question {
            action,
            roles: self.roles,
            purpose: self.purpose,
        };
        let verdict = rules.ask(question, self.on);
        let decision = if verdict.allowed {
            Decision::Allow
        } else {
            Decision::Deny
        };
        if decision != self.decision {
            let (came, by) = (decision, verdict.policies);
            return Err(format!(
                "expected {:?}, came {came:?} by {by:?}",
                self.decision
            ));
        }
        let by: BTreeSet<String> = verdict.policies.iter().cloned().collect();
        if by != self.by {
            return Err(format!(
                "expected to be decided by {:?}, was by {by:?}",
                self.by
            ));
        }
        let fields = self
            .fields
            .iter()
            .map(|code| field(code))
            .try_fold(Fields::default(), |all, field| Some(all.with(field?)))
            .ok_or_else(|| format!("unknown field in {:?}", self.fields))?;
        if fields != verdict.fields {
            return Err(format!("expected {fields:?}, came {:?}", verdict.fields));
        }
        Ok(())
    }
}
