//! Browsers that are too old.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::facts::Facts;

/// Browsers that can be taken for too old. The version in which each begins to be current is Sentry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LegacyBrowser {
    Ie,
    Edge,
    Safari,
    Firefox,
    Chrome,
    Opera,
    Android,
    OperaMini,
    /// Sentry's former choice: the five oldest of the following.
    Default,
    #[serde(rename = "ie_pre_9")]
    IePre9,
    Ie9,
    Ie10,
    Ie11,
    #[serde(rename = "safari_pre_6")]
    SafariPre6,
    #[serde(rename = "opera_pre_15")]
    OperaPre15,
    #[serde(rename = "opera_mini_pre_8")]
    OperaMiniPre8,
    #[serde(rename = "android_pre_4")]
    AndroidPre4,
    #[serde(rename = "edge_pre_79")]
    EdgePre79,
}

/// Names of the past.
const FORMER: [LegacyBrowser; 10] = [
    LegacyBrowser::Default,
    LegacyBrowser::IePre9,
    LegacyBrowser::Ie9,
    LegacyBrowser::Ie10,
    LegacyBrowser::Ie11,
    LegacyBrowser::SafariPre6,
    LegacyBrowser::OperaPre15,
    LegacyBrowser::OperaMiniPre8,
    LegacyBrowser::AndroidPre4,
    LegacyBrowser::EdgePre79,
];

/// The families that [`LegacyBrowser::Default`] stands for, with the newest version that is too old.
const DEFAULT: [(&str, u32); 5] = [
    ("IE", 9),
    ("Safari", 5),
    ("Opera", 14),
    ("Opera Mini", 7),
    ("Android", 3),
];

impl LegacyBrowser {
    /// Those that are offered. The others are names of the past, which are read and kept.
    pub const ALL: &[Self] = &[
        Self::Ie,
        Self::Edge,
        Self::Safari,
        Self::Firefox,
        Self::Chrome,
        Self::Opera,
        Self::Android,
        Self::OperaMini,
    ];

    /// The name in documents and in the web API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Reads a name, also one of the past; `None` if this version does not know it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().chain(&FORMER);
        all.find(|browser| browser.name() == name).copied()
    }

    /// What people read, such as `Internet Explorer`.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// The newest major version that is too old.
    #[must_use]
    pub fn newest(self) -> u32 {
        self.row().4
    }

    /// Name, title, family, and the oldest and newest version that are meant.
    fn row(self) -> (&'static str, &'static str, &'static str, u32, u32) {
        match self {
            Self::Ie => ("ie", "Internet Explorer", "IE", 0, 11),
            Self::Edge => ("edge", "Edge", "Edge", 0, 110),
            Self::Safari => ("safari", "Safari", "Safari", 0, 15),
            Self::Firefox => ("firefox", "Firefox", "Firefox", 0, 110),
            Self::Chrome => ("chrome", "Chrome", "Chrome", 0, 110),
            Self::Opera => ("opera", "Opera", "Opera", 0, 99),
            Self::Android => ("android", "Android Browser", "Android", 0, 3),
            Self::OperaMini => ("opera_mini", "Opera Mini", "Opera Mini", 0, 34),
            Self::Default => ("default", "Very old browsers", "", 0, 0),
            Self::IePre9 => ("ie_pre_9", "Internet Explorer", "IE", 0, 8),
            Self::Ie9 => ("ie9", "Internet Explorer 9", "IE", 9, 9),
            Self::Ie10 => ("ie10", "Internet Explorer 10", "IE", 10, 10),
            Self::Ie11 => ("ie11", "Internet Explorer 11", "IE", 11, 11),
            Self::SafariPre6 => ("safari_pre_6", "Safari", "Safari", 0, 5),
            Self::OperaPre15 => ("opera_pre_15", "Opera", "Opera", 0, 14),
            Self::OperaMiniPre8 => ("opera_mini_pre_8", "Opera Mini", "Opera Mini", 0, 7),
            Self::AndroidPre4 => ("android_pre_4", "Android Browser", "Android", 0, 3),
            Self::EdgePre79 => ("edge_pre_79", "Edge", "Edge", 0, 78),
        }
    }

    fn is_met_by(self, family: &str, major: u32) -> bool {
        if self == Self::Default {
            let mut families = DEFAULT.into_iter();
            return families.any(|(name, newest)| name == family && major <= newest);
        }
        let (_, _, own_family, oldest, newest) = self.row();
        family == own_family && (oldest..=newest).contains(&major)
    }
}

