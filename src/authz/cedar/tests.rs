use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::action::{self, Approve, List, Read, ReadLog, Register};
use super::super::check;
use super::super::facts::{CaseFacts, Field};
use super::*;
use crate::authn::session::{Origin, SessionLimits, Sessions, Subject};
use crate::domain::id::{AccountId, CaseId, DepartmentId};
use crate::domain::random::SeededSource;
use crate::domain::role::{Role, Roles};
use crate::domain::tier::Tier;
use crate::domain::time::{SteppedClock, Timestamp};

const ME: AccountId = AccountId::from_bytes([1; 16]);
const COLLEAGUE: AccountId = AccountId::from_bytes([2; 16]);
const HOME: DepartmentId = DepartmentId::from_bytes([3; 16]);
const CASE: CaseId = CaseId::from_bytes([4; 16]);

fn session(roles: &[Role], department: Option<DepartmentId>) -> Session {
    let limits = SessionLimits {
        idle: Duration::from_secs(60),
        absolute: Duration::from_secs(60),
        per_account: 1,
    };
    let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(0)));
    let sessions = Sessions::new(limits, Arc::new(SeededSource::new(1)), clock).unwrap();
    let subject = Subject {
        account: ME,
        roles: Roles::new(roles.iter().copied()).unwrap(),
        department,
    };
    let (token, _) = sessions.start(subject, None).unwrap();
    let origin = Origin {
        address: Some(IpAddr::from([192, 0, 2, 1])),
        device: "test".to_owned(),
    };
    sessions.resume(&token, origin).unwrap()
}

fn facts(tier: Tier, holder: AccountId) -> CaseFacts {
    CaseFacts {
        case: CASE,
        tier,
        department: HOME,
        holders: vec![COLLEAGUE, holder],
        restricted: false,
    }
}

#[test]
fn the_tests_beside_the_policies_pass() {
    let report = check::check(&Source::BuiltIn).unwrap();
    assert_eq!(report.failed, []);
    assert!(report.passed >= 40, "{}", report.passed);
}

#[test]
fn a_permit_names_actor_case_fields_and_policies() {
    let authority = Authority::built_in().unwrap();
    let officer = session(&[Role::HumanRightsOfficer], Some(HOME));
    let own = facts(Tier::Sensitive, ME);
    let permit = authority
        .decide::<Read>(&officer, Target::Case(&own), Some(Purpose::Handling))
        .ok()
        .unwrap();
    assert_eq!(permit.case(), Some(CASE));
    assert!(permit.fields().has(Field::Contact));
    assert_eq!(permit.basis().actor, ME);
    assert_eq!(permit.basis().purpose, Some(Purpose::Handling));
    assert_eq!(
        *permit.basis().policies,
        ["sensitive_own_handling".to_owned()]
    );
    assert_eq!(permit.basis().policy_set, authority.policy_set());
    let again = authority
        .decide::<Read>(&officer, Target::Case(&own), Some(Purpose::Handling))
        .ok()
        .unwrap();
    assert_ne!(permit.ticket(), again.ticket());
}

#[test]
fn absent_and_forbidden_are_one_answer_out_of_one_row() {
    let authority = Authority::built_in().unwrap();
    let officer = session(&[Role::HumanRightsOfficer, Role::Officer], Some(HOME));
    let ask = |target| {
        let denied = authority.decide::<Read>(&officer, target, Some(Purpose::Handling));
        denied.err().unwrap().basis().clone()
    };
    let remembered = || authority.memory.read().unwrap().len();
    let absent = ask(Target::NoCase(CASE));
    assert_eq!(remembered(), 1);
    let strangers = facts(Tier::Sensitive, COLLEAGUE);
    assert_eq!(ask(Target::Case(&strangers)), absent);
    // Whatever case is asked about next, its verdict is there already: time tells nothing.
    ask(Target::Case(&facts(Tier::Ordinary, COLLEAGUE)));
    assert_eq!(remembered(), 1);
    // Positive control: another question does make a new row.
    let other = authority.decide::<List>(&officer, Target::NoCase(CASE), Some(Purpose::Handling));
    assert!(other.is_err());
    assert_eq!(remembered(), 2);
}

