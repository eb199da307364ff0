//! A session of one command: log in, work, log out, whatever happens in between.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::{Actor, Store};
use super::channel::{Call, Channel, Reply};
use super::failure::{Exit, Failure};
use super::host::{Host, Unlock};
use super::secrets::{UnlockArgs, ask_openly};
use crate::domain::secret::SecretText;

/// Path of the API.
pub const API: &str = "/api/v1";
const PAGE: &str = "200";

/// The API, as one person or as nobody.
pub struct Client {
    channel: Channel,
    token: Option<SecretText>,
    again: Option<Again>,
}

/// What steps the session up, once, if the server asks for it.
struct Again {
    password: SecretText,
    reason: Option<String>,
}

#[derive(Serialize)]
struct StepUp<'a> {
    password: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Login<'a> {
    account: &'a str,
    password: &'a str,
}

#[derive(serde::Deserialize)]
struct LoggedIn {
    token: SecretText,
}

#[derive(Serialize)]
struct Unseal<'a> {
    action: &'a str,
    passphrase: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<String>,
}

#[derive(serde::Deserialize)]
struct SealState {
    state: String,
}

/// One page of a list.
#[derive(serde::Deserialize)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Value>,
    /// Cursor of the page after it.
    pub next: Option<String>,
}

impl Client {
    /// The API as nobody.
    pub const fn new(channel: Channel) -> Self {
        Self {
            channel,
            token: None,
            again: None,
        }
    }
    /// Logs in.
    pub async fn log_in(&mut self, account: &str, password: &SecretText) -> Result<(), Failure> {
        let login = Login {
            account,
            password: password.expose(),
        };
        let session: LoggedIn = self.post("/sessions", &login).await?;
        self.token = Some(session.token);
        Ok(())
    }
    /// Logs out. A session that has ended by itself, as by sealing, is no failure.
    pub async fn log_out(&mut self) -> Result<(), Failure> {
        let Some(token) = self.token.take() else {
            return Ok(());
        };
        let call = Call::delete(&format!("{API}/sessions/current"));
        match self.channel.call(call.under(Some(&token))).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.problem().is_some() => Ok(()),
            Err(failure) => Err(failure),
        }
    }
    /// `GET`.
    pub async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.call(Call::get(&format!("{API}{path}"), query))
            .await?
            .json()
    }
    /// `POST` with a JSON body.
    pub async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.call(Call::post(&format!("{API}{path}"), body)?)
            .await?
            .json()
    }
    /// `PUT` with a JSON body.
    pub async fn put<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.call(Call::put(&format!("{API}{path}"), body)?)
            .await?
            .json()
    }
    /// Any request under this session.
    ///
    /// Where the server asks for the password again, the session is stepped up with a reason and
    /// the request repeated, once.
    pub async fn call(&mut self, call: Call<'_>) -> Result<Reply, Failure> {
        let (first, again) = (call.clone(), call);
        match self.channel.call(first.under(self.token.as_ref())).await {
            Err(failure) => {
                self.step_up_for(failure).await?;
                self.channel.call(again.under(self.token.as_ref())).await
            }
            done => done,
        }
    }
    /// Any request under this session, its answer handed on piece by piece; stepped up as any
    /// other.
    pub async fn download(
        &mut self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let call = Call::get(&format!("{API}{path}"), &[]);
        let first = call.clone().under(self.token.as_ref());
        match self.channel.download(first, &mut each).await {
            Err(failure) => {
                self.step_up_for(failure).await?;
                let again = call.under(self.token.as_ref());
                self.channel.download(again, each).await
            }
            done => done,
        }
    }
    /// Lets the session be stepped up, if the server asks for it: with this password, and this
    /// reason or the one that a person gives then.
    pub fn steps_up(&mut self, password: SecretText, reason: Option<String>) {
        self.again = Some(Again { password, reason });
    }
    /// Steps the session up if that is what is missing; any other failure stays one.
    async fn step_up_for(&mut self, failure: Failure) -> Result<(), Failure> {
        if !failure.is("step_up_required") {
            return Err(failure);
        }
        let Some(Again { password, reason }) = self.again.take() else {
            return Err(failure);
        };
        let reason = match reason {
            Some(reason) => Some(reason),
            None => ask_openly("열람 한도를 넘었습니다. 사유 / Over your budget. Reason: ")?,
        };
        let Some(reason) = reason else {
            return Err(failure);
        };
        let body = StepUp {
            password: password.expose(),
            reason: &reason,
        };
        let call = Call::post(&format!("{API}/sessions/current/step-up"), &body)?;
        let call = call.under(self.token.as_ref());
        self.channel.call(call).await.map(|_| ())
    }
    /// The same from this byte on, of the file with this ETag.
    pub async fn resume(
        &mut self,
        path: &str,
        offset: u64,
        etag: &str,
        each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let call = Call::get(&format!("{API}{path}"), &[]).from_byte(offset, etag);
        self.channel
            .download(call.under(self.token.as_ref()), each)
            .await
    }
    /// The rows of a list, page after page, up to `most`.
    pub async fn rows(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut query = query.to_vec();
            query.push(("limit", PAGE));
            query.push(("cursor", &cursor));
            let page: Page = self.get(path, &query).await?;
            rows.extend(page.rows);
            match page.next {
                Some(next) if rows.len() < most => cursor = next,
                _ => break,
            }
        }
        rows.truncate(most);
        Ok(rows)
    }
    /// Opens a sealed store with what `unlock` gives; does nothing to an open one.
    pub async fn ensure_open(
        &mut self,
        unlock: impl FnOnce() -> Result<Unlock, Failure>,
    ) -> Result<(), Failure> {
        let seal: SealState = self.get("/seal", &[]).await?;
        if seal.state == "open" {
            return Ok(());
        }
        self.unseal(&unlock()?).await
    }
    /// Unseals.
    pub async fn unseal(&mut self, unlock: &Unlock) -> Result<(), Failure> {
        let body = Unseal {
            action: "unseal",
            passphrase: unlock.passphrase.expose(),
            key_file: unlock
                .key_file
                .as_ref()
                .map(|key| data_encoding::BASE64.encode(key.expose())),
        };
        let answered: Result<SealState, Failure> = self.post("/seal", &body).await;
        answered
            .map(|_| ())
            .map_err(|failure| match failure.exit() {
                Exit::Refused => failure.with_exit(Exit::Sealed),
                _ => failure,
            })
    }
    /// Hangs up.
    pub async fn close(self) -> Result<(), Failure> {
        self.channel.close().await
    }
}

