//! Order of copy and destruction, from inside: what waits for what, and what is left.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::authn::session::SessionLimits;
use crate::authz::action::OpenRetained;
use crate::authz::facts::Target;
use crate::destruction::order::{Ground, Order, Part, Stage, What};
use crate::domain::id::{DestructionId, RequestId};
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::Roles;
use crate::domain::secret::SecretText;
use crate::domain::time::{Clock, SteppedClock, Timestamp};
use crate::engine::{KeyRange, Log};
use crate::service::open;
use crate::service::retained_open::Reasons;
use crate::service::seal::Settings;
use crate::service::second_person::Consented;
use crate::service::testing::{here, secret, settings};
use crate::vault::{KeptApart, VaultError};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Office {
    store: Store,
    clock: Arc<SteppedClock>,
    _dir: tempfile::TempDir,
}

fn basis() -> LegalBasis {
    LegalBasis {
        law: "전자상거래법".to_owned(),
        article: "제6조".to_owned(),
        items: "성명".to_owned(),
        until: Timestamp::parse_rfc3339("2027-01-01T00:00:00+09:00").unwrap(),
    }
}

impl Office {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let limits = SessionLimits {
            idle: 400 * DAY,
            absolute: 400 * DAY,
            per_account: 3,
        };
        let settings = Settings {
            sessions: limits,
            ..settings(dir.path())
        };
        let morning = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(morning));
        let random = Arc::new(SystemSource::default());
        let store = open::create(&settings, &secret(), random, clock.clone()).unwrap();
        let office = Self {
            store,
            clock,
            _dir: dir,
        };
        for (login, role) in [
            ("admin", Role::Admin),
            ("privacy", Role::PrivacyOfficer),
            ("custodian", Role::RetentionCustodian),
            ("rights", Role::HumanRightsOfficer),
        ] {
            office.employ(login, role);
        }
        let (code, name) = ("rights".to_owned(), "인권담당관".to_owned());
        let made = office
            .store
            .add_department(&office.session("admin"), code, name);
        made.unwrap().wait().unwrap();
        office
    }

    fn employ(&self, login: &str, role: Role) {
        let roles = Roles::new([role]).unwrap();
        let invited = self.store.invite_founder(login, roles).unwrap();
        let code = SecretText::new(invited.enrolment_code);
        let password = SecretText::new(Self::password(login));
        let enrolled = self.store.enrol(login.to_owned(), code, password, here());
        enrolled.unwrap().wait().unwrap();
    }

    fn password(login: &str) -> String {
        format!("quiet-harbour-71-{}", login.len())
    }

    fn session(&self, login: &str) -> Session {
        let password = SecretText::new(Self::password(login));
        let entered = self
            .store
            .log_in(login.to_owned(), password, None, here())
            .unwrap();
        let token = entered.wait().unwrap().token;
        self.store.sessions.resume(&token, here()).unwrap()
    }

    fn register(&self, by: &Session) -> CaseId {
        let draft = serde_json::json!({
            "tier": "sensitive", "department": "rights", "channel": "letter", "class": "신고",
            "title": "제목", "narrative": "내용", "assignees": ["rights"],
            "people": [{"part": "petitioner", "name": "임꺽정"}]
        });
        let draft = serde_json::from_value(draft).unwrap();
        let made = self.store.register(by, draft).unwrap().wait();
        made.unwrap().id.parse().unwrap()
    }

    fn stored(&self, case: CaseId) -> StoredHead {
        self.store.cases.head(case).unwrap().unwrap()
    }

    fn draw(&self, by: &Session, case: CaseId) -> Result<RetainedId, ServiceError> {
        let units = self.stored(case).head.units;
        let draw = Draw {
            kinds: Vec::new(),
            units: units.iter().map(|unit| unit.unit).collect(),
            basis: basis(),
        };
        let drawn = self.store.retain(by, case, Purpose::Handling, &draw)?;
        Ok(drawn.wait()?.item.parse().unwrap())
    }

    fn order(&self, ground: Ground, parts: Vec<Part>, units: Vec<UnitId>) -> DestructionId {
        let handler = self.session("privacy").account();
        let order = Order {
            id: DestructionId::random(self.store.random.as_ref()).unwrap(),
            ground,
            parts,
            units,
            handler,
            approver: handler,
            witness: None,
            approved_at: self.clock.now(),
            due: self.clock.now(),
            stage: Stage::Waiting,
        };
        let mut batch = Batch::default();
        self.store.place_order(&mut batch, &order).unwrap();
        self.store.engine.commit(batch).wait().unwrap();
        order.id
    }

    /// Rows of the separate store.
    fn rows(&self) -> usize {
        let engine = self.store.items.engine();
        let count = |space: &Space| {
            let all = engine.scan(*space, KeyRange::default(), Limit::rows(1000));
            all.unwrap().rows.len()
        };
        Space::ALL.iter().map(count).sum()
    }
}

