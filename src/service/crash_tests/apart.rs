//! Kept apart.
