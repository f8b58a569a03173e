//! What is a mention, and what is not.

use bugle_protocol::json::{parse_str, to_string};

use super::*;
use crate::Person;

fn mentions(text: &str) -> Mentions {
    let person = Person::parse(text, false).unwrap();
    person.mentions().unwrap().clone()
}

#[test]
fn only_whole_words_are_mentions() {
    for (person, text, expected) in [
        (
            "ada@example.com",
            "to Ada@Example.com.",
            Some("to [erased]."),
        ),
        (
            "ada@example.com",
            "<ada@example.com>,ada@example.com",
            Some("<[erased]>,[erased]"),
        ),
        ("ada@example.com", "bada@example.com", None),
        ("ada@example.com", "x.ada@example.com", None),
        ("ada@example.com", "ada@example.com.au", None),
        ("ada@example.com", "ada@example.community", None),
        (
            "ada@example.com",
            "?to=ada%40example.com&x",
            Some("?to=[erased]&x"),
        ),
        (
            "ada@example.com",
            "to%3Dada%40example.com%26",
            Some("to%3D[erased]%26"),
        ),
        (
            "ada@example.com",
            r#"{"a":"x\nada@example.com"}"#,
            Some(r#"{"a":"x\n[erased]"}"#),
        ),
        ("ädä@example.com", "ädä@EXAMPLE.com", Some("[erased]")),
        ("203.0.113.9", "203.0.113.9:80", Some("[erased]:80")),
        (
            "203.0.113.9",
            "203.0.113.90 1203.0.113.9 4.203.0.113.9",
            None,
        ),
        (
            "2001:db8::1",
            "[2001:DB8:0:0:0:0:0:1]:80",
            Some("[[erased]]:80"),
        ),
        ("2001:db8::1", "2001:db8::12", None),
        (
            "12345",
            "user 12345, 123456, x12345",
            Some("user [erased], 123456, x12345"),
        ),
        ("Ada", "Ada ada adage", Some("[erased] ada adage")),
        ("aaa", "aaaaaaa aaa", Some("aaaaaaa [erased]")),
        (
            "ÄDÄ@example.com",
            "to ädÄ@EXAMPLE.com!",
            Some("to [erased]!"),
        ),
        (
            "νίκος@example.com",
            "ΝΊΚΟΣ@EXAMPLE.com,%CE%BD%CE%AF%CE%BA%CE%BF%CF%82@x",
            Some("[erased],%CE%BD%CE%AF%CE%BA%CE%BF%CF%82@x"),
        ),
        ("2001:db8::77", "at 2001:DB8:0:0::77.", Some("at [erased].")),
        ("2001:db8::77", "ip:2001:db8:0::77", Some("ip:[erased]")),
        (
            "2001:db8::77",
            "[2001:DB8:00::77]:80",
            Some("[[erased]]:80"),
        ),
        ("2001:db8::77", "2001:db8::770 2001:db8::1:77", None),
        (
            "203.0.113.9",
            "::ffff:203.0.113.9 ::FFFF:cb00:7109 ip:203.0.113.9:80",
            Some("[erased] [erased] ip:[erased]:80"),
        ),
        ("::ffff:203.0.113.9", "203.0.113.9", Some("[erased]")),
        (
            "ada@example.com",
            r"\u003cada@example.com\u003e",
            Some(r"\u003c[erased]\u003e"),
        ),
        (
            "ada@example.com",
            "a=ada%2540example.com ada&#64;example.com",
            Some("a=[erased] [erased]"),
        ),
        (
            "ada@example.com",
            "ada@example.com.csv",
            Some("[erased].csv"),
        ),
        (
            "ada@example.com",
            "ada@example.com.json.",
            Some("[erased].json."),
        ),
        ("ada@example.com", "export-ada@example.com.csv", None),
        ("ada@example.com", "ada@example.com.csv.example", None),
        (
            "Ada Byron",
            "name=Ada+Byron&x=Ada%20Byron",
            Some("name=[erased]&x=[erased]"),
        ),
    ] {
        let replaced = mentions(person).replace(text);
        assert_eq!(replaced.as_deref(), expected, "{person} in {text}");
    }
}

#[test]
fn an_event_is_rid_of_it_and_says_so() {
    let body = r#"{"lineno":12345,"extra":{"id":12345,"by 12345":{"a":["x","of 12345!"]}},"_meta":{"extra":{"by 12345":{"":{"len":9}}}}}"#;
    let Json::Object(mut event) = parse_str(body).unwrap() else {
        panic!("an object");
    };
    assert!(mentions("12345").replace_in_event(&mut event));
    let expected = r#"{"lineno":12345,"extra":{"id":"[erased]","by [erased]":{"a":["x","of [erased]!"]}},"_meta":{"extra":{"by [erased]":{"":{"len":9},"a":{"1":{"":{"rem":[["!erased","s"]]}}}},"id":{"":{"rem":[["!erased","s"]]}}}}}"#;
    assert_eq!(to_string(&Json::Object(event.clone())), expected);
    assert!(!mentions("12345").replace_in_event(&mut event));
    assert_eq!(to_string(&Json::Object(event)), expected);
}

#[test]
fn near_misses_are_told_from_others() {
    for (person, text, is_near) in [
        ("ada@example.com", "export-ada@example.com.csv", true),
        ("ada@example.com", "to ada@example.com.au", true),
        ("ada@example.com", "nada@example.com", false),
        ("ada@example.com", "ada@example.com", false),
        ("lovelace", "lovelace_backup", true),
        ("lovelace", "lovelaces", false),
    ] {
        assert_eq!(mentions(person).is_near(text.as_bytes()), is_near, "{text}");
    }
}

#[test]
fn a_mere_word_leaves_the_protocol_alone() {
    let body = r#"{"platform":"lovelace","lovelace":{"values":[]},"sdk":{"name":"lovelace"},"exception":{"values":[{"type":"lovelace","module":"lovelace","value":"of lovelace","stacktrace":{"frames":[{"function":"lovelace","module":"lovelace","vars":{"lovelace":"lovelace"}}]}}]},"tags":[["lovelace","lovelace"]],"user":{"name":"lovelace"},"breadcrumbs":{"values":[{"type":"lovelace","category":"lovelace","level":"lovelace","message":"lovelace"}]},"contexts":{"runtime":{"name":"lovelace"},"device":{"name":"lovelace"}},"environment":"lovelace","_meta":{"lovelace":{"":{"rem":[["lovelace","s"]],"val":"lovelace"}}}}"#;
    let Json::Object(mut event) = parse_str(body).unwrap() else {
        panic!("an object");
    };
    assert!(mentions("lovelace").replace_in_event(&mut event));
    event.remove("_meta");
    let expected = r#"{"platform":"lovelace","lovelace":{"values":[]},"sdk":{"name":"lovelace"},"exception":{"values":[{"type":"lovelace","module":"lovelace","value":"of [erased]","stacktrace":{"frames":[{"function":"lovelace","module":"lovelace","vars":{"lovelace":"[erased]"}}]}}]},"tags":[["lovelace","[erased]"]],"user":{"name":"[erased]"},"breadcrumbs":{"values":[{"type":"lovelace","category":"lovelace","level":"lovelace","message":"[erased]"}]},"contexts":{"runtime":{"name":"lovelace"},"device":{"name":"[erased]"}},"environment":"lovelace"}"#;
    assert_eq!(to_string(&Json::Object(event)), expected);
}
