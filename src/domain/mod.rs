//! The words of the field, one per thing. Every other module speaks in these types;
//! raw strings and numbers are parsed into them at the doors and never travel further down.

pub mod day_off;
pub mod hold;
pub mod id;
pub mod limit;
pub mod lock;
pub mod purpose;
pub mod random;
pub mod role;
pub mod secret;
pub mod serial;
pub mod task;
pub mod tier;
pub mod time;
