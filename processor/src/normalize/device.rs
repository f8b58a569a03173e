//! Names and classes of devices; by the classes slow and fast ones can be told apart without a list of models.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::note::Notes;
use super::{contexts, galaxy, tags};

const GIB: u64 = 1024 * 1024 * 1024;

/// Names a device after its model, where the model is only a number: `SM-G991B` is a `Galaxy S21 5G`.
pub(super) fn name(device: &mut Object<'_>) {
    if device.get("name").is_none()
        && let Some(name) = device.get_str("model").and_then(galaxy::name)
    {
        device.insert("name", name);
    }
}

/// Tags the event with its device's class: 1 is slow, 3 is fast.
pub(super) fn tag_class(event: &mut Object<'_>, notes: &mut Notes) {
    if let Some(class) = contexts::get(event, "device").and_then(class) {
        tags::set(event, "device.class", class, notes);
    }
}

fn class(device: &Object<'_>) -> Option<&'static str> {
    match device.get_str("family")? {
        "iPhone" | "iOS" | "iOS-Device" => apple_class(device.get_str("model")?),
        "Android" => android_class(device),
        _ => None,
    }
}

fn android_class(device: &Object<'_>) -> Option<&'static str> {
    let number = |key| device.get(key).and_then(Json::as_number)?.as_u64();
    let mhz = number("processor_frequency")?;
    let cores = number("processor_count")?;
    let memory = number("memory_size")?;
    Some(if mhz < 2000 || cores < 8 || memory < 4 * GIB {
        "1"
    } else if mhz < 2500 || memory < 6 * GIB {
        "2"
    } else {
        "3"
    })
}

/// The class of a hardware identifier such as `iPhone14,2`: the first number is the generation.
fn apple_class(model: &str) -> Option<&'static str> {
    let (generation, slow, middle) = if let Some(rest) = model.strip_prefix("iPhone") {
        (rest, 10, 12)
    } else {
        (model.strip_prefix("iPad")?, 6, 8)
    };
    let generation: u32 = generation.split(',').next()?.parse().ok()?;
    Some(match generation {
        n if n < slow => "1",
        n if n < middle => "2",
        _ => "3",
    })
}
