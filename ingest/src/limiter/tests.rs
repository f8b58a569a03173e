//! The counters with a clock of their own.

use bugle_protocol::rate_limit::rate_limits_header;
use bugle_protocol::{
    Charge, DataCategory, KeyId, LimitReason, OrganizationId, ProjectId, QuotaId, UnixMillis,
};
use bugle_store::Quota;
use proptest::prelude::*;

use super::counters::Counters;
use super::verdict::Verdict;

use DataCategory::{
    Attachment, AttachmentItem, ClientReport, Error, Monitor, Profile, Session, Span, Transaction,
};

/// A window's begin, whatever its length.
const START: UnixMillis = UnixMillis(0);

fn quota(id: i64, categories: &[DataCategory], quantity: u64, window_seconds: u64) -> Quota {
    Quota {
        id: QuotaId(id),
        organization_id: OrganizationId(1),
        project_id: Some(ProjectId(1)),
        key_id: None,
        categories: categories.to_vec(),
        quantity,
        window_seconds,
        reason: LimitReason::ProjectQuota,
        created_at: UnixMillis(7),
    }
}

/// Items of one charge each.
fn items(charges: &[(DataCategory, u64)]) -> Vec<Vec<Charge>> {
    let of_item = |&(category, quantity)| vec![Charge { category, quantity }];
    charges.iter().map(of_item).collect()
}

fn file(bytes: u64) -> Vec<Charge> {
    [(Attachment, bytes), (AttachmentItem, 1)]
        .map(|(category, quantity)| Charge { category, quantity })
        .to_vec()
}

fn limited(verdict: &Verdict) -> Vec<usize> {
    verdict.limited.iter().map(|limited| limited.item).collect()
}

fn seconds(n: i64) -> UnixMillis {
    UnixMillis(n * 1000)
}

#[test]
fn a_window_takes_its_quantity_and_the_next_begins_anew() {
    let quotas = [quota(1, &[Error], 2, 60)];
    let mut counters = Counters::default();
    for (at, is_taken, header) in [
        (0, true, ""),
        (10, true, ""),
        (59, false, "1:error:project:project_quota"),
        (59, false, "1:error:project:project_quota"),
        (60, true, ""),
        (90, true, ""),
        (91, false, "29:error:project:project_quota"),
        // A clock that is set back a little stays in its window; one that is set back far begins again.
        (59, false, "61:error:project:project_quota"),
        (-600, true, ""),
    ] {
        let verdict = counters.settle(&quotas, &items(&[(Error, 1)]), seconds(at));
        assert_eq!(limited(&verdict).is_empty(), is_taken, "{at}");
        assert_eq!(verdict.refuses_all(), !is_taken, "{at}");
        assert_eq!(rate_limits_header(&verdict.active), header, "{at}");
    }
}

#[test]
fn an_item_is_charged_to_all_quotas_or_to_none() {
    let quotas = [
        quota(1, &[Error], 10, 60),
        quota(2, &[], 3, 3600),
        quota(3, &[Session, Error], 100, 60),
    ];
    let mut counters = Counters::default();
    let request = items(&[(Session, 1), (Error, 1)]);
    assert_eq!(limited(&counters.settle(&quotas, &request, START)), [0; 0]);
    // The event comes first, and takes what is left of the second.
    let verdict = counters.settle(&quotas, &request, START);
    assert_eq!(limited(&verdict), [0]);
    assert_eq!(verdict.charged, items(&[(Error, 1)])[0]);
    assert_eq!(verdict.limited[0].reason, LimitReason::ProjectQuota);
    let used = |n: usize| counters.used(&quotas[n], START);
    assert_eq!((used(0), used(1), used(2)), (Some(2), Some(3), Some(3)));
    assert_eq!(used(0).zip(counters.used(&quotas[0], seconds(60))), None);
}

#[test]
fn the_reason_is_the_limit_that_lasts_longest_and_all_are_told() {
    let mut of_key = quota(2, &[Error, Session], 0, 3600);
    (of_key.key_id, of_key.reason) = (Some(KeyId(1)), LimitReason::KeyQuota);
    let mut of_all = quota(3, &[], 0, 86_400);
    (of_all.project_id, of_all.reason) = (None, LimitReason::OrganizationQuota);
    let quotas = [quota(1, &[Error], 1, 60), of_key, of_all];
    let mut counters = Counters::default();
    let request = items(&[(Error, 2)]);
    let verdict = counters.settle(&quotas, &request, seconds(15));
    assert_eq!(verdict.limited[0].reason, LimitReason::OrganizationQuota);
    let refusal = verdict.refusal();
    assert_eq!(
        refusal.rate_limits,
        "45:error:project:project_quota, 60:error;session:key:key_quota, 60::organization:org_quota"
    );
    assert_eq!(refusal.retry_after_seconds, 60);
}

