//! The series by their names: what kind they are, what they mean, and how durations are divided.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use metrics_process::Collector;
use tokio::sync::watch;
use tokio::time::interval;

/// How often recorded durations are put into their buckets; until then each of them takes memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);

/// The upper bounds of durations in seconds, from a millisecond on.
const DURATIONS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The same for latencies, which grow with whatever waits in the queue.
const LATENCIES: [f64; 13] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0,
];

const COUNTERS: [(&str, &str); 7] = [
    (
        "bugle_http_requests_total",
        "Requests by matched route, method and status of the answer.",
    ),
    (
        "bugle_ingest_requests_total",
        "Requests of SDKs by endpoint and status of the answer.",
    ),
    (
        "bugle_ingest_bytes_total",
        "Bytes of the bodies that SDKs sent, as they came, by content encoding.",
    ),
    (
        "bugle_items_total",
        "What items came to, by data category and outcome, once it is stored.",
    ),
    (
        "bugle_poisoned_total",
        "Requests of which something could not be processed and was set aside.",
    ),
    (
        "bugle_queue_damaged_total",
        "Stretches of the queue's files that could not be read since the start.",
    ),
    (
        "bugle_queue_damaged_bytes_total",
        "Bytes of the queue's files that could not be read since the start.",
    ),
];

const GAUGES: [(&str, &str); 9] = [
    ("bugle_build_info", "1, with the version as a label."),
    ("bugle_http_connections", "Connections that are open."),
    (
        "bugle_queue_depth",
        "Requests in the queue that are not processed yet.",
    ),
    ("bugle_queue_bytes", "Bytes of the queue's files."),
    (
        "bugle_queue_oldest_age_seconds",
        "Age of the oldest request in the queue that is not processed yet; 0 if there is none.",
    ),
    (
        "bugle_queue_accepting",
        "1 if the queue takes requests, 0 if it is full or its disk is.",
    ),
    (
        "bugle_db_pool_connections",
        "Open connections to the database by state, used or idle.",
    ),
    (
        "bugle_storage_bytes",
        "Bytes on disk by kind: database, queue, blobs.",
    ),
    (
        "bugle_storage_free_bytes",
        "Bytes that are free on the disk of a kind.",
    ),
];

const HISTOGRAMS: [(&str, &str); 4] = [
    (
        "bugle_http_request_duration_seconds",
        "Time from a request's head to the answer's, by matched route.",
    ),
    (
        "bugle_ingest_request_duration_seconds",
        "Time from the head of an SDK's request to the answer, which comes when it is on disk.",
    ),
    (
        "bugle_stage_duration_seconds",
        "Time that one batch of requests takes in a stage of the processor.",
    ),
    (
        LATENCY,
        "Time from receiving an event until it is stored and can be seen.",
    ),
];

const LATENCY: &str = "bugle_event_latency_seconds";

/// What remembers all that is counted. Series do not end: their number is bounded by the names in the program.
///
/// # Errors
/// Never, as there are buckets.
pub(super) fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let latency = Matcher::Full(LATENCY.to_owned());
    Ok(PrometheusBuilder::new()
        .set_buckets(&DURATIONS)?
        .set_buckets_for_metric(latency, &LATENCIES)?
        .build_recorder())
}

/// Describes all series, and makes those that are there before anything happens.
pub(super) fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, help) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, help);
    }
    Collector::default().describe();
    gauge!("bugle_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    // What has no labels can be seen at 0, so that its first rise is seen too.
    counter!("bugle_poisoned_total").increment(0);
}

/// Sorts durations into their buckets until stopped.
pub(super) async fn keep_up(recorded: &PrometheusHandle, mut stopped: watch::Receiver<bool>) {
    let mut upkeep = interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            _ = upkeep.tick() => recorded.run_upkeep(),
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_described_and_durations_are_histograms() {
        let recorder = recorder().unwrap();
        let recorded = recorder.handle();
        ::metrics::with_local_recorder(&recorder, || {
            describe();
            for (name, _) in COUNTERS {
                counter!(name).increment(1);
            }
            for (name, _) in GAUGES {
                gauge!(name).set(1);
            }
            for (name, _) in HISTOGRAMS {
                ::metrics::histogram!(name).record(0.3);
            }
        });
        let text = recorded.render();
        for (kind, series) in [
            ("counter", &COUNTERS[..]),
            ("gauge", &GAUGES[..]),
            ("histogram", &HISTOGRAMS[..]),
        ] {
            for (name, help) in series {
                assert!(text.contains(&format!("# HELP {name} {help}\n")), "{name}");
                assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
            }
        }
        assert!(text.contains("bugle_event_latency_seconds_bucket{le=\"7200\"} 1\n"));
        assert!(text.contains("bugle_stage_duration_seconds_bucket{le=\"0.25\"} 0\n"));
    }
}
