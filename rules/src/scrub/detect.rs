//! Finds secrets and personal data in a text.

mod card;
mod cloud_key;
mod form;
mod ip;
mod phone;
mod url;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::extra::ExtraDetector;
use super::settings::SENSITIVE_COOKIES;
use super::traits::{Traits, byte, word, words_of};

/// What a rule looks for.
#[derive(Clone, Debug)]
pub(super) enum Detector {
    /// Every line.
    Anything,
    /// A user's expression, and the groups of it to redact.
    Pattern(Regex, Vec<usize>),
    /// A user's expression, tried on keys and on values.
    KeyValue(Regex),
    Imei,
    Mac,
    Uuid,
    Email,
    Ip(Reach),
    CreditCard(Reach),
    Iban,
    UserPath,
    PemKey,
    UrlAuth(Reach),
    /// Only the password of a URL.
    UrlPassword(Reach),
    UsSsn,
    Bearer,
    Password,
    /// The values of sensitive cookies in a cookie string.
    Cookies,
    Phone,
    Jwt,
    CloudKey,
}

/// How much a detector finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// What Sentry's finds.
    Sentry,
    /// That, and what Sentry misses.
    Wide,
}

impl Reach {
    /// The reach of what `extra` widens, if `extras` are switched on.
    pub(super) fn of(extra: ExtraDetector, extras: &BTreeSet<ExtraDetector>) -> Self {
        match extras.contains(&extra) {
            true => Self::Wide,
            false => Self::Sentry,
        }
    }
}

/// A part of a text in bytes.
pub(super) type Range = (usize, usize);

impl Detector {
    /// Whether a text of these traits may hold what this looks for; cheap, and right when it says no.
    #[inline]
    pub(super) fn may_match(&self, traits: Traits) -> bool {
        match self {
            Self::Anything | Self::Pattern(..) | Self::KeyValue(_) => true,
            Self::Imei | Self::CreditCard(Reach::Sentry) => traits.digits >= 15,
            Self::CreditCard(Reach::Wide) => traits.digits >= card::FEWEST_DIGITS,
            Self::Mac => traits.length >= 17 && traits.bytes & (byte::COLON | byte::DASH) != 0,
            Self::Uuid => traits.length >= 32,
            Self::Email => traits.has_bytes(byte::AT | byte::DOT),
            Self::Ip(_) => {
                traits.has_bytes(byte::COLON) || (traits.digits >= 4 && traits.has_bytes(byte::DOT))
            }
            Self::Iban => {
                traits.length >= 15 && traits.digits >= 2 && traits.has_bytes(byte::UPPER)
            }
            Self::UserPath => traits.has_bytes(byte::SLASH),
            Self::PemKey => traits.has_word(word::PEM),
            Self::UrlAuth(_) => traits.has_bytes(byte::AT | byte::SLASH),
            Self::UrlPassword(_) => traits.has_bytes(byte::AT | byte::SLASH | byte::COLON),
            Self::UsSsn => traits.digits >= 9 && traits.has_bytes(byte::DASH),
            Self::Bearer => traits.has_word(word::BEARER),
            Self::Password => traits.has_word(!(word::PEM | word::JWT)),
            Self::Cookies => traits.has_bytes(byte::EQUALS),
            Self::Phone => traits.digits >= phone::FEWEST_DIGITS,
            Self::Jwt => traits.has_word(word::JWT),
            Self::CloudKey => traits.length >= cloud_key::SHORTEST,
        }
    }

    /// Whether this looks at keys at all, which few detectors do.
    #[inline]
    fn asks_for_keys(&self) -> bool {
        matches!(self, Self::KeyValue(_) | Self::CloudKey | Self::Password)
    }

    /// Whether a value goes because of its key.
    #[inline]
    pub(super) fn matches_key(&self, key: &str) -> bool {
        self.asks_for_keys() && self.finds_key(key)
    }

