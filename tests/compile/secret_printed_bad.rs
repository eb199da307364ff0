//! A secret cannot reach a format string.
use bongham::domain::secret::{Secret, SecretBytes};

fn leak(key: &Secret<32>, content: &SecretBytes) -> String {
    format!("{key:?} {content:?}")
}

fn main() {}