#[test]
fn drawing_again_makes_no_second_item_and_no_second_leaf() {
    let office = Office::new();
    let rights = office.session("rights");
    let case = office.register(&rights);
    let (access, ledger) = (
        office.store.engine.log_size(Log::Access),
        office.store.engine.log_size(Log::Ledger),
    );
    let item = office.draw(&rights, case).unwrap();
    assert_eq!(office.store.engine.log_size(Log::Access), access + 1);
    assert_eq!(office.store.engine.log_size(Log::Ledger), ledger + 1);
    let rows = office.rows();
    assert_eq!(office.draw(&rights, case).unwrap(), item);
    assert_eq!(office.rows(), rows);
    assert_eq!(office.store.engine.log_size(Log::Ledger), ledger + 1);
}

#[test]
fn an_original_outlives_its_order_until_the_copy_is_there() {
    let office = Office::new();
    let rights = office.session("rights");
    let case = office.register(&rights);
    let request = RequestId::from_bytes([7; 16]);
    let order = |kept| {
        let what = What::Whole;
        let parts = vec![Part { case, what, kept }];
        office.order(Ground::Request(request), parts, Vec::new())
    };
    // An item that nobody drew.
    let lost = order(Some(RetainedId::from_bytes([9; 16])));
    office.clock.advance(Duration::from_secs(60));
    let stage = office.store.execute(lost);
    assert!(
        !matches!(stage, Ok(Stage::Intent | Stage::Destroyed)),
        "{stage:?}"
    );
    assert_eq!(office.stored(case).head.units.len(), 2);

    let item = office.draw(&rights, case).unwrap();
    let kept = order(Some(item));
    office.clock.advance(Duration::from_secs(60));
    assert_eq!(office.store.execute(kept).unwrap(), Stage::Destroyed);
    assert!(office.stored(case).head.units.is_empty());
    // The original is gone; what the law keeps is not.
    assert!(office.store.kept_apart(item).unwrap().is_some());
    let custodian = office.session("custodian");
    let reasons = |approval| Reasons {
        purpose: Purpose::Legal,
        reason: "a court asks".to_owned(),
        approval,
    };
    let asked = office.store.open_retained(&custodian, item, reasons(None));
    let Consented::Asked(approval) = asked.unwrap().wait().unwrap() else {
        unreachable!("nobody approved yet")
    };
    let yes = crate::service::Verdict {
        approve: true,
        hash: None,
    };
    let privacy = office.session("privacy");
    let approved = office.store.decide_approval(&privacy, approval, yes);
    approved.unwrap().wait().unwrap();
    let opened = office
        .store
        .open_retained(&custodian, item, reasons(Some(approval)));
    let Consented::Done(view, _) = opened.unwrap().wait().unwrap() else {
        unreachable!("it was approved")
    };
    assert!(serde_json::to_string(&view).unwrap().contains("임꺽정"));
}

#[test]
fn the_end_of_an_item_leaves_nothing_that_opens() {
    let office = Office::new();
    let rights = office.session("rights");
    let custodian = office.session("custodian");
    let empty = office.rows();
    let case = office.register(&rights);
    let item = office.draw(&rights, case).unwrap();
    let stored = office.store.kept(item).unwrap().unwrap().item;
    // What a thief took before, with the custodian's key.
    let stolen = || KeptApart {
        item,
        wraps: &stored.wraps,
        units: Vec::new(),
    };
    let rows = office.store.items.units(&stored).unwrap();
    let open = || {
        let permit = office
            .store
            .authority
            .decide::<OpenRetained>(&custodian, Target::Office, Some(Purpose::Legal))
            .ok()
            .unwrap();
        let kept = KeptApart {
            units: rows.clone(),
            ..stolen()
        };
        let opened = office.store.vault.open_apart(&permit, &custodian, &[kept]);
        let outcome = opened.map(|plain| plain.bytes());
        drop(permit);
        outcome
    };
    assert!(open().unwrap() > 0);

    assert_eq!(office.store.look_for_due().unwrap(), 0);
    office.clock.advance(60 * DAY);
    assert_eq!(office.store.look_for_due().unwrap(), 1);
    assert_eq!(office.store.look_for_due().unwrap(), 0, "it was marked");
    let ended = office.order(Ground::RetentionEnd(item), Vec::new(), stored.units());
    office.clock.advance(Duration::from_secs(60));
    assert_eq!(office.store.execute(ended).unwrap(), Stage::Destroyed);
    assert_eq!(office.rows(), empty);
    assert!(matches!(open(), Err(VaultError::Destroyed)));
    assert!(!office.store.is_entered(item).unwrap());
    // Whoever was cut short calls again.
    office.store.drop_retained(item).unwrap();
}