#[test]
fn the_memory_answers_as_the_policies_do() {
    let authority = Authority::built_in().unwrap();
    for action in ["read", "approve", "import"] {
        let question = Question {
            action,
            roles: Roles::new([Role::Coordinator, Role::Officer]).unwrap(),
            purpose: Some(Purpose::Supervision),
        };
        for aim in Aim::all() {
            let fresh = authority.rules.ask(question, aim);
            assert_eq!(authority.verdict(question, aim), fresh);
            assert_eq!(authority.verdict(question, aim), fresh);
        }
    }
}

#[test]
fn the_memory_is_bounded() {
    let authority = Authority::built_in().unwrap();
    let row = Arc::new(Row::new());
    let mut memory = authority.memory.write().unwrap();
    for n in 0..u16::try_from(REMEMBERED).unwrap() {
        let question = Question {
            action: action::NAMES[usize::from(n >> 11)],
            roles: Roles::from_bits(n & 0xff),
            purpose: Purpose::from_byte(u8::try_from(n >> 8 & 7).unwrap()),
        };
        memory.insert(question, Arc::clone(&row));
    }
    assert_eq!(memory.len(), REMEMBERED);
    drop(memory);
    let one_more = Question {
        action: "approve",
        roles: Roles::default(),
        purpose: None,
    };
    authority.verdict(one_more, Aim::Office);
    assert_eq!(authority.memory.read().unwrap().len(), 1);
}

#[test]
fn conceivable_depends_on_roles_purpose_and_having_a_department() {
    let authority = Authority::built_in().unwrap();
    let officer = session(&[Role::HumanRightsOfficer], None);
    assert!(authority.conceivable::<Read>(&officer, Some(Purpose::Handling)));
    assert!(!authority.conceivable::<Read>(&officer, Some(Purpose::Supervision)));
    assert!(!authority.conceivable::<Read>(&officer, None));
    assert!(authority.conceivable::<Register>(&officer, None));
    assert!(!authority.conceivable::<ReadLog>(&officer, None));
    let lead = |department| session(&[Role::Lead], department);
    assert!(authority.conceivable::<List>(&lead(Some(HOME)), Some(Purpose::Supervision)));
    assert!(!authority.conceivable::<List>(&lead(None), Some(Purpose::Supervision)));
    let approver = session(&[Role::PrivacyOfficer], None);
    assert!(authority.conceivable::<Approve>(&approver, None));
    assert!(!authority.conceivable::<Approve>(&session(&[Role::Admin], None), None));
}

#[test]
fn an_absent_case_is_denied_even_where_policies_are_open() {
    let open = "@id(\"open\") @basis(\"none\") @fields(\"head\") \
                permit(principal, action == Action::\"read\", resource);";
    let authority = authority_of(&[("open.cedar", open)]).unwrap();
    let officer = session(&[Role::Officer], None);
    let purpose = Some(Purpose::Handling);
    assert!(
        authority
            .decide::<Read>(&officer, Target::NoCase(CASE), purpose)
            .is_err()
    );
    let strangers = facts(Tier::Sensitive, COLLEAGUE);
    assert!(
        authority
            .decide::<Read>(&officer, Target::Case(&strangers), purpose)
            .is_ok()
    );
}

fn built_in() -> Files {
    Files::read(&Source::BuiltIn).unwrap()
}

/// The built-in schema with these policies.
fn authority_of(files: &[(&str, &str)]) -> Result<Authority, PolicyError> {
    let schema = built_in().schema().unwrap().to_owned();
    let schema = [("schema.cedarschema".to_owned(), schema)];
    let policies = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let rules = Rules::read(&Files::new("test", schema.into_iter().chain(policies)))?;
    Ok(Authority {
        rules,
        memory: RwLock::default(),
    })
}

