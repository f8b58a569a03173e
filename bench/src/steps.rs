//! What the steps of processing cost on one core, each by itself, for events as clients sent them.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bugle_grouping::{classify, group};
use bugle_processor::normalize::{Context, Settings, normalize};
use bugle_protocol::{Envelope, Event, ItemType, UnixMillis};
use bugle_rules::{Documents, Facts, ProjectRules, Sender};

use crate::event;

/// The steps in the order of an event's road. Those up to `scrub` have a bound of their own.
const STEPS: [&str; 7] = [
    "parse",
    "normalise",
    "filter",
    "scrub",
    "group",
    "write",
    "compress",
];
const BOUNDED: usize = 4;

/// Sizes of the events that are measured, in bytes: what Django applications send.
const SIZES: std::ops::RangeInclusive<usize> = 12_000..=45_000;

/// Every filter switched on, with rules of a team's own, and addresses scrubbed: more than most projects have.
const FILTERS: &str = r##"{"webCrawlers":true,"localhost":false,"browserExtensions":true,
    "legacyBrowsers":["ie","safari","firefox","chrome","edge","opera","android","opera_mini"],
    "addresses":["192.0.2.0/24","2001:db8:ffff::/48"],"releases":["shop@0.*"],"errorMessages":["*out of disk*"],
    "rules":"error.type:[DisallowedHost, SuspiciousOperation] -> drop\nrequest.url:[*/favicon.ico, */robots.txt, *.env] -> drop\nrequest.user_agent:[*crawler*, *spider*, *scraper*] -> drop"}"##;
const SAMPLING: &str = r#"{"rules":"event.type:error level:debug -> sample 0.1"}"#;
const TAGS: &str = r#"{"rules":"environment:production -> tag tier=critical"}"#;
const SCRUBBING: &str = r#"{"scrubData":true,"scrubDefaults":true,"scrubIpAddresses":true}"#;

/// Measures and prints the median of each step over all events and rounds.
pub(crate) fn run(captures: Option<&Path>, rounds: usize) -> anyhow::Result<()> {
    let documents = Documents {
        scrubbing: Some(SCRUBBING),
        filters: Some(FILTERS),
        sampling: Some(SAMPLING),
        tags: Some(TAGS),
        ..Documents::default()
    };
    let (rules, problems) = ProjectRules::compile(&documents);
    anyhow::ensure!(
        problems.is_empty(),
        "the rules do not compile: {problems:?}"
    );
    let made: Vec<_> = (0..100)
        .map(|n| event::envelope(n, 1).into_bytes())
        .collect();
    measure("made events", &payloads(&made), &rules, rounds);
    if let Some(folder) = captures {
        let mut envelopes = Vec::new();
        read_folder(folder, &mut envelopes)?;
        measure("captured events", &payloads(&envelopes), &rules, rounds);
    }
    Ok(())
}

fn read_folder(folder: &Path, envelopes: &mut Vec<Vec<u8>>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("could not read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(&path, envelopes)?;
        } else if path.extension().is_some_and(|kind| kind == "envelope") {
            envelopes.push(fs::read(&path)?);
        }
    }
    Ok(())
}

/// The events of envelopes that are of the usual size.
fn payloads(envelopes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let parsed = envelopes
        .iter()
        .filter_map(|body| Envelope::parse(body).ok());
    let items = parsed.flat_map(|envelope| envelope.items);
    items
        .filter(|item| item.header.item_type == ItemType::Event)
        .map(|item| item.payload.to_vec())
        .filter(|payload| SIZES.contains(&payload.len()))
        .collect()
}

fn measure(name: &str, payloads: &[Vec<u8>], rules: &ProjectRules, rounds: usize) {
    if payloads.is_empty() {
        println!(
            "{name}: none between {} and {} bytes",
            SIZES.start(),
            SIZES.end()
        );
        return;
    }
    let mut times: [Vec<f64>; STEPS.len()] = Default::default();
    let (mut bounded, mut all) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        for payload in payloads {
            let steps = walk(payload, rules);
            // The first round only warms up.
            if round == 0 {
                continue;
            }
            for (list, step) in times.iter_mut().zip(steps) {
                list.push(micros(step));
            }
            bounded.push(micros(steps[..BOUNDED].iter().sum()));
            all.push(micros(steps.iter().sum()));
        }
    }
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    println!(
        "{name}: {} of {:.1} kB in the mean, {rounds} rounds, medians in us",
        payloads.len(),
        bytes as f64 / payloads.len() as f64 / 1000.0
    );
    let total = median(&mut bounded);
    for (place, (step, list)) in STEPS.iter().zip(&mut times).enumerate() {
        let time = median(list);
        if place < BOUNDED {
            println!("  {step:10} {time:7.1}  {:3.0} %", 100.0 * time / total);
        } else {
            println!("  {step:10} {time:7.1}");
        }
    }
    println!(
        "  parse to scrub {total:.1}, everything {:.1}",
        median(&mut all)
    );
}

/// One event down its road; how long each step took.
fn walk(payload: &[u8], rules: &ProjectRules) -> [Duration; STEPS.len()] {
    let mut watch = Watch::new();
    let event = Event::parse(payload).expect("captured events are JSON");
    watch.lap(0);
    let now = UnixMillis::now();
    let context = Context {
        received_at: now,
        ..Context::default()
    };
    let mut event = normalize(event, &context, &Settings::default()).expect("errors are taken");
    watch.lap(1);
    let facts = Facts::new(event.event(), Sender::default(), now);
    let hit = rules.filters.first_hit(&facts);
    let draw = rules.sampling.draw(&facts);
    let tags = rules.tags.matching(&facts).count();
    assert!(hit.is_none(), "the events are no noise: {hit:?}");
    black_box((draw, tags));
    watch.lap(2);
    let (tree, meta) = event.parts_mut();
    rules.scrubber.scrub(tree, meta);
    watch.lap(3);
    let grouping_rules = bugle_grouping::Rules::default();
    classify(tree, &grouping_rules);
    black_box(group(tree, &grouping_rules));
    watch.lap(4);
    let text = event.to_json();
    watch.lap(5);
    black_box(bugle_store::compress(text.as_bytes()).expect("memory takes every byte"));
    watch.lap(6);
    watch.laps
}

/// A watch that is read after each step.
struct Watch {
    last: Instant,
    laps: [Duration; STEPS.len()],
}

impl Watch {
    fn new() -> Self {
        Self {
            last: Instant::now(),
            laps: Default::default(),
        }
    }

    fn lap(&mut self, step: usize) {
        let now = Instant::now();
        self.laps[step] = now - self.last;
        self.last = now;
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
