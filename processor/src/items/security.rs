//! Reports that browsers send by themselves when a page breaks its own security policy: each becomes an event.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{DataCategory, DiscardReason, Event, EventId, Item, ItemType};
use sha2::{Digest as _, Sha256};

use super::event::{self, Kind};
use super::json::{object, text};
use super::{csp, network_error};
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Characters kept of a text of a report.
const MAX_TEXT: usize = 4096;

/// Reports of certificates, in their older forms: what they are wrapped in, the event's interface and type, and what they
/// say before the host's name.
const CERTIFICATES: [(&str, &str, &str); 2] = [
    ("expect-ct-report", "expectct", "Expect-CT failed for"),
    (
        "expect-staple-report",
        "expectstaple",
        "Expect-Staple failed for",
    ),
];

/// Members of reports on certificates that are kept: the certificates themselves are long and of no use on a page.
const CERTIFICATE_MEMBERS: [&str; 12] = [
    "date-time",
    "hostname",
    "port",
    "scheme",
    "effective-expiration-date",
    "expiration-date",
    "include-subdomains",
    "noted-hostname",
    "known-pins",
    "response-status",
    "cert-status",
    "failure-mode",
];

/// Makes an event of one report.
pub(super) fn process(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let mut report = object(item.payload)?;
    if let Some(Json::Object(body)) = report.remove("csp-report") {
        return csp_event(arrival, item, body, None, rules);
    }
    for (wrapper, interface, failed) in CERTIFICATES {
        if let Some(Json::Object(body)) = report.remove(wrapper) {
            return certificate_event(arrival, item, body, (interface, failed), rules);
        }
    }
    if report.contains_key("known-pins") {
        let kind = ("hpkp", "Public key pinning failed for");
        return certificate_event(arrival, item, report, kind, rules);
    }
    let ty = report.get_str("type").map(str::to_owned);
    match (ty.as_deref(), report.remove("body")) {
        (Some("csp-violation"), Some(Json::Object(body))) => {
            let body = with_document(body, &report);
            csp_event(arrival, item, body, Some(&report), rules)
        }
        (Some("network-error"), _) => network_error::process(arrival, item, rules),
        // Other reports of the same interface: deprecations, interventions, crashes of pages.
        (Some(_), Some(Json::Object(_))) => Err(Refusal::unsupported()),
        _ => Err(unknown_form()),
    }
}

/// Takes an event that holds a report already, as another server passes it on.
pub(super) fn process_event(
    arrival: &Arrival<'_>,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let kind = Kind {
        category: DataCategory::Security,
        event_type: None,
    };
    let mut event = event::parse(payload)?;
    not_a_transaction(&mut event);
    event::build(arrival, event, kind, rules)
}

/// An item of another type cannot hold a transaction, whatever its payload says.
pub(super) fn not_a_transaction(event: &mut Event<'_>) {
    if event.event_type() == "transaction" {
        event.fields.remove("type");
    }
}

fn unknown_form() -> Refusal {
    let detail =
        "expected a report of CSP, HPKP, Expect-CT or Expect-Staple, or one of the Reporting API";
    Refusal::invalid(DiscardReason::SecurityReport, detail)
}

/// The Reporting API says the page beside the body, too.
fn with_document<'a>(mut body: Object<'a>, report: &Object<'a>) -> Object<'a> {
    if body.get("documentURL").is_none()
        && let Some(url) = report.get("url")
    {
        body.insert("documentURL", url.clone());
    }
    body
}

fn csp_event(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    body: Object<'_>,
    report: Option<&Object<'_>>,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let csp = csp::interface(body).ok_or_else(|| {
        let detail = "the CSP report names no directive";
        Refusal::invalid(DiscardReason::SecurityReport, detail)
    })?;
    let mut event = common(arrival, item, report);
    event.insert("logger", "csp");
    event.insert("logentry", formatted(csp::message(&csp)));
    event.insert("tags", csp::tags(&csp));
    if let Some(directive) = text(csp.get("violated_directive"), MAX_TEXT) {
        event.insert("culprit", directive);
    }
    let mut request = Object::new();
    if let Some(url) = text(csp.get("document_uri"), MAX_TEXT) {
        request.insert("url", url);
    }
    let mut headers = Object::new();
    if let Some(referrer) = text(csp.get("referrer"), MAX_TEXT) {
        headers.insert("Referer", referrer);
    }
    if let Some(user_agent) = report.and_then(|report| text(report.get("user_agent"), MAX_TEXT)) {
        headers.insert("User-Agent", user_agent);
    }
    if !headers.is_empty() {
        request.insert("headers", headers);
    }
    event.insert("request", request);
    event.insert("csp", csp);
    build(arrival, event, None, rules)
}

