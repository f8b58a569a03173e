//! The filters that are built in, as the page shows them.

use bugle_protocol::FilterReason;
use bugle_rules::FiltersDocument;

/// A filter that is built in: a switch, the old browsers, or a list.
pub(super) struct BuiltIn {
    /// The member of the document, which is the name of the form's field.
    pub(super) member: &'static str,
    pub(super) reason: FilterReason,
    pub(super) title: &'static str,
    pub(super) explanation: &'static str,
}

pub(super) const SWITCHES: [BuiltIn; 7] = [
    BuiltIn {
        member: "webCrawlers",
        reason: FilterReason::WebCrawlers,
        title: "Web crawlers",
        explanation: "Errors that search engines and link checkers run into, known by their user agents.",
    },
    BuiltIn {
        member: "localhost",
        reason: FilterReason::Localhost,
        title: "Localhost",
        explanation: "Errors of developers’ machines: a user at 127.0.0.1 or ::1, or a page on localhost.",
    },
    BuiltIn {
        member: "browserExtensions",
        reason: FilterReason::BrowserExtensions,
        title: "Browser extensions",
        explanation: "Errors in the scripts that visitors’ extensions put into your pages.",
    },
    BuiltIn {
        member: "healthChecks",
        reason: FilterReason::FilteredTransaction,
        title: "Health checks",
        explanation: "Transactions such as GET /healthz, /ready or /ping that only say that the service lives.",
    },
    BuiltIn {
        member: "chunkLoadErrors",
        reason: FilterReason::ChunkLoadError,
        title: "Chunk load errors",
        explanation: "Open pages of an older deployment that ask for a script which is gone.",
    },
    BuiltIn {
        member: "hydrationErrors",
        reason: FilterReason::ReactHydrationErrors,
        title: "Hydration errors",
        explanation: "React finds other markup than it rendered, mostly because of extensions or translators.",
    },
    BuiltIn {
        member: "cspDefaults",
        reason: FilterReason::InvalidCsp,
        title: "Security reports about other people’s scripts",
        explanation: "Reports of a browser’s content security policy about extensions, toolbars and the like.",
    },
];

pub(super) const LEGACY_BROWSERS: BuiltIn = BuiltIn {
    member: "legacyBrowsers",
    reason: FilterReason::LegacyBrowsers,
    title: "Old browsers",
    explanation: "Errors of browsers up to the version beside their name.",
};

pub(super) const LISTS: [BuiltIn; 3] = [
    BuiltIn {
        member: "addresses",
        reason: FilterReason::IpAddress,
        title: "Addresses",
        explanation: "Senders, one address or network per line, such as 203.0.113.7 or 10.0.0.0/8.",
    },
    BuiltIn {
        member: "releases",
        reason: FilterReason::ReleaseVersion,
        title: "Releases",
        explanation: "One release per line; * stands for anything, as in shop@1.*.",
    },
    BuiltIn {
        member: "errorMessages",
        reason: FilterReason::ErrorMessage,
        title: "Messages",
        explanation: "One pattern per line for messages and for “type: value” of errors, such as TypeError*undefined*.",
    },
];

/// Its hits are those of the switch `cspDefaults`.
pub(super) const CSP_SOURCES: BuiltIn = BuiltIn {
    member: "cspSources",
    reason: FilterReason::InvalidCsp,
    title: "Origins of security reports",
    explanation: "More origins whose scripts you do not answer for, one per line, such as https://*.example.com.",
};

/// Whether a switch is on.
pub(super) fn is_on(document: &FiltersDocument, member: &str) -> bool {
    match member {
        "webCrawlers" => document.web_crawlers,
        "localhost" => document.localhost,
        "browserExtensions" => document.browser_extensions,
        "healthChecks" => document.health_checks,
        "chunkLoadErrors" => document.chunk_load_errors,
        "hydrationErrors" => document.hydration_errors,
        "cspDefaults" => document.csp_defaults,
        _ => false,
    }
}

/// All that have hits of their own.
pub(super) fn all() -> impl Iterator<Item = &'static BuiltIn> {
    SWITCHES.iter().chain([&LEGACY_BROWSERS]).chain(&LISTS)
}

/// The one that drops for a reason.
pub(super) fn of_reason(reason: FilterReason) -> Option<&'static BuiltIn> {
    all().find(|own| own.reason == reason)
}

/// What a member of the document is called.
pub(super) fn title(member: &str) -> &'static str {
    all()
        .find(|own| own.member == member)
        .map_or("Filter", |own| own.title)
}
