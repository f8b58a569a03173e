//! Cuts what is too long to be stored, and notes how long it was.

use bugle_protocol::json::{self, Json, Object};

use super::contexts;
use super::event::{EVENT, is_longer};
use super::logentry::LOGENTRY;
use super::note::{Notes, Path};
use super::schema::{Field, Kind, Limit, Schema};
use super::stacktrace::FRAME;

/// Longest key and value of a tag in characters.
const TAG: Limit = Limit::chars(200);
/// All of `extra` together.
const EXTRA_BYTES: usize = 256 * 1024;
/// Stack traces keep so many frames in all, of which so many from the outer end.
const MAX_FRAMES: usize = 250;
const OUTER_FRAMES: usize = 50;
/// So many frames of a stack trace keep variables and source lines around theirs.
const MAX_DETAILED_FRAMES: usize = 50;
const ELLIPSIS: &str = "...";

/// Cuts an event to the limits of its schema.
pub(super) fn trim(event: &mut Object<'_>, notes: &mut Notes) {
    trim_logger(event, notes);
    trim_object(&EVENT, event, notes, &Path::ROOT);
    let root = Path::ROOT;
    if let Some(Json::Object(entry)) = event.get_mut("logentry") {
        trim_object(&LOGENTRY, entry, notes, &root.key("logentry"));
    }
    if let Some(Json::Object(contexts)) = event.get_mut("contexts") {
        let path = root.key("contexts");
        // The trace's attributes are those of a span, which are limited all together.
        for (name, context) in contexts.iter_mut().filter(|(name, _)| *name != "trace") {
            trim_value(contexts::CONTEXT, context, notes, &path.key(name));
        }
    }
    if let Some(Json::Array(tags)) = event.get_mut("tags") {
        let path = root.key("tags");
        for (index, tag) in tags.iter_mut().enumerate() {
            trim_pair(tag, notes, &path.index(index));
        }
    }
}

fn trim_pair(pair: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    for (index, part) in pair.as_array_mut().into_iter().flatten().enumerate() {
        trim_value(TAG, part, notes, &path.index(index));
    }
}

/// Long loggers are Java's: the class at the end says more than the company at the beginning.
fn trim_logger(event: &mut Object<'_>, notes: &mut Notes) {
    const MAX: usize = 64;
    let Some(name) = event.get_str("logger").filter(|name| is_longer(name, MAX)) else {
        return;
    };
    let fits = |at: &usize| !is_longer(&name[*at..], MAX - 1) && name.len() > at + 1;
    let Some(at) = name.match_indices('.').map(|(at, _)| at).find(fits) else {
        return;
    };
    if name[at..].bytes().all(|b| b == b'.') {
        return;
    }
    let (short, length) = (format!("*{}", &name[at..]), name.chars().count());
    event.insert("logger", short);
    notes.cut(&Path::ROOT.key("logger"), 0, 1, length);
}

fn trim_object(schema: &Schema, object: &mut Object<'_>, notes: &mut Notes, path: &Path<'_>) {
    for field in schema.fields.iter().filter(|field| may_trim(field)) {
        if let Some(value) = object.get_mut(field.name) {
            trim_field(field, value, notes, &path.key(field.name));
        }
    }
}

fn may_trim(field: &Field) -> bool {
    field.limit != Limit::None || matches!(field.kind, Kind::Struct(_) | Kind::Values(_))
}

fn trim_field(field: &Field, value: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    match (&field.kind, value) {
        (Kind::Struct(schema), Json::Object(object)) => {
            if field.name.ends_with("stacktrace") {
                trim_frames(object, notes, path);
            }
            trim_object(schema, object, notes, path);
        }
        (Kind::Values(schema), Json::Object(wrapper)) => {
            let path = path.key("values");
            if let Some(Json::Array(items)) = wrapper.get_mut("values") {
                trim_items(schema, items, notes, &path);
            }
        }
        (_, value) => trim_value(field.limit, value, notes, path),
    }
}

fn trim_items(schema: &Schema, items: &mut [Json<'_>], notes: &mut Notes, path: &Path<'_>) {
    for (index, item) in items.iter_mut().enumerate() {
        if let Json::Object(object) = item {
            trim_object(schema, object, notes, &path.index(index));
        }
    }
}

fn trim_value(limit: Limit, value: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    match limit {
        Limit::None => {}
        Limit::Chars { max, allowance } => {
            if let Json::String(text) = value
                && is_longer(text, max + allowance)
            {
                cut(value, max, notes, path);
            }
        }
        Limit::Bag { bytes, depth } => fill_bag(bytes, depth, value, notes, path),
        Limit::Bags { bytes, depth } => trim_bags(bytes, depth, value, notes, path),
    }
}

/// Cuts a value that does not fit. Its members are sorted first, so that it does not depend on the order in a client's
/// hash map which of them are left.
fn fill_bag(bytes: usize, depth: usize, value: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    if size(value, depth).is_some_and(|size| size <= bytes) {
        return;
    }
    sort(value);
    Bag { left: bytes }.fill(value, depth, notes, path);
}

fn sort(value: &mut Json<'_>) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(sort),
        Json::Object(object) => {
            object.sort_keys();
            object.iter_mut().for_each(|(_, member)| sort(member));
        }
        _ => {}
    }
}

/// The bytes that a value takes of a bag; `None` if it nests deeper than `depth` levels.
fn size(value: &Json<'_>, depth: usize) -> Option<usize> {
    if depth <= 1 && is_filled(value) {
        return None;
    }
    let members = match value {
        Json::Array(items) => sum(items.iter(), depth)?,
        Json::Object(object) => sum(object.iter().map(|(_, member)| member), depth)?,
        _ => 0,
    };
    Some(members + own_size(value))
}

