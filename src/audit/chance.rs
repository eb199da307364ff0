//! Chance in blocks: one call to the operating system serves many entries.

use std::sync::{Arc, Mutex};

use zeroize::Zeroize;

use crate::domain::random::{Random, RandomError};

/// Bytes drawn at once.
const BLOCK: usize = 4096;

/// Hands out bytes of a block drawn ahead, each exactly once. For identifiers and nonces; keys
/// are drawn from the source itself.
pub(super) struct Blocks {
    source: Arc<dyn Random>,
    /// What has not been handed out; taken from the end.
    left: Mutex<Vec<u8>>,
}

impl Blocks {
    pub(super) fn new(source: Arc<dyn Random>) -> Self {
        Self {
            source,
            left: Mutex::new(Vec::with_capacity(BLOCK)),
        }
    }
}

impl Random for Blocks {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        if bytes.len() > BLOCK {
            return self.source.fill(bytes);
        }
        // A lock poisoned by a panic may hide bytes handed out twice: no more chance from it.
        let mut left = self.left.lock().map_err(|_| RandomError)?;
        if left.len() < bytes.len() {
            let mut block = [0; BLOCK];
            self.source.fill(&mut block)?;
            left.zeroize();
            left.extend_from_slice(&block);
            block.zeroize();
        }
        let keep = left.len() - bytes.len();
        let given = left.get_mut(keep..).ok_or(RandomError)?;
        bytes.copy_from_slice(given);
        given.zeroize();
        left.truncate(keep);
        Ok(())
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        if let Ok(left) = self.left.get_mut() {
            left.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::random::SeededSource;

    struct Counted(SeededSource, AtomicUsize);
    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.fill(bytes)
        }
    }

    #[test]
    fn no_byte_is_handed_out_twice_and_few_calls_are_made() {
        let source = Arc::new(Counted(SeededSource::new(3), AtomicUsize::new(0)));
        let blocks = Blocks::new(source.clone());
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let id: [u8; 28] = (&blocks as &dyn Random).array().unwrap();
            assert!(seen.insert(id));
        }
        assert_eq!(
            source.1.load(Ordering::SeqCst),
            10_000usize.div_ceil(BLOCK / 28)
        );
        let mut long = vec![0; 3 * BLOCK];
        blocks.fill(&mut long).unwrap();
        assert!(long.chunks(28).all(|part| part.iter().any(|b| *b != 0)));
    }

    struct Broken;
    impl Random for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }

    #[test]
    fn a_source_that_fails_gives_nothing() {
        let blocks = Blocks::new(Arc::new(Broken));
        assert!((&blocks as &dyn Random).array::<16>().is_err());
    }
}
