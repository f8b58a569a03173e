//! Statements as frameworks write them, and what their spans are told.

use bugle_protocol::json::{self, Json, Object};
use proptest::prelude::*;

use super::{add, describe, group, shortened, sql};

fn normalize(text: &str) -> String {
    sql::normalize(text, Some("postgresql")).text
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(normalize(text), *expected, "{text}");
    }
}

#[test]
fn the_example_of_the_guide_comes_out_as_it_says() {
    check(&[(
        r#"SELECT a, "t"."b" FROM "t" WHERE id IN (1,2) AND x = 'y'"#,
        "SELECT .. FROM t WHERE id IN (%s) AND x = %s",
    )]);
}

#[test]
fn statements_of_django() {
    check(&[
        (
            r#"SELECT "auth_user"."id", "auth_user"."password" FROM "auth_user" WHERE "auth_user"."id" = %s LIMIT 21"#,
            "SELECT .. FROM auth_user WHERE id = %s LIMIT %s",
        ),
        (
            r#"SELECT (1) AS "a" FROM "shop_order" WHERE ("shop_order"."paid" AND NOT ("shop_order"."id" IN (SELECT U0."id" FROM "shop_item" U0 WHERE U0."price" > 10.5))) LIMIT 1"#,
            "SELECT (%s) FROM shop_order WHERE paid AND NOT (id IN (SELECT id FROM shop_item U0 WHERE price > %s)) LIMIT %s",
        ),
        (
            r#"SELECT COUNT(*) AS "__count", "a"."x" FROM "a" INNER JOIN "b" ON ("a"."b_id" = "b"."id") GROUP BY "a"."x" ORDER BY "__count" DESC"#,
            "SELECT COUNT(*), x FROM a INNER JOIN b ON b_id = id GROUP BY x ORDER BY __count DESC",
        ),
        (
            r#"INSERT INTO "django_session" ("session_key", "session_data") VALUES (%s, %s), (%s, %s) RETURNING "django_session"."id""#,
            "INSERT INTO django_session (..) VALUES (%s) RETURNING id",
        ),
        (
            r#"UPDATE "u" SET "last_login" = '2024-01-01'::timestamptz, "name" = 'Bob' WHERE "u"."id" = 12"#,
            "UPDATE u SET .. WHERE id = %s",
        ),
        (r#"SAVEPOINT "s139872_x1""#, "SAVEPOINT %s"),
        (r#"RELEASE SAVEPOINT "s139872_x1""#, "RELEASE SAVEPOINT %s"),
        (
            r#"ROLLBACK TO SAVEPOINT "s139872_x1""#,
            "ROLLBACK TO SAVEPOINT %s",
        ),
        (
            r#"DECLARE "_django_curs_1399_sync_1" NO SCROLL CURSOR WITH HOLD FOR SELECT "a"."id" FROM "a""#,
            "DECLARE %s NO SCROLL CURSOR WITH HOLD FOR SELECT id FROM a",
        ),
    ]);
}

#[test]
fn statements_of_rails_laravel_prisma_and_psycopg() {
    check(&[
        (
            r#"SELECT "posts".* FROM "posts" WHERE "posts"."published" = TRUE ORDER BY "posts"."id" ASC LIMIT $1 /* app:blog */"#,
            "SELECT * FROM posts WHERE published = %s ORDER BY id ASC LIMIT %s",
        ),
        (
            "select * from `users` where `email` = ? and `deleted_at` is null limit 1",
            "SELECT * FROM users WHERE email = %s AND deleted_at IS NULL LIMIT %s",
        ),
        (
            r#"SELECT "public"."User"."id", "public"."User"."name" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) OFFSET $2"#,
            "SELECT .. FROM User WHERE id = %s AND %s = %s OFFSET %s",
        ),
        (
            "INSERT INTO log (a, b) VALUES %s ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b",
            "INSERT INTO log (..) VALUES (%s) ON CONFLICT (a) DO UPDATE SET b = b",
        ),
        (
            "SELECT * FROM t WHERE x = %(x)s AND y = :name AND z = ANY(ARRAY[1, 2])",
            "SELECT * FROM t WHERE x = %s AND y = %s AND z = ANY(ARRAY[%s])",
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "INSERT INTO t (..) VALUES (%s) ON DUPLICATE KEY UPDATE a = VALUES (a)",
        ),
    ]);
}

#[test]
fn what_differs_from_call_to_call_goes() {
    check(&[
        (
            "SELECT a FROM t WHERE x BETWEEN 1 AND 2 AND y = -5 AND z IS NOT NULL",
            "SELECT a FROM t WHERE x BETWEEN %s AND %s AND y = %s AND z IS NOT NULL",
        ),
        (
            "SELECT a FROM t WHERE x = 1 OR x = 2 OR (x = 3)",
            "SELECT a FROM t WHERE x = %s",
        ),
        (
            "SELECT a FROM t WHERE ((x = 1 AND y = 2) OR (x = 3 AND y = 4))",
            "SELECT a FROM t WHERE x = %s AND y = %s",
        ),
        (
            "SELECT a FROM t WHERE (a = 1 OR b = 2) AND (c = 3)",
            "SELECT a FROM t WHERE (a = %s OR b = %s) AND c = %s",
        ),
        (
            "SELECT CASE WHEN a = 1 THEN 'x' ELSE CASE WHEN b THEN 2 END END AS c, d FROM t",
            "SELECT CASE WHEN .. THEN .. END, d FROM t",
        ),
        (
            "SELECT CAST(a AS numeric(10, 2)), b::double precision, c::text[] FROM t_20240101",
            "SELECT .. FROM t_{%s}",
        ),
        (
            "SELECT a, b, count(*) c, d, e FROM t",
            "SELECT .., count(*), .. FROM t",
        ),
        ("SELECT DISTINCT a, b FROM t", "SELECT DISTINCT .. FROM t"),
        (
            "SELECT x FROM t WHERE a = E'it\\'s' -- secret\n AND b = $tag$ 'c' $tag$",
            "SELECT x FROM t WHERE a = %s AND b = %s",
        ),
        (
            "SELECT * FROM t WHERE x = 1 OR x = 2",
            "SELECT * FROM t WHERE x = %s",
        ),
        ("BEGIN; SELECT 1;", "BEGIN; SELECT %s"),
        (
            "SELECT a FROM t WHERE id IN (1, 2, 3",
            "SELECT a FROM t WHERE id IN (%s)",
        ),
        (
            "UPDATE t SET a = a + 1, b = 2",
            "UPDATE t SET a = a + %s, b = %s",
        ),
    ]);
}

#[test]
fn texts_in_double_quotes_are_literals_in_mysql() {
    let text = r#"SELECT `a` FROM `t` WHERE b = "it\"s" # c"#;
    let statement = sql::normalize(text, Some("mysql"));
    assert_eq!(statement.text, "SELECT a FROM t WHERE b = %s");
}

#[test]
fn statements_name_their_verb_and_tables() {
    let cases = [
        (
            "SELECT 1 FROM B JOIN a ON a.x = b.x, c",
            Some("SELECT"),
            Some(",a,b,"),
        ),
        (
            "SELECT * FROM b UNION ALL SELECT a * 2 FROM a",
            Some("SELECT"),
            Some(",a,b,"),
        ),
        ("DELETE FROM \"s\".\"T\"", Some("DELETE"), Some(",t,")),
        (
            "WITH x AS (SELECT 1 FROM a) INSERT INTO b SELECT * FROM x",
            Some("INSERT"),
            Some(",a,b,"),
        ),
        (
            "ROLLBACK TO SAVEPOINT x",
            Some("ROLLBACK TO SAVEPOINT"),
            None,
        ),
        ("SELECT f FROM unnest(x)", Some("SELECT"), None),
        ("cursor.execute", None, None),
    ];
    for (text, verb, tables) in cases {
        let statement = sql::normalize(text, None);
        assert_eq!(statement.verb, verb, "{text}");
        assert_eq!(statement.tables.as_deref(), tables, "{text}");
    }
}

fn described(span: &str) -> Object<'static> {
    let text = format!(
        r#"{{"type":"transaction","release":"a@1","request":{{"method":"GET"}},"user":{{"email":"bob@example.com"}},
            "contexts":{{"trace":{{"op":"http.server"}}}},"tags":[["device.class","2"]],"spans":[{span}]}}"#
    );
    let Ok(Json::Object(mut event)) = json::parse_str(&text) else {
        panic!("{text} is no object");
    };
    add(&mut event);
    let span = event.get("spans").unwrap().as_array().unwrap()[0].clone();
    match span.into_owned().get("sentry_tags") {
        Some(Json::Object(tags)) => tags.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn spans_are_told_what_they_do_and_whose_they_are() {
    let tags = described(
        r#"{"op":"http.client","description":"GET https://api.example.com/u/1","data":{"http.response.status_code":404}}"#,
    );
    let expected = [
        ("release", "a@1"),
        ("transaction.op", "http.server"),
        ("transaction.method", "GET"),
        ("device.class", "2"),
        ("category", "http"),
        ("action", "GET"),
        ("domain", "*.example.com"),
        ("description", "GET https://*.example.com"),
        ("status_code", "404"),
    ];
    for (key, value) in expected {
        assert_eq!(tags.get_str(key), Some(value), "{key}");
    }
    assert_eq!(tags.get_str("group").map(str::len), Some(16));
    assert_eq!(tags.get("user"), None);
    let tags = described(r#"{"op":"ui.react.render","description":"<App>"}"#);
    assert_eq!(tags.get_str("category"), Some("ui.react"));
    assert_eq!((tags.get("description"), tags.get("group")), (None, None));
}

#[test]
fn what_spans_get_is_bounded() {
    let span = r#"{"op":"db","description":"SELECT 1"},"#.repeat(1_500);
    let text = format!(
        r#"{{"type":"transaction","transaction":"{}","release":"a@1","spans":[{}null]}}"#,
        "x".repeat(100_000),
        span
    );
    let Ok(Json::Object(mut event)) = json::parse_str(&text) else {
        panic!("the event is no object");
    };
    add(&mut event);
    let spans = event.get("spans").unwrap().as_array().unwrap();
    let tags = spans.iter().filter_map(|span| span.get("sentry_tags"));
    let tags: Vec<_> = tags.collect();
    assert_eq!(tags.len(), 1_000);
    assert_eq!(tags[0].get_str("release"), Some("a@1"));
    assert_eq!(tags[0].get("transaction"), None);
}

#[test]
fn other_operations_have_descriptions_of_their_own() {
    let cases = [
        (
            r#"{"op":"db.redis","description":"GET u:1"}"#,
            Some("GET *"),
        ),
        (
            r#"{"op":"db","description":"SET u:1 2","data":{"db.system":"redis"}}"#,
            Some("SET *"),
        ),
        (
            r#"{"op":"db","description":"x","data":{"db.system":"mongodb"}}"#,
            None,
        ),
        (r#"{"op":"db","description":"{\"find\":\"a\"}"}"#, None),
        (
            r#"{"op":"db.sql.active_record","description":"User Load"}"#,
            None,
        ),
        (
            r#"{"op":"db.sql.prisma","description":"prisma:client"}"#,
            Some("prisma:client"),
        ),
        (
            r#"{"op":"file.read","description":"/home/bob/x.csv"}"#,
            Some("*.csv"),
        ),
        (r#"{"op":"ui.load","description":"Main"}"#, Some("Main")),
        (r#"{"op":"ui.click","description":"Main"}"#, None),
        (
            r#"{"op":"function.aws","description":"job 4711 of a2eb24ae-397f-46ed"}"#,
            Some("job * of *"),
        ),
        (r#"{"op":"db"}"#, None),
    ];
    for (span, expected) in cases {
        let span = json::parse_str(span).unwrap();
        let span = span.as_object().unwrap();
        let described = describe(span.get_str("op").unwrap(), span);
        assert_eq!(described.and_then(|d| d.text).as_deref(), expected);
    }
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    assert_eq!(shortened("a".repeat(200)).len(), 200);
    let cut = shortened("ä".repeat(200));
    assert!(cut.len() <= 200 && cut.ends_with("ä*"));
    assert_eq!(group("GET *"), group("GET *"));
}

fn literal() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[a-z]{1,6}secret[a-z ]{0,6}".prop_map(|text| (format!("'{text}'"), text)),
        "[1-9][0-9]{6,9}".prop_map(|text| (text.clone(), text)),
        "[a-z]{1,4}''secret".prop_map(|text| (format!("E'{text}'"), text)),
        "[a-z]{0,4}secret".prop_map(|text| (format!("$q${text}$q$"), text)),
        "0x[0-9a-f]{8}".prop_map(|text| (text.clone(), text)),
    ]
}

fn template() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "SELECT a, @ AS b FROM t WHERE c = @ AND (d > @ OR e IN (@, @))",
        "INSERT INTO t (a, b) VALUES (@, @), (f(@), @)",
        "UPDATE t SET a = @, b = b || @ WHERE c BETWEEN @ AND @",
        "SELECT CASE WHEN a = @ THEN @ END FROM t LIMIT @ /* @ */",
        "SELECT f(@::text, CAST(@ AS text)) FROM t WHERE a = ANY(ARRAY[@, @]) -- @",
        "DELETE FROM t WHERE (a = @ AND ((b = @))) OR a LIKE @",
        "SELECT x FROM t WHERE a = @ AND b IN (@, @",
    ])
}

proptest! {
    #[test]
    fn no_literal_is_left(template in template(), literals in prop::collection::vec(literal(), 6)) {
        let mut used = literals.iter().cycle();
        let mut text = String::new();
        for (index, part) in template.split('@').enumerate() {
            if index > 0 {
                text.push_str(&used.next().unwrap().0);
            }
            text.push_str(part);
        }
        let out = normalize(&text);
        for (_, secret) in &literals {
            prop_assert!(!out.contains(secret.trim()), "{text} -> {out}");
        }
    }

    #[test]
    fn any_text_ends_and_a_result_stays_what_it_is(text in "(?s).{0,200}|[a-z'\"`\\[\\]()%:$@?;,.# -]{0,120}") {
        for system in [None, Some("mysql"), Some("postgresql")] {
            let once = sql::normalize(&text, system).text;
            sql::normalize(&once, system);
        }
    }
}

#[test]
fn deep_and_long_texts_take_time_in_step_with_their_length() {
    let deep = format!("SELECT {}1{}", "(".repeat(30_000), ")".repeat(30_000));
    assert!(normalize(&deep).len() < 1_000);
    for piece in [
        "a AND ", "[", "$a", "%(", "CASE ", "END ", "x, ", "(1),", "a.b.", "'", "f(", "::a",
    ] {
        let text = format!(
            "SELECT x FROM t WHERE {}",
            piece.repeat(60_000 / piece.len())
        );
        assert!(normalize(&text).len() <= 2 * text.len(), "{piece}");
    }
}
