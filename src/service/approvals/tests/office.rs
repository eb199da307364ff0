//! An office in which everybody asks for a second person, and every kind of thing that takes one.

use super::*;

pub(super) struct Office {
    pub(super) store: Store,
    pub(super) clock: Arc<SteppedClock>,
    pub(super) _dir: tempfile::TempDir,
}

impl Office {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (settings, secret) = (settings(dir.path()), secret());
        let morning = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(morning));
        let random = Arc::new(SystemSource::default());
        let store = open::create(&settings, &secret, random, clock.clone()).unwrap();
        let office = Self {
            store,
            clock,
            _dir: dir,
        };
        for (login, role) in [
            ("admin", Role::Admin),
            ("privacy", Role::PrivacyOfficer),
            ("privacy2", Role::PrivacyOfficer),
            ("privacy3", Role::PrivacyOfficer),
            ("custodian", Role::RetentionCustodian),
            ("rights", Role::HumanRightsOfficer),
            ("auditor", Role::Auditor),
        ] {
            office.employ(login, role);
        }
        office
    }

    pub(super) fn employ(&self, login: &str, role: Role) {
        let roles = Roles::new([role]).unwrap();
        let invited = self.store.invite_founder(login, roles).unwrap();
        let code = SecretText::new(invited.enrolment_code);
        let password = SecretText::new(Self::password(login));
        let enrolled = self.store.enrol(login.to_owned(), code, password, here());
        enrolled.unwrap().wait().unwrap();
    }

    pub(super) fn password(login: &str) -> String {
        format!("quiet-harbour-71-{}", login.len())
    }

    pub(super) fn session(&self, login: &str) -> Session {
        let password = SecretText::new(Self::password(login));
        let entered = self
            .store
            .log_in(login.to_owned(), password, None, here())
            .unwrap();
        let token = entered.wait().unwrap().token;
        self.store.sessions.resume(&token, here()).unwrap()
    }

    pub(super) fn account(&self, login: &str) -> Account {
        let login = Login::parse(login).unwrap();
        self.store.directory.by_login(&login).unwrap()
    }

    pub(super) fn id(&self, login: &str) -> AccountId {
        self.account(login).id
    }

    pub(super) fn ask(&self, asked: &Asked, requester: &str, barred: &[&str]) -> ApprovalId {
        let mut batch = Batch::default();
        let barred = barred.iter().map(|login| self.id(login)).collect();
        let id = self
            .store
            .ask_without(&mut batch, asked.clone(), self.id(requester), barred);
        self.store.engine.commit(batch).wait().unwrap();
        id.unwrap().approval
    }

    pub(super) fn decide(
        &self,
        login: &str,
        id: ApprovalId,
        verdict: Verdict,
    ) -> Result<ApprovalState, ServiceError> {
        self.store
            .decide_approval(&self.session(login), id, verdict)?
            .wait()
    }

    /// Spends and commits.
    pub(super) fn spend(
        &self,
        id: ApprovalId,
        asked: &Asked,
        by: &str,
    ) -> Result<AccountId, ServiceError> {
        let mut batch = Batch::default();
        let consent = self.store.spend(&mut batch, id, asked, self.id(by))?;
        self.store.engine.commit(batch).wait().unwrap();
        Ok(consent.by)
    }

    pub(super) fn state(&self, id: ApprovalId) -> ApprovalState {
        let stored = self.store.people.approval(id).unwrap().unwrap();
        self.store.state_of(&stored.row)
    }
}