#[test]
fn what_belongs_to_an_item_goes_along() {
    let quotas = [
        quota(1, &[Error], 0, 60),
        quota(2, &[Transaction], 0, 60),
        quota(3, &[Attachment], 1000, 60),
    ];
    let mut counters = Counters::default();
    let mut event = items(&[(Session, 1), (Error, 1), (ClientReport, 1)]);
    event.insert(0, file(10));
    assert_eq!(limited(&counters.settle(&quotas, &event, START)), [0, 2]);
    assert_eq!(counters.used(&quotas[2], START), None, "not asked for");

    let mut dump = vec![file(10), file(20)];
    dump[1].extend(items(&[(Error, 1)]).remove(0));
    assert_eq!(limited(&counters.settle(&quotas, &dump, START)), [0, 1]);

    let transaction = items(&[(Profile, 1), (Transaction, 1), (Span, 1)]);
    let verdict = counters.settle(&quotas, &transaction, START);
    assert_eq!(limited(&verdict), [0, 1]);
    // Attachments by themselves are taken.
    let verdict = counters.settle(&quotas, &[file(10)], START);
    assert_eq!(limited(&verdict), [0; 0]);
}

#[test]
fn bytes_may_exceed_a_limit_once() {
    let quotas = [quota(1, &[Attachment], 100, 60)];
    let mut counters = Counters::default();
    for (bytes, is_taken) in [(99, true), (5000, true), (1, false)] {
        let verdict = counters.settle(&quotas, &[file(bytes)], START);
        assert_eq!(limited(&verdict).is_empty(), is_taken, "{bytes}");
    }
    let of_items = [quota(2, &[Span], 100, 60)];
    let verdict = counters.settle(&of_items, &items(&[(Span, 101)]), START);
    assert_eq!(limited(&verdict), [0], "a container is taken whole or not");
}

#[test]
fn client_reports_are_never_limited() {
    let quotas = [quota(1, &[], 0, 60)];
    let mut counters = Counters::default();
    let reports = items(&[(ClientReport, 1), (ClientReport, 1)]);
    let verdict = counters.settle(&quotas, &reports, START);
    assert!(verdict.limited.is_empty() && verdict.active.is_empty());
    let mixed = items(&[(ClientReport, 1), (Error, 1)]);
    let verdict = counters.settle(&quotas, &mixed, START);
    assert_eq!(limited(&verdict), [1]);
    assert!(!verdict.refuses_all());
    assert_eq!(
        verdict.hold_back().unwrap().rate_limits,
        "60::project:project_quota"
    );
}

#[test]
fn a_full_limit_that_has_refused_something_is_told_until_it_ends() {
    let quotas = [quota(1, &[Error, Span], 5, 60)];
    let mut counters = Counters::default();
    let mut settle = |charge, at| {
        let verdict = counters.settle(&quotas, &items(&[charge]), seconds(at));
        let told = verdict.hold_back().map(|told| told.retry_after_seconds);
        told.filter(|seconds| *seconds < 3600)
    };
    assert_eq!(settle((Error, 4), 0), None);
    assert_eq!(settle((Span, 3), 1), Some(59));
    assert_eq!(settle((Error, 1), 2), Some(58), "taken, and told");
    assert_eq!(settle((Session, 1), 2), None, "not concerned");
    assert_eq!(settle((Error, 1), 60), None);
}

#[test]
fn a_limit_that_is_raised_is_not_told_any_more() {
    const MONTH: u64 = 30 * 24 * 3600;
    let mut quotas = [quota(1, &[Error], 2, MONTH)];
    let mut counters = Counters::default();
    let mut settle = |quotas: &[Quota], n| {
        let verdict = counters.settle(quotas, &items(&[(Error, n)]), START);
        (limited(&verdict).is_empty(), !verdict.active.is_empty())
    };
    assert_eq!(settle(&quotas, 2), (true, false));
    assert_eq!(settle(&quotas, 1), (false, true));
    quotas[0].quantity = 4;
    assert_eq!(settle(&quotas, 1), (true, false), "raised");
    assert_eq!(settle(&quotas, 1), (true, true), "full again");
    quotas[0].quantity = 1;
    assert_eq!(settle(&quotas, 1), (false, true), "lowered");
}

#[test]
fn what_is_too_large_by_itself_holds_nothing_else_back() {
    let quotas = [quota(1, &[Span], 1000, 3600)];
    let mut counters = Counters::default();
    for (spans, is_taken, is_told) in [
        (500, true, false),
        (600, false, true),
        (10, true, false),
        (490, true, true),
        (1, false, true),
    ] {
        let verdict = counters.settle(&quotas, &items(&[(Span, spans)]), START);
        assert_eq!(limited(&verdict).is_empty(), is_taken, "{spans}");
        assert_eq!(!verdict.active.is_empty(), is_told, "{spans}");
    }
}

