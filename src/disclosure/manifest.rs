//! The exact list of a bulk disclosure, and its hash: what is approved is what goes out.

use ring::digest::{Context, SHA256};

use super::output::Form;
use crate::audit::manifest::Listed;
use crate::domain::id::AccountId;
use crate::domain::purpose::Purpose;

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

/// `SHA-256("bongham manifest v1" ‖ terms ‖ cases and people, sorted)`, each part after its length
/// in eight bytes, big endian: the same cases in another order are the same list.
pub fn hash<L: AsRef<Listed>>(terms: Terms<'_>, list: &[L]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(b"bongham manifest v1");
    part(terms.form.code().as_bytes());
    part(terms.purpose.code().as_bytes());
    part(terms.template.as_bytes());
    part(&[u8::from(terms.unmasked)]);
    part(terms.receiver.as_bytes());
    part(terms.recipient.as_bytes());
    part(&terms.copies.to_be_bytes());
    part(terms.responsible.as_bytes());
    let mut sorted: Vec<&Listed> = list.iter().map(L::as_ref).collect();
    sorted.sort_unstable_by_key(|listed| listed.case);
    for listed in sorted {
        part(listed.case.as_bytes());
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
        };
        let list = [listed(1, &[7, 8]), listed(2, &[])];
        let same = hash(terms, &list);
        assert_eq!(hash(terms, &[listed(2, &[]), listed(1, &[8, 7])]), same);
        let others = [
            hash(terms, &list[..1]),
            hash(terms, &[listed(1, &[7]), listed(2, &[8])]),
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
