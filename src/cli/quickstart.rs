//! `quickstart`: the client's half of the demo. A store is made and served by the host; departments,
//! people, rights and sample cases then come in through the API, as in real use.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::args::{QuickstartArgs, Store};
use super::channel::Channel;
use super::client::{Client, logged_in};
use super::failure::Failure;
use super::host::{Host, InitRequest, Place, Running, ServeRequest, Unlock};
use super::out::{Out, table};
use super::people::enrol_with;
use super::samples;
use super::trace;
use crate::config::{Config, Overrides};
use crate::domain::random::{Random, SystemSource};
use crate::domain::secret::SecretText;

/// Name of the file with the demo's passwords inside the data directory.
pub const MEMO: &str = "quickstart.json";
const ADMIN: &str = "admin";
const PRIVACY: &str = "privacy";

/// Login, roles and department of the people of the demo. The first two come with the store.
const PEOPLE: [(&str, &[&str], Option<&str>); 11] = [
    (ADMIN, &["admin"], None),
    (PRIVACY, &["privacy_officer"], None),
    ("intake", &["intake"], Some("civil")),
    ("officer", &["officer"], Some("civil")),
    ("rights", &["human_rights_officer"], Some("rights")),
    ("rights2", &["human_rights_officer"], Some("rights")),
    ("lead", &["lead"], Some("civil")),
    ("coordinator", &["coordinator"], Some("civil")),
    ("auditor", &["auditor"], None),
    ("custodian", &["retention_custodian"], None),
    ("privacy2", &["privacy_officer"], None),
];

/// What is kept so that a second quickstart on the same directory finds the demo again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memo {
    warning: String,
    complete: bool,
    passphrase: String,
    log_key: String,
    ledger_key: String,
    accounts: Vec<DemoAccount>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoAccount {
    account: String,
    password: String,
    roles: Vec<String>,
}

struct Codes {
    admin: SecretText,
    privacy: SecretText,
}

/// `quickstart`
pub async fn quickstart(host: &Host, args: QuickstartArgs, out: &mut Out) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: Some(args.listen),
        ..Overrides::default()
    };
    let config = Config::load(None, overrides).map_err(|e| Failure::usage(e.to_string()))?;
    trace::start_quiet(config.log_format)?;
    let place = Store {
        data: args.data,
        keyring: args.keyring,
        config: None,
    }
    .place();
    let path = place.data.join(MEMO);
    let (mut memo, codes) = match recall(&place, &path)? {
        Some(memo) => (memo, None),
        None => {
            out.note("Making a store, its keys, people and sample cases …");
            let (memo, codes) = make(host, &place).await?;
            keep(&path, &memo)?;
            (memo, Some(codes))
        }
    };
    let running = (host.serve)(ServeRequest {
        place: place.clone(),
        config,
        unlock: Some(Unlock {
            passphrase: SecretText::new(memo.passphrase.clone()),
            key_file: None,
        }),
    })
    .await?;
    if let Some(codes) = codes {
        let mut demo = Client::new(Channel::to_server(&place).await?);
        people(&mut demo, &memo, &codes).await?;
        cases(&mut demo, &memo).await?;
        demo.close().await?;
        memo.complete = true;
        keep(&path, &memo)?;
    }
    show(&place, &path, &memo, &running, out)?;
    running.finished.await
}

