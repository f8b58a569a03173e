//! Programs: browsers, robots and libraries.

use super::{Product, behind, version};

/// Programs by the text in front of their version, in the order in which they are looked for: those that pretend to be
/// others come first.
const PROGRAMS: [(&str, &str); 51] = [
    ("facebookexternalhit/", "FacebookBot"),
    ("Slackbot-LinkExpanding ", "Slackbot-LinkExpanding"),
    ("Googlebot-Image/", "Googlebot-Image"),
    ("WhatsApp/", "WhatsApp"),
    ("Instagram ", "Instagram"),
    ("FBAV/", "Facebook"),
    ("Snapchat/", "Snapchat"),
    ("IEMobile/", "IE Mobile"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera Mini"),
    ("Opera Mini/", "Opera Mini"),
    ("Opera/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("UCBrowser/", "UC Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo Mobile"),
    ("MiuiBrowser/", "MiuiBrowser"),
    ("Electron/", "Electron"),
    ("FxiOS/", "Firefox iOS"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "IE"),
    ("PostmanRuntime/", "PostmanRuntime"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("insomnia/", "insomnia"),
    ("Go-http-client/", "Go-http-client"),
    ("axios/", "axios"),
    ("okhttp/", "okhttp"),
    ("python-requests/", "Python Requests"),
    ("python-httpx/", "python-httpx"),
    ("Python-urllib/", "Python-urllib"),
    ("aiohttp/", "Python aiohttp"),
    ("Apache-HttpClient/", "Apache-HttpClient"),
    ("GuzzleHttp/", "GuzzleHttp"),
    ("libwww-perl/", "libwww-perl"),
    ("Java/", "Java"),
    ("Dalvik/", "Android"),
    ("CFNetwork/", "CFNetwork"),
    ("undici/", "undici"),
    ("Dart/", "Dart"),
    ("Firefox/", "Firefox"),
    ("Version/", "Safari"),
];

/// The program that an agent names, robots first.
pub(super) fn find(agent: &str) -> Option<Product> {
    if let Some(bot) = bot(agent) {
        return Some(bot);
    }
    if agent.contains("Trident/7") && agent.contains("rv:11") {
        return Some(Product {
            name: "IE".to_owned(),
            version: Some("11.0".to_owned()),
        });
    }
    let (marker, name) = PROGRAMS
        .into_iter()
        .find(|(marker, name)| agent.contains(marker) && is_meant(agent, name))?;
    let name = mobile_name(agent, name);
    let behind_name = match name {
        // Plain apps and the browser of old phones say the version of something else in their own place.
        "Android" => behind(agent, "Android "),
        "Opera" => behind(agent, "Version/").or_else(|| behind(agent, marker)),
        _ => behind(agent, marker),
    };
    Some(Product {
        name: name.to_owned(),
        version: behind_name.and_then(|rest| version(rest, '.')),
    })
}

/// Whether a name that others use too stands for the program itself.
fn is_meant(agent: &str, name: &str) -> bool {
    match name {
        // Without the engine's date it is something that only looks like Firefox.
        "Firefox" => agent.contains("Gecko/"),
        "Safari" => agent.contains("Safari/"),
        _ => true,
    }
}

/// The name under which a program runs on phones.
fn mobile_name(agent: &str, name: &'static str) -> &'static str {
    let is_android = agent.contains("Android");
    let is_mobile = agent.contains("Mobile");
    match name {
        "Chrome" if is_android && (agent.contains("; wv)") || agent.contains("Version/4.0")) => {
            "Chrome Mobile WebView"
        }
        "Chrome" if is_mobile => "Chrome Mobile",
        "Opera" if is_mobile => "Opera Mobile",
        "Firefox" if is_mobile || agent.contains("Tablet") => "Firefox Mobile",
        "Safari" if is_android => "Android",
        "Safari" if is_mobile => "Mobile Safari",
        name => name,
    }
}

/// A program that says it is a robot: the word before its version ends in `bot`, `spider` or `crawler`.
fn bot(agent: &str) -> Option<Product> {
    agent
        .split([' ', ';', '(', ')', ','])
        .filter_map(|word| word.split_once('/'))
        .find(|(name, _)| is_bot(name))
        .map(|(name, rest)| Product {
            name: name.to_owned(),
            version: version(rest, '.'),
        })
}

fn is_bot(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["bot", "spider", "crawler"]
        .iter()
        .any(|end| name.ends_with(end))
}
