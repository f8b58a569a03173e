//! Browser, operating system and device out of the `User-Agent` header and its client hints.
//!
//! Only the families that make up nearly all traffic are told apart, by plain text search: the public lists are
//! thousands of regular expressions, which cost more than all the rest of normalising. What is not known gets no context.

use bugle_protocol::json::{Json, Object};

use super::contexts;
use super::request;

/// A name with its version.
#[derive(Debug, PartialEq, Eq)]
struct Product {
    name: String,
    version: Option<String>,
}

/// A device.
#[derive(Debug, PartialEq, Eq)]
struct Device {
    family: String,
    model: String,
    brand: String,
}

/// Adds the contexts that the request's headers tell of; those that the client sent stay as they are.
pub(super) fn add_contexts(event: &mut Object<'_>) {
    let Some(request) = event.get("request").and_then(Json::as_object) else {
        return;
    };
    let agent = request::header(request, "User-Agent").unwrap_or_default();
    let browser = hinted_browser(request).or_else(|| browser(agent));
    let os = hinted_os(request).or_else(|| os(agent));
    let model = hint(request, "Sec-CH-UA-Model");
    let device = device(agent);
    // In a browser the system is the program's own, on a server it is the visitor's.
    let is_browser = event.get_str("platform") == Some("javascript");
    let os_name = if is_browser { "os" } else { "client_os" };
    if let Some(browser) = browser {
        contexts::add(event, "browser", product(browser, "browser"));
    }
    if let Some(os) = os {
        contexts::add(event, os_name, product(os, "os"));
    }
    if let Some(model) = model {
        let members = [("model", model), ("type", "device".to_owned())];
        contexts::add(event, "device", Object::from_iter(members));
    } else if let Some(Device {
        family,
        model,
        brand,
    }) = device
    {
        let members = [
            ("family", family),
            ("model", model),
            ("brand", brand),
            ("type", "device".to_owned()),
        ];
        contexts::add(event, "device", Object::from_iter(members));
    }
}

fn product<'a>(product: Product, ty: &'static str) -> Object<'a> {
    let mut context = Object::new();
    context.insert("name", product.name);
    if let Some(version) = product.version {
        context.insert("version", version);
    }
    context.insert("type", ty);
    context
}

/// The browser that `Sec-CH-UA` names: a list of brands, of which one is made up and one is the engine.
fn hinted_browser(request: &Object<'_>) -> Option<Product> {
    let brands = request::header(request, "Sec-CH-UA")?;
    let mut known = brands.split(',').filter_map(|brand| {
        let (name, version) = brand.trim().split_once(";v=")?;
        Some((name.trim_matches('"'), version.trim_matches('"')))
    });
    let is_real = |name: &str| !name.contains("Brand") && name != "Chromium";
    let (name, version) = known.find(|(name, _)| is_real(name))?;
    Some(Product {
        name: name.to_owned(),
        version: Some(version.to_owned()),
    })
}

fn hinted_os(request: &Object<'_>) -> Option<Product> {
    Some(Product {
        name: hint(request, "Sec-CH-UA-Platform")?,
        version: hint(request, "Sec-CH-UA-Platform-Version"),
    })
}

