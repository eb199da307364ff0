//! Commands about the store as a whole: init, serve, seal, unseal, repair, policies.

use std::path::PathBuf;

use serde_json::json;

use super::args::{Actor, InitArgs, RepairArgs, ServeArgs, Store};
use super::channel::Call;
use super::channel::Channel;
use super::client::{API, Client, logged_in};
use super::failure::Failure;
use super::host::{Findings, Host, InitRequest, Place, ServeRequest, Task, Unlock};
use super::out::{Out, fields};
use super::secrets::UnlockArgs;
use super::trace;
use crate::config::{Config, Overrides};

/// `init`
pub async fn init(host: &Host, args: InitArgs, out: &mut Out) -> Result<(), Failure> {
    if args.admin == args.privacy_officer {
        return Err(Failure::usage(
            "the administrator and the privacy officer must be two people: one asks, one approves",
        )
        .korean("관리자와 개인정보 보호책임자는 서로 다른 사람이어야 합니다."));
    }
    let place = args.store.place();
    let unlock = args.unlock.read_new()?;
    let done = (host.init)(InitRequest {
        place: place.clone(),
        unlock,
        admin: args.admin.clone(),
        privacy_officer: args.privacy_officer.clone(),
    })
    .await?;
    let shown = json!({
        "data": place.data,
        "keyring": place.keyring,
        "log_key": done.log_key,
        "ledger_key": done.ledger_key,
        "enrolment_codes": {
            args.admin.as_str(): done.admin_code.expose(),
            args.privacy_officer.as_str(): done.privacy_code.expose(),
        },
    });
    out.answer(&shown, fields)?;
    let (data, keyring) = (place.data.display(), place.keyring.display());
    out.note(&format!(
        "The codes are shown only once. Give the two keys to your auditor now.\n\
         Without the keyring directory or the passphrase nothing can ever be opened again.\n\
         Next:  bongham serve --data {data} --keyring {keyring}\n       \
         bongham enrol {} --data {data}",
        args.admin
    ));
    Ok(())
}

/// `serve`
pub async fn serve(host: &Host, args: ServeArgs, out: &mut Out) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: args.listen,
        tls_cert: args.tls_cert,
        tls_key: args.tls_key,
        log_format: args.log_format,
    };
    let config = Config::load(args.store.config.as_deref(), overrides)
        .map_err(|error| Failure::usage(error.to_string()))?;
    trace::start(config.log_format)?;
    let unlock = args.unlock.read_given()?;
    let sealed = unlock.is_none();
    let place = args.store.place();
    let data = place.data.clone();
    let running = (host.serve)(ServeRequest {
        place,
        config,
        unlock,
    })
    .await?;
    tracing::info!(url = %running.url, sealed, "serving");
    if sealed {
        out.note(&format!(
            "Sealed. Open it with:  bongham unseal --data {}",
            data.display()
        ));
    }
    running.finished.await
}

/// `unseal`
pub async fn unseal(store: &Store, unlock: &UnlockArgs, out: &mut Out) -> Result<(), Failure> {
    let mut client = Client::new(Channel::to_server(&store.place()).await?);
    client.ensure_open(|| unlock.read()).await?;
    client.close().await?;
    out.answer(&json!({"state": "open"}), fields)
}

/// `seal`
pub async fn seal(actor: &Actor, out: &mut Out) -> Result<(), Failure> {
    let channel = Channel::to_server(&actor.store.place()).await?;
    let account = actor.account.as_str();
    let password = actor.password.read(&format!("Password of {account}: "))?;
    let mut client = Client::new(channel);
    logged_in(
        &mut client,
        account,
        &password,
        async |client: &mut Client| {
            let call = Call::post(&format!("{API}/seal"), &json!({"action": "seal"}))?;
            client.call(call).await.map(|_| ())
        },
    )
    .await?;
    client.close().await?;
    out.answer(&json!({"state": "sealed"}), fields)
}

/// `rebuild-index` and `fsck`
pub async fn repair(
    work: fn(Place, Unlock) -> Task<Findings>,
    args: &RepairArgs,
    out: &mut Out,
) -> Result<(), Failure> {
    let findings = work(args.store.place(), args.unlock.read()?).await?;
    report(&findings, out)
}

/// `policy check`
pub async fn policy_check(host: &Host, dir: Option<PathBuf>, out: &mut Out) -> Result<(), Failure> {
    let findings = (host.policy_check)(dir).await?;
    report(&findings, out)
}

pub(super) fn report(findings: &Findings, out: &mut Out) -> Result<(), Failure> {
    let shown = json!({"lines": findings.lines, "violations": findings.violations});
    out.answer(&shown, |_| {
        let wrong = findings.violations.iter().map(|v| format!("WRONG  {v}"));
        findings.lines.iter().cloned().chain(wrong).collect()
    })?;
    match findings.violations.len() {
        0 => Ok(()),
        n => Err(Failure::failed(format!("{n} violation(s) found"))
            .korean(format!("위반 {n}건이 발견되었습니다."))),
    }
}