    fn finds_key(&self, key: &str) -> bool {
        match self {
            Self::KeyValue(regex) => regex.is_match(key),
            Self::CloudKey => cloud_key::is_key_name(key),
            Self::Password => {
                let words = words_of(key);
                words & (word::SECRET | word::TOKEN) != 0
                    || (words & word::ALONE != 0 && is_secret_alone(key))
            }
            _ => false,
        }
    }

    /// Whether this takes any value, whatever it is.
    pub(super) fn is_anything(&self) -> bool {
        matches!(self, Self::Anything)
    }

    /// The parts of a file's text to redact, in order. What would take a text as a whole takes lines of a file.
    pub(super) fn find_in_file(&self, text: &str) -> Vec<Range> {
        if !matches!(self, Self::KeyValue(_) | Self::Password) {
            return self.find(text, Traits::of(text));
        }
        let mut ranges = Vec::new();
        for (start, end) in lines(text) {
            let line = &text[start..end];
            let found = self.find(line, Traits::of(line));
            ranges.extend(
                found
                    .into_iter()
                    .map(|(from, to)| (start + from, start + to)),
            );
        }
        ranges.retain(|(start, end)| start < end);
        ranges
    }

    /// The parts of `text` to redact, in order.
    pub(super) fn find(&self, text: &str, traits: Traits) -> Vec<Range> {
        let whole = (0, text.len());
        match self {
            Self::Anything => lines(text),
            Self::Pattern(regex, groups) => captured(regex, groups, text),
            Self::KeyValue(regex) => Vec::from_iter(regex.is_match(text).then_some(whole)),
            Self::Password if is_password(text, traits) => vec![whole],
            // A bearer token is a password, but the text around it is none.
            Self::Password if traits.has_word(word::BEARER) => captured(&BEARER, &[0], text),
            Self::Password => Vec::new(),
            Self::Imei => captured(&IMEI, &[0], text),
            Self::Mac => captured(&MAC, &[0], text),
            Self::Uuid => captured(&UUID, &[0], text),
            Self::Email => captured(&EMAIL, &[0], text),
            Self::Ip(reach) => ip::find(text, *reach),
            Self::CreditCard(reach) => card::find(text, *reach),
            Self::Iban if form::may_hold_iban(text) => captured(&IBAN, &[0], text),
            Self::UsSsn if form::may_hold_us_ssn(text) => captured(&US_SSN, &[0], text),
            Self::Iban | Self::UsSsn => Vec::new(),
            Self::UserPath => captured(&USER_PATH, &[1], text),
            Self::PemKey => captured(&PEM_KEY, &[1], text),
            Self::UrlAuth(reach) => url::find_credentials(text, *reach),
            Self::UrlPassword(reach) => url::find_password(text, *reach),
            Self::Bearer => captured(&BEARER, &[0], text),
            Self::Cookies => captured(&COOKIES, &[1], text),
            Self::Phone => phone::find(text),
            Self::Jwt => captured(&JWT, &[0], text),
            Self::CloudKey => cloud_key::find(text),
        }
    }
}

/// A built-in expression, compiled at its first use. NUL stands for what is redacted already.
macro_rules! pattern {
    ($expression:expr $(,)?) => {
        LazyLock::new(|| compile($expression))
    };
}

static IMEI: LazyLock<Regex> = pattern!(r"\b[0-9]{2}-?[0-9]{6}-?[0-9]{6}-?[0-9]{1,2}\b");

