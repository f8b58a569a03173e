//! Looks for work that grows faster than its input: puts something large into every place of the captured events, one at a time,
//! and shows where an event took longest, beside what half of it takes.
//!
//! `large [KIB [PLACE]]`: how large, 32 KiB unless told; only in places whose path contains PLACE. A place that takes four times as long at twice the size is quadratic.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bugle_fuzz::captures::Captures;
use bugle_fuzz::targets::event;
use bugle_protocol::json::{self, Json, Object};

/// Texts that are repeated; something looks for the beginning of each.
const TEXTS: &[&str] = &[
    "a",
    "1",
    " ",
    "\n",
    "\0",
    "é",
    "%s",
    "{}",
    "{{ default }}",
    "<",
    "(",
    ")",
    "a@",
    "@a.b",
    "://",
    "a:b@",
    "0x",
    "::",
    "..",
    "/",
    "\\",
    "1.",
    "1:",
    "4111 ",
    "078-05-1120 ",
    "key=",
    "a=b&",
    "; ",
    "--",
    "-----BEGIN A-----",
    "Bearer ",
    "SELECT ",
    "\"",
    "'",
    "[[",
    "$",
    "#",
    "at a (b:1:1)\n",
    "10.0.0.1 ",
    "deadbeef",
    "9ec79c33-ec99-42ab-8353-589fcb2e04dc ",
    "2026-11-20T11:16:44Z ",
    "{\"a\":",
    "query { a(b: \"c\") } ",
    "Mozilla/5.0 (",
];

/// One measurement.
struct Measured {
    time: Duration,
    half: Duration,
    place: String,
    filling: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kib = arguments.next().and_then(|kib| kib.parse().ok());
    let kib: usize = kib.unwrap_or(32);
    let wanted = arguments.next().unwrap_or_default();
    let mut places = places();
    places.retain(|place, _| place.contains(&wanted));
    let mut measured = Vec::new();
    for (place, (tree, path)) in &places {
        for filling in 0..TEXTS.len() + LISTS.len() {
            let time = |bytes| {
                let mut tree = tree.clone();
                *at(&mut tree, path) = filled(filling, bytes);
                let input = json::to_string(&tree).into_bytes();
                let started = Instant::now();
                event::run(&input);
                started.elapsed()
            };
            measured.push(Measured {
                half: time(kib * 512),
                time: time(kib * 1024),
                place: place.clone(),
                filling: name(filling),
            });
        }
    }
    measured.sort_by_key(|measured| std::cmp::Reverse(measured.time));
    println!(
        "{} places, {} inputs of {kib} KiB; the slowest:",
        places.len(),
        measured.len()
    );
    for Measured {
        time,
        half,
        place,
        filling,
    } in measured.iter().take(40)
    {
        println!("{time:>10.1?} {half:>10.1?}  {place}  {filling}");
    }
}

type Filling = (&'static str, fn(usize) -> Json<'static>);

/// Lists and objects of so many bytes.
const LISTS: &[Filling] = &[
    ("list of numbers", |bytes| {
        (0..bytes / 2)
            .map(|_| 1_u64.into())
            .collect::<Vec<_>>()
            .into()
    }),
    ("list of texts", |bytes| {
        (0..bytes / 9)
            .map(|n| format!("{n:06}").into())
            .collect::<Vec<_>>()
            .into()
    }),
    ("list of lists", |bytes| {
        (0..bytes / 3)
            .map(|_| Vec::new().into())
            .collect::<Vec<_>>()
            .into()
    }),
    ("list of objects", |bytes| {
        (0..bytes / 3)
            .map(|_| Object::new().into())
            .collect::<Vec<_>>()
            .into()
    }),
    ("list of pairs", |bytes| {
        let pair = |n| vec![Json::from(format!("{n:06}")), Json::from("v")].into();
        (0..bytes / 15).map(pair).collect::<Vec<_>>().into()
    }),
    ("list of frames", |bytes| {
        let frame = |n| {
            Object::from_iter([
                ("function", Json::from(format!("f{n}"))),
                ("lineno", (n as u64).into()),
            ])
            .into()
        };
        (0..bytes / 32).map(frame).collect::<Vec<_>>().into()
    }),
    ("list of exceptions", |bytes| {
        let exception = |n| {
            Object::from_iter([("type", Json::from(format!("E{n}"))), ("value", "v".into())]).into()
        };
        (0..bytes / 32).map(exception).collect::<Vec<_>>().into()
    }),
    ("object", |bytes| {
        Object::from_iter((0..bytes / 12).map(|n| (format!("{n:06}"), 1_u64))).into()
    }),
    ("object of objects", |bytes| {
        Object::from_iter((0..bytes / 12).map(|n| (format!("{n:06}"), Object::new()))).into()
    }),
];

fn name(filling: usize) -> String {
    match TEXTS.get(filling) {
        Some(text) => format!("{text:?}"),
        None => LISTS[filling - TEXTS.len()].0.to_owned(),
    }
}

fn filled(filling: usize, bytes: usize) -> Json<'static> {
    match TEXTS.get(filling) {
        Some(text) => text.repeat(bytes / text.len()).into(),
        None => LISTS[filling - TEXTS.len()].1(bytes),
    }
}

/// Every place of the captured events, with an event that has it; elements of a list are one place.
fn places() -> BTreeMap<String, (Json<'static>, Vec<usize>)> {
    let mut places = BTreeMap::new();
    for seed in event::seeds(&Captures::read()) {
        if let Ok(tree) = json::parse(&seed).map(Json::into_owned) {
            collect(&tree, &tree, String::new(), &mut Vec::new(), &mut places);
        }
    }
    places
}

fn collect(
    tree: &Json<'static>,
    node: &Json<'static>,
    place: String,
    path: &mut Vec<usize>,
    places: &mut BTreeMap<String, (Json<'static>, Vec<usize>)>,
) {
    if !path.is_empty() {
        places
            .entry(place.clone())
            .or_insert_with(|| (tree.clone(), path.clone()));
    }
    let children: Vec<(String, &Json<'static>)> = match node {
        Json::Array(items) => items
            .first()
            .map(|item| (format!("{place}[]"), item))
            .into_iter()
            .collect(),
        // Variables and headers are all alike: some are enough.
        Json::Object(object) => object
            .iter()
            .map(|(key, value)| (format!("{place}.{key}"), value))
            .take(60)
            .collect(),
        _ => Vec::new(),
    };
    for (index, (place, child)) in children.into_iter().enumerate() {
        path.push(index);
        collect(tree, child, place, path, places);
        path.pop();
    }
}

/// The node at a path of indices.
fn at<'t>(tree: &'t mut Json<'static>, path: &[usize]) -> &'t mut Json<'static> {
    path.iter().fold(tree, |node, index| match node {
        Json::Array(items) => &mut items[*index],
        Json::Object(object) => {
            object
                .iter_mut()
                .nth(*index)
                .expect("the path is of this tree")
                .1
        }
        node => node,
    })
}