/// The memo of an earlier quickstart here, or `None` where nothing stands yet.
fn recall(place: &Place, path: &Path) -> Result<Option<Memo>, Failure> {
    match fs::read(path) {
        Ok(bytes) => {
            let memo: Memo = serde_json::from_slice(&bytes).map_err(|_| {
                Failure::failed(format!(
                    "{} is not what quickstart wrote there",
                    path.display()
                ))
            })?;
            if memo.complete {
                return Ok(Some(memo));
            }
            Err(Failure::failed(format!(
                "an earlier quickstart did not finish here; remove {} and {} and start again",
                place.data.display(),
                place.keyring.display()
            ))
            .korean("이전 quickstart가 끝나지 않았습니다. 두 디렉터리를 지우고 다시 시작하십시오."))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            for dir in [&place.data, &place.keyring] {
                let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
                if occupied {
                    return Err(Failure::failed(format!(
                        "{} is not empty and not a demo: quickstart touches no other store; \
                         name another directory with --data",
                        dir.display()
                    ))
                    .korean("비어 있지 않은 디렉터리이며 데모가 아닙니다. --data로 다른 곳을 지정하십시오."));
                }
            }
            Ok(None)
        }
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

async fn make(host: &Host, place: &Place) -> Result<(Memo, Codes), Failure> {
    let random = SystemSource::default();
    let passphrase = password(&random)?;
    let mut accounts = Vec::new();
    for (login, roles, _) in PEOPLE {
        accounts.push(DemoAccount {
            account: login.to_owned(),
            password: password(&random)?,
            roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        });
    }
    let made = (host.init)(InitRequest {
        place: place.clone(),
        unlock: Unlock {
            passphrase: SecretText::new(passphrase.clone()),
            key_file: None,
        },
        admin: ADMIN.to_owned(),
        privacy_officer: PRIVACY.to_owned(),
    })
    .await?;
    let memo = Memo {
        warning: "DEMO ONLY: this file opens everything in this store. 데모 전용".to_owned(),
        complete: false,
        passphrase,
        log_key: made.log_key,
        ledger_key: made.ledger_key,
        accounts,
    };
    let codes = Codes {
        admin: made.admin_code,
        privacy: made.privacy_code,
    };
    Ok((memo, codes))
}

/// 120 random bits as base32 in groups of six.
fn password(random: &dyn Random) -> Result<String, Failure> {
    let bytes: [u8; 15] = random.array().map_err(|e| Failure::failed(e.to_string()))?;
    let text = data_encoding::BASE32_NOPAD
        .encode(&bytes)
        .to_ascii_lowercase();
    let groups: Vec<&str> = [0, 6, 12, 18]
        .iter()
        .filter_map(|at| text.get(*at..at + 6))
        .collect();
    Ok(groups.join("-"))
}

fn keep(path: &Path, memo: &Memo) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| Failure::file("write", path, &error);
    let text = serde_json::to_vec_pretty(memo).map_err(|e| Failure::failed(e.to_string()))?;
    let fresh = path.with_extension("json.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(unwritten)?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(unwritten)?;
    fs::rename(&fresh, path).map_err(unwritten)
}

impl Memo {
    fn password(&self, login: &str) -> Result<SecretText, Failure> {
        self.accounts
            .iter()
            .find(|a| a.account == login)
            .map(|a| SecretText::new(a.password.clone()))
            .ok_or_else(|| Failure::failed(format!("the demo has no account {login}")))
    }
}

/// Departments, accounts, enrolments and rights, each right confirmed by the second person.
async fn people(api: &mut Client, memo: &Memo, codes: &Codes) -> Result<(), Failure> {
    let (admin, privacy) = (memo.password(ADMIN)?, memo.password(PRIVACY)?);
    enrol_with(api, ADMIN, &codes.admin, &admin).await?;
    enrol_with(api, PRIVACY, &codes.privacy, &privacy).await?;
    let enrolments = logged_in(api, ADMIN, &admin, async |api: &mut Client| {
        for (code, name) in samples::DEPARTMENTS {
            let _made: Value = api
                .post("/departments", &json!({"code": code, "name": name}))
                .await?;
        }
        let mut codes = Vec::new();
        for (login, roles, department) in PEOPLE.iter().skip(2) {
            let body = json!({"account": login, "roles": roles, "department": department});
            let made: Made = api.post("/accounts", &body).await?;
            codes.push((*login, made.enrolment_code));
        }
        Ok(codes)
    })
    .await?;
    for (login, code) in &enrolments {
        enrol_with(api, login, code, &memo.password(login)?).await?;
    }
    logged_in(api, PRIVACY, &privacy, approve_all).await?;
    logged_in(api, ADMIN, &admin, async |api: &mut Client| {
        let desk = json!({"members": ["rights", "rights2"]});
        api.put::<Value>("/departments/rights/desk", &desk).await
    })
    .await?;
    logged_in(api, PRIVACY, &privacy, approve_all).await
}

#[derive(Deserialize)]
struct Made {
    enrolment_code: SecretText,
}

async fn approve_all(api: &mut Client) -> Result<(), Failure> {
    for row in api.rows("/approvals", &[], usize::MAX).await? {
        let state = row.get("state").and_then(Value::as_str);
        let id = row.get("id").and_then(Value::as_str);
        if let (Some("open"), Some(id)) = (state, id) {
            let approve = json!({"decision": "approve"});
            let _decided: Value = api.post(&format!("/approvals/{id}"), &approve).await?;
        }
    }
    Ok(())
}

async fn cases(api: &mut Client, memo: &Memo) -> Result<(), Failure> {
    let password = memo.password("intake")?;
    logged_in(api, "intake", &password, async |api: &mut Client| {
        for draft in samples::drafts() {
            let _registered: Value = api.post("/cases", &draft).await?;
        }
        Ok(())
    })
    .await
}

fn show(
    place: &Place,
    path: &Path,
    memo: &Memo,
    running: &Running,
    out: &mut Out,
) -> Result<(), Failure> {
    let note = format!(
        "DEMO: the passwords and the passphrase of this store lie readable in {}. \
         Never put real cases here.\n데모 저장소입니다. 실제 민원을 넣지 마십시오.",
        path.display()
    );
    if out.is_json() {
        out.note(&note);
        let data = absolute(&place.data);
        let line = json!({"url": running.url, "data": data, "accounts": memo.accounts});
        return out.line(&line.to_string());
    }
    let rows: Vec<Vec<String>> = memo
        .accounts
        .iter()
        .map(|a| vec![a.account.clone(), a.password.clone(), a.roles.join(", ")])
        .collect();
    out.line(&format!(
        "\nServing {} at {}\n",
        place.data.display(),
        running.url
    ))?;
    for line in table(&["account", "password", "roles"], &rows) {
        out.line(&line)?;
    }
    out.line("")?;
    out.line(&note)?;
    for line in next_things(place, memo, &running.url)? {
        out.line(&line)?;
    }
    Ok(())
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Three things to try, to be pasted as they stand into a POSIX shell with curl.
fn next_things(place: &Place, memo: &Memo, url: &str) -> Result<Vec<String>, Failure> {
    let (rights, auditor) = (memo.password("rights")?, memo.password("auditor")?);
    let (rights, auditor) = (rights.expose(), auditor.expose());
    let data = quoted(&absolute(&place.data));
    let other = memo.password("rights2")?;
    let other = other.expose();
    let tail = "<<'EOF'";
    Ok(vec![
        String::new(),
        "Three things to try, in another terminal:".to_owned(),
        String::new(),
        "1. A human-rights officer lists her cases over HTTP:".to_owned(),
        format!(
            "   TOKEN=$(curl -s {url}/api/v1/sessions -H 'Content-Type: application/json' \
             -d '{{\"account\":\"rights\",\"password\":\"{rights}\"}}' | sed \
             's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')"
        ),
        format!(
            "   curl -s '{url}/api/v1/cases?purpose=handling' -H \"Authorization: Bearer $TOKEN\""
        ),
        String::new(),
        "2. Her colleague sees other cases, and hers are as good as absent:".to_owned(),
        format!("   bongham case list --data {data} --account rights2 --password-fd 0 {tail}"),
        other.to_owned(),
        "EOF".to_owned(),
        String::new(),
        "3. The auditor takes the access log away and proves that it is whole:".to_owned(),
        format!(
            "   printf '%s\\n' {} > bongham-log.vkey",
            quoted(Path::new(&memo.log_key))
        ),
        format!(
            "   bongham log export --out bongham-log.bundle --data {data} --account auditor \
             --password-fd 0 {tail}"
        ),
        auditor.to_owned(),
        "EOF".to_owned(),
        "   bongham log verify bongham-log.bundle --key bongham-log.vkey".to_owned(),
        String::new(),
        "Stop with Ctrl-C; the same command brings this demo back.".to_owned(),
    ])
}

/// In single quotes for a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