static MAC: LazyLock<Regex> = pattern!(r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b");

static UUID: LazyLock<Regex> =
    pattern!(r"(?i)\b[a-z0-9]{8}-?[a-z0-9]{4}-?[a-z0-9]{4}-?[a-z0-9]{4}-?[a-z0-9]{12}\b");

static EMAIL: LazyLock<Regex> = pattern!(
    r"(?x) \b
      [a-zA-Z0-9.!\#$%&'*+/=?^_`{|}~-]+
      @
      [a-zA-Z0-9-]+ (?: \. [a-zA-Z0-9-]+ )* \. [a-zA-Z]{2,}
      \b",
);

/// The countries of the IBAN registry.
static IBAN: LazyLock<Regex> = pattern!(
    r"(?x) \b (?:
        AD|AE|AL|AT|AZ|BA|BE|BG|BH|BR|BY|CH|CR|CY|CZ|DE|DK|DO|EE|EG|ES|FI|FO|FR|GB|GE|GI|GL|GR|GT|HR|HU|IE|IL|IQ|IS|IT|
        JO|KW|KZ|LB|LC|LI|LT|LU|LV|LY|MC|MD|ME|MK|MR|MT|MU|NL|NO|PK|PL|PS|PT|QA|RO|RS|SA|SC|SD|SE|SI|SK|SM|ST|SV|TL|TN|
        TR|UA|VA|VG|XK|DZ|AO|BJ|BF|BI|CV|CM|CF|TD|KM|CG|CI|DJ|GQ|GA|GW|HN|IR|MG|ML|MA|MZ|NI|NE|SN|TG
      ) [0-9]{2} [a-zA-Z0-9]{11,29} \b",
);

static USER_PATH: LazyLock<Regex> =
    pattern!(r"(?i)(?:\b(?:home|users)|[/\\]profiles)[/\\]([^/\\\r\n\x00]+)",);

/// The body between the markers, without the line ends that belong to them.
static PEM_KEY: LazyLock<Regex> = pattern!(
    r"(?s)-----BEGIN[A-Z0-9 ]* (?:PRIVATE|PUBLIC) KEY-----[ \t]*\r?\n?(.+?)\r?\n?[ \t]*-----END",
);

static US_SSN: LazyLock<Regex> = pattern!(r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b");

/// A signed token has three parts and an encrypted one five; the first is the Base64 of `{"`. An unsigned one ends in a dot.
static JWT: LazyLock<Regex> = pattern!(
    r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?",
);

static BEARER: LazyLock<Regex> = pattern!(r"(?i)\bBearer\s+\S+");

/// `token` and, before the next blank, a sign that a value follows.
static TOKEN_VALUE: LazyLock<Regex> = pattern!(r"(?i)token\S*[:=]");

static COOKIES: LazyLock<Regex> = LazyLock::new(|| {
    let names = SENSITIVE_COOKIES.map(regex::escape).join("|");
    compile(&format!(r"(?i)\b(?:{names})=([^;\x00]+)"))
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("built-in expressions are tested")
}

fn is_secret_alone(text: &str) -> bool {
    ["otp", "two_factor", "two-factor"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn is_password(text: &str, traits: Traits) -> bool {
    traits.has_word(word::SECRET)
        || (traits.has_word(word::ALONE) && is_secret_alone(text))
        || (traits.has_word(word::TOKEN)
            && traits.bytes & (byte::COLON | byte::EQUALS) != 0
            && TOKEN_VALUE.is_match(text))
}

fn captured(regex: &Regex, groups: &[usize], text: &str) -> Vec<Range> {
    if let [0] = groups {
        return regex
            .find_iter(text)
            .map(|found| (found.start(), found.end()))
            .collect();
    }
    let mut ranges: Vec<Range> = Vec::new();
    // Looking for groups needs memory of its own.
    if !regex.is_match(text) {
        return ranges;
    }
    for captures in regex.captures_iter(text) {
        for (i, group) in captures.iter().enumerate() {
            let Some(group) = group.filter(|_| groups.contains(&i)) else {
                continue;
            };
            // Of groups within groups the outer one counts.
            if ranges.last().is_none_or(|(_, end)| *end <= group.start()) {
                ranges.push((group.start(), group.end()));
            }
        }
    }
    ranges
}

/// Each line without its end.
fn lines(text: &str) -> Vec<Range> {
    let mut start = 0;
    text.split('\n')
        .map(|line| {
            let range = (start, start + line.len());
            start = range.1 + 1;
            range
        })
        .collect()
}
