//! What can be asked for. One type per action; the Cedar action of the same name decides it.

use crate::domain::task::Task;

mod sealed {
    pub trait Sealed {}
}

/// An action as a type, so that a permit for one cannot be used for another.
pub trait Action: sealed::Sealed + Send + Sync + 'static {
    /// The task that the access log names.
    const TASK: Task;
    /// The id of the action in `policies/schema.cedarschema`.
    const NAME: &'static str;
    /// Whether a purpose must be given.
    const NEEDS_PURPOSE: bool;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $task:ident, $code:literal, purpose $purpose:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Action for $name {
                const TASK: Task = Task::$task;
                const NAME: &'static str = $code;
                const NEEDS_PURPOSE: bool = $purpose;
            }
        )*
        /// The Cedar ids of every action, for the schema's own test.
        pub const NAMES: &[&str] = &[$($code,)*];
    };
}

actions! {
    /// Register a case.
    Register = Register, "register", purpose false;
    /// Open one case.
    Read = Read, "read", purpose true;
    /// See a case as a row of a list.
    List = List, "list", purpose true;
    /// Change who handles a case.
    Assign = Assign, "assign", purpose true;
    /// Change a case's tier.
    Reclassify = Reclassify, "reclassify", purpose true;
    /// Run an import.
    Import = Import, "import", purpose false;
    /// Create, change, reset or disable accounts.
    ManageAccounts = ManageAccount, "manage_accounts", purpose false;
    /// Create departments, propose desk members.
    ManageDepartments = ManageDepartment, "manage_departments", purpose false;
    /// Decide on another person's request.
    Approve = Approve, "approve", purpose false;
    /// Query or export the access log.
    ReadLog = ReadLog, "read_log", purpose false;
    /// Seal the store.
    SealStore = Seal, "seal_store", purpose false;
}