#[test]
fn a_set_that_is_not_right_to_the_letter_is_refused() {
    let good =
        "@id(\"a\") @basis(\"b\") permit(principal, action == Action::\"approve\", resource);";
    assert!(authority_of(&[("a.cedar", good)]).is_ok());
    let on_case =
        "@id(\"a\") @basis(\"b\") permit(principal, action == Action::\"read\", resource);";
    let fields = |list: &str| format!("@fields(\"{list}\") {on_case}");
    assert!(authority_of(&[("a.cedar", &fields("head, people"))]).is_ok());
    let bad = [
        good.replace("@id(\"a\")", ""),
        good.replace("@id(\"a\")", "@id(\"A person\")"),
        good.replace("@basis(\"b\")", ""),
        good.replace("@basis(\"b\")", "@basis(\" \")"),
        good.replace("approve", "aprove"),
        good.replace("principal,", "principal in Role::\"boss\","),
        good.replace("principal,", "principal == ?principal,"),
        good.replace(';', " when { resource.tier == Tier::\"ordinary\" };"),
        good.replace(';', " when { context.purpose == Purpose::\"audit\" };"),
        good.replace(';', " when { false };"),
        format!("{good}{good}"),
        format!("@fields(\"head\") {good}"),
        on_case.to_owned(),
        fields("head,phone"),
        fields(""),
        fields("head").replace("permit", "forbid"),
        fields("head").replace("action == Action::\"read\"", "action == \"read\""),
        on_case.replace("action == Action::\"read\"", "action"),
        "permit".to_owned(),
    ];
    for text in bad {
        let error = authority_of(&[("a.cedar", &text)]).err();
        assert!(
            matches!(error, Some(PolicyError::Invalid { .. })),
            "{text}: {error:?}"
        );
    }
    let twice = authority_of(&[("a.cedar", good), ("b.cedar", good)]).err();
    assert!(
        matches!(twice, Some(PolicyError::Invalid { .. })),
        "{twice:?}"
    );
    assert!(matches!(
        authority_of(&[]).err(),
        Some(PolicyError::None(_))
    ));
}

#[test]
fn the_schema_states_the_codes_actions_and_no_others() {
    let text = built_in().schema().unwrap().to_owned();
    let read = |schema: &str| {
        let mut files = vec![("schema.cedarschema".to_owned(), schema.to_owned())];
        files.extend(
            built_in()
                .policies()
                .map(|(n, t)| (n.to_owned(), t.to_owned())),
        );
        Rules::read(&Files::new("test", files)).map(|_| ())
    };
    assert_eq!(read(&text), Ok(()));
    let more =
        format!("{text}\naction \"peek\" appliesTo {{ principal: Account, resource: Case }};");
    for (schema, why) in [
        (text.replace("\"approve\"", "\"approves\""), "approve"),
        (more, "peek"),
        (
            text.replace("holders: Set<Account>", "holders: Set<Department>"),
            "",
        ),
        (text.replace("\"recovery\"", "\"recovering\""), ""),
        (String::new(), ""),
        ("entity {".to_owned(), ""),
    ] {
        let error = read(&schema).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let no_schema = Rules::read(&Files::new("test", [])).err();
    assert!(matches!(no_schema, Some(PolicyError::Invalid { .. })));
}

#[test]
fn an_office_can_bring_its_own_set() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Authority::load(dir.path()).is_err());
    assert!(Authority::load(&dir.path().join("absent")).is_err());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(dir.path().join("README.md"), "not a policy").unwrap();
    let source = Source::Directory(dir.path().to_owned());
    let (own, built_in) = (
        Authority::load(dir.path()).unwrap(),
        Authority::built_in().unwrap(),
    );
    assert_eq!(own.policy_set(), built_in.policy_set());
    assert_eq!(check::check(&source), check::check(&Source::BuiltIn));

    // The hash covers names and contents, and a failing or missing test is told.
    let log = dir.path().join("log.cedar");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(
        &log,
        text.replace("Purpose::\"audit\"", "Purpose::\"legal\""),
    )
    .unwrap();
    assert_ne!(
        Authority::load(dir.path()).unwrap().policy_set(),
        built_in.policy_set()
    );
    assert_eq!(check::check(&source).unwrap().failed.len(), 1);
    std::fs::remove_file(dir.path().join("log.tests.json")).unwrap();
    assert_eq!(check::check(&source).unwrap().failed.len(), 2);
    std::fs::write(dir.path().join("log.tests.json"), "[{}]").unwrap();
    assert!(check::check(&source).is_err());
    std::fs::write(dir.path().join("log.cedar"), [0xff, 0xfe]).unwrap();
    assert!(Authority::load(dir.path()).is_err());
}