/// Does `work` as nobody, on the server that has the store, or else on the store opened here. The
/// passphrase is asked for first: a connection does not wait for somebody who types.
pub async fn as_nobody<T>(
    host: &Host,
    store: &Store,
    unlock: &UnlockArgs,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let place = store.place();
    let (channel, unlock) = match Channel::dial(&place).await? {
        Some(channel) => (channel, None),
        None => {
            let unlock = unlock.read()?;
            (Channel::open(host, &place).await?, Some(unlock))
        }
    };
    let mut client = Client::new(channel);
    let done = async {
        if let Some(unlock) = unlock {
            client.ensure_open(|| Ok(unlock)).await?;
        }
        work(&mut client).await
    }
    .await;
    let closed = client.close().await;
    done.and_then(|value| closed.map(|()| value))
}

/// Does `work` as the account of `actor`; logs out at the end and on every error.
pub async fn as_actor<T>(
    host: &Host,
    actor: &Actor,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let account = actor.account.as_str();
    let password = actor.password.read(&format!("Password of {account}: "))?;
    as_nobody(
        host,
        &actor.store,
        &actor.unlock,
        async |client: &mut Client| {
            let again = SecretText::new(password.expose().to_owned());
            client.steps_up(again, actor.reason.clone());
            logged_in(client, account, &password, work).await
        },
    )
    .await
}

