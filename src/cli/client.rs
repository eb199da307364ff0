//! A session of one command: log in, work, log out, whatever happens in between.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::{Actor, Store};
use super::channel::{Call, Channel, Reply};
use super::failure::{Exit, Failure};
use super::host::{Host, Unlock};
use super::secrets::UnlockArgs;
use crate::domain::secret::SecretText;

/// Path of the API.
pub const API: &str = "/api/v1";
const PAGE: &str = "200";

/// The API, as one person or as nobody.
pub struct Client {
    channel: Channel,
    token: Option<SecretText>,
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
    pub async fn call(&mut self, call: Call<'_>) -> Result<Reply, Failure> {
        self.channel.call(call.under(self.token.as_ref())).await
    }
    /// Any request under this session, its answer handed on piece by piece.
    pub async fn download(
        &mut self,
        path: &str,
        each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let call = Call::get(&format!("{API}{path}"), &[]);
        self.channel
            .download(call.under(self.token.as_ref()), each)
            .await
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
        async |client: &mut Client| logged_in(client, account, &password, work).await,
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
