//! The command door: every command is a client of the API, over a running server's control socket
//! or over a pipe to the store opened in this process. What a command sees has gone through the
//! same sessions, policies and access log as any other request.

pub mod args;
pub mod backup;
pub mod budget;
pub mod case;
pub mod channel;
pub mod client;
pub mod evidence;
pub mod failure;
pub mod forensic;
pub mod host;
pub mod import;
pub mod inspection;
pub mod keyring;
pub mod out;
pub mod output;
pub mod paper;
pub mod people;
pub mod quickstart;
pub mod request;
pub mod retained;
pub mod samples;
pub mod secrets;
mod spool;
pub mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod trail;
pub mod verify;

use std::ffi::OsString;

use clap::Parser;

use args::records::LogCommand;
use args::{Cli, Command, PolicyCommand};
use failure::Failure;
use host::Host;
use out::Out;
use trail::Trail;

/// Runs the command of these arguments and gives the exit code of the process.
pub async fn run(host: &Host, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _unheard = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let mut out = Out::process(cli.json);
    match dispatch(host, cli.command, &mut out).await {
        Ok(()) => 0,
        Err(failure) => {
            for line in failure.lines(failure::reads_korean()) {
                out.note(&line);
            }
            failure.exit() as u8
        }
    }
}

async fn dispatch(host: &Host, command: Command, out: &mut Out) -> Result<(), Failure> {
    match command {
        Command::Quickstart(args) => quickstart::quickstart(host, args, out).await,
        Command::Init(args) => store::init(host, args, out).await,
        Command::Serve(args) => store::serve(host, args, out).await,
        Command::Unseal { store, unlock } => store::unseal(&store, &unlock, out).await,
        Command::Seal(actor) => store::seal(&actor, out).await,
        Command::Enrol(args) => people::enrol(host, &args, out).await,
        Command::Account(command) => people::account(host, &command, out).await,
        Command::Approval(command) => people::approval(host, &command, out).await,
        Command::Budget(command) => budget::budget(host, &command, out).await,
        Command::Alert(command) => budget::alert(host, &command, out).await,
        Command::Department(command) => people::department(host, &command, out).await,
        Command::Case(command) => case::case(host, &command, out).await,
        Command::Request(command) => request::request(host, &command, out).await,
        Command::Retention(command) => request::retention(host, &command, out).await,
        Command::Retained(command) => retained::retained(host, &command, out).await,
        Command::Export(command) => output::export(host, command, out).await,
        Command::Print(command) => paper::print(host, command, out).await,
        Command::Trace(args) => paper::trace(host, &args, out).await,
        Command::Output(command) => output::output(host, &command, out).await,
        Command::Import(args) => import::run::import(host, &args, out).await,
        Command::Log(LogCommand::Entries(args)) => trail::entries(host, &args, out).await,
        Command::Log(LogCommand::Trail(command)) => {
            trail::trail(host, Trail::Log, &command, out).await
        }
        Command::Log(LogCommand::VerifyEvidence {
            document,
            key,
            checkpoint,
        }) => evidence::verify(&document, &key, checkpoint.as_deref(), out),
        Command::Evidence(command) => evidence::evidence(host, &command, out).await,
        Command::Inspection(command) => inspection::inspection(host, &command, out).await,
        Command::Finding(command) => inspection::finding(host, &command, out).await,
        Command::Ledger(command) => trail::ledger(host, &command, out).await,
        Command::Backup(command) => backup::backup(host, command, out).await,
        Command::Keyring(command) => keyring::keyring(host, command, out).await,
        Command::Policy(PolicyCommand::Check { dir }) => store::policy_check(host, dir, out).await,
        Command::RebuildIndex(args) => store::repair(host.rebuild_index, &args, out).await,
        Command::Fsck(args) => store::repair(host.fsck, &args, out).await,
        Command::ForensicScan(args) => forensic::scan(host, &args, out).await,
    }
}
