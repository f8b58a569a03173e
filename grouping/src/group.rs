//! Builds the variants of an event and picks those that contribute.

use bugle_protocol::Event;
use bugle_protocol::event::Stacktrace;

use crate::chain::Chain;
use crate::classify;
use crate::exception::ExceptionPart;
use crate::fingerprint::{self, Custom, DEFAULT};
use crate::message;
use crate::result::{
    GroupHash, Grouping, GroupingVersion, Leaf, LeafKind, Variant, VariantKind, VariantName,
};
use crate::rules::Rules;
use crate::security::Report;
use crate::stack::{Stack, View};
use crate::title;

const TAKES_PRECEDENCE: &str = "something more specific takes precedence";

/// Computes the hashes of a classified event, with what they were made of, and how its issue is to be shown.
///
/// Run [`crate::classify()`] first. Pure: the same event and rules always give the same answer, and no event is refused;
/// one without anything to go by gets the [`VariantName::Fallback`] hash.
#[must_use]
pub fn group(event: &Event<'_>, rules: &Rules) -> Grouping {
    let resolved = fingerprint::resolve(event, rules);
    let mut found = Found::default();
    match checksum(event) {
        Some(variant) => found.variants.push(variant),
        None => {
            found = default_variants(event, rules);
            if let Some(custom) = &resolved.custom {
                apply_fingerprint(&mut found.variants, custom);
            }
            if !found.variants.iter().any(Variant::contributes) {
                found.variants.push(fallback());
            }
        }
    }
    let appearance = title::appearance(event, found.main_exception, resolved.title);
    Grouping {
        version: GroupingVersion::CURRENT,
        variants: found.variants,
        title: appearance.title,
        culprit: title::culprit(event),
        location: appearance.location,
        metadata: appearance.metadata,
        fingerprint_rule: resolved.rule,
        main_exception: found.main_exception,
    }
}

/// Variants, and what was learned on the way to them.
#[derive(Default)]
struct Found {
    variants: Vec<Variant>,
    main_exception: Option<usize>,
}

/// A checksum ends everything. One of 32 hex digits is taken for what other tools compute, any other is only a text.
fn checksum(event: &Event<'_>) -> Option<Variant> {
    let checksum = event.get_str("checksum").filter(|c| !c.is_empty())?;
    let is_digit = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let name = match checksum.len() == 32 && checksum.bytes().all(is_digit) {
        true => VariantName::Checksum,
        false => VariantName::HashedChecksum,
    };
    let values = vec![Leaf::new(LeafKind::Checksum, checksum)];
    Some(Variant::contributing(name, VariantKind::Checksum, values))
}

fn fallback() -> Variant {
    Variant::contributing(VariantName::Fallback, VariantKind::Fallback, Vec::new())
}

