//! What a handful of events group by. A changed snapshot regroups users' issues: it needs a new `GroupingVersion`.

#![expect(clippy::unwrap_used, reason = "a test may fail wherever it likes")]

mod support;

use bugle_grouping::explain;

use support::prepare;

/// The answer about an event, one member per line.
fn explained(event: &str) -> String {
    let line = format!(r#"{{"name":"snapshot","event":{event}}}"#);
    let answer = explain::group(&line, prepare).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    serde_json::to_string_pretty(&answer).unwrap()
}

#[test]
fn django_error_in_a_view() {
    insta::assert_snapshot!(explained(
        r#"{"platform": "python", "transaction": "/checkout/", "exception": {"values": [{"type": "KeyError", "value": "'EUR' 5",
        "stacktrace": {"frames": [
            {"function": "inner", "filename": "django/core/handlers/exception.py", "module": "django.core.handlers.exception",
             "abs_path": "/srv/venv/lib/python3.12/site-packages/django/core/handlers/exception.py", "in_app": true,
             "lineno": 55, "context_line": "            response = get_response(request)"},
            {"function": "checkout", "filename": "shop/views.py", "module": "shop.views", "abs_path": "/srv/app/shop/views.py",
             "in_app": true, "lineno": 41, "context_line": "    total = cart.totals[currency]"}]}}]}}"#
    ));
}

#[test]
fn error_chain_with_a_hybrid_fingerprint() {
    insta::assert_snapshot!(explained(
        r#"{"platform": "python", "sdk": {"name": "sentry.python", "version": "2.30.0"}, "fingerprint": ["{{ default }}", "{{ transaction }}"],
        "exception": {"values": [
            {"type": "ConnectionError", "value": "db 10.0.0.7 down", "mechanism": {"type": "chained", "exception_id": 1, "parent_id": 0}},
            {"type": "CheckoutError", "value": "order 551 failed", "mechanism": {"type": "generic", "exception_id": 0}}]}}"#
    ));
}

#[test]
fn native_crash_with_a_project_rule() {
    insta::assert_snapshot!(explained(
        r#"{"platform": "native", "_grouping": {"enhancements": "function:shop::log* -group"}, "exception": {"values": [{"type": "SIGABRT",
        "value": "Abort", "mechanism": {"type": "signalhandler", "synthetic": true}, "stacktrace": {"frames": [
            {"function": "start_thread", "package": "/lib/libpthread.so"},
            {"function": "shop::Cart<int>::total(int) const", "in_app": true},
            {"function": "shop::log_error(char const*)", "in_app": true},
            {"function": "abort", "package": "/lib/libc.so"}]}}]}}"#
    ));
}

#[test]
fn log_message_with_parameters() {
    insta::assert_snapshot!(explained(
        r#"{"platform": "python", "level": "warning", "logentry": {"message": "order %s is late", "formatted": "order 5 is late"}}"#
    ));
}

#[test]
fn blocked_script() {
    insta::assert_snapshot!(explained(
        r#"{"logentry": {"formatted": "Blocked 'script' from 'cdn.example'"}, "csp": {"effective_directive": "script-src",
        "violated_directive": "script-src", "blocked_uri": "https://cdn.example/x.js", "document_uri": "https://shop.example/"}}"#
    ));
}