/// Does `work` between a login and a logout.
pub async fn logged_in<T>(
    client: &mut Client,
    account: &str,
    password: &SecretText,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    client.log_in(account, password).await?;
    let done = work(client).await;
    let left = client.log_out().await;
    done.and_then(|value| left.map(|()| value))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::super::testing::{Fake, fake};
    use super::*;

    #[tokio::test]
    async fn every_session_is_ended_on_errors_too() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let channel = fake(move |request| {
            record
                .lock()
                .unwrap()
                .push(format!("{} {}", request.method, request.path));
            match request.path.as_str() {
                "/api/v1/sessions" => Fake::json(201, &json!({"token": "bgs_1", "more": 1})),
                "/api/v1/sessions/current" => {
                    assert_eq!(request.bearer.as_deref(), Some("bgs_1"));
                    Fake::raw(204, b"")
                }
                _ => Fake::problem(403, "role_refused"),
            }
        })
        .await;
        let mut client = Client::new(channel);
        let password = SecretText::new("p".to_owned());
        let done = logged_in(&mut client, "a", &password, async |client: &mut Client| {
            client.get::<Value>("/accounts", &[]).await
        })
        .await;
        assert_eq!(done.unwrap_err().exit(), Exit::Refused);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.last().unwrap(), "DELETE /api/v1/sessions/current");
        assert_eq!(seen.len(), 3);
    }

    /// What a server said to each path, until the session was stepped up with this reason.
    async fn over_budget(reason: Option<&str>) -> (Result<Value, Failure>, Vec<String>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let channel = fake(move |request| {
            let mut seen = record.lock().unwrap();
            seen.push(request.path.clone());
            match request.path.as_str() {
                "/api/v1/sessions/current/step-up" => {
                    assert_eq!(request.body, json!({"password": "p", "reason": "report"}));
                    Fake::json(200, &json!({"until": "…", "step": null}))
                }
                _ if seen.iter().any(|path| path.ends_with("step-up")) => {
                    Fake::json(200, &json!(1))
                }
                _ => Fake::problem(403, "step_up_required"),
            }
        })
        .await;
        let mut client = Client::new(channel);
        client.steps_up(SecretText::new("p".to_owned()), reason.map(str::to_owned));
        let got = client.get::<Value>("/cases/x", &[]).await;
        let seen = seen.lock().unwrap().clone();
        (got, seen)
    }

    #[tokio::test]
    async fn who_is_asked_for_the_password_again_gives_it_with_a_reason_once() {
        let (got, seen) = over_budget(Some("report")).await;
        assert_eq!(got.unwrap(), json!(1));
        assert_eq!(seen.len(), 3);
        // Nobody to ask for a reason: the server's answer stands.
        let (got, seen) = over_budget(None).await;
        assert!(got.unwrap_err().is("step_up_required"));
        assert_eq!(seen.len(), 1);
    }

    #[tokio::test]
    async fn lists_are_followed_to_their_end() {
        let channel = fake(|request| match request.path.contains("cursor=p2") {
            false => Fake::json(200, &json!({"rows": [1, 2], "next": "p2"})),
            true => Fake::json(200, &json!({"rows": [3], "next": null})),
        })
        .await;
        let mut client = Client::new(channel);
        assert_eq!(client.rows("/cases", &[], 10).await.unwrap().len(), 3);
        assert_eq!(client.rows("/cases", &[], 1).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_wrong_passphrase_is_exit_code_four() {
        let channel = fake(|request| match request.method.as_str() {
            "GET" => Fake::json(200, &json!({"state": "sealed", "initialised": true})),
            _ => Fake::problem(401, "credentials_refused"),
        })
        .await;
        let unlock = || {
            Ok(Unlock {
                passphrase: SecretText::new("no".to_owned()),
                key_file: None,
            })
        };
        let refused = Client::new(channel).ensure_open(unlock).await;
        assert_eq!(refused.unwrap_err().exit(), Exit::Sealed);
    }
}
