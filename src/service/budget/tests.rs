//! What leaves the house, against the budget: the way that exports and prints ask.

use std::sync::Arc;

use super::*;
use crate::audit::manifest::{Beside, Listed};
use crate::authn::session::Token;
use crate::authz::action::Export;
use crate::authz::facts::Fields;
use crate::authz::{Basis, Permit};
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::time::SteppedClock;
use crate::engine::{Expected, Key, Space, Value};
use crate::service::open;
use crate::service::testing::{here, secret, settings};

const PASSWORD: &str = "quiet-harbour-71";

struct Office {
    store: Store,
    token: Token,
    _dir: tempfile::TempDir,
}

impl Office {
    /// Three people, six with a second person; two outputs, four with one.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        settings.budgets = Budgets {
            people: 3,
            cases: 100,
            downloads: 2,
            second: 2,
            ..Budgets::default()
        };
        let morning = Timestamp::parse_rfc3339("2026-11-24T09:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(morning));
        let random = Arc::new(SystemSource::default());
        let store = open::create(&settings, &secret(), random, clock).unwrap();
        let roles = Roles::new([Role::Officer]).unwrap();
        let invited = store.invite_founder("choi", roles).unwrap();
        let code = SecretText::new(invited.enrolment_code);
        let password = || SecretText::new(PASSWORD.to_owned());
        let enrolled = store.enrol("choi".to_owned(), code, password(), here());
        enrolled.unwrap().wait().unwrap();
        let entered = store.log_in("choi".to_owned(), password(), None, here());
        let token = entered.unwrap().wait().unwrap().token;
        Self {
            store,
            token,
            _dir: dir,
        }
    }

    fn session(&self) -> Session {
        self.store.sessions.resume(&self.token, here()).unwrap()
    }

    fn used(&self) -> (u32, u32) {
        let totals = self.store.log.usage().totals(self.session().account());
        (totals.people, totals.outputs)
    }

    /// An export of these people, one case each; `batch` is what else it writes.
    fn export(
        &self,
        people: std::ops::Range<u8>,
        consent: Option<AccountId>,
        mut batch: Batch,
    ) -> Result<(), ServiceError> {
        let session = self.session();
        let list: Vec<Listed> = people
            .map(|n| Listed {
                case: CaseId::from_bytes([n; 16]),
                people: [UnitId::from_u64(u64::from(n))].into_iter().collect(),
                policies: Arc::from([]),
            })
            .collect();
        let cases: Vec<CaseId> = list.iter().map(|listed| listed.case).collect();
        let units: Vec<UnitId> = list.iter().flat_map(|l| l.people.to_vec()).collect();
        let disclosure = Disclosure {
            way: Way::Export,
            purpose: Purpose::Handling,
            cases: &cases,
            people: &units,
            consent,
        };
        let basis = Basis {
            actor: session.account(),
            roles: session.roles(),
            department: None,
            origin: here(),
            purpose: Some(Purpose::Handling),
            case: None,
            policies: Arc::default(),
            policy_set: [0; 32],
        };
        let permit = Permit::<Export>::undecided(basis, Fields::default());
        let reserved = match self.store.afford(&session, &disclosure, &mut batch) {
            Ok(reserved) => reserved,
            Err(over) => {
                return self
                    .store
                    .over_budget::<_, ()>(permit, over, Shown::default())?
                    .wait();
            }
        };
        let beside = Beside {
            query: "q",
            batch,
            ..Beside::default()
        };
        let recorded = self.store.log.record_list(permit, None, &list, beside);
        drop(reserved);
        recorded.map(drop).map_err(fault::log)
    }

    fn step_up(&self) {
        self.store.sessions.step_up(&self.token).unwrap();
    }

    fn alerts(&self) -> Vec<Vec<AlertKind>> {
        let found = self
            .store
            .budget
            .alerts
            .newest(u64::MAX, Limit::rows(99), |_| true);
        let (rows, _) = found.unwrap();
        assert!(rows.iter().all(|alert| alert.way == Way::Export));
        rows.into_iter().map(|alert| alert.kinds).collect()
    }
}

#[test]
fn an_output_over_the_budget_needs_the_password_then_consent_and_always_tells() {
    let office = Office::new();
    let export = |people, consent| office.export(people, consent, Batch::default());
    export(0..3, None).unwrap();
    assert_eq!((office.used(), office.alerts().len()), ((3, 1), 0));
    assert_eq!(export(3..5, None), Err(ServiceError::StepUpRequired));
    assert_eq!((office.used(), office.alerts().len()), ((3, 1), 0));
    office.step_up();
    export(3..5, None).unwrap();
    assert_eq!(office.used(), (5, 2));
    let crossed = vec![AlertKind::Threshold, AlertKind::Output];
    assert_eq!(office.alerts(), vec![crossed.clone()]);
    // The same people again show nobody new, and are told again.
    export(3..5, None).unwrap();
    assert_eq!(office.used(), (5, 3));
    assert_eq!(office.alerts(), vec![crossed.clone(), crossed]);
    // Too many for one person; told once.
    for _ in 0..2 {
        assert_eq!(export(5..8, None), Err(ServiceError::BudgetExceeded));
    }
    assert_eq!((office.used(), office.alerts().len()), ((5, 3), 3));
    assert_eq!(office.alerts()[0], [AlertKind::Refused]);
    let second = Some(AccountId::from_bytes([9; 16]));
    export(5..8, second).unwrap();
    assert_eq!(office.used(), (8, 4));
    let told = [AlertKind::SecondThreshold, AlertKind::Output];
    assert_eq!(office.alerts()[0], told);
    // Consent covers that list and nothing after it.
    assert_eq!(export(0..1, None), Err(ServiceError::BudgetExceeded));
}

#[test]
fn what_did_not_happen_is_neither_counted_nor_told() {
    let office = Office::new();
    office.step_up();
    let conflict = Batch {
        expect: vec![(
            Space::Meta,
            Key::from_index(7),
            Expected::Equals(Value::new([1]).unwrap()),
        )],
        ..Batch::default()
    };
    let failed = office.export(0..4, None, conflict);
    assert_eq!(failed, Err(ServiceError::Conflict));
    assert_eq!((office.used(), office.alerts().len()), ((0, 0), 0));
    // The control.
    office.export(0..4, None, Batch::default()).unwrap();
    assert_eq!((office.used(), office.alerts().len()), ((4, 1), 1));
}
