//! The members of a frame that grouping looks at, read in one pass.

use bugle_protocol::event::Frame;
use bugle_protocol::json::Json;

/// The members of a frame, each if it has the right type.
///
/// A frame has a dozen members and each is asked for several times; looking them up one by one in the object is a
/// noticeable part of the cost of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct FrameFields<'x> {
    pub(crate) function: Option<&'x str>,
    pub(crate) raw_function: Option<&'x str>,
    pub(crate) module: Option<&'x str>,
    pub(crate) filename: Option<&'x str>,
    pub(crate) abs_path: Option<&'x str>,
    pub(crate) package: Option<&'x str>,
    pub(crate) platform: Option<&'x str>,
    pub(crate) context_line: Option<&'x str>,
    pub(crate) in_app: Option<bool>,
    /// `in_app` as the client sent it: -1 for not at all, 0 or 1, if classifying changed it.
    client_in_app: Option<i64>,
    pub(crate) lineno: Option<i64>,
    pub(crate) colno: Option<i64>,
    /// The category that classifying gave the frame.
    pub(crate) category: Option<&'x str>,
    /// Whether a source map gave the frame its place.
    pub(crate) source_mapped: bool,
}

impl<'x> FrameFields<'x> {
    /// Reads `frame`.
    pub(crate) fn read(frame: Frame<'x, '_>) -> Self {
        let mut fields = Self::default();
        for (key, value) in frame.0.iter() {
            match key {
                "function" => fields.function = value.as_str(),
                "raw_function" => fields.raw_function = value.as_str(),
                "module" => fields.module = value.as_str(),
                "filename" => fields.filename = value.as_str(),
                "abs_path" => fields.abs_path = value.as_str(),
                "package" => fields.package = value.as_str(),
                "platform" => fields.platform = value.as_str(),
                "context_line" => fields.context_line = value.as_str(),
                "in_app" => fields.in_app = value.as_bool(),
                "lineno" => fields.lineno = value.as_i64(),
                "colno" => fields.colno = value.as_i64(),
                "data" => fields.read_data(value),
                _ => {}
            }
        }
        fields
    }

    fn read_data(&mut self, data: &'x Json<'_>) {
        self.category = data.get_str("category");
        self.client_in_app = data.get("orig_in_app").and_then(Json::as_i64);
        self.source_mapped = data.get("sourcemap").is_some();
    }

    /// The same frame before it was classified.
    pub(crate) fn as_sent(mut self) -> Self {
        self.category = None;
        match self.client_in_app {
            Some(sent @ 0..=1) => self.in_app = Some(sent == 1),
            Some(_) => self.in_app = None,
            None => {}
        }
        self
    }

    /// Whether `self` and `next`, which it calls, are the same call: everything that tells places apart is the same.
    pub(crate) fn is_same_call(&self, next: &Self) -> bool {
        self.lineno == next.lineno
            && self.function == next.function
            && self.colno == next.colno
            && self.module == next.module
            && self.filename == next.filename
            && self.abs_path == next.abs_path
            && self.package == next.package
    }
}