#[test]
fn what_is_not_supported_is_told_where_it_is_sent() {
    let mut counters = Counters::default();
    for (charges, header) in [
        (vec![(Error, 1), (ClientReport, 1)], None),
        (
            vec![(Session, 1), (Error, 1), (Transaction, 1)],
            Some("3600:session:organization:unsupported"),
        ),
        (
            vec![(DataCategory::MetricBucket, 1), (Monitor, 1)],
            Some(
                "3600:monitor:organization:unsupported, 3600:metric_bucket:organization:unsupported:custom",
            ),
        ),
    ] {
        let verdict = counters.settle(&[], &items(&charges), START);
        let told = verdict.hold_back().map(|told| told.rate_limits);
        assert_eq!(told.as_deref(), header);
    }
}

#[test]
fn what_could_not_be_kept_is_given_back_within_its_window() {
    let quotas = [quota(1, &[Error], 5, 60), quota(2, &[Error], 50, 3600)];
    let mut counters = Counters::default();
    let verdict = counters.settle(&quotas, &items(&[(Error, 4)]), START);
    counters.refund(&verdict);
    assert_eq!(counters.used(&quotas[0], START), Some(0));
    counters.settle(&quotas, &items(&[(Error, 3)]), seconds(60));
    counters.refund(&verdict);
    assert_eq!(counters.used(&quotas[0], seconds(60)), Some(3));
    assert_eq!(counters.used(&quotas[1], seconds(60)), Some(0));
}

#[test]
fn a_counter_begins_where_the_database_stands() {
    let quotas = [quota(1, &[Error], 5, 60)];
    let mut counters = Counters::default();
    assert_eq!(counters.missing(&quotas).len(), 1);
    counters.begin(&quotas[0], 4, START);
    counters.begin(&quotas[0], 0, START);
    assert!(counters.missing(&quotas).is_empty());
    let verdict = counters.settle(&quotas, &items(&[(Error, 1), (Error, 1)]), START);
    assert_eq!(limited(&verdict), [1]);
    // An id that is used again is another quota.
    let mut later = quotas[0].clone();
    later.created_at = UnixMillis(8);
    assert_eq!(counters.missing(&[later]).len(), 1);
}

#[test]
fn counters_of_windows_that_are_over_are_forgotten() {
    let mut counters = Counters::default();
    for id in 0..5000 {
        counters.begin(&quota(id, &[Error], 5, 60), 1, seconds(id));
    }
    assert!(counters.len() <= 1025);
    assert_eq!(
        counters.used(&quota(4999, &[Error], 5, 60), seconds(4999)),
        Some(1)
    );
}

fn any_category() -> impl Strategy<Value = DataCategory> {
    prop::sample::select(vec![Error, Session, Span, Transaction, Profile, Monitor])
}

fn any_quota(id: i64) -> impl Strategy<Value = Quota> {
    let categories = prop::collection::vec(any_category(), 0..3);
    let window = prop::sample::select(vec![60, 300, 3600]);
    (categories, 0..30_u64, window)
        .prop_map(move |(categories, quantity, window)| quota(id, &categories, quantity, window))
}

fn any_quotas() -> impl Strategy<Value = Vec<Quota>> {
    (any_quota(1), any_quota(2), any_quota(3)).prop_map(|(a, b, c)| vec![a, b, c])
}

proptest! {
    /// A model: whatever is taken within a window is never more than the limit, the counters are what was taken, and what
    /// is refused changes nothing.
    #[test]
    fn no_window_takes_more_than_its_quantity(
        quotas in any_quotas(),
        requests in prop::collection::vec(
            (prop::collection::vec((any_category(), 1..5_u64), 1..6), 0..40_i64, any::<bool>()),
            1..60,
        ),
    ) {
        let mut counters = Counters::default();
        let mut taken: Vec<(i64, Charge)> = Vec::new();
        let mut at = 0;
        for (charges, pause, is_kept) in requests {
            at += pause;
            let items = items(&charges);
            let verdict = counters.settle(&quotas, &items, seconds(at));
            let sum: u64 = verdict.charged.iter().map(|charge| charge.quantity).sum();
            let is_limited = |item: usize| verdict.limited.iter().any(|l| l.item == item);
            let kept: Vec<_> = (0..items.len()).filter(|item| !is_limited(*item)).collect();
            prop_assert_eq!(sum, kept.iter().map(|item| items[*item][0].quantity).sum::<u64>());
            if is_kept {
                taken.extend(kept.iter().map(|item| (at, items[*item][0])));
            } else {
                counters.refund(&verdict);
            }
            for quota in &quotas {
                let slot = quota.slot(seconds(at));
                let counted = taken.iter().filter(|(at, charge)| {
                    quota.slot(seconds(*at)) == slot && quota.counts(charge.category)
                });
                let counted: u64 = counted.map(|(_, charge)| charge.quantity).sum();
                prop_assert!(counted <= quota.quantity);
                if let Some(used) = counters.used(quota, seconds(at)) {
                    prop_assert_eq!(used, counted);
                }
            }
        }
    }
}
