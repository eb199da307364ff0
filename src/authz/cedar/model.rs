//! The rules once more, by hand and without Cedar, against the policies over every question that
//! can be asked; and each policy taken away in turn, to show that the tests would tell.

use super::super::action::NAMES;
use super::super::check;
use super::super::facts::{Field, Fields};
use super::*;
use crate::domain::role::{Role, Roles};
use crate::domain::tier::Tier;

/// The role sets that one person may have.
fn role_sets() -> Vec<Roles> {
    (0..=0x1ff_u16)
        .filter_map(|bits| Roles::new(Roles::from_bits(bits).iter()).ok())
        .collect()
}

fn questions() -> impl Iterator<Item = Question> {
    let purposes = || [None].into_iter().chain(Purpose::ALL.map(Some));
    role_sets().into_iter().flat_map(move |roles| {
        NAMES.iter().flat_map(move |action| {
            purposes().map(move |purpose| Question {
                action,
                roles,
                purpose,
            })
        })
    })
}

fn fields(codes: &[Field]) -> Fields {
    codes
        .iter()
        .fold(Fields::default(), |all, field| all.with(*field))
}

/// What may be shown of what is allowed; `None` is refused.
fn model(question: Question, aim: Aim) -> Option<Fields> {
    let Question {
        action,
        roles,
        purpose,
    } = question;
    let nothing = Some(Fields::default());
    let has = |role| roles.has(role);
    let takes_in = has(Role::Intake)
        || has(Role::Officer)
        || has(Role::HumanRightsOfficer)
        || has(Role::Coordinator);
    match (action, aim) {
        ("register" | "import", Aim::NewCase { tier, .. }) => {
            (takes_in && tier != Tier::Retained).then_some(Fields::default())
        }
        ("import", Aim::Office) if takes_in => nothing,
        (
            "manage_accounts" | "manage_departments" | "seal_store" | "back_up" | "escrow_keyring",
            Aim::Office,
        ) if has(Role::Admin) => nothing,
        (
            "request_deletion" | "read_request" | "check_identity" | "review_deletion"
            | "form_destruction" | "close_request",
            Aim::Office,
        ) if takes_in || has(Role::PrivacyOfficer) => nothing,
        ("destroy" | "manage_retention", Aim::Office) if has(Role::PrivacyOfficer) => nothing,
        ("read_ledger", Aim::Office) if has(Role::PrivacyOfficer) || has(Role::Auditor) => nothing,
        ("open_retained", Aim::Office)
            if has(Role::RetentionCustodian)
                && matches!(purpose, Some(Purpose::Legal | Purpose::SubjectRequest)) =>
        {
            nothing
        }
        ("hand_over", Aim::Office)
            if has(Role::RetentionCustodian) && purpose == Some(Purpose::Legal) =>
        {
            nothing
        }
        ("read_log", Aim::Office)
            if has(Role::Auditor) && matches!(purpose, None | Some(Purpose::Audit)) =>
        {
            nothing
        }
        ("download" | "read_outputs" | "close_output", Aim::Office) if takes_out(roles) => nothing,
        ("read_outputs" | "trace" | "read_alerts" | "read_approvals", Aim::Office)
            if has(Role::PrivacyOfficer) || has(Role::Auditor) =>
        {
            nothing
        }
        ("close_output" | "give_evidence" | "acknowledge_alert", Aim::Office)
            if has(Role::PrivacyOfficer) =>
        {
            nothing
        }
        ("raise_budget", Aim::Office)
            if takes_in || has(Role::Lead) || has(Role::PrivacyOfficer) =>
        {
            nothing
        }
        ("inspect" | "sign_inspection", Aim::Office) if has(Role::Auditor) => nothing,
        ("read_inspection", Aim::Office) if has(Role::Auditor) || has(Role::PrivacyOfficer) => {
            nothing
        }
        ("judge_auditor", Aim::Office) if has(Role::PrivacyOfficer) => nothing,
        ("explain", Aim::Office) if roles != Roles::default() => nothing,
        (
            "approve" | "approve_destruction",
            Aim::Request {
                own: false,
                concerns_actor: false,
            },
        ) if has(Role::PrivacyOfficer) => nothing,
        (
            "read" | "list" | "search" | "assign" | "reclassify" | "amend" | "hold" | "retain"
            | "export" | "print" | "unmask",
            Aim::Case {
                tier,
                holder,
                own_department,
                restricted,
            },
        ) => match tier {
            // What is locked can be held, and drawn from; nothing else.
            _ if restricted && !matches!(action, "hold" | "retain") => None,
            Tier::Sensitive => sensitive(action, roles, purpose?, holder),
            Tier::Ordinary => ordinary(action, roles, purpose?, holder, own_department),
            Tier::Retained => None,
        },
        _ => None,
    }
}

