//! Commands about people: accounts, approvals, departments.

use clap::{Subcommand, ValueEnum};

use super::Actor;
use crate::domain::role::Role;

/// `account …`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; prints the one-time code for its owner. Its roles wait for a second person
    #[command(
        after_help = "Example:\n  bongham account add park --role intake --department \
        civil --account kim --data D\n\nA role is given by two: its owner enrols, a privacy officer \
        consents (bongham approval decide). A request lives for 30 minutes; bongham account roles \
        asks again."
    )]
    Add {
        /// Login of the new account
        login: String,
        /// Role; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// Code of the department
        #[arg(long, value_name = "CODE")]
        department: Option<String>,
        /// Who makes it.
        #[command(flatten)]
        actor: Actor,
    },
    /// List accounts
    #[command(after_help = "Example:\n  bongham account list --account kim --data D")]
    List(Actor),
    /// Shut an account out at once, for good; its key dies
    #[command(
        after_help = "Example:\n  bongham account disable park --account kim --data D\n\nFor a \
        privacy officer or an auditor this asks for a second person first; run it again with \
        --approval ID once they approved."
    )]
    Disable {
        /// Login
        login: String,
        /// Id of the approval that a second person gave
        #[arg(long, value_name = "ID")]
        approval: Option<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Give a new one-time code; the account loses its keys and its sensitive cases
    #[command(
        after_help = "Example:\n  bongham account reset park --account kim --data D\n\nFor \
        whoever has a role this asks for a second person first; run it again with --approval ID once \
        they approved. Its roles end: ask for them again with bongham account roles."
    )]
    Reset {
        /// Login
        login: String,
        /// Id of the approval that a second person gave
        #[arg(long, value_name = "ID")]
        approval: Option<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Set the roles of an account; each new one waits for a second person
    #[command(
        after_help = "Example:\n  bongham account roles park --role officer --role \
        human_rights_officer --account kim --data D"
    )]
    Roles {
        /// Login
        login: String,
        /// Role; may be given several times; none takes all away
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Role>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
}

/// `approval …`
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// List requests that wait for a second person
    #[command(after_help = "Example:\n  bongham approval list --account lee --data D")]
    List(Actor),
    /// Decide on one
    #[command(after_help = "Example:\n  bongham approval decide ID approve --account lee --data D")]
    Decide {
        /// Id, from `approval list`
        id: String,
        /// The decision
        decision: Decision,
        /// Hash of the request, from `approval list`: anything else is refused
        #[arg(long, value_name = "HEX")]
        hash: Option<String>,
        /// Who decides.
        #[command(flatten)]
        actor: Actor,
    },
}

/// What a second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decision {
    /// Yes.
    Approve,
    /// No.
    Refuse,
}

impl Decision {
    /// The code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }
}

/// `department …`
#[derive(Debug, Subcommand)]
pub enum DepartmentCommand {
    /// Make a department
    #[command(
        after_help = "Example:\n  bongham department add civil 민원봉사과 --account kim \
        --data D"
    )]
    Add {
        /// Short code
        code: String,
        /// Name
        name: String,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// List departments
    #[command(after_help = "Example:\n  bongham department list --account kim --data D")]
    List(Actor),
    /// Name the human-rights officers who receive its sensitive cases
    #[command(
        after_help = "Example:\n  bongham department desk rights --member choi --member \
        jung --account kim --data D"
    )]
    Desk {
        /// Code of the department
        code: String,
        /// Login of a member; may be given several times
        #[arg(long = "member", value_name = "LOGIN", required = true)]
        members: Vec<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
}
