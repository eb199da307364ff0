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
    /// Add to a case, close or reopen it.
    Amend = Amend, "amend", purpose true;
    /// Set or lift a hold on a case.
    HoldCase = Hold, "hold", purpose true;
    /// See a case as a find of a search.
    Search = Search, "search", purpose true;
    /// Take a case out in a file.
    Export = Export, "export", purpose true;
    /// Take a case out on paper.
    Print = Print, "print", purpose true;
    /// Have what is taken out of a case unmasked.
    Unmask = Unmask, "unmask", purpose true;
    /// Fetch the finished file of an export.
    Download = Download, "download", purpose false;
    /// Look at exports and prints.
    ReadOutputs = ReadOutputs, "read_outputs", purpose false;
    /// Confirm that a copy that left is destroyed.
    CloseOutput = CloseOutput, "close_output", purpose false;
    /// Find the print or export that a mark came from.
    Trace = Trace, "trace", purpose false;
    /// Ask for more than one's budget of people and cases.
    RaiseBudget = RaiseBudget, "raise_budget", purpose false;
    /// Look at alerts.
    ReadAlerts = ReadAlerts, "read_alerts", purpose false;
    /// Take note of an alert, which closes it.
    AcknowledgeAlert = AcknowledgeAlert, "acknowledge_alert", purpose false;
    /// Make an inspection of the access log.
    Inspect = Inspect, "inspect", purpose false;
    /// Look at an inspection.
    ReadInspection = ReadInspection, "read_inspection", purpose false;
    /// Explain a finding about oneself.
    Explain = Explain, "explain", purpose false;
    /// Sign an inspection off.
    SignInspection = SignInspection, "sign_inspection", purpose false;
    /// Judge a finding about somebody who inspects.
    JudgeAuditor = Inspect, "judge_auditor", purpose false;
    /// Tell a person who opened their case.
    GiveEvidence = GiveEvidence, "give_evidence", purpose false;
    /// Draw the parts of a case that another law keeps.
    Retain = Retain, "retain", purpose true;
    /// Take in a data subject's request.
    RequestDeletion = RequestDeletion, "request_deletion", purpose false;
    /// Look at requests.
    ReadRequest = ReadRequest, "read_request", purpose false;
    /// Check who asks.
    CheckIdentity = CheckIdentity, "check_identity", purpose false;
    /// Judge each part of what a request names.
    ReviewDeletion = ReviewDeletion, "review_deletion", purpose false;
    /// Fill in the destruction request form.
    FormDestruction = FormDestruction, "form_destruction", purpose false;
    /// Decide on a destruction as the second person.
    ApproveDestruction = ApproveDestruction, "approve_destruction", purpose false;
    /// Cancel or refuse a request.
    CloseRequest = CloseRequest, "close_request", purpose false;
    /// Carry out or check a destruction.
    Destroy = Destroy, "destroy", purpose false;
    /// Change retention rules, run a sweep.
    ManageRetention = Retention, "manage_retention", purpose false;
    /// Read the ledger.
    ReadLedger = ReadLedger, "read_ledger", purpose false;
    /// Open an item kept apart.
    OpenRetained = OpenRetained, "open_retained", purpose true;
    /// Hand items kept apart to the archive.
    HandOver = HandOver, "hand_over", purpose true;
    /// Make a backup.
    BackUp = Backup, "back_up", purpose false;
    /// Make copies of the keyring, acknowledge their end.
    EscrowKeyring = Escrow, "escrow_keyring", purpose false;
    /// Run an import.
    Import = Import, "import", purpose false;
    /// Create, change, reset or disable accounts.
    ManageAccounts = ManageAccount, "manage_accounts", purpose false;
    /// Create departments, propose desk members.
    ManageDepartments = ManageDepartment, "manage_departments", purpose false;
    /// Decide on another person's request.
    Approve = Approve, "approve", purpose false;
    /// Look at requests for a second person.
    ReadApprovals = ReadApprovals, "read_approvals", purpose false;
    /// Query or export the access log.
    ReadLog = ReadLog, "read_log", purpose false;
    /// Seal the store.
    SealStore = Seal, "seal_store", purpose false;
}
