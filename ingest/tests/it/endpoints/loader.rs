//! The loader script: how it is served, and what it does in a page.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::Request;

use crate::support::{Answer, Bench, KEY};

/// Runs the script that comes on standard input through its scenarios.
const SCENARIOS: &str = include_str!("loader.test.js");

async fn fetch(bench: &Bench, file: &str) -> Answer {
    let request = Request::get(format!("/js-sdk-loader/{file}"));
    bench.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_script_knows_the_dsn_and_the_sdk() {
    let bench = Bench::open().await;
    for file in [
        format!("{KEY}.js"),
        format!("{KEY}.min.js"),
        format!("{KEY}.js/"),
    ] {
        let answer = fetch(&bench, &file).await;
        assert_eq!(answer.status, 200);
        let headers = &answer.headers;
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(headers["cache-control"], "public, max-age=3600");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        let config = format!(
            r#"{{"dsn":"https://{KEY}@errors.example.com/bugle/1","sdkUrl":"https://cdn.example.com/sdk.min.js"}}"#
        );
        assert!(answer.body.contains(&config), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_key_gets_a_script_that_does_nothing() {
    let bench = Bench::open().await;
    for key in ["nonsense", &*"e".repeat(32), "%3C%2Fscript%3E"] {
        let answer = fetch(&bench, &format!("{key}.min.js")).await;
        assert_eq!(answer.status, 200, "{key}");
        assert!(
            answer
                .body
                .trim_end()
                .ends_with("(window, document, null);")
        );
        assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    }
    bench.ingest.store.close().await;
    let answer = fetch(&bench, &format!("{}.js", "d".repeat(32))).await;
    assert!(
        answer
            .body
            .trim_end()
            .ends_with("(window, document, null);")
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
}

/// Needs `node`; without it there is nothing here that could run the script.
#[tokio::test]
async fn the_script_does_in_a_page_what_it_says() {
    let bench = Bench::open().await;
    let script = fetch(&bench, &format!("{KEY}.js")).await.body;
    let node = Command::new("node")
        .args(["-e", SCENARIOS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut node) = node else {
        eprintln!("node is not installed: the loader script was not run");
        return;
    };
    node.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "all scenarios passed");
}
