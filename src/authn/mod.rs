//! The identity: passwords, sessions, throttling.

mod bounded;
pub mod device;
pub mod pace;
pub mod password;
pub mod session;
mod strength;
pub mod throttle;
pub mod waiting;
