//! Where rows stand: keys that say nothing.

use ring::hmac;

use crate::domain::secret::Secret;

/// Makes engine keys from labels and ids: `HMAC-SHA-256(K_loc, len(label) ‖ label ‖ (len(part) ‖ part)*)[..16]`,
/// lengths as two bytes, big endian. Without `K_loc` a key tells neither what it is for nor
/// whether two rows belong together.
pub struct Locator(hmac::Key);

impl Locator {
    /// Under this location key.
    pub fn new(secret: &Secret<32>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }
    /// The place for `parts` under `label`.
    pub fn place(&self, label: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&label.as_bytes()).chain(parts) {
            let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        let mut place = [0; 16];
        for (to, from) in place.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let locator = Locator::new(&Secret::new([7; 32]));
        assert_eq!(locator.place("a", &[b"bc"]), locator.place("a", &[b"bc"]));
        assert_ne!(locator.place("a", &[b"bc"]), locator.place("ab", &[b"c"]));
        assert_ne!(
            locator.place("a", &[b"b", b"c"]),
            locator.place("a", &[b"bc"])
        );
        assert_ne!(
            Locator::new(&Secret::new([8; 32])).place("a", &[]),
            locator.place("a", &[])
        );
    }
}
