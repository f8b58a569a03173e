//! Changes of JSON trees: what is of the wrong type, in the wrong place, too often or too deep.

use bugle_protocol::json::{Json, Object};

use super::random::Random;

/// What one mutation needs.
struct Change<'m> {
    trees: &'m [Json<'static>],
    keys: &'m [String],
    words: &'m [Vec<u8>],
    random: &'m mut Random,
}

/// Collects the names of all members.
pub(super) fn keys(tree: &Json<'_>, found: &mut Vec<String>) {
    match tree {
        Json::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Json::Object(object) => {
            for (key, value) in object.iter() {
                found.push(key.to_owned());
                keys(value, found);
            }
        }
        _ => {}
    }
}

/// A tree with some changes, mostly few.
pub(super) fn mutated(
    trees: &[Json<'static>],
    keys: &[String],
    words: &[Vec<u8>],
    random: &mut Random,
) -> Json<'static> {
    let mut tree = random.pick(trees).clone();
    let changes = 1 << random.below(6);
    let mut change = Change {
        trees,
        keys,
        words,
        random,
    };
    for _ in 0..changes {
        let node = change.node(&mut tree);
        change.apply(node);
    }
    tree
}

impl Change<'_> {
    /// Some node of the tree, none of them unlikely.
    fn node<'t>(&mut self, tree: &'t mut Json<'static>) -> &'t mut Json<'static> {
        let children = match tree {
            Json::Array(items) => items.len(),
            Json::Object(object) => object.len(),
            _ => 0,
        };
        if children == 0 || self.random.below(8) == 0 {
            return tree;
        }
        let index = self.random.below(children);
        let child = match tree {
            Json::Array(items) => items.get_mut(index),
            Json::Object(object) => object.iter_mut().nth(index).map(|(_, value)| value),
            _ => None,
        };
        self.node(child.expect("the index is below the length"))
    }

    fn apply(&mut self, node: &mut Json<'static>) {
        match self.random.below(8) {
            0 => *node = self.leaf(),
            1 => *node = self.part(),
            2 => self.wrap(node),
            _ => match node {
                Json::Array(items) => self.change_array(items),
                Json::Object(object) => self.change_object(object),
                Json::String(text) => {
                    let mut bytes = text.as_bytes().to_vec();
                    let seeds = [bytes.clone()];
                    super::bytes::mutate(&mut bytes, &seeds, self.words, self.random);
                    *node = String::from_utf8_lossy(&bytes).into_owned().into();
                }
                node => *node = self.leaf(),
            },
        }
    }

    fn change_array(&mut self, items: &mut Vec<Json<'static>>) {
        let at = self.random.below(items.len() + 1);
        match self.random.below(5) {
            0 => items.truncate(at),
            1 => items.insert(at, self.leaf()),
            2 => items.insert(at, self.part()),
            3 => items.reverse(),
            _ => {
                let part = items[self.random.range(items.len())].to_vec();
                let times = 1 << self.random.below(6);
                items.splice(at..at, part.into_iter().cycle().take(times));
            }
        }
    }

    fn change_object(&mut self, object: &mut Object<'static>) {
        let key = self.key();
        match self.random.below(5) {
            0 => object.truncate(self.random.below(object.len() + 1)),
            1 => drop(object.insert(key, self.leaf())),
            2 => drop(object.insert(key, self.part())),
            3 => drop(object.remove(&key)),
            _ => {
                let index = self.random.below(object.len());
                let old = object.keys().nth(index).map(str::to_owned);
                if let Some(value) = old.and_then(|old| object.remove(&old)) {
                    object.insert(key, value);
                }
            }
        }
    }

    fn wrap(&mut self, node: &mut Json<'static>) {
        for _ in 0..1 << self.random.below(6) {
            *node = if self.random.below(2) == 0 {
                Json::Array(vec![node.take()])
            } else {
                Object::from_iter([(self.key(), node.take())]).into()
            };
        }
    }

    /// A part of another tree.
    fn part(&mut self) -> Json<'static> {
        let mut tree = self.random.pick(self.trees);
        while self.random.below(8) > 0 {
            tree = match tree {
                Json::Array(items) if !items.is_empty() => self.random.pick(items),
                Json::Object(object) if !object.is_empty() => {
                    let index = self.random.below(object.len());
                    object
                        .iter()
                        .nth(index)
                        .expect("the index is below the length")
                        .1
                }
                _ => break,
            };
        }
        tree.clone()
    }

    fn key(&mut self) -> String {
        match self.random.below(4) {
            0 => self.word(),
            _ => self.random.pick(self.keys).clone(),
        }
    }

    fn word(&mut self) -> String {
        String::from_utf8_lossy(self.random.pick::<Vec<u8>>(self.words)).into_owned()
    }

    fn leaf(&mut self) -> Json<'static> {
        match self.random.below(12) {
            0 => Json::Null,
            1 => Json::Bool(self.random.below(2) == 0),
            2 => self.random.next().into(),
            3 => (self.random.below(300) as u64).into(),
            4 => (-1_i64 << self.random.below(64)).into(),
            5 => (1_u64 << self.random.below(64)).into(),
            6 => f64::from_bits(self.random.next()).into(),
            7 => Json::Array(Vec::new()),
            8 => Object::new().into(),
            9 => self.word().repeat(1 << self.random.below(12)).into(),
            _ => self.word().into(),
        }
    }
}
