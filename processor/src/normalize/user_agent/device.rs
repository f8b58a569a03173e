//! Devices: phones and tablets by their models, and robots.

use super::behind;

/// A device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) family: String,
    pub(super) model: String,
    pub(super) brand: String,
}

/// The device that an agent names.
pub(super) fn find(agent: &str) -> Option<Device> {
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