/// Tries the strategies from the most to the least specific; the first that has something to hash silences the rest.
fn default_variants(event: &Event<'_>, rules: &Rules) -> Found {
    let mut found = exception_variants(event, rules);
    let strategies: [fn(&Event<'_>, &Rules) -> Vec<Variant>; 5] = [
        thread_variants,
        stacktrace_variants,
        template_variants,
        security_variants,
        message_variants,
    ];
    for strategy in strategies {
        let decided = found.variants.iter().any(Variant::contributes);
        for variant in strategy(event, rules) {
            found.variants.push(match decided {
                true => Variant::silent(variant.name, variant.kind, TAKES_PRECEDENCE),
                false => variant,
            });
        }
    }
    found
}

fn exception_variants(event: &Event<'_>, rules: &Rules) -> Found {
    let parts: Vec<ExceptionPart<'_>> = event
        .exceptions()
        .map(|exception| ExceptionPart::new(exception, event.platform(), rules))
        .collect();
    if parts.is_empty() {
        return Found::default();
    }
    let chain = Chain::new(event, &parts);
    let chosen: Vec<&ExceptionPart<'_>> = chain.order.iter().map(|i| &parts[*i]).collect();
    let kind = match chosen.len() {
        1 => VariantKind::Exception,
        _ => VariantKind::ChainedException,
    };
    let views = Views {
        kind,
        exists: View::BOTH.map(|view| chosen.iter().any(|part| part.is_in(view))),
        has_stack: View::BOTH.map(|view| chosen.iter().any(|part| part.has_stack(view))),
        agree: chosen
            .iter()
            .all(|part| part.stack.as_ref().is_some_and(Stack::views_agree)),
    };
    Found {
        variants: views.variants(|view, out| {
            chosen.iter().for_each(|part| part.collect(view, out));
        }),
        main_exception: chain.main,
    }
}

fn thread_variants(event: &Event<'_>, rules: &Rules) -> Vec<Variant> {
    if event.threads().next().is_none() {
        return Vec::new();
    }
    let Some(thread) = classify::main_thread(event) else {
        let hint = "no single thread stands for the event";
        return vec![Variant::silent(
            VariantName::App,
            VariantKind::Threads,
            hint,
        )];
    };
    stack_variants(event, VariantKind::Threads, thread.stacktrace(), rules)
}

fn stacktrace_variants(event: &Event<'_>, rules: &Rules) -> Vec<Variant> {
    stack_variants(event, VariantKind::Stacktrace, event.stacktrace(), rules)
}

fn stack_variants(
    event: &Event<'_>,
    kind: VariantKind,
    stacktrace: Option<Stacktrace<'_, '_>>,
    rules: &Rules,
) -> Vec<Variant> {
    let Some(stacktrace) = stacktrace else {
        return Vec::new();
    };
    let stack = Stack::new(stacktrace, None, event.platform(), rules);
    let views = Views {
        kind,
        exists: [true, true],
        has_stack: View::BOTH.map(|view| stack.counts(view)),
        agree: stack.views_agree(),
    };
    views.variants(|view, out| stack.collect(view, out))
}

fn template_variants(event: &Event<'_>, _: &Rules) -> Vec<Variant> {
    simple_variant(VariantKind::Template, message::template_values(event))
}

fn security_variants(event: &Event<'_>, _: &Rules) -> Vec<Variant> {
    Report::of(event).map_or_else(Vec::new, |report| {
        simple_variant(report.kind(), report.values())
    })
}

fn message_variants(event: &Event<'_>, _: &Rules) -> Vec<Variant> {
    simple_variant(VariantKind::Message, message::message_values(event))
}

fn simple_variant(kind: VariantKind, values: Vec<Leaf>) -> Vec<Variant> {
    match values.is_empty() {
        true => Vec::new(),
        false => vec![Variant::contributing(VariantName::Default, kind, values)],
    }
}

/// What is known of the two views of stack traces before their values are collected. Arrays are indexed by [`View`].
struct Views {
    kind: VariantKind,
    /// Whether there is anything to look at.
    exists: [bool; 2],
    /// Whether a stack trace counts.
    has_stack: [bool; 2],
    /// Whether both are known to hold the same values.
    agree: bool,
}

impl Views {
    /// The app and the system variant. Both may contribute; if only one has a counting stack trace, the other would
    /// glue unrelated crashes together by type and message and is silenced.
    fn variants(&self, collect: impl Fn(View, &mut Vec<Leaf>)) -> Vec<Variant> {
        let [app_exists, system_exists] = self.exists;
        let mut variants = Vec::with_capacity(2);
        if app_exists {
            variants.push(self.variant(View::App, VariantName::App, &collect));
        }
        if !system_exists {
            return variants;
        }
        let app_hash = variants.first().and_then(|app| app.hash);
        let same = "the same as the app variant";
        if self.agree && app_hash.is_some() {
            variants.push(Variant::silent(VariantName::System, self.kind, same));
            return variants;
        }
        let system = self.variant(View::System, VariantName::System, &collect);
        variants.push(match system.hash.is_some() && system.hash == app_hash {
            true => Variant::silent(VariantName::System, self.kind, same),
            false => system,
        });
        variants
    }

    fn variant(
        &self,
        view: View,
        name: VariantName,
        collect: &impl Fn(View, &mut Vec<Leaf>),
    ) -> Variant {
        let [app, system] = self.has_stack;
        let (mine, other) = match view {
            View::App => (app, system),
            View::System => (system, app),
        };
        if other && !mine {
            let hint = match view {
                View::App => "only the system variant has a stack trace that counts",
                View::System => "only the app variant has a stack trace that counts",
            };
            return Variant::silent(name, self.kind, hint);
        }
        let mut values = Vec::with_capacity(32);
        collect(view, &mut values);
        match values.is_empty() {
            true => Variant::silent(name, self.kind, "nothing in it counts"),
            false => Variant::contributing(name, self.kind, values),
        }
    }
}

/// Replaces the contributing variants by the fingerprint, or hashes them as part of it.
fn apply_fingerprint(variants: &mut Vec<Variant>, custom: &Custom) {
    if custom.is_hybrid() {
        for variant in variants.iter_mut().filter(|v| v.contributes()) {
            make_hybrid(variant, custom);
        }
        return;
    }
    for variant in variants.iter_mut().filter(|v| v.contributes()) {
        *variant = Variant::silent(
            variant.name,
            variant.kind,
            "the fingerprint takes precedence",
        );
    }
    let leaf = |entry: &String| Leaf::new(LeafKind::Fingerprint, entry.as_str());
    let values = custom.entries.iter().map(leaf).collect();
    let variant = Variant::contributing(custom.source, VariantKind::Fingerprint, values);
    variants.insert(0, variant);
}

fn make_hybrid(variant: &mut Variant, custom: &Custom) {
    let mut values = Vec::with_capacity(variant.values.len() + custom.entries.len());
    for entry in &custom.entries {
        match entry.as_str() {
            DEFAULT => values.extend(variant.values.iter().map(|leaf| leaf.value.as_str())),
            entry => values.push(entry),
        }
    }
    variant.hash = Some(GroupHash::of(values));
    variant.fingerprint = Some(custom.entries.clone());
}
