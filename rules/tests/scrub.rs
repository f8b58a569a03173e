//! Data scrubbing, by own tables and by properties.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::{Event, Meta, RuleName};
use bugle_rules::ScrubbingDocument;
use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber, Selector};
use proptest::prelude::*;

fn scrub_with(scrubber: &Scrubber, event: &str) -> (String, Meta) {
    let mut event = Event::parse(event.as_bytes()).unwrap();
    let mut meta = Meta::default();
    scrubber.scrub(&mut event, &mut meta);
    (event.to_json(), meta)
}

fn object<'a>(key: &str, value: Json<'a>) -> Json<'a> {
    Json::Object(Object::from_iter([(key.to_owned(), value)]))
}

/// The value of `extra.key` after default scrubbing.
fn extra(key: &str, value: Json<'_>) -> Json<'static> {
    let event = json::to_string(&object("extra", object(key, value)));
    let (scrubbed, _) = scrub_with(&Scrubber::default(), &event);
    let scrubbed = json::parse_str(&scrubbed).unwrap();
    let extra = scrubbed.get("extra").and_then(Json::as_object).unwrap();
    extra.get_raw(key).unwrap().clone().into_owned()
}

const SECRET_KEYS: &str = "password Password PASSWORD passwd user_passwd secret the_secret secretary api_key apiKey api-key \
    X-Api-Key auth Authorization author oauth_state credentials mysql_pwd privatekey private_key \
    private-key token csrf_token accessToken tokenizer otp OTP two_factor two-factor";

/// Near misses, the empty key among them.
const PLAIN_KEYS: &str = "pwd,pin,ssn,cvv,credit_card,jwt,credential,api.key,otp_code,twoFactor,bearer,session,,pass word,\
    sécret";

#[test]
fn values_go_by_their_keys() {
    for key in SECRET_KEYS.split(' ') {
        assert_eq!(
            extra(key, Json::from("x")),
            Json::from("[Filtered]"),
            "{key}"
        );
        assert_eq!(extra(key, Json::from(7_u64)), Json::Null, "{key}");
        assert_eq!(
            extra(key, Json::Array(vec![Json::from("x")])),
            Json::Null,
            "{key}"
        );
        assert_eq!(extra(key, Json::Bool(true)), Json::Bool(true), "{key}");
    }
    for key in PLAIN_KEYS.split(',') {
        assert_eq!(extra(key, Json::from("x")), Json::from("x"), "{key}");
        assert_eq!(extra(key, Json::from(7_u64)), Json::from(7_u64), "{key}");
    }
}

#[test]
fn texts_that_say_nothing_stay() {
    for value in ["", "true", "false", "null", "undefined"] {
        assert_eq!(extra("password", Json::from(value)), Json::from(value));
    }
    assert_eq!(
        extra("password", Json::from("True")),
        Json::from("[Filtered]")
    );
}

const PEM_KEY: &str =
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nq8Zk\n-----END RSA PRIVATE KEY-----\n";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----";

/// A text and what is left of it.
const FOUND: &[(&str, &str)] = &[
    ("pay 4111 1111 1111 1111 now", "pay [Filtered] now"),
    (
        "378282246310005,5500-0055-5555-5559",
        "[Filtered],[Filtered]",
    ),
    (
        "6011111111111117 or 41111111111111111",
        "[Filtered] or 41111111111111111",
    ),
    ("to DE89370400440532013000.", "to [Filtered]."),
    ("ssn 078-05-1120", "ssn [Filtered]"),
    ("1078-05-1120", "1078-05-1120"),
    (
        "postgres://shop:p4ss@db:5432/x",
        "postgres://shop:[Filtered]@db:5432/x",
    ),
    (
        "redis://:p4$$@10.0.0.9:6379/0",
        "redis://:[Filtered]@10.0.0.9:6379/0",
    ),
    ("https://example.com/u:p@h", "https://example.com/u:p@h"),
    ("curl -H 'Bearer abc.def' now", "curl -H '[Filtered] now"),
    ("my password is x", "[Filtered]"),
    ("a token here", "a token here"),
    ("?token=1&x", "[Filtered]"),
    ("otp", "[Filtered]"),
    ("naïve 4111111111111111 ✓", "naïve [Filtered] ✓"),
    (
        PEM_KEY,
        "-----BEGIN RSA PRIVATE KEY-----\n[Filtered]\n-----END RSA PRIVATE KEY-----\n",
    ),
    (CERTIFICATE, CERTIFICATE),
];

#[test]
fn secrets_are_found_in_texts() {
    for (value, expected) in FOUND {
        assert_eq!(extra("note", Json::from(*value)), Json::from(*expected));
    }
}

#[test]
fn addresses_are_found_whole() {
    let settings = ScrubSettings {
        scrub_ip_addresses: true,
        ..ScrubSettings::off()
    };
    let document = ScrubbingDocument {
        settings,
        ..ScrubbingDocument::default()
    };
    let (scrubber, _) = Scrubber::of_document(&document);
    let table = [
        ("from 10.0.0.1:80", "from [ip]:80"),
        ("v1.2.3.4 is a version", "v1.2.3.4 is a version"),
        ("[2001:db8::1]:443", "[[ip]]:443"),
        ("peer ::ffff:192.0.2.1.", "peer [ip]:[ip]."),
        ("nat 64:ff9b::192.0.2.33", "nat [ip]"),
        (
            "fe80::1ff:fe23:4567:890a, std::string, 12:34:56",
            "[ip], std::string, 12:34:56",
        ),
        ("::", "::"),
    ];
    for (value, expected) in table {
        let (scrubbed, _) = scrub_with(&scrubber, &format!(r#"{{"extra":{{"x":"{value}"}}}}"#));
        assert_eq!(scrubbed, format!(r#"{{"extra":{{"x":"{expected}"}}}}"#));
    }
    let (scrubbed, _) = scrub_with(
        &scrubber,
        r#"{"user":{"ip_address":"203.0.113.7","id":"7"}}"#,
    );
    assert_eq!(scrubbed, r#"{"user":{"ip_address":null,"id":"7"}}"#);
}

#[test]
fn a_hashed_address_still_tells_users_apart() {
    let config = PiiConfig::parse(r#"{"applications":{"$user.ip_address":["@ip:hash"]}}"#).unwrap();
    let scrubber = Scrubber::new(&ScrubSettings::off(), &config).unwrap();
    let (scrubbed, meta) = scrub_with(&scrubber, r#"{"user":{"ip_address":"1.2.3.4"}}"#);
    assert_eq!(
        scrubbed,
        r#"{"user":{"ip_address":null,"id":"452CBFAF73237C28A6BA00DA112DAD057C3E86D8"}}"#
    );
    let note = meta.at(&["user", "ip_address"]).unwrap();
    assert_eq!(
        json::to_string(&note.to_json()),
        r#"{"":{"rem":[["pii:ip_address","x"]]}}"#
    );
}

#[test]
fn the_rules_that_did_something_are_named_once() {
    let mut event = Event::parse(
        br#"{"extra":{"password":"x","secret":7,"a":"Bearer abc","b":"plain"},
             "request":{"cookies":[["sessionid","1"]],"api_target":"graphql","data":{"variables":{"v":"1"}}}}"#,
    )
    .unwrap();
    let mut meta = Meta::default();
    let fired = Scrubber::default().scrub(&mut event, &mut meta);
    let ids: Vec<&str> = fired.iter().map(RuleName::as_str).collect();
    assert_eq!(
        ids,
        ["@anything:filter", "@bearer:filter", "@password:filter"]
    );
    assert!(Scrubber::default().scrub(&mut event, &mut meta).is_empty());
}

#[test]
fn remarks_say_where_and_how_much() {
    let (_, meta) = scrub_with(
        &Scrubber::default(),
        r#"{"extra":{"x":"é 078-05-1120 é 078-05-1120"}}"#,
    );
    assert_eq!(
        json::to_string(&meta.to_json()),
        r#"{"extra":{"x":{"":{"rem":[["@usssn:filter","s",3,13],["@usssn:filter","s",17,27]],"len":27}}}}"#
    );
}

/// `SECRET-n` in every corner of a Django event that the default rules cover.
const PLANTED: &str = r#"{
  "user": {"id": "1", "data": {"api_key": "SECRET-1", "x": {"password": "SECRET-2"}}, "auth_token": "SECRET-3"},
  "request": {
    "url": "https://shop.example.com/", "method": "POST",
    "headers": [["Authorization", "SECRET-4"], ["X-Csrftoken", "SECRET-5"], ["Referer", "https://a:SECRET-6@x.example.com/"],
                ["X-Forward", "Bearer SECRET-7"], ["X-Api-Key", "SECRET-8"]],
    "cookies": [["sessionid", "SECRET-9"], ["csrftoken", "SECRET-10"], ["PHPSESSID", "SECRET-11"], ["__session", "SECRET-12"]],
    "query_string": [["token", "SECRET-13"], ["q", "my secret is SECRET-14"]],
    "data": {"password": "SECRET-15", "list": [{"passwd": "SECRET-16"}], "pairs": [["secret", "SECRET-17"], ["a", "b"]],
             "json": "{\"password\": \"SECRET-18\"}", "nested": {"credentials": {"user": "SECRET-19", "n": ["SECRET-20"]}}},
    "env": {"DATABASE_URL": "postgres://shop:SECRET-21@db/shop", "SECRET_KEY": "SECRET-22", "MYSQL_PWD": "SECRET-23"}
  },
  "exception": {"values": [{"type": "E", "value": "v",
    "mechanism": {"type": "django", "data": {"token": "SECRET-24"}},
    "stacktrace": {"frames": [
      {"function": "f", "vars": {"password": "'SECRET-25'", "form": {"api_key": "SECRET-26"}, "auth": ["jane", "SECRET-27"],
       "url": "'https://jane:SECRET-28@x/'", "headers": [["Authorization", "SECRET-29"]], "self": "<Auth SECRET-30>"}}]}}]},
  "threads": {"values": [{"id": 1, "stacktrace": {"frames": [{"vars": {"private_key": "SECRET-31"}}]}}]},
  "stacktrace": {"frames": [{"vars": {"two_factor": "SECRET-32"}}]},
  "breadcrumbs": {"values": [{"message": "login with password SECRET-33", "data": {"user_token": "SECRET-34", "url": "http://u:SECRET-35@h"}}]},
  "contexts": {"billing": {"credentials": {"u": "SECRET-36"}}, "state": {"state": {"value": {"auth": {"x": "SECRET-37"}}}},
               "response": {"headers": [["X-Auth", "SECRET-38"]], "cookies": [["sessionid", "SECRET-39"]], "data": {"secret": "SECRET-40"}},
               "trace": {"data": {"authorization": "SECRET-41"}}, "device": {"device_unique_identifier": "password SECRET-42"}},
  "extra": {"sys.argv": ["manage.py", "--password=SECRET-43"], "a": {"b": [{"c": {"secret_key": "SECRET-44"}}]},
            "token": "SECRET-45", "deep": [[[["apikey", "SECRET-46"]]]], "t": "token=SECRET-47 x"},
  "logentry": {"params": ["password SECRET-48", {"passwd": "SECRET-49"}], "formatted": "sent Bearer SECRET-50 on"},
  "spans": [{"op": "http", "data": {"password": "SECRET-51", "http.request.header.cookie": "a=b; sessionid=SECRET-52; c=d",
             "http.request.header.cookie.csrf": "SECRET-53", "nested": {"credentials": "SECRET-54"}}}],
  "server_name": "secret SECRET-55", "custom": {"passwd": "SECRET-56"}
}"#;

#[test]
fn nothing_planted_survives() {
    let numbers = [
        "4111111111111111",
        "5500-0055-5555-5559",
        "378282246310005",
        "DE89370400440532013000",
        "078-05-1120",
        "GB82WEST12345698765432",
    ];
    let places = ["extra", "user", "custom", "contexts"];
    let mut event = Event::parse(PLANTED.as_bytes()).unwrap();
    for i in 0..48 {
        let value = format!("plain {} text", numbers[i % numbers.len()]);
        let place = event.fields.get_mut(places[i % places.len()]).unwrap();
        place
            .as_object_mut()
            .unwrap()
            .insert(format!("planted{i}"), value);
    }
    assert!(PLANTED.matches("SECRET-").count() + 48 >= 100);
    let mut meta = Meta::default();
    Scrubber::default().scrub(&mut event, &mut meta);
    let after = event.to_json();
    let survivors: Vec<_> = after
        .split("SECRET-")
        .skip(1)
        .map(|rest| &rest[..2])
        .collect();
    assert_eq!(survivors, Vec::<&str>::new(), "{after}");
    assert!(
        !numbers.iter().any(|number| after.contains(number)),
        "{after}"
    );
    for kept in [
        r#""function":"f""#,
        r#"["a","b"]"#,
        "manage.py",
        "https://shop.example.com/",
        r#""type":"E""#,
    ] {
        assert!(after.contains(kept), "{kept} is gone from {after}");
    }
}

#[test]
fn safe_fields_are_left_and_sensitive_ones_are_not() {
    let settings = ScrubSettings {
        sensitive_fields: vec![" Theme ".to_owned(), String::new(), "a.b".to_owned()],
        safe_fields: vec![
            "author".to_owned(),
            "extra.token".to_owned(),
            "a b c".to_owned(),
        ],
        ..ScrubSettings::default()
    };
    let scrubber = Scrubber::new(&settings, &PiiConfig::default()).unwrap();
    let (scrubbed, _) = scrub_with(
        &scrubber,
        r#"{"extra":{"author":"x","AUTHOR":"x","co-author":"x","token":"x","dark-theme":"x","v":"my THEME","acb":"x","a.b":1}}"#,
    );
    assert_eq!(
        scrubbed,
        r#"{"extra":{"author":"x","AUTHOR":"x","co-author":"[Filtered]","token":"x","dark-theme":"[Filtered]","v":"[Filtered]","acb":"x","a.b":null}}"#
    );
}

#[test]
fn graphql_variables_and_their_echo_go() {
    let event = r#"{"request":{"api_target":"graphql","data":{"query":"q","variables":{"mail":"a@b.co","n":1}}},
        "contexts":{"response":{"data":{"data":{"user":[{"mail":"a@b.co","name":"x"}]}}}}}"#;
    let (scrubbed, _) = scrub_with(&Scrubber::default(), event);
    assert_eq!(
        scrubbed,
        r#"{"request":{"api_target":"graphql","data":{"query":"q","variables":{"mail":"[Filtered]","n":"[Filtered]"}}},"contexts":{"response":{"data":{"data":{"user":[{"mail":"[Filtered]","name":"x"}]}}}}}"#
    );
    let other = event.replace("graphql", "rest").replace("\n        ", "");
    assert_eq!(scrub_with(&Scrubber::default(), &other).0, other);
}

#[test]
fn selectors_survive_being_written() {
    for text in [
        "$string && !(a.'b c'.* || $error.value)",
        "!(!a)",
        "a.**.0 || 'it''s'",
        "$http.data.**",
    ] {
        let selector: Selector = text.parse().unwrap();
        assert_eq!(selector.to_string(), text);
    }
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(deep.parse::<Selector>().is_err());
}

#[test]
fn many_selectors_are_matched_at_once() {
    let applications: Vec<String> = (0..200)
        .map(|i| format!("\"extra.k{i}.*.x{i}\":[\"@anything:mask\"]"))
        .collect();
    let config = format!(r#"{{"applications":{{{}}}}}"#, applications.join(","));
    let scrubber =
        Scrubber::new(&ScrubSettings::off(), &PiiConfig::parse(&config).unwrap()).unwrap();
    let event = r#"{"extra":{"k0":{"a":{"x0":"ab"}},"k199":{"a":{"x199":"ab","x198":"ab"}}}}"#;
    assert_eq!(
        scrub_with(&scrubber, event).0,
        r#"{"extra":{"k0":{"a":{"x0":"**"}},"k199":{"a":{"x199":"**","x198":"ab"}}}}"#
    );
}

#[test]
fn rules_that_cannot_be_compiled_are_named() {
    let config = PiiConfig::parse(
        r#"{"rules":{"bad":{"type":"pattern","pattern":"("},"good":{"type":"email","redaction":{"method":"mask"}}},
            "applications":{"$string":["bad","good"]}}"#,
    )
    .unwrap();
    let error = Scrubber::new(&ScrubSettings::off(), &config)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("rule \"bad\":"), "{error}");
    let (scrubber, errors) = Scrubber::lenient(&ScrubSettings::off(), &config);
    assert_eq!(errors.len(), 1);
    let (scrubbed, _) = scrub_with(&scrubber, r#"{"extra":{"x":"( a@b.co"}}"#);
    assert_eq!(scrubbed, r#"{"extra":{"x":"( ******"}}"#);
}

#[test]
fn rules_may_name_each_other_at_any_depth() {
    let rules: Vec<String> = (0..498)
        .map(|i| {
            format!(
                r#""r{i}":{{"type":"multiple","rules":["r{}","r{}"]}}"#,
                i + 1,
                i + 2
            )
        })
        .collect();
    let last = r#""r498":{"type":"email","redaction":{"method":"mask"}},"r499":{"type":"alias","rule":"r0"}"#;
    let config = format!(
        r#"{{"rules":{{{},{last}}},"applications":{{"$string":["r0"]}}}}"#,
        rules.join(",")
    );
    let scrubber =
        Scrubber::new(&ScrubSettings::off(), &PiiConfig::parse(&config).unwrap()).unwrap();
    let (scrubbed, _) = scrub_with(&scrubber, r#"{"extra":{"x":"a@b.co"}}"#);
    assert_eq!(scrubbed, r#"{"extra":{"x":"******"}}"#);
}

#[test]
fn hostile_texts_cost_linear_time() {
    let pieces = [
        "-----BEGIN PRIVATE KEY-----",
        "token",
        "::1.",
        "4111 ",
        "//a:b",
        "\u{0}",
        "bearer ",
        "a@b.",
        "é1.",
    ];
    let config = r#"{"applications":{"$string":["@common","@common:filter","@imei","@mac","@uuid","@cookies:filter","@anything:hash"]}}"#;
    let scrubber = Scrubber::new(
        &ScrubSettings::default(),
        &PiiConfig::parse(config).unwrap(),
    )
    .unwrap();
    for piece in pieces {
        let event = object("extra", object("x", Json::from(piece.repeat(20_000))));
        scrub_with(&scrubber, &json::to_string(&event));
    }
}

const WORDS: [&str; 17] = [
    "password",
    "token=1",
    "values",
    "extra",
    "user",
    "ip_address",
    "4111111111111111",
    "a\u{0}b@c.de",
    "::1",
    "exception",
    "https://a:b@c",
    "headers",
    "[Filtered]",
    "\u{0}",
    "frames",
    "stacktrace",
    "é10.0.0.1é-----BEGIN PRIVATE KEY-----x-----END",
];

fn any_json() -> impl Strategy<Value = Json<'static>> {
    let word = prop_oneof![
        "[a-z]{0,6}",
        any::<String>(),
        prop::sample::select(&WORDS).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::from),
        word.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let members = prop::collection::vec((word.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Json::Array),
            members.prop_map(|members| Json::Object(Object::from_iter(members))),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Event<'static>> {
    let key = prop::sample::select(&[
        "extra",
        "request",
        "user",
        "exception",
        "contexts",
        "tags",
        "spans",
        "logentry",
        "breadcrumbs",
        "x",
    ]);
    prop::collection::vec((key, any_json()), 0..6).prop_map(|fields| Event {
        fields: Object::from_iter(fields),
    })
}

proptest! {
    #[test]
    fn scrubbing_twice_changes_nothing_more(mut event in any_event()) {
        let scrubber = Scrubber::default();
        let mut meta = Meta::default();
        scrubber.scrub(&mut event, &mut meta);
        let (once, notes) = (event.to_json(), json::to_string(&meta.to_json()));
        scrubber.scrub(&mut event, &mut meta);
        prop_assert_eq!(&event.to_json(), &once);
        prop_assert_eq!(json::to_string(&meta.to_json()), notes);
        scrubber.scrub(&mut event, &mut Meta::default());
        prop_assert_eq!(event.to_json(), once);
    }

    #[test]
    fn nothing_changes_when_all_is_off(mut event in any_event(), notes in any_json()) {
        let before = event.clone();
        let mut meta = Meta::from_json(&notes);
        let scrubber = Scrubber::new(&ScrubSettings::off(), &PiiConfig::default()).unwrap();
        scrubber.scrub(&mut event, &mut meta);
        prop_assert!(scrubber.is_empty());
        prop_assert_eq!(event, before);
        prop_assert_eq!(meta, Meta::from_json(&notes));
    }

    #[test]
    fn no_rules_and_no_notes_make_it_panic(
        mut event in any_event(), notes in any_json(), selector in "[a-z$*.!&|() ']{0,12}",
    ) {
        let rules = r#"["@common","@common:filter","@anything:hash","@cookies:filter","p"]"#;
        let pattern = r#"{"type":"pattern","pattern":"(a)|(.)b?","replaceGroups":[1,2]}"#;
        let selector = json::to_string(&Json::from(Selector::parse_or_key(&selector).to_string()));
        let config = format!(r#"{{"rules":{{"p":{pattern}}},"applications":{{{selector}:{rules},"$string":{rules}}}}}"#);
        if let Ok(config) = PiiConfig::parse(&config) {
            let mut meta = Meta::from_json(&notes);
            let (scrubber, _) = Scrubber::lenient(&ScrubSettings::default(), &config);
            scrubber.scrub(&mut event, &mut meta);
        }
    }
}