/// Whoever opens cases takes them out.
fn takes_out(roles: Roles) -> bool {
    [
        Role::Officer,
        Role::HumanRightsOfficer,
        Role::Lead,
        Role::Coordinator,
    ]
    .into_iter()
    .any(|role| roles.has(role))
}

fn sensitive(action: &str, roles: Roles, purpose: Purpose, holder: bool) -> Option<Fields> {
    if !holder || !roles.has(Role::HumanRightsOfficer) {
        return None;
    }
    match (action, purpose) {
        (
            "read" | "export" | "print" | "unmask",
            Purpose::Handling | Purpose::Legal | Purpose::SubjectRequest,
        )
        | ("list" | "search", Purpose::Handling) => Some(fields(&Fields::ALL)),
        ("assign" | "reclassify", Purpose::Handling)
        | ("amend" | "hold" | "retain", Purpose::Handling | Purpose::Legal) => {
            Some(fields(&[Field::Head]))
        }
        _ => None,
    }
}

fn ordinary(
    action: &str,
    roles: Roles,
    purpose: Purpose,
    holder: bool,
    own_department: bool,
) -> Option<Fields> {
    let officer = roles.has(Role::Officer) && holder;
    let of_department = |role| roles.has(role) && own_department;
    let mut shown = Vec::new();
    match (action, purpose) {
        (
            "read" | "export" | "print" | "unmask",
            Purpose::Handling | Purpose::Legal | Purpose::SubjectRequest,
        )
        | ("list" | "search", Purpose::Handling)
            if officer =>
        {
            shown.extend(Fields::ALL);
        }
        ("assign", Purpose::Handling)
        | ("reclassify", Purpose::Handling | Purpose::Supervision)
        | ("amend" | "hold" | "retain", Purpose::Handling | Purpose::Legal)
            if officer =>
        {
            shown.push(Field::Head);
        }
        _ => {}
    }
    match (action, purpose) {
        ("read" | "list" | "search" | "export" | "print" | "unmask", Purpose::Supervision) => {
            if of_department(Role::Lead) {
                shown.extend(Fields::ALL);
            }
            if of_department(Role::Coordinator) && action != "unmask" {
                shown.extend([Field::Head, Field::Narrative]);
            }
        }
        ("assign" | "reclassify", Purpose::Handling | Purpose::Supervision)
            if of_department(Role::Coordinator) =>
        {
            shown.push(Field::Head);
        }
        ("list" | "search", Purpose::Intake) if of_department(Role::Intake) => {
            shown.push(Field::Head)
        }
        ("hold" | "retain", Purpose::Legal) if roles.has(Role::PrivacyOfficer) => {
            shown.push(Field::Head);
        }
        ("read" | "list" | "search", Purpose::SubjectRequest)
            if roles.has(Role::PrivacyOfficer) =>
        {
            shown.push(Field::Head);
        }
        _ => {}
    }
    (!shown.is_empty()).then(|| fields(&shown))
}

/// How many answers differ from the model's, out of how many.
fn mismatches(rules: &Rules, questions: impl Iterator<Item = Question>) -> (usize, usize) {
    let mut counts = (0, 0);
    for question in questions {
        for aim in Aim::all() {
            let verdict = rules.ask(question, aim);
            let came = verdict.allowed.then_some(verdict.fields);
            counts.0 += usize::from(came != model(question, aim));
            counts.1 += 1;
        }
    }
    counts
}

#[test]
fn the_policies_and_the_model_agree_on_everything() {
    let rules = Authority::built_in().unwrap().rules;
    assert_eq!(role_sets().len(), 22);
    let (differ, asked) = mismatches(&rules, questions());
    assert_eq!((differ, asked), (0, 22 * NAMES.len() * 8 * 36));
}

#[test]
fn the_model_would_notice_a_missing_permit() {
    let mut rules = Authority::built_in().unwrap().rules;
    let permit = cedar_policy::PolicyId::new("sensitive_own_assign");
    rules.policies.remove_static(permit).unwrap();
    let assign = questions().filter(|question| {
        question.action == "assign" && question.purpose == Some(Purpose::Handling)
    });
    let (differ, _) = mismatches(&rules, assign);
    assert!(differ > 0);
}

#[test]
fn taking_any_policy_away_fails_a_test_beside_it() {
    let files = Files::read(&Source::BuiltIn).unwrap();
    let rules = Rules::read(&files).unwrap();
    let ids = rules.ids();
    assert!(ids.len() > 30);
    for id in ids {
        let policies = {
            let mut policies = rules.policies.clone();
            policies
                .remove_static(cedar_policy::PolicyId::new(&id))
                .unwrap();
            policies
        };
        let mutant = Rules {
            schema: rules.schema.clone(),
            policies,
            fields: rules.fields.clone(),
            hash: rules.hash,
        };
        let report = check::run(&mutant, &files).unwrap();
        assert!(!report.failed.is_empty(), "nothing tests {id}");
    }
}