fn certificate_event(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    mut body: Object<'_>,
    (interface, failed): (&'static str, &'static str),
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let host = text(body.get("hostname"), MAX_TEXT).ok_or_else(|| {
        Refusal::invalid(
            DiscardReason::SecurityReport,
            "the report names no hostname",
        )
    })?;
    let mut report = Object::new();
    for name in CERTIFICATE_MEMBERS {
        if let Some(value) = body.remove(name).filter(|value| !value.is_null()) {
            report.insert(name.replace('-', "_"), value);
        }
    }
    let mut event = common(arrival, item, None);
    event.insert("logger", "csp");
    event.insert("logentry", formatted(format!("{failed} '{host}'")));
    event.insert("tags", Object::from_iter([("hostname", host.clone())]));
    event.insert("culprit", host);
    let mut request = Object::new();
    if let Some(user_agent) = &arrival.head.user_agent {
        let headers = Object::from_iter([("User-Agent", user_agent.clone())]);
        request.insert("headers", headers);
    }
    event.insert("request", request);
    event.insert(interface, report);
    build(arrival, event, Some(interface), rules)
}

/// What every report's event has: release and environment, which the report's address names, and the browser's own address.
pub(super) fn common<'a>(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    report: Option<&Object<'_>>,
) -> Object<'a> {
    let mut event = Object::new();
    for (name, header) in [
        ("release", "sentry_release"),
        ("environment", "sentry_environment"),
    ] {
        if let Some(value) = item
            .header
            .get_str(header)
            .filter(|value| !value.is_empty())
        {
            event.insert(name, value.to_owned());
        }
    }
    if arrival.head.client_ip.is_some() {
        event.insert("user", Object::from_iter([("ip_address", "{{auto}}")]));
    }
    // Browsers gather reports, and send them with their age in milliseconds.
    let age = report.and_then(|report| report.get("age")?.as_f64());
    if let Some(age) = age.filter(|age| *age > 0.0) {
        event.insert(
            "timestamp",
            arrival.head.received_at.as_seconds() - age / 1000.0,
        );
    }
    event
}

pub(super) fn formatted(message: String) -> Object<'static> {
    Object::from_iter([("formatted", message)])
}

/// The ids of the events that an envelope's reports become. A report may have its own id in the item's header. The first of
/// those without one has the envelope's, unless an event or a feedback has it; the others get one that is the same however
/// often the envelope comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportIds {
    envelope_id: Option<EventId>,
    /// The place of the report that has the envelope's id.
    heir: Option<usize>,
}

impl ReportIds {
    /// The ids of an envelope's reports; `is_taken` says whether something else has its id.
    pub(crate) fn new(envelope_id: Option<EventId>, items: &[Item<'_>], is_taken: bool) -> Self {
        let unnamed = |item: &Item<'_>| is_report(item) && own_id(item).is_none();
        let heir = items.iter().position(unnamed).filter(|_| !is_taken);
        Self { envelope_id, heir }
    }

    /// The id of the item at `index`, if it is a report and the envelope has an id.
    pub(crate) fn of(&self, item: &Item<'_>, index: usize) -> Option<EventId> {
        if !is_report(item) {
            return None;
        }
        let inherited = || {
            let id = self.envelope_id?;
            Some(if self.heir == Some(index) {
                id
            } else {
                derived(id, index)
            })
        };
        own_id(item).or_else(inherited)
    }
}

fn is_report(item: &Item<'_>) -> bool {
    matches!(item.header.item_type, ItemType::RawSecurity | ItemType::Nel)
}

fn own_id(item: &Item<'_>) -> Option<EventId> {
    item.header.get_str("event_id")?.parse().ok()
}

fn derived(envelope_id: EventId, index: usize) -> EventId {
    let hash = Sha256::new()
        .chain_update(envelope_id.as_bytes())
        .chain_update((index as u64).to_be_bytes())
        .finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    EventId::from_bytes(id)
}

/// Builds the event of a report.
pub(super) fn build(
    arrival: &Arrival<'_>,
    fields: Object<'_>,
    event_type: Option<&'static str>,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let kind = Kind {
        category: DataCategory::Security,
        event_type,
    };
    event::build(arrival, Event { fields }, kind, rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::Envelope;

    #[test]
    fn each_report_has_an_id_that_stays() {
        let own = EventId::from_bytes([7; 16]);
        let bytes = format!(
            "{{}}\n{{\"type\":\"attachment\"}}\n{{}}\n{{\"type\":\"raw_security\",\"event_id\":\"{own}\"}}\n{{}}\n\
             {{\"type\":\"raw_security\"}}\n{{}}\n{{\"type\":\"raw_security\"}}\n{{}}\n{{\"type\":\"nel\"}}\n{{}}\n"
        );
        let items = Envelope::parse(bytes.as_bytes()).unwrap().items;
        let ids = |envelope_id, is_taken| {
            let ids = ReportIds::new(envelope_id, &items, is_taken);
            let id = |index: usize| ids.of(&items[index], index);
            [id(0), id(1), id(2), id(3), id(4)]
        };
        let envelope_id = Some(EventId::from_bytes([1; 16]));
        let [file, named, first, second, third] = ids(envelope_id, false);
        assert_eq!((file, named, first), (None, Some(own), envelope_id));
        assert!(second.is_some() && third.is_some());
        assert!(second != third && second != first && third != first);
        assert_eq!(ids(envelope_id, false)[3..], [second, third]);
        assert_ne!(ids(Some(own), false)[3], second, "of another envelope");
        assert_ne!(ids(envelope_id, true)[2], envelope_id, "an event has it");
        assert_eq!(ids(None, false), [None, Some(own), None, None, None]);
    }
}
