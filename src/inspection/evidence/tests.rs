use super::*;
use crate::domain::secret::Secret;
use crate::merkle::checkpoint::Signer;
use crate::merkle::tree::{HashStore, TreeError, hashes_for_leaf, root};

/// Stored hashes in memory.
#[derive(Default)]
struct Stored(Vec<Hash>);

impl HashStore for Stored {
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, TreeError> {
        let read = |at: &u64| self.0.get(*at as usize).copied().ok_or(TreeError::Range);
        positions.iter().map(read).collect()
    }
}

impl Stored {
    /// Twenty leaves, the fourth of which says this.
    fn of(fourth: u8) -> Self {
        let mut stored = Self::default();
        for n in 0..20 {
            let leaf = if n == 3 { fourth } else { n };
            let new = hashes_for_leaf(u64::from(n), leaf_hash(&[leaf]), &stored);
            stored.0.extend(new.unwrap());
        }
        stored
    }
}

/// The checkpoint of the first `size` of these leaves.
fn at(stored: &Stored, size: u64) -> Checkpoint {
    Checkpoint {
        origin: "bongham/x/access".to_owned(),
        size,
        root: root(size, stored).unwrap(),
        extensions: Vec::new(),
    }
}

fn since(stored: &Stored, from: u64, to: u64) -> Since {
    let proof = proof::consistency(from, to, stored).unwrap();
    Since {
        size: from,
        proof: proof.iter().map(|hash| BASE64.encode(&hash.0)).collect(),
    }
}

#[test]
fn an_earlier_checkpoint_is_compared_by_its_proof_and_not_believed_without() {
    let (log, other) = (Stored::of(3), Stored::of(99));
    let (kept, now) = (at(&log, 7), at(&log, 20));
    let good = since(&log, 7, 20);
    assert_eq!(goes_on(&kept, &now, Some(&good)), Ok(Kept::Compared));
    assert_eq!(goes_on(&kept, &now, None), Ok(Kept::NotCompared));
    let elsewhere = since(&log, 8, 20);
    assert_eq!(
        goes_on(&kept, &now, Some(&elsewhere)),
        Ok(Kept::NotCompared)
    );
    // A history that was rewritten has no proof from there, whatever it brings.
    let rewritten = at(&other, 20);
    for proof in [&good, &since(&other, 7, 20)] {
        let told = goes_on(&kept, &rewritten, Some(proof));
        assert_eq!(told, Err(Fault::Rewritten));
    }
    assert_eq!(goes_on(&now, &rewritten, None), Err(Fault::Rewritten));
    assert_eq!(goes_on(&now, &now, None), Ok(Kept::Compared));
    let older = goes_on(&now, &kept, None);
    assert_eq!(older, Err(Fault::Older { size: 7, kept: 20 }));
}

/// A document without entries, signed, after `change`.
fn signed(change: impl FnOnce(&mut Body)) -> (Vec<u8>, Verifier) {
    let signer = Signer::new("office", &Secret::new([7; 32])).unwrap();
    let mut body = Body::of(
        "7KQ4-M2XA-QD3F".to_owned(),
        "a".repeat(26),
        "2026-11-26T09:00:00+09:00".to_owned(),
        &About::default(),
        Vec::new(),
        None,
    );
    change(&mut body);
    let checkpoint = Checkpoint {
        extensions: vec![body.line().unwrap()],
        ..at(&Stored::of(3), 20)
    };
    let checkpoint = signer.sign(&checkpoint).unwrap();
    let document = Evidence { body, checkpoint }.bytes().unwrap();
    (document, Verifier::parse(&signer.verifier_key()).unwrap())
}

#[test]
fn a_document_of_the_first_version_verifies_in_its_own_words_alone() {
    let first = |body: &mut Body| {
        body.version = 1;
        body.leaves_open = Words::of(LEFT_OPEN_1);
    };
    let check = |change: &dyn Fn(&mut Body)| {
        let (document, verifier) = signed(change);
        verify(&document, &verifier, None).map(|verified| verified.body.version)
    };
    assert_eq!((check(&first), check(&|_| ())), (Ok(1), Ok(2)));
    let others: [&dyn Fn(&mut Body); 4] = [
        &|body| body.version = 1,
        &|body| body.version = 3,
        &|body| body.leaves_open = Words::of(LEFT_OPEN_1),
        &|body| {
            first(body);
            body.since = Some(since(&Stored::of(3), 7, 20));
        },
    ];
    for change in others {
        assert_eq!(check(change), Err(Fault::Form));
    }
}
