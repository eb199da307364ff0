//! Accounts, departments and their desks, approvals.

pub mod account;
pub mod approval;
pub mod department;
pub mod directory;
pub mod holder;
pub mod rows;
pub mod view;
