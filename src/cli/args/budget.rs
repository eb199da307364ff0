//! Commands about budgets and the alerts that they raise.

use clap::Subcommand;

use super::Actor;
use crate::domain::id::AlertId;

/// `budget …`
#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Show how much of your budget of a day is used
    #[command(after_help = "Example:\n  bongham budget show --account choi --data D")]
    Show(Actor),
    /// Ask a second person for more, for a day
    #[command(
        after_help = "Example:\n  bongham budget raise --people 300 --reason 'yearly report' \
        --account choi --data D\n\nA privacy officer decides: bongham approval list, then \
        approval decide."
    )]
    Raise {
        /// So many people more
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        people: u32,
        /// So many cases more
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        cases: u32,
        /// Why; a sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
}

/// `alert …`
#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// List alerts, newest first
    #[command(
        after_help = "Examples:\n  bongham alert list --account lee --data D\n  \
        bongham alert list --open --account lee --data D"
    )]
    List {
        /// Only those that nobody took note of
        #[arg(long)]
        open: bool,
        /// Most rows to fetch
        #[arg(long, value_name = "ROWS", default_value_t = 200)]
        limit: usize,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Take note of one, as a privacy officer: say what came of looking into it
    #[command(
        after_help = "Example:\n  bongham alert acknowledge ID --note 'yearly report, agreed' \
        --account lee --data D"
    )]
    Acknowledge {
        /// Id, from `alert list`
        id: AlertId,
        /// What came of it
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// Who looked into it.
        #[command(flatten)]
        actor: Actor,
    },
}