/// Whether the event comes from one of these browsers. Phones' variants (`Chrome Mobile`) are families of their own.
pub(super) fn is_legacy(browsers: &BTreeSet<LegacyBrowser>, facts: &Facts<'_>) -> bool {
    if browsers.is_empty() {
        return false;
    }
    let Some((family, major)) = browser(facts) else {
        return false;
    };
    browsers
        .iter()
        .any(|browser| browser.is_met_by(family, major))
}

/// Family and major version: what normalising made of the request's headers, else what these say.
fn browser<'f>(facts: &'f Facts<'_>) -> Option<(&'f str, u32)> {
    let context = facts.event.get("contexts").and_then(|c| c.get("browser"));
    let named = context.and_then(|context| {
        let major = leading_number(context.get_str("version")?.trim_start_matches(">="))?;
        Some((context.get_str("name")?, major))
    });
    let (family, major) = named.or_else(|| of_user_agent(facts.header("User-Agent")?))?;
    let family = if family == "IE Mobile" { "IE" } else { family };
    Some((family, major))
}

/// Families by what stands before their version; those that pretend to be others come first.
const MARKERS: [(&str, &str); 10] = [
    ("IEMobile/", "IE"),
    ("MSIE ", "IE"),
    ("Opera Mini/", "Opera Mini"),
    ("Edge/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Opera/", "Opera"),
    ("Chrome/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("Version/", "Safari"),
];

fn of_user_agent(agent: &str) -> Option<(&'static str, u32)> {
    if agent.contains("Trident/7") && agent.contains("rv:11") {
        return Some(("IE", 11));
    }
    let (marker, family) = MARKERS
        .into_iter()
        .find(|(marker, _)| agent.contains(marker))?;
    let (is_android, is_mobile) = (agent.contains("Android"), agent.contains("Mobile"));
    // Old Operas say the version that counts elsewhere.
    let is_old_opera = marker == "Opera/" && agent.contains("Version/");
    let marker = if is_old_opera { "Version/" } else { marker };
    let family = match family {
        "Safari" if is_android => "Android",
        "Safari" if !agent.contains("Safari/") => return None,
        "Chrome" | "Firefox" | "Safari" if is_mobile => return None,
        family => family,
    };
    let (_, version) = agent.split_once(marker)?;
    Some((family, leading_number(version)?))
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_their_browser() {
        for (agent, expected) in [
            (
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
                Some(("IE", 8)),
            ),
            (
                "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
                Some(("IE", 11)),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/46.0.2486.0 Safari/537.36 Edge/13.10586",
                Some(("Edge", 13)),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                Some(("Edge", 142)),
            ),
            (
                "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 Chrome/77.0 Safari/537.36 OPR/64.0",
                Some(("Opera", 64)),
            ),
            (
                "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
                Some(("Opera", 12)),
            ),
            (
                "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119",
                Some(("Opera Mini", 7)),
            ),
            (
                "Mozilla/5.0 (Macintosh) AppleWebKit/533.18.1 (KHTML) Version/5.0.2 Safari/533.18.5",
                Some(("Safari", 5)),
            ),
            (
                "Mozilla/5.0 (Linux; U; Android 2.3.5; en) AppleWebKit/533.1 Version/4.0 Mobile Safari/533.1",
                Some(("Android", 4)),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/109.0",
                Some(("Firefox", 109)),
            ),
            (
                "Mozilla/5.0 (iPhone) AppleWebKit/605 Version/12.0 Mobile/15E148 Safari/604.1",
                None,
            ),
            ("python-requests/2.32", None),
            ("MSIE ", None),
            ("", None),
        ] {
            assert_eq!(of_user_agent(agent), expected, "{agent}");
        }
    }

    #[test]
    fn names_are_those_of_documents() {
        let all = [LegacyBrowser::ALL, &FORMER].concat();
        for browser in all {
            let written = serde_json::to_value(browser).unwrap();
            assert_eq!(written, browser.name());
            assert_eq!(LegacyBrowser::from_name(browser.name()), Some(browser));
            assert_eq!(
                serde_json::from_value::<LegacyBrowser>(written).unwrap(),
                browser
            );
        }
    }
}