/// The text of a client hint, which is sent in quotes and is often empty.
fn hint(request: &Object<'_>, name: &str) -> Option<String> {
    let text = request::header(request, name)?.trim().trim_matches('"');
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

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

fn browser(agent: &str) -> Option<Product> {
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

fn os(agent: &str) -> Option<Product> {
    let known = |name: &str, version: Option<String>| {
        Some(Product {
            name: name.to_owned(),
            version,
        })
    };
    if let Some(rest) =
        behind(agent, "Windows Phone OS ").or_else(|| behind(agent, "Windows Phone "))
    {
        return known("Windows Phone", version(rest, '.'));
    }
    if let Some(rest) = behind(agent, "Windows NT ") {
        return known(
            "Windows",
            version(rest, '.').map(|number| windows_release(&number)),
        );
    }
    if let Some(rest) = behind(agent, "Android") {
        return known("Android", version(rest.trim_start(), '.'));
    }
    if agent.contains(" like Mac OS X") {
        return known(
            "iOS",
            behind(agent, " OS ").and_then(|rest| version(rest, '_')),
        );
    }
    if let Some(rest) = behind(agent, "Mac OS X ") {
        let separator = if rest.starts_with("10_") { '_' } else { '.' };
        return known("Mac OS X", version(rest, separator).map(macos_release));
    }
    if let Some(rest) = behind(agent, "CrOS ") {
        return known(
            "Chrome OS",
            rest.split_once(' ')
                .and_then(|(_, rest)| version(rest, '.')),
        );
    }
    let name = ["Ubuntu", "Fedora", "Debian", "FreeBSD", "OpenBSD", "Linux"]
        .into_iter()
        .find(|name| agent.contains(name))?;
    known(name, None)
}

/// Browsers report Windows 10 for everything that came after it.
fn windows_release(number: &str) -> String {
    match number {
        "10.0" => ">=10",
        "6.3" => "8.1",
        "6.2" => "8",
        "6.1" => "7",
        "6.0" => "Vista",
        "5.1" | "5.2" => "XP",
        "5.0" => "2000",
        other => other,
    }
    .to_owned()
}

/// Browsers report macOS 10.15.7 for everything that came after it.
fn macos_release(number: String) -> String {
    match number.as_str() {
        "10.15.7" => ">=10.15.7".to_owned(),
        _ => number,
    }
}

fn device(agent: &str) -> Option<Device> {
    let device = |family: &str, model: &str, brand: &str| {
        Some(Device {
            family: family.to_owned(),
            model: model.to_owned(),
            brand: brand.to_owned(),
        })
    };
    if is_spider(agent) {
        let model = if agent.contains("Android") || agent.contains("iPhone") {
            "Smartphone"
        } else {
            "Desktop"
        };
        return device("Spider", model, "Spider");
    }
    for apple in ["iPhone", "iPad", "iPod"] {
        if agent.contains(apple) && agent.contains("like Mac OS X") {
            return device(apple, apple, "Apple");
        }
    }
    if agent.contains("Macintosh;") {
        return device("Mac", "Mac", "Apple");
    }
    if let Some(model) = windows_phone_model(agent) {
        return device(model, model, "Nokia");
    }
    let model = android_model(agent)?;
    if matches!(model, "Mobile" | "Tablet") {
        let model = if model == "Mobile" {
            "Smartphone"
        } else {
            model
        };
        return device(&format!("Generic {model}"), model, "Generic");
    }
    if model.starts_with("SM-") || model.starts_with("GT-") {
        return device(&format!("Samsung {model}"), model, "Samsung");
    }
    let brand = if model.starts_with("Pixel") {
        "Google"
    } else {
        "Generic_Android"
    };
    device(model, model, brand)
}

/// Words of programs that nobody looks at pages with, in lower case.
const SPIDERS: [&str; 14] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scrapy",
    "scraper",
    "facebookexternalhit",
    "whatsapp",
    "python-urllib",
    "archiver",
    "heritrix",
    "nutch",
    "pingdom",
    "statuscake",
];

fn is_spider(agent: &str) -> bool {
    let text = agent.to_ascii_lowercase();
    text.starts_with("java/") || SPIDERS.iter().any(|word| text.contains(word))
}

/// The model in `(...; IEMobile/9.0; NOKIA; Lumia 710)`.
fn windows_phone_model(agent: &str) -> Option<&str> {
    let (inside, _) = behind(agent, "Windows Phone")?.split_once(')')?;
    let mut parts = inside.split(';').map(str::trim);
    parts.find(|part| part.eq_ignore_ascii_case("nokia"))?;
    parts.next().filter(|model| !model.is_empty())
}

/// The model, or what Firefox says instead, in `(Linux; Android 11; SM-G991B Build/RP1A; wv)`.
fn android_model(agent: &str) -> Option<&str> {
    let (inside, _) = behind(agent, "Android ")?.split_once(')')?;
    let mut parts = inside.split(';').skip(1).map(str::trim);
    let model = parts.find(|part| !part.is_empty() && !part.starts_with("rv:"))?;
    model.split(" Build/").next()
}

fn behind<'t>(text: &'t str, marker: &str) -> Option<&'t str> {
    text.split_once(marker).map(|(_, rest)| rest)
}

/// The first three numbers at the beginning of a text, joined by dots.
fn version(text: &str, separator: char) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != separator)
        .unwrap_or(text.len());
    let numbers: Vec<_> = text[..end]
        .split(separator)
        .take(3)
        .filter(|n| !n.is_empty())
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("."))
}
