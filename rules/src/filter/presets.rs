//! Rules that many teams want.

use crate::presets::{Place, Preset};

/// The presets for the rules of filters.
#[must_use]
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

static PRESETS: [Preset; 4] = [
    Preset {
        name: "django-probes",
        title: "Requests that Django refuses: wrong hosts and other suspicious operations",
        explanation: "Scanners call a site by its address or by made up names, and Django reports each of them as an error, \
                      as a log message or as both.",
        lines: &[
            "error.type:[DisallowedHost, SuspiciousOperation] -> drop",
            "logger:django.security.* !logger:django.security.csrf -> drop",
            "message:\"Invalid HTTP_HOST header*\" -> drop",
        ],
        place: Place::Bottom,
    },
    Preset {
        name: "crawlers",
        title: "Requests of bots, crawlers, spiders, scrapers, curl and wget",
        explanation: "Goes by the words in the User-Agent header. Wider than the switch for web crawlers: it also meets \
                      tools, and phones of the make Cubot.",
        lines: &[
            "request.user_agent:[*bot*, *crawler*, *spider*, *scraper*, *curl*, *wget*] -> drop",
        ],
        place: Place::Bottom,
    },
    Preset {
        name: "stray-files",
        title: "Requests for favicon.ico, robots.txt and .env",
        explanation: "Files that browsers, crawlers and scanners ask for whether they are there or not.",
        lines: &["request.url:[*/favicon.ico, */robots.txt, *.env] -> drop"],
        place: Place::Bottom,
    },
    Preset {
        name: "fast-transactions",
        title: "Transactions faster than 100 ms that did not fail",
        explanation: "What is fast enough is seldom looked at. Sampling keeps a part of it, and with that the numbers.",
        lines: &["transaction.duration:<100ms !transaction.status:internal_error -> drop"],
        place: Place::Bottom,
    },
];
