//! Measures classifying and grouping of a Django event with 30 frames: `cargo run --release --example speed`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bugle_grouping::{Rules, classify, group, parameterize};
use bugle_protocol::Event;

const FRAMES: usize = 30;
const OWN_FRAMES: usize = 4;
const ROUNDS: usize = 4000;

fn main() {
    let rules = Rules::default();
    let text = django_event(true);
    let event = Event::parse(text.as_bytes()).expect("the event is valid JSON");
    report("classify + group", &event, |event| {
        classify(event, &rules);
        group(event, &rules)
    });
    report("classify", &event, |event| classify(event, &rules));
    let mut classified = event.clone();
    classify(&mut classified, &rules);
    report("group", &classified, |event| group(event, &rules));
    let text = django_event(false);
    let event = Event::parse(text.as_bytes()).expect("the event is valid JSON");
    report("classify + group, no in-app frame", &event, |event| {
        classify(event, &rules);
        group(event, &rules)
    });
    let message = "GET https://example.org/orders/551?x=1 failed with 404 for ana@example.org after 12ms: \
                   request 123e4567-e89b-12d3-a456-426614174000 from 10.1.2.3 at 2025-11-03T10:20:30Z";
    report("parameterize a message of 160 bytes", &event, |_| {
        parameterize(message)
    });
}

/// Prints the median and the 99th percentile of running `work` on a fresh copy of `event`.
fn report<T>(label: &str, event: &Event<'_>, mut work: impl FnMut(&mut Event<'_>) -> T) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let mut event = event.clone();
            let start = Instant::now();
            black_box(work(&mut event));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let (median, high) = (times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    println!("{label}: median {median:?}, p99 {high:?}");
}

fn django_event(with_own_frames: bool) -> String {
    let frames: Vec<String> = (0..FRAMES)
        .map(|i| {
            let (folder, in_app) = if with_own_frames && i >= FRAMES - OWN_FRAMES {
                ("/srv/app", true)
            } else {
                ("/srv/venv/lib/python3.12/site-packages", false)
            };
            format!(
                r#"{{"function":"step_{i}","module":"shop.part{i}.views","filename":"shop/part{i}/views.py",
                "abs_path":"{folder}/shop/part{i}/views.py","lineno":{i},"in_app":{in_app},
                "context_line":"        response = wrapped_callback_{i}(request, *args, **kwargs)",
                "pre_context":["a","b"],"post_context":["c"],"vars":{{"self":"<object at 0x7f3c2a1b4d60>","i":{i}}}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"platform":"python","transaction":"/checkout/","sdk":{{"name":"sentry.python.django","version":"2.30.0"}},
        "exception":{{"values":[{{"type":"KeyError","value":"'EUR' 5","mechanism":{{"type":"django","handled":false}},
        "stacktrace":{{"frames":[{}]}}}}]}}}}"#,
        frames.join(",")
    )
}
