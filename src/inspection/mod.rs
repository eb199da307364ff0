//! What is made of the access log for people: the evidence of who opened a case (열람 내역), and the
//! monthly inspection (접속기록 점검).
//!
//! An inspection is made by one pass over a month ([`gather`]) and kept as a pack with its findings
//! ([`pack`]). What a signature binds to is the [`sheet`].

pub mod deed;
pub mod evidence;
pub mod evidence_page;
pub mod gather;
pub mod hits;
mod html;
mod kept;
pub mod month;
pub mod pack;
pub mod report;
pub mod report_paper;
mod report_rules;
pub mod rule;
pub mod sheet;
pub mod view;
pub mod words;
