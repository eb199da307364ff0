//! Puts a question to the policies: an aim becomes Cedar entities, the answer a verdict.
//!
//! The entities are made of the aim alone. There is one actor, one other account, one own and one
//! other department, so no policy, built in or an office's own, can decide on anything else.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request,
    RestrictedExpression,
};

use super::action;
use super::aim::{Aim, Question};
use super::cedar_rules::Rules;
use super::facts::Fields;
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};

/// The schema's kinds of entity, parsed once: Cedar's parser costs more than its decision.
static KINDS: LazyLock<HashMap<&str, EntityTypeName>> = LazyLock::new(|| {
    [
        "Account",
        "Action",
        "Case",
        "Department",
        "NewCase",
        "Office",
        "Purpose",
        "Request",
        "Role",
        "Tier",
    ]
    .into_iter()
    .filter_map(|kind| Some((kind, kind.parse().ok()?)))
    .collect()
});

/// The answer to one question about one aim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// What may be shown.
    pub(super) fields: Fields,
    /// The ids of the policies that decided, sorted.
    pub(super) policies: Arc<[String]>,
}

impl Verdict {
    /// Nothing allows it.
    pub(super) fn denied() -> Self {
        Self {
            allowed: false,
            fields: Fields::default(),
            policies: Arc::default(),
        }
    }
}

/// The schema does not provide for such a question; says how it sees that.
struct Unaskable(Box<dyn std::error::Error>);

impl Unaskable {
    fn because(why: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self(why.into())
    }
}

type Attributes = HashMap<String, RestrictedExpression>;

impl Rules {
    /// The verdict on an aim. What does not exist is denied even if an office's policies should
    /// open strangers' sensitive cases.
    pub(super) fn ask(&self, question: Question, aim: Aim) -> Verdict {
        let verdict = self.consult(question, aim.seen());
        if verdict.allowed && aim == Aim::NoCase {
            return Verdict::denied();
        }
        verdict
    }

    /// What the policies say. A question that the schema does not provide for (an action on the
    /// wrong kind of target, a missing purpose) is denied by no policy at all, and so is one on
    /// which a policy failed: a forbid that fails must not fall open.
    fn consult(&self, question: Question, aim: Aim) -> Verdict {
        let Ok((request, entities)) = self.pose(question, aim) else {
            return Verdict::denied();
        };
        let response = Authorizer::new().is_authorized(&request, &self.policies, &entities);
        let diagnostics = response.diagnostics();
        if diagnostics.errors().next().is_some() {
            return Verdict::denied();
        }
        let allowed = response.decision() == Decision::Allow;
        let fields = diagnostics
            .reason()
            .filter_map(|id| self.fields.get(id))
            .fold(Fields::default(), |all, fields| all.union(*fields));
        let mut policies: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        policies.sort_unstable();
        Verdict {
            allowed,
            fields,
            policies: policies.into(),
        }
    }
    /// Whether the schema provides for everything that this program will ask.
    pub(super) fn probe(&self) -> Result<(), String> {
        let why = |Unaskable(why)| why.to_string();
        for aim in Aim::all() {
            self.entities(Roles::default(), aim.seen()).map_err(why)?;
        }
        for role in Role::ALL {
            let roles = Roles::default().with(role).map_err(|e| e.to_string())?;
            self.entities(roles, Aim::Office).map_err(why)?;
        }
        for (action, purpose) in action::NAMES
            .iter()
            .flat_map(|action| Purpose::ALL.map(|purpose| (action, purpose)))
        {
            let question = Question {
                action,
                roles: Roles::default(),
                purpose: Some(purpose),
            };
            if !Aim::all().any(|aim| self.request(question, aim).is_ok()) {
                return Err(format!(
                    "{action} with purpose {purpose} applies to nothing"
                ));
            }
        }
        Ok(())
    }

    fn pose(&self, question: Question, aim: Aim) -> Result<(Request, Entities), Unaskable> {
        let request = self.request(question, aim)?;
        Ok((request, self.entities(question.roles, aim)?))
    }

    fn request(&self, question: Question, aim: Aim) -> Result<Request, Unaskable> {
        let purpose = question
            .purpose
            .map(|purpose| Ok(("purpose".to_owned(), reference("Purpose", purpose.code())?)))
            .transpose()?;
        Request::new(
            uid("Account", "actor")?,
            uid("Action", question.action)?,
            resource(aim)?,
            Context::from_pairs(purpose).map_err(Unaskable::because)?,
            Some(&self.schema),
        )
        .map_err(Unaskable::because)
    }

    fn entities(&self, roles: Roles, aim: Aim) -> Result<Entities, Unaskable> {
        let held: HashSet<EntityUid> = roles
            .iter()
            .map(|role| uid("Role", role.code()))
            .collect::<Result<_, _>>()?;
        let entities = [
            entity(
                uid("Account", "actor")?,
                [("department", department(true)?)],
                held,
            )?,
            entity(
                uid("Account", "another")?,
                [("department", department(false)?)],
                HashSet::new(),
            )?,
            entity(uid("Department", "own")?, [], HashSet::new())?,
            entity(uid("Department", "another")?, [], HashSet::new())?,
            Entity::new(resource(aim)?, attributes(aim)?, HashSet::new())
                .map_err(Unaskable::because)?,
        ];
        Entities::from_entities(entities, Some(&self.schema)).map_err(Unaskable::because)
    }
}

fn resource(aim: Aim) -> Result<EntityUid, Unaskable> {
    match aim {
        Aim::Case { .. } => uid("Case", "this"),
        Aim::NewCase { .. } => uid("NewCase", "this"),
        Aim::Office => uid("Office", "this"),
        Aim::Request { .. } => uid("Request", "this"),
        Aim::NoCase => Err(Unaskable::because("no case")),
    }
}

fn attributes(aim: Aim) -> Result<Attributes, Unaskable> {
    let pairs = match aim {
        Aim::Case {
            tier,
            holder,
            own_department,
            restricted,
        } => vec![
            ("tier", reference("Tier", tier.code())?),
            ("department", department(own_department)?),
            ("holders", RestrictedExpression::new_set([account(holder)?])),
            ("restricted", RestrictedExpression::new_bool(restricted)),
        ],
        Aim::NewCase {
            tier,
            own_department,
        } => vec![
            ("tier", reference("Tier", tier.code())?),
            ("department", department(own_department)?),
        ],
        Aim::Request {
            own,
            concerns_actor,
        } => vec![
            ("requester", account(own)?),
            ("concerned", account(concerns_actor)?),
        ],
        Aim::Office | Aim::NoCase => Vec::new(),
    };
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

fn account(is_actor: bool) -> Result<RestrictedExpression, Unaskable> {
    reference("Account", if is_actor { "actor" } else { "another" })
}

fn department(own: bool) -> Result<RestrictedExpression, Unaskable> {
    reference("Department", if own { "own" } else { "another" })
}

fn entity<const N: usize>(
    uid: EntityUid,
    attributes: [(&str, RestrictedExpression); N],
    parents: HashSet<EntityUid>,
) -> Result<Entity, Unaskable> {
    let attributes = attributes
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    Entity::new(uid, attributes, parents).map_err(Unaskable::because)
}

fn reference(kind: &str, id: &str) -> Result<RestrictedExpression, Unaskable> {
    uid(kind, id).map(RestrictedExpression::new_entity_uid)
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Unaskable> {
    let kind = KINDS.get(kind).ok_or_else(|| Unaskable::because(kind))?;
    Ok(EntityUid::from_type_name_and_id(
        kind.clone(),
        EntityId::new(id),
    ))
}
