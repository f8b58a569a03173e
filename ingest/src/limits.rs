//! How much a request may hold.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Bounds of requests and of their items. What exceeds one is refused with 413, and the whole request with it.
///
/// The defaults are those of Sentry's ingestion, except that events may be larger: see [`Limits::max_event_bytes`].
/// Sizes are those after decompression. Too low a limit loses data of honest clients; too high a limit lets one
/// request take much of [`Limits::max_in_flight_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an envelope, as received and decompressed; 200 MiB.
    pub max_envelope_bytes: usize,
    /// Bytes of the body of `/store/`, as received and unpacked; 4 MiB.
    pub max_store_bytes: usize,
    /// Bytes of an item that is an event of some kind: event, transaction, feedback, replay event, form data; one of
    /// them per envelope. 4 MiB, because Python's recursion errors come with a thousand frames and more than the 1 MiB
    /// that Sentry allows.
    pub max_event_bytes: usize,
    /// Bytes of a browser's report, or of a list of them: the body of `/security/` and `/nel/`; 1 MiB.
    pub max_report_bytes: usize,
    /// Reports of a list; 1000.
    pub max_reports: usize,
    /// Bytes of one attachment; 200 MiB.
    pub max_attachment_bytes: usize,
    /// Attachments of an envelope; 30. As many user reports, each as large as an event may be.
    pub max_attachments: usize,
    /// Bytes of an envelope's attachments together; 200 MiB.
    pub max_attachments_bytes: usize,
    /// Session items of an envelope; 100.
    pub max_sessions: usize,
    /// Bytes of one session item; 10 MiB.
    pub max_session_bytes: usize,
    /// Client reports of an envelope; 100.
    pub max_client_reports: usize,
    /// Bytes of one client report; 100 KiB.
    pub max_client_report_bytes: usize,
    /// Bytes of a check-in, one per envelope; 100 KiB.
    pub max_check_in_bytes: usize,
    /// Bytes of a container of logs, spans or metrics, one of each per envelope; 12 MiB.
    pub max_container_bytes: usize,
    /// Spans that come outside of a container, each an item of its own; 25.
    pub max_standalone_spans: usize,
    /// Logs that come outside of a container, each an item of its own; 100, the batch of the SDKs that did so.
    pub max_standalone_logs: usize,
    /// Bytes of an item of the abandoned metrics protocol, one per envelope; 1 MiB.
    pub max_statsd_bytes: usize,
    /// Bytes of a profile or of a chunk of one, one of each per envelope; 50 MiB.
    pub max_profile_bytes: usize,
    /// Bytes of a replay recording or video, one of each per envelope; 10 MiB.
    pub max_replay_bytes: usize,
    /// Bytes of bodies that are being received at one time, over all requests, and again as many for bodies that are
    /// being decoded; 512 MiB, never less than one body. A quarter is for bodies of up to 1 MiB, so that large ones never stand
    /// in their way. Whoever finds no room waits a little, and is asked to come again.
    pub max_in_flight_bytes: usize,
    /// How long a client may take to send its body, waiting for memory included; 2 minutes.
    pub max_body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_envelope_bytes: 200 * MIB,
            max_store_bytes: 4 * MIB,
            max_event_bytes: 4 * MIB,
            max_report_bytes: MIB,
            max_reports: 1000,
            max_attachment_bytes: 200 * MIB,
            max_attachments: 30,
            max_attachments_bytes: 200 * MIB,
            max_sessions: 100,
            max_session_bytes: 10 * MIB,
            max_client_reports: 100,
            max_client_report_bytes: 100 * KIB,
            max_check_in_bytes: 100 * KIB,
            max_container_bytes: 12 * MIB,
            max_standalone_spans: 25,
            max_standalone_logs: 100,
            max_statsd_bytes: MIB,
            max_profile_bytes: 50 * MIB,
            max_replay_bytes: 10 * MIB,
            max_in_flight_bytes: 512 * MIB,
            max_body_time: Duration::from_secs(120),
        }
    }
}
