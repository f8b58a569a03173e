//! Crash dumps: an envelope without an event gets one that says what crashed, and keeps the dump as its attachment.

mod breadcrumbs;
mod fields;

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{DiscardReason, Event, Item, ItemType, msgpack};

use super::attachment;
use super::event::{self, Kind};
use super::security::not_a_transaction;
use crate::request::{Arrival, Tools};
use crate::verdict::{Fault, Kept, Refusal};

/// What an item gives to the event of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The dump itself.
    Dump(Dump),
    /// The event as the SDK wrote it down before the crash.
    Payload,
    /// What happened before.
    Breadcrumbs,
    /// What the crash's reporter said in a form.
    Form,
}

/// Kinds of dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dump {
    Mini,
    Apple,
    Unreal,
}

impl Dump {
    /// What the exception and its mechanism are called, and what is said of it.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Mini => (
                "Minidump",
                "minidump",
                "The crash dump is kept as an attachment; its stack was not read.",
            ),
            Self::Apple => (
                "AppleCrashReport",
                "applecrashreport",
                "The crash report is kept as an attachment; its stack was not read.",
            ),
            Self::Unreal => (
                "UnrealCrash",
                "unreal",
                "The crash report is kept as an attachment; its stack was not read.",
            ),
        }
    }
}

/// The items that one event is made of.
#[derive(Debug)]
pub(crate) struct Crash {
    /// Their places in the envelope.
    pub(crate) members: Vec<usize>,
}

impl Crash {
    /// Gathers what belongs to the event that is made of the item at `owner`. Items that `is_left_out` are not for it.
    pub(crate) fn gather(
        items: &[Item<'_>],
        owner: usize,
        is_left_out: impl Fn(usize) -> bool,
    ) -> Self {
        let belongs = |&index: &usize| part(&items[index]).is_some() && !is_left_out(index);
        let others = (0..items.len()).filter(|index| *index != owner);
        Self {
            members: std::iter::once(owner)
                .chain(others.filter(belongs))
                .collect(),
        }
    }

    /// Makes the event, and keeps the dumps.
    pub(crate) fn process(
        &self,
        arrival: &Arrival<'_>,
        items: &[Item<'_>],
        tools: &Tools<'_>,
    ) -> Result<Kept, Fault> {
        let parts = self.members.iter().filter_map(|index| {
            let item = &items[*index];
            Some((part(item)?, item))
        });
        let parts: Vec<(Part, &Item<'_>)> = parts.collect();
        let mut event = event(&parts)?;
        not_a_transaction(&mut event);
        let mut kept = event::build(arrival, event, Kind::ERROR, &tools.rules)?;
        for (part, item) in &parts {
            // The others are in the event: what is stored of them is scrubbed.
            if matches!(part, Part::Dump(_)) {
                attachment::keep(arrival, item, tools, &mut kept)?;
            }
        }
        Ok(kept)
    }
}

fn part(item: &Item<'_>) -> Option<Part> {
    Some(match item.header.item_type {
        ItemType::UnrealReport => Part::Dump(Dump::Unreal),
        ItemType::FormData => Part::Form,
        ItemType::Attachment => match item.header.get_str("attachment_type")? {
            "event.minidump" => Part::Dump(Dump::Mini),
            "event.applecrashreport" => Part::Dump(Dump::Apple),
            "event.payload" => Part::Payload,
            "event.breadcrumbs" => Part::Breadcrumbs,
            _ => return None,
        },
        _ => return None,
    })
}

/// The event: what the SDK wrote, over it what the form says, and last that it is a crash.
fn event<'a>(parts: &[(Part, &Item<'a>)]) -> Result<Event<'a>, Refusal> {
    let payloads = |wanted: Part| {
        let wanted =
            move |(part, item): &(Part, &Item<'a>)| (*part == wanted).then_some(item.payload);
        parts.iter().filter_map(wanted)
    };
    let dump = parts.iter().find_map(|(part, item)| match part {
        Part::Dump(dump) => Some((*dump, *item)),
        _ => None,
    });
    let mut fields = match payloads(Part::Payload).next().map(base) {
        Some(Ok(fields)) => fields,
        // A broken event does not cost the dump.
        Some(Err(refusal)) if dump.is_none() => return Err(refusal),
        Some(Err(_)) | None => Object::new(),
    };
    fields::merge_forms(&mut fields, payloads(Part::Form));
    breadcrumbs::add(&mut fields, payloads(Part::Breadcrumbs));
    if let Some((dump, item)) = dump {
        describe(&mut fields, dump, item);
    }
    Ok(Event { fields })
}

/// The event as the SDK wrote it: `MessagePack`, or JSON.
fn base(payload: &[u8]) -> Result<Object<'_>, Refusal> {
    if payload.trim_ascii_start().first() == Some(&b'{') {
        return super::json::object(payload);
    }
    match msgpack::parse(payload) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(_) => Err(Refusal::invalid(
            DiscardReason::NotAnObject,
            "expected an object",
        )),
        Err(error) => Err(Refusal::invalid(
            DiscardReason::InvalidJson,
            format!("invalid MessagePack: {error}"),
        )),
    }
}

/// Says what crashed, as far as it is known without the dump's symbols.
fn describe(fields: &mut Object<'_>, dump: Dump, item: &Item<'_>) {
    let (ty, mechanism, value) = dump.names();
    fields.insert("level", "fatal");
    if fields.get_str("platform").is_none() {
        fields.insert("platform", "native");
    }
    // Not marked as synthetic: the type is all that the title can say.
    let mechanism = Object::from_iter([
        ("type", Json::from(mechanism)),
        ("handled", Json::Bool(false)),
    ]);
    let exception = Object::from_iter([
        ("type", Json::from(ty)),
        ("value", Json::from(value)),
        ("mechanism", mechanism.into()),
    ]);
    fields.insert(
        "exception",
        Object::from_iter([("values", vec![Json::from(exception)])]),
    );
    let user_id = item.header.get_str("user_id").filter(|id| !id.is_empty());
    if let Some(user_id) = user_id
        && fields.get("user").is_none()
    {
        fields.insert("user", Object::from_iter([("id", user_id.to_owned())]));
    }
}
