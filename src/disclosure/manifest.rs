//! The exact list of a bulk disclosure, and its hash: what is approved is what goes out.

use ring::digest::{Context, SHA256};

use super::output::Form;
use crate::audit::manifest::Listed;
use crate::domain::id::AccountId;
use crate::domain::purpose::Purpose;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;

/// Most cases of one output.
pub const CASES_MAX: usize = 100_000;

/// Everything that an approval of an output is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// File or paper.
    pub form: Form,
    /// For what.
    pub purpose: Purpose,
    /// Code of the template: which fields.
    pub template: &'a str,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Who gets it.
    pub receiver: &'a str,
    /// The public key that a file is locked to; empty for a passphrase, and on paper.
    pub recipient: &'a str,
    /// Copies on paper; 1 for a file.
    pub copies: u16,
    /// Who answers for its destruction.
    pub responsible: AccountId,
    /// When every copy is to be destroyed, where somebody said.
    pub destroy_by: Option<Timestamp>,
}

/// One case of a list, as it stands when the list is made.
#[derive(Debug, Clone, Copy)]
pub struct Going<'a> {
    /// The case and the people in it that go out.
    pub listed: &'a Listed,
    /// Revision of its head: whatever is added to it makes another.
    pub revision: u64,
    /// Its tier.
    pub tier: Tier,
}

/// SHA-256 of what left, as its record holds it.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    taken(context)
}

fn taken(context: Context) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

/// `SHA-256("bongham manifest v2" ‖ terms ‖ cases, revisions and people, sorted)`, each part after its
/// length in eight bytes, big endian: the same cases in another order are the same list, and a case to
/// which something was added is another.
pub fn hash(terms: Terms<'_>, mut list: Vec<Going<'_>>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(b"bongham manifest v2");
    part(terms.form.code().as_bytes());
    part(terms.purpose.code().as_bytes());
    part(terms.template.as_bytes());
    part(&[u8::from(terms.unmasked)]);
    part(terms.receiver.as_bytes());
    part(terms.recipient.as_bytes());
    part(&terms.copies.to_be_bytes());
    part(terms.responsible.as_bytes());
    let until = terms.destroy_by.map(|at| at.as_millis().to_be_bytes());
    part(until.as_ref().map_or(&[], |at| at.as_slice()));
    list.sort_unstable_by_key(|one| one.listed.case);
    for Going {
        listed, revision, ..
    } in list
    {
        part(listed.case.as_bytes());
        part(&revision.to_be_bytes());
        let mut people: Vec<u64> = listed.people.iter().map(|unit| unit.as_u64()).collect();
        people.sort_unstable();
        let bytes: Vec<u8> = people.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        part(&bytes);
    }
    taken(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{CaseId, UnitId};

    fn listed(case: u8, people: &[u64]) -> Listed {
        Listed {
            case: CaseId::from_bytes([case; 16]),
            people: people.iter().copied().map(UnitId::from_u64).collect(),
            policies: std::sync::Arc::from([]),
        }
    }

    #[test]
    fn the_hash_is_of_exactly_these_cases_people_and_terms() {
        let terms = Terms {
            form: Form::Csv,
            purpose: Purpose::Handling,
            template: "handling",
            unmasked: false,
            receiver: "a",
            recipient: "age1a",
            copies: 1,
            responsible: AccountId::from_bytes([1; 16]),
            destroy_by: Some(Timestamp::from_millis(1)),
        };
        let hash = |terms, list: &[(Listed, u64)]| {
            let going = list.iter().map(|(listed, revision)| Going {
                listed,
                revision: *revision,
                tier: Tier::Ordinary,
            });
            hash(terms, going.collect())
        };
        let list = [(listed(1, &[7, 8]), 4), (listed(2, &[]), 5)];
        let same = hash(terms, &list);
        let turned = [(listed(2, &[]), 5), (listed(1, &[8, 7]), 4)];
        assert_eq!(hash(terms, &turned), same);
        let others = [
            hash(terms, &list[..1]),
            hash(terms, &[(listed(1, &[7]), 4), (listed(2, &[8]), 5)]),
            hash(terms, &[(listed(1, &[7, 8]), 4), (listed(2, &[]), 6)]),
            hash(terms, &[(listed(1, &[7, 8]), 5), (listed(2, &[]), 4)]),
            hash(
                Terms {
                    destroy_by: Some(Timestamp::from_millis(2)),
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    destroy_by: None,
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    form: Form::Xlsx,
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    purpose: Purpose::Legal,
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    template: "x",
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    unmasked: true,
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    receiver: "b",
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    recipient: "age1b",
                    ..terms
                },
                &list,
            ),
            hash(
                Terms {
                    responsible: AccountId::from_bytes([2; 16]),
                    ..terms
                },
                &list,
            ),
            hash(Terms { copies: 2, ..terms }, &list),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(*other, same, "{at}");
            assert_eq!(others.iter().filter(|o| *o == other).count(), 1, "{at}");
        }
    }
}
