//! Keys and tokens whose form says what they are.

use std::sync::LazyLock;

use regex::Regex;

use super::{Range, captured, compile};

/// No text with a key is shorter.
pub(super) const SHORTEST: usize = 15;

/// What providers document of their keys' forms, so that leaks can be found; each stands alone between word boundaries.
const FORMS: [&str; 37] = [
    // Amazon Web Services: ids of access keys, the kind of key in the first four letters.
    "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
    // GitHub and GitLab.
    "gh[oprsu]_[A-Za-z0-9]{36,}",
    "github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|agent|oas|soat|imt|ffct)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*",
    // Slack: tokens of bots, users and apps.
    "xox[abceoprs]-[A-Za-z0-9-]{10,}",
    "xapp-[0-9]-[A-Za-z0-9-]{10,}",
    // Payments: Stripe, Square, Shopify, Braintree.
    "[rs]k_(?:live|test)_[A-Za-z0-9]{10,}",
    "whsec_[A-Za-z0-9+/]{24,}=*",
    "sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}",
    "shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}",
    // Google: API keys, client secrets, access tokens.
    "AIza[A-Za-z0-9_-]{35}",
    "GOCSPX-[A-Za-z0-9_-]{28}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    // Package registries: npm, PyPI, RubyGems, crates.io, Docker Hub.
    "npm_[A-Za-z0-9]{36}",
    "pypi-[A-Za-z0-9_-]{50,}",
    "rubygems_[a-f0-9]{48}",
    "cio[A-Za-z0-9]{32}",
    "dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}",
    // Mail and telephone: SendGrid, Twilio, Mailgun, Mailchimp, Telegram.
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    "SK[a-f0-9]{32}",
    "key-[a-f0-9]{32}",
    "[a-f0-9]{32}-us[0-9]{1,2}",
    "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    // Hosting: DigitalOcean, HashiCorp, Databricks, Fly.io, Heroku, PlanetScale.
    "do[opr]_v1_[a-f0-9]{64}",
    r"hv[bs]\.[A-Za-z0-9_-]{24,}",
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",
    "dapi[a-f0-9]{32}",
    "FlyV1 fm[0-9]+_[A-Za-z0-9+/=_-]{40,}",
    "HRKU-[A-Za-z0-9_-]{36,}",
    "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}",
    // Language models: OpenAI, Anthropic, Hugging Face.
    "sk-(?:proj|svcacct|admin|ant)-[A-Za-z0-9_-]{20,}",
    "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    "hf_[A-Za-z0-9]{34}",
    // Trackers: Sentry, Linear.
    "sntry[su]_[A-Za-z0-9+/=_-]{40,}",
    "lin_api_[A-Za-z0-9]{40}",
    // A private key of age.
    "AGE-SECRET-KEY-1[A-Z0-9]{58}",
];

/// Keys that tell only together with their name, which stays.
const NAMED: [&str; 4] = [
    // Azure: storage, buses, shared access signatures.
    "(?i:account_?key)=([A-Za-z0-9+/]{86}==)",
    "(?i:shared_?access_?key)=([A-Za-z0-9+/]{43}=)",
    r"\bsig=([A-Za-z0-9%+/]{43,}(?:=|%3[Dd]))",
    // Amazon Web Services.
    r#"(?i:secret_?access_?key)["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z0-9+/]{40})(?:[^A-Za-z0-9+/]|$)"#,
];

/// How names of values end that are keys, without what stands between their words.
const KEY_NAMES: [&str; 4] = [
    "secretaccesskey",
    "accountkey",
    "sharedaccesskey",
    "awssessiontoken",
];

/// A URL that is a secret as a whole: whoever knows it may post.
const WEBHOOK: &str = r"\bhooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})";

static KEY: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"\b(?:{})", FORMS.join("|"))));

static NAMED_KEY: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!("{}|{WEBHOOK}", NAMED.join("|"))));

/// The keys in a text, in order.
pub(super) fn find(text: &str) -> Vec<Range> {
    let mut ranges: Vec<Range> = KEY
        .find_iter(text)
        .filter(|found| !goes_on(text, found.end()))
        .map(|found| (found.start(), found.end()))
        .collect();
    ranges.extend(captured(&NAMED_KEY, &[1, 2, 3, 4, 5], text));
    ranges.sort_unstable();
    ranges.dedup_by(|next, first| next.0 < first.1);
    ranges
}

/// Whether a name goes on at `end`, so that what is before is no key of a fixed length.
fn goes_on(text: &str, end: usize) -> bool {
    let next = text[end..].chars().next();
    next.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether a value under this name is a key of a provider, whatever its form.
pub(super) fn is_key_name(name: &str) -> bool {
    let is_end = |known: &str| {
        let mut letters = name.bytes().rev().filter(u8::is_ascii_alphanumeric);
        let mut known = known.bytes().rev();
        known.all(|byte| {
            letters
                .next()
                .is_some_and(|letter| letter.eq_ignore_ascii_case(&byte))
        })
    };
    KEY_NAMES.iter().any(|known| is_end(known))
}