/// One deferred request of each kind, and one that differs from it in a single thing.
pub(super) fn deferred(office: &Office) -> Vec<(Asked, Asked)> {
    let open = |reason| Asked::OpenRetained {
        item: RetainedId::from_bytes([1; 16]),
        purpose: Purpose::Legal,
        reason: String::from(reason),
    };
    let held = Standing {
        by: office.id("auditor"),
        at: Timestamp::from_millis(1),
    };
    let lift = |ground: &str| Asked::LiftHold {
        case: CaseId::from_bytes([1; 16]),
        ground: ground.to_owned(),
        reason: "it is over".to_owned(),
        standing: vec![held],
    };
    // Somebody set another hold on the same ground since.
    let one_more = Asked::LiftHold {
        case: CaseId::from_bytes([1; 16]),
        ground: "a".to_owned(),
        reason: "it is over".to_owned(),
        standing: vec![held, held],
    };
    let take_out = |cases| {
        Asked::TakeOut(Box::new(TakeOut {
            manifest_hash: [1; 32],
            form: "csv".to_owned(),
            purpose: Purpose::Legal,
            reason: "to answer a court".to_owned(),
            template: "case_file".to_owned(),
            copies: 2,
            cases,
            sensitive: 1,
            people: 1,
            unmasked: false,
            receiver: "a court".to_owned(),
            lock: Lock::Key("age1x".to_owned()),
            responsible: office.id("rights"),
            destroy_by: Some(Timestamp::from_millis(1)),
            named: vec!["2026-000001 road".to_owned()],
        }))
    };
    let reset = |login| Asked::ResetAccount {
        of: Person::of(&office.account(login)),
    };
    let disable = |login| Asked::DisableAccount {
        of: Person::of(&office.account(login)),
    };
    let lift_item = |ground: &str| Asked::LiftItemHold {
        item: RetainedId::from_bytes([1; 16]),
        ground: ground.to_owned(),
        reason: "it is over".to_owned(),
        standing: vec![held],
    };
    // Somebody set another hold on the same ground since.
    let one_more_item = Asked::LiftItemHold {
        item: RetainedId::from_bytes([1; 16]),
        ground: "a".to_owned(),
        reason: "it is over".to_owned(),
        standing: vec![held, held],
    };
    let renew = |millis| Asked::RenewTerm {
        item: RetainedId::from_bytes([1; 16]),
        until: Timestamp::from_millis(millis),
        decision: None,
        reason: "it is needed".to_owned(),
    };
    vec![
        (reset("rights"), reset("auditor")),
        (disable("rights"), disable("auditor")),
        (lift_item("a"), lift_item("b")),
        (lift_item("a"), one_more_item),
        (renew(1), renew(2)),
        (open("a warrant"), open("a lawsuit")),
        (handed_over(1), handed_over(2)),
        (lift("a"), lift("b")),
        (lift("a"), one_more),
        (take_out(1), take_out(2)),
        (destroyed(1), destroyed(2)),
    ]
}

pub(super) fn handed_over(list: u8) -> Asked {
    Asked::HandOver {
        count: 2,
        named: [1, 2]
            .map(|item| RetainedId::from_bytes([item; 16]))
            .to_vec(),
        archive: "ab".repeat(32),
        reason: "to hand it over".to_owned(),
        items_hash: [list; 32],
    }
}

fn destroyed(order: u8) -> Asked {
    Asked::Destroy {
        item: RetainedId::from_bytes([1; 16]),
        units: 3,
        basis: ("a law".to_owned(), "article 9".to_owned()),
        decision: Some("2031-4".to_owned()),
        reason: "term over".to_owned(),
        order_hash: [order; 32],
    }
}

/// How many kinds there are; a new one has its place in [`place`], or nothing here compiles.
pub(super) const KINDS: usize = 13;

pub(super) const fn place(asked: &Asked) -> usize {
    match asked {
        Asked::GrantRole { .. } => 0,
        Asked::SeatDesk { .. } => 1,
        Asked::ResetAccount { .. } => 2,
        Asked::OpenRetained { .. } => 3,
        Asked::HandOver { .. } => 4,
        Asked::LiftHold { .. } => 5,
        Asked::TakeOut(_) => 6,
        Asked::RaiseBudget { .. } => 7,
        Asked::Destroy { .. } => 8,
        Asked::LiftItemHold { .. } => 9,
        Asked::RenewTerm { .. } => 10,
        Asked::TakeRole { .. } => 11,
        Asked::DisableAccount { .. } => 12,
    }
}
