//! What a request is about, for the entries that name it: ids, numbers and terms, no words of anybody
//! and nothing that says which case it is.

use super::{Asked, Standing};

/// Most bytes of it.
const BYTES_MAX: usize = 1024;

impl Asked {
    /// See the module; empty where accounts and roles say it all.
    pub fn about(&self) -> String {
        let mut about = match self {
            Self::GrantRole { .. }
            | Self::TakeRole { .. }
            | Self::SeatDesk { .. }
            | Self::ResetAccount { .. }
            | Self::DisableAccount { .. } => String::new(),
            Self::OpenRetained { item, purpose, .. } => format!("item {item}, for {purpose}"),
            Self::HandOver {
                count,
                named,
                archive,
                ..
            } => {
                let named: Vec<String> = named.iter().map(ToString::to_string).collect();
                let named = named.join(" ");
                format!("{count} items {named} to the archive with the key {archive}")
            }
            Self::LiftHold { case, standing, .. } => format!("case {case}{}", set(standing)),
            Self::LiftItemHold { item, standing, .. } => format!("item {item}{}", set(standing)),
            Self::RenewTerm { item, until, .. } => format!("item {item} until {}", until.rfc3339()),
            Self::TakeOut(taken) => {
                let (cases, people) = (taken.cases, taken.people);
                let masked = if taken.unmasked { "unmasked" } else { "masked" };
                format!(
                    "{cases} cases, {} of them sensitive, {people} people, as {}, {masked}, for {}; list {}",
                    taken.sensitive,
                    taken.form,
                    taken.purpose,
                    data_encoding::HEXLOWER.encode(&taken.manifest_hash)
                )
            }
            Self::RaiseBudget { people, cases, .. } => {
                format!("{people} people, {cases} cases more")
            }
            Self::Destroy { item, units, .. } => format!("item {item} of {units} units"),
        };
        about.truncate(about.floor_char_boundary(BYTES_MAX));
        about
    }
}

/// Who set the holds that end, and when.
fn set(holds: &[Standing]) -> String {
    let one = |hold: &Standing| format!(", set by {} at {}", hold.by, hold.at.rfc3339());
    holds.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{AccountId, RetainedId};
    use crate::domain::time::Timestamp;

    #[test]
    fn it_names_items_and_who_held_them_and_repeats_nobodys_words() {
        let item = RetainedId::from_bytes([1; 16]);
        let standing = Standing {
            by: AccountId::from_bytes([2; 16]),
            at: Timestamp::from_millis(0),
        };
        let asked = Asked::LiftItemHold {
            item,
            ground: "a canary".to_owned(),
            reason: "a canary".to_owned(),
            standing: vec![standing],
        };
        let about = asked.about();
        for part in [item.to_string(), standing.by.to_string(), "1970".to_owned()] {
            assert!(about.contains(&part), "{about}");
        }
        assert!(!about.contains("canary"));
        let many = Asked::HandOver {
            count: 10,
            named: vec![item; 100],
            archive: "k".repeat(200),
            reason: "a canary".to_owned(),
            items_hash: [0; 32],
        };
        let about = many.about();
        assert!(about.len() <= BYTES_MAX && about.starts_with("10 items"));
    }
}
