//! Reads and checks a policy set. Whatever is not understood to the last letter is refused.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    ActionConstraint, Effect, EntityTypeName, Policy, PolicyId, PolicySet, ResourceConstraint,
    Schema, ValidationMode, Validator,
};
use ring::digest;

use super::action;
use super::cedar::PolicyError;
use super::facts::{Field, Fields};
use super::source::{Files, SCHEMA};

/// A policy set that passed every check.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) schema: Schema,
    pub(super) policies: PolicySet,
    /// What each permit on cases shows.
    pub(super) fields: HashMap<PolicyId, Fields>,
    /// SHA-256 over (length, name, length, content) of schema and policies, sorted by name.
    pub(super) hash: [u8; 32],
}

impl Rules {
    /// Parses, checks annotations, validates strictly against the schema.
    pub(super) fn read(files: &Files) -> Result<Self, PolicyError> {
        let text = files
            .schema()
            .ok_or_else(|| invalid(SCHEMA, format!("missing in {}", files.origin)))?;
        let schema = read_schema(text)?;
        let mut policies = PolicySet::new();
        let mut fields = HashMap::new();
        for (file, text) in files.policies() {
            for policy in read_policies(file, text)? {
                let policy = named(file, &policy)?;
                if let Some(shown) = shown(file, &policy, &schema)? {
                    fields.insert(policy.id().clone(), shown);
                }
                policies.add(policy).map_err(|e| invalid(file, e))?;
            }
        }
        if policies.is_empty() {
            return Err(PolicyError::None(files.origin.clone()));
        }
        validate(&schema, &policies, &files.origin)?;
        let rules = Self {
            schema,
            policies,
            fields,
            hash: hash(files, text),
        };
        rules.probe().map_err(|why| invalid(SCHEMA, why))?;
        Ok(rules)
    }
    /// The ids of all policies, sorted.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.policies
            .policies()
            .map(|policy| policy.id().to_string())
            .collect()
    }
}

pub(super) fn invalid(file: &str, why: impl ToString) -> PolicyError {
    PolicyError::Invalid {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

fn read_schema(text: &str) -> Result<Schema, PolicyError> {
    let (schema, warnings) = Schema::from_cedarschema_str(text).map_err(|e| invalid(SCHEMA, e))?;
    if let Some(warning) = warnings.into_iter().next() {
        return Err(invalid(SCHEMA, warning));
    }
    let stated: BTreeSet<String> = schema
        .actions()
        .map(|uid| uid.id().unescaped().to_owned())
        .collect();
    let known: BTreeSet<String> = action::NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    match stated.symmetric_difference(&known).next() {
        None => Ok(schema),
        Some(name) if known.contains(name) => {
            Err(invalid(SCHEMA, format!("the action {name} is missing")))
        }
        Some(name) => Err(invalid(SCHEMA, format!("there is no action {name}"))),
    }
}

fn read_policies(file: &str, text: &str) -> Result<Vec<Policy>, PolicyError> {
    let set: PolicySet = text.parse().map_err(|e| invalid(file, e))?;
    if set.templates().next().is_some() {
        return Err(invalid(file, "templates are not used here"));
    }
    Ok(set.policies().cloned().collect())
}

/// The policy under the name that the access log will give.
fn named(file: &str, policy: &Policy) -> Result<Policy, PolicyError> {
    let id = policy.annotation("id").unwrap_or_default();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        let why = format!(
            "{}: needs @id(\"…\") of 1 to 64 characters a-z 0-9 _",
            policy.id()
        );
        return Err(invalid(file, why));
    }
    if policy
        .annotation("basis")
        .is_none_or(|basis| basis.trim().is_empty())
    {
        return Err(invalid(
            file,
            format!("{id}: needs @basis(\"law, article\")"),
        ));
    }
    Ok(policy.new_id(PolicyId::new(id)))
}

/// What a permit on cases shows, from its `@fields`; `None` for every other policy.
fn shown(file: &str, policy: &Policy, schema: &Schema) -> Result<Option<Fields>, PolicyError> {
    let stated = policy.annotation("fields");
    let wanted = policy.effect() == Effect::Permit && is_on_cases(policy, schema);
    match (stated, wanted) {
        (None, false) => Ok(None),
        (None, true) => {
            let why = "a permit on cases needs @fields(\"head,narrative,people,contact\") or fewer";
            Err(invalid(file, format!("{}: {why}", policy.id())))
        }
        (Some(_), false) => Err(invalid(
            file,
            format!("{}: only permits on cases have @fields", policy.id()),
        )),
        (Some(list), true) => list
            .split(',')
            .map(|code| field(code.trim()))
            .try_fold(Fields::default(), |all, field| Some(all.with(field?)))
            .map(Some)
            .ok_or_else(|| invalid(file, format!("{}: unknown field in {list}", policy.id()))),
    }
}

/// Whether the policy's scope leaves room for a case.
fn is_on_cases(policy: &Policy, schema: &Schema) -> bool {
    let (Ok(account), Ok(case)) = ("Account".parse(), "Case".parse::<EntityTypeName>()) else {
        return true;
    };
    let is_other = match policy.resource_constraint() {
        ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => kind != case,
        _ => false,
    };
    let actions: Vec<_> = schema
        .actions_for_principal_and_resource(&account, &case)
        .collect();
    let acts = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => actions.contains(&&one),
        ActionConstraint::In(some) => some.iter().any(|one| actions.contains(&one)),
    };
    acts && !is_other
}

/// The field with this code.
pub(super) fn field(code: &str) -> Option<Field> {
    match code {
        "head" => Some(Field::Head),
        "narrative" => Some(Field::Narrative),
        "people" => Some(Field::People),
        "contact" => Some(Field::Contact),
        _ => None,
    }
}

fn validate(schema: &Schema, policies: &PolicySet, origin: &str) -> Result<(), PolicyError> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let why = result
        .validation_errors()
        .map(ToString::to_string)
        .chain(result.validation_warnings().map(ToString::to_string))
        .next();
    why.map_or(Ok(()), |why| Err(invalid(origin, why)))
}

fn hash(files: &Files, schema: &str) -> [u8; 32] {
    let mut all: Vec<(&str, &str)> = files.policies().collect();
    all.push((SCHEMA, schema));
    all.sort_unstable();
    let mut context = digest::Context::new(&digest::SHA256);
    for text in all.into_iter().flat_map(|(name, content)| [name, content]) {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}
