//! Browser, operating system and device out of the `User-Agent` header and its client hints.
//!
//! Only the families that make up nearly all traffic are told apart, by plain text search: the public lists are
//! thousands of regular expressions, which cost more than all the rest of normalising. What is not known gets no context.

mod browser;
mod device;
mod os;

use bugle_protocol::json::{Json, Object};

use super::contexts;
use super::request;
use device::Device;

/// A name with its version.
#[derive(Debug, PartialEq, Eq)]
struct Product {
    name: String,
    version: Option<String>,
}

/// Adds the contexts that the request's headers tell of; those that the client sent stay as they are.
pub(super) fn add_contexts(event: &mut Object<'_>) {
    let Some(request) = event.get("request").and_then(Json::as_object) else {
        return;
    };
    let agent = request::header(request, "User-Agent").unwrap_or_default();
    let browser = hinted_browser(request).or_else(|| browser::find(agent));
    let os = hinted_os(request).or_else(|| os::find(agent));
    let model = hint(request, "Sec-CH-UA-Model");
    let device = device::find(agent);
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
