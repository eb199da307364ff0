//! The twin: its bytes can be handed to a primitive.
use bongham::domain::secret::Secret;

fn length(key: &Secret<32>) -> usize {
    key.expose().len()
}

fn main() {}
