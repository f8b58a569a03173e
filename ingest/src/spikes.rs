//! The task that keeps the thresholds of spike protection current.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::Store;
use tokio::sync::watch;

/// How long after the hour the thresholds are computed: by then most of what came in it is counted.
const DELAY: Duration = Duration::from_secs(60);

/// How long to wait after the database failed.
const RETRY: Duration = Duration::from_secs(60);

const HOUR_MILLIS: i64 = 3_600_000;

/// Computes the thresholds at the start and after every hour, until `stop` says so.
pub async fn watch_spikes(store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        let now = UnixMillis::now();
        let pause = match store.refresh_spike_quotas(now).await {
            Ok(()) => until_next_hour(now) + DELAY,
            Err(error) => {
                tracing::warn!(%error, "could not compute the thresholds of spike protection");
                RETRY
            }
        };
        // An error of the channel means that the server is gone.
        let stopped = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await;
        if stopped.is_ok() {
            return;
        }
    }
}

fn until_next_hour(now: UnixMillis) -> Duration {
    let left = now.hour().0 + HOUR_MILLIS - now.0;
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hour_is_never_more_than_an_hour_away() {
        for (now, left) in [(0, 3_600_000), (1, 3_599_999), (7_199_999, 1)] {
            let left = Duration::from_millis(left);
            assert_eq!(until_next_hour(UnixMillis(now)), left);
        }
    }
}
