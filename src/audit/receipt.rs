//! Proof that an entry is durable. Minted in this folder alone, spent once.

use std::marker::PhantomData;

use crate::authz::action::Action;

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Position {
    /// Index of the entry, from 0.
    pub index: u64,
    /// Size of the log when it became durable.
    pub size: u64,
}

/// The entry for one permit is durable. Not `Clone`.
#[must_use]
pub struct Receipt<A: Action> {
    ticket: u64,
    position: Position,
    action: PhantomData<A>,
}

impl<A: Action> Receipt<A> {
    pub(super) const fn mint(ticket: u64, position: Position) -> Self {
        Self {
            ticket,
            position,
            action: PhantomData,
        }
    }
    /// The permit's ticket.
    pub const fn ticket(&self) -> u64 {
        self.ticket
    }
    /// Where the entry stands.
    pub const fn position(&self) -> Position {
        self.position
    }
}

/// The entry for a denial is durable: the answer may go out.
#[derive(Debug)]
#[must_use]
pub struct Refused {
    position: Position,
}

impl Refused {
    pub(super) const fn mint(position: Position) -> Self {
        Self { position }
    }
    /// Where the entry stands.
    pub const fn position(&self) -> Position {
        self.position
    }
}
