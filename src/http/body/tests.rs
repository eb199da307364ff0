use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::cases::draft::CaseDraft;

const CANARY: &str = "canary-4711";
const WHOLE: &str = r#"{"tier":"ordinary","department":"d","channel":"mail","class":"c","title":"t",
    "narrative":"n","people":[{"part":"petitioner","name":"p"}]}"#;

async fn take(Json(mut draft): Json<CaseDraft, 4096>) -> String {
    std::mem::take(&mut draft.title)
}

async fn send(kind: Option<&str>, body: impl Into<Body>) -> (StatusCode, String) {
    let mut request = Request::post("/");
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let request = request.body(body.into()).unwrap();
    let answer = Router::new()
        .route("/", post(take))
        .oneshot(request)
        .await
        .unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Status, code and field of the problem that a body gives.
async fn problem(body: impl Into<Body>) -> (u16, String, Option<String>) {
    let (status, text) = send(Some("application/json"), body).await;
    assert!(!text.contains(CANARY), "a body was repeated: {text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    (status.as_u16(), word("code").unwrap(), word("field"))
}

fn malformed(field: Option<&str>) -> (u16, String, Option<String>) {
    (400, "malformed".to_owned(), field.map(str::to_owned))
}

#[tokio::test]
async fn a_whole_body_is_taken() {
    for kind in ["application/json", "Application/JSON; charset=UTF-8"] {
        assert_eq!(
            send(Some(kind), WHOLE).await,
            (StatusCode::OK, "t".to_owned())
        );
    }
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let form = "application/x-www-form-urlencoded";
    for kind in [
        None,
        Some(form),
        Some("text/json"),
        Some("application/json; charset=cp949"),
    ] {
        let (status, _) = send(kind, WHOLE).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_malformed() {
    let cut = WHOLE.get(..60).unwrap();
    let deep = format!(r#"{{"attributes":{}"#, r#"{"a":"#.repeat(500));
    let nested = format!("{}{}", "[".repeat(100_000 / 64), "]".repeat(100_000 / 64));
    let twice = format!("{WHOLE}{WHOLE}");
    for text in [
        "",
        " ",
        "{",
        "null",
        "[]",
        "\"canary-4711\"",
        "canary-4711",
        cut,
        &nested,
        &twice,
    ] {
        assert_eq!(
            problem(text.to_owned()).await,
            malformed(None),
            "{text:.40}"
        );
    }
    // Our own name leads to where it went wrong; the client's keys below it are not repeated.
    assert_eq!(problem(deep).await, malformed(Some("attributes")));
    let mut bytes = WHOLE.replace("\"t\"", "\"x\"").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'x').unwrap();
    bytes[at] = 0xff;
    assert_eq!(problem(bytes).await, malformed(None));
}

#[tokio::test]
async fn a_wrong_field_is_named_and_its_value_is_not() {
    let with = |from: &str, to: &str| WHOLE.replace(from, to);
    let unknown = with("\"tier\"", "\"canary-4711\":1,\"tier\"");
    assert_eq!(problem(unknown).await, malformed(None));
    let unknown = with("\"name\"", "\"canary-4711\":1,\"name\"");
    assert_eq!(problem(unknown).await, malformed(Some("people.0")));
    let missing = with("\"title\":\"t\",", "");
    assert_eq!(problem(missing).await, malformed(Some("title")));
    let twice = with("\"title\"", "\"title\":\"canary-4711\",\"title\"");
    assert_eq!(problem(twice).await, malformed(Some("title")));
    let kind = with("\"n\"", "{\"canary-4711\":[]}");
    assert_eq!(problem(kind).await, malformed(Some("narrative")));
    let expected = with("\"p\"", "[\"canary-4711, expected canary-4711\"]");
    assert_eq!(problem(expected).await, malformed(Some("people.0.name")));
    let attribute = with("\"tier\"", "\"attributes\":{\"canary-4711\":1},\"tier\"");
    assert_eq!(problem(attribute).await, malformed(Some("attributes")));
    let word = with("ordinary", "canary-4711, expected canary-4711");
    let invalid = (422, "invalid".to_owned(), Some("tier".to_owned()));
    assert_eq!(problem(word).await, invalid);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let large = WHOLE.replace("\"n\"", &format!("\"{}\"", "n".repeat(4096)));
    let too_large = (413, "body_too_large".to_owned(), None);
    assert_eq!(problem(large.clone()).await, too_large);
    let unannounced = Body::new(http_body_util::combinators::UnsyncBoxBody::new(
        Body::from(large).map_frame(|frame| frame),
    ));
    assert_eq!(unannounced.size_hint().exact(), None);
    assert_eq!(problem(unannounced).await, too_large);
    let fits = WHOLE.replace("\"n\"", &format!("\"{}\"", "n".repeat(3000)));
    assert_eq!(send(Some("application/json"), fits).await.0, StatusCode::OK);
}
