//! A keyring that cannot be written: access ends with the commit all the same, the answer says that
//! the old keys are still to go, and they go when it can be written again.

use super::apart::enter;
use super::{Process, World, half};
use crate::authn::session::Session;
use crate::cases::draft::Classification;
use crate::domain::id::{CaseId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::service::error::ServiceError;
use crate::service::store::Store;
use crate::service::testing::here;
use crate::service::types::Progress;

const DESK: [(&str, Role); 4] = [
    ("admin", Role::Admin),
    ("officer", Role::Officer),
    ("rights", Role::HumanRightsOfficer),
    ("rights2", Role::HumanRightsOfficer),
];

struct Office {
    world: World,
    store: Store,
}

impl Office {
    fn new() -> Self {
        let world = World::new();
        let Process { store, .. } = world.boot().unwrap();
        for (login, role) in DESK {
            let invited = store.invite_founder(login, Roles::new([role]).unwrap());
            let code = SecretText::new(invited.unwrap().enrolment_code);
            let password = SecretText::new("quiet-harbour-71".to_owned());
            let enrolled = store.enrol(login.to_owned(), code, password, here());
            enrolled.unwrap().wait().unwrap();
        }
        let admin = enter(&store, "admin");
        let made = store.add_department(&admin, "civil".to_owned(), "민원실".to_owned());
        made.unwrap().wait().unwrap();
        Self { world, store }
    }

    fn register(&self, tier: &str, assignees: &[&str]) -> CaseId {
        let draft = serde_json::json!({
            "tier": tier, "department": "civil", "channel": "letter", "class": "신고",
            "title": "제목", "narrative": "내용", "assignees": assignees,
            "people": [{"part": "petitioner", "name": "임꺽정"}]
        });
        let draft = serde_json::from_value(draft).unwrap();
        let registrar = enter(&self.store, "officer");
        let made = self.store.register(&registrar, draft).unwrap();
        made.wait().unwrap().id.parse().unwrap()
    }

    fn units(&self, case: CaseId) -> Vec<UnitId> {
        let head = self.store.cases.head(case).unwrap().unwrap().head;
        head.units.iter().map(|unit| unit.unit).collect()
    }

    fn live(&self, units: &[UnitId]) -> usize {
        let live = |unit: &&UnitId| half(&self.store, **unit).is_some();
        units.iter().filter(live).count()
    }

    fn opens(&self, login: &str, case: CaseId) -> bool {
        let session = enter(&self.store, login);
        let read = self.store.read_case(&session, case, Purpose::Handling);
        match read.unwrap().wait() {
            Ok(_) => true,
            Err(ServiceError::NotFound) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn reclassify(&self, by: &Session, case: CaseId) -> Progress {
        let (to, reason) = (vec!["rights".to_owned()], "it names a victim".to_owned());
        let tier = Classification::Sensitive;
        let done = self
            .store
            .reclassify(by, case, Purpose::Handling, tier, to, reason);
        done.unwrap().wait().unwrap().state
    }

    fn assign(&self, by: &Session, case: CaseId) -> Progress {
        let (to, reason) = (vec!["rights".to_owned()], Some("leave".to_owned()));
        let done = self.store.assign(by, case, Purpose::Handling, to, reason);
        let done = done.unwrap().wait().unwrap();
        assert!(done.rekeyed);
        done.state
    }
}

#[test]
fn access_ends_at_once_though_the_old_keys_cannot_be_destroyed_yet() {
    let office = Office::new();
    // Sensitive units have places already: a keyring that cannot be written gives no new block.
    let shared = || office.register("sensitive", &["rights", "rights2"]);
    let open = || office.register("ordinary", &["officer"]);
    type Change<'a> = &'a dyn Fn(CaseId) -> Progress;
    let reclassify: Change<'_> = &|case| office.reclassify(&enter(&office.store, "officer"), case);
    let assign: Change<'_> = &|case| office.assign(&enter(&office.store, "rights"), case);
    for (change, [control, case], loser) in [
        (assign, [shared(), shared()], "rights2"),
        (reclassify, [open(), open()], "officer"),
    ] {
        // The control: where the keyring can be written the keys are gone with the answer.
        let before = office.units(control);
        assert!(office.opens(loser, control));
        assert_eq!(change(control), Progress::Done);
        assert_eq!(office.live(&before), 0);

        let before = office.units(case);
        assert!(office.opens(loser, case));
        office.world.keys.refuse();
        assert_eq!(change(case), Progress::Pending);
        assert!(!office.opens(loser, case), "access has gone");
        assert!(office.opens("rights", case));
        assert_eq!(office.live(&before), before.len(), "the keys have not");
        assert!(office.store.finish_punctures().is_err());
        office.world.keys.mend();
        office.store.finish_punctures().unwrap();
        assert_eq!(office.live(&before), 0);
        let after = office.units(case);
        assert_eq!(office.live(&after), after.len());
        assert!(office.opens("rights", case) && !office.opens(loser, case));
    }
}