fn sum<'t, 'a: 't>(mut values: impl Iterator<Item = &'t Json<'a>>, depth: usize) -> Option<usize> {
    values.try_fold(0, |sum, value| Some(sum + size(value, depth - 1)?))
}

/// The bytes of a value's text without those of its members: its quotes or brackets, and a comma.
fn own_size(value: &Json<'_>) -> usize {
    1 + match value {
        Json::Null => 4,
        Json::Bool(_) => 5,
        Json::Number(number) => number_length(*number),
        Json::String(text) => text.len() + 2,
        Json::Array(_) | Json::Object(_) => 2,
    }
}

/// Cuts each member to its own limit, and all together to that of `extra`.
fn trim_bags(bytes: usize, depth: usize, value: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    let Json::Object(object) = value else { return };
    let original = object.len();
    let mut left = EXTRA_BYTES;
    object.retain(|key, member| {
        let fits = left > 0;
        if fits {
            fill_bag(bytes.min(left), depth - 1, member, notes, &path.key(key));
            left = left.saturating_sub(size(member, usize::MAX).unwrap_or(left));
        }
        fits
    });
    if object.len() < original {
        notes.shortened(path, original);
    }
}

/// Cuts a text to `max` characters, an ellipsis included.
fn cut(value: &mut Json<'_>, max: usize, notes: &mut Notes, path: &Path<'_>) {
    let Json::String(text) = value else { return };
    let original = text.chars().count();
    let kept = max.saturating_sub(ELLIPSIS.len());
    let end = text
        .char_indices()
        .nth(kept)
        .map_or(text.len(), |(at, _)| at);
    let short = format!("{}{ELLIPSIS}", &text[..end]);
    notes.cut(path, end, short.len(), original);
    *value = Json::from(short);
}

/// A container that is filled value by value until its bytes are used up. Keys are not counted: they are the
/// program's, and few.
struct Bag {
    left: usize,
}

impl Bag {
    /// Fits a value in that may nest `depth` levels: containers at the last level become their JSON text.
    fn fill(&mut self, value: &mut Json<'_>, depth: usize, notes: &mut Notes, path: &Path<'_>) {
        if depth <= 1 && is_filled(value) {
            *value = json::to_string(value).into();
        }
        let mut index = 0;
        match value {
            Json::Array(items) => {
                let original = items.len();
                items.retain_mut(|item| {
                    let fits = self.fill_member(item, depth, notes, &path.index(index));
                    index += 1;
                    fits
                });
                note_shortened(notes, path, original, items.len());
            }
            Json::Object(object) => {
                let original = object.len();
                object.retain(|key, member| self.fill_member(member, depth, notes, &path.key(key)));
                note_shortened(notes, path, original, object.len());
            }
            Json::String(text) if is_longer(text, self.left) => cut(value, self.left, notes, path),
            _ => {}
        }
        self.left = self.left.saturating_sub(own_size(value));
    }

    /// Fits a member in; says whether there was room.
    fn fill_member(
        &mut self,
        member: &mut Json<'_>,
        depth: usize,
        notes: &mut Notes,
        path: &Path<'_>,
    ) -> bool {
        let fits = self.left > 0;
        if fits {
            self.fill(member, depth - 1, notes, path);
        }
        fits
    }
}

fn note_shortened(notes: &mut Notes, path: &Path<'_>, original: usize, kept: usize) {
    if kept < original {
        notes.shortened(path, original);
    }
}

fn is_filled(value: &Json<'_>) -> bool {
    match value {
        Json::Array(items) => !items.is_empty(),
        Json::Object(object) => !object.is_empty(),
        _ => false,
    }
}

/// The digits of an integer; floats are taken at their longest.
fn number_length(number: json::Number) -> usize {
    match number {
        json::Number::Unsigned(n) => n.checked_ilog10().unwrap_or(0) as usize + 1,
        json::Number::Signed(n) => n.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 2,
        json::Number::Float(_) => 17,
    }
}

/// Keeps the outermost and the innermost frames, and details for those that are likely to be looked at.
fn trim_frames(trace: &mut Object<'_>, notes: &mut Notes, path: &Path<'_>) {
    let path = path.key("frames");
    let Some(Json::Array(frames)) = trace.get_mut("frames") else {
        return;
    };
    if frames.len() > MAX_FRAMES {
        let original = frames.len();
        let inner = original - (MAX_FRAMES - OUTER_FRAMES);
        frames.drain(OUTER_FRAMES..inner);
        notes.reorder(&path, (0..OUTER_FRAMES).chain(inner..original));
        notes.shortened(&path, original);
    }
    strip_middle(frames);
    trim_items(&FRAME, frames, notes, &path);
}

/// Takes the details from frames of the middle, the application's own last.
fn strip_middle(frames: &mut [Json<'_>]) {
    if frames.len() <= MAX_DETAILED_FRAMES {
        return;
    }
    let (in_app, system): (Vec<usize>, Vec<usize>) =
        (0..frames.len()).partition(|&index| is_in_app(&frames[index]));
    let for_system = MAX_DETAILED_FRAMES.saturating_sub(in_app.len());
    for (indexes, kept) in [(system, for_system), (in_app, MAX_DETAILED_FRAMES)] {
        let outer = kept / 2;
        let stripped = indexes.len().saturating_sub(kept);
        for &index in indexes.iter().skip(outer).take(stripped) {
            if let Json::Object(frame) = &mut frames[index] {
                frame.retain(|key, _| !DETAILS.contains(&key));
            }
        }
    }
}

/// The members of a frame that only its own view shows.
const DETAILS: [&str; 3] = ["vars", "pre_context", "post_context"];

fn is_in_app(frame: &Json<'_>) -> bool {
    frame.get("in_app").and_then(Json::as_bool).unwrap_or(false)
}
