#![doc = include_str!("../README.md")]

mod attempt;
mod authenticate;
mod body;
mod check;
mod cors;
mod endpoints;
mod items;
mod ledger;
mod limiter;
mod limits;
mod metrics;
mod proxies;
mod receive;
mod rejection;
mod routes;
mod spikes;

use bugle_store::Store;
use bugle_store::queue::Queue;

pub use items::{ItemLimit, ItemOverflow};
pub use ledger::Ledger;
pub use limiter::{HoldBack, Limiter};
pub use limits::Limits;
pub use proxies::{InvalidNetwork, TrustedProxies};
pub use rejection::{HeaderMismatch, Rejection};
pub use routes::router;
pub use spikes::watch_spikes;

/// Everything that receiving a request takes.
#[derive(Debug)]
pub struct Ingest {
    /// Knows the project keys.
    pub store: Store,
    /// Takes what is accepted.
    pub queue: Queue,
    /// Applies the quotas.
    pub limiter: Limiter,
    /// Counts what is refused.
    pub ledger: Ledger,
    /// How much a request may hold.
    pub limits: Limits,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The public address, such as `https://errors.example.com/bugle`, for the DSNs in loader scripts.
    pub base_url: String,
    /// Where loader scripts fetch the browser's SDK.
    pub js_sdk_url: String,
}
