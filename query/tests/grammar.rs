//! Every form of the language, by its canonical print and its tree.

use bugle_query::{Expr, Key, Literal, Operator, Query, Span, Test};

#[test]
fn every_form_has_a_canonical_print() {
    for (source, canonical) in [
        ("", ""),
        ("  \t\n ", ""),
        ("level:error", "level:error"),
        ("  level:error  ", "level:error"),
        ("level:\"error\"", "level:error"),
        ("a:b c:d", "a:b c:d"),
        ("a:b AND c:d", "a:b c:d"),
        ("a:b OR c:d", "a:b OR c:d"),
        ("a:b OR c:d e:f", "a:b OR c:d e:f"),
        ("a:b OR (c:d AND e:f)", "a:b OR c:d e:f"),
        ("(a:b OR c:d) e:f", "(a:b OR c:d) e:f"),
        ("(a:b OR c:d)e:f", "(a:b OR c:d) e:f"),
        ("((a:b c:d)) e:f", "a:b c:d e:f"),
        ("a:b OR(c:d OR e:f)", "a:b OR c:d OR e:f"),
        ("!a:b", "!a:b"),
        ("has:a !has:tags[b]", "has:a !has:tags[b]"),
        ("tags[x.y:z]:v", "tags[x.y:z]:v"),
        ("a:\"\"", "a:\"\""),
        ("a:\"b c\"", "a:\"b c\""),
        (r#"a:"b\"c""#, r#"a:"b\"c""#),
        (r#"a:"b\\""#, r"a:b\\"),
        (r"a:b\*c*", r"a:b\*c*"),
        ("a:**b**", "a:*b*"),
        (r"a:C:\temp", r"a:C:\\temp"),
        ("a:[b]", "a:[b]"),
        ("a:[b,c , \"d e\",*f*]", "a:[b, c, \"d e\", *f*]"),
        ("a:>5", "a:>5"),
        ("a:>=5 a:<6 a:<=7", "a:>=5 a:<6 a:<=7"),
        ("a:\">5\"", "a:\">5\""),
        (
            "a:>\"2026-01-02T03:04:05+01:00\"",
            "a:>2026-01-02T03:04:05+01:00",
        ),
        ("age:-24h", "age:-24h"),
        ("age:>-24h lastSeen:+7d", "age:>-24h lastSeen:+7d"),
        (
            "level:>=warning release.version:>1.2.3-rc1",
            "level:>=warning release.version:>1.2.3-rc1",
        ),
        ("a:b,c", "a:\"b,c\""),
        ("a:f(x) b:c", "a:\"f(x)\" b:c"),
        ("(a:f(x))", "a:\"f(x)\""),
        ("a:\"[b]\"", "a:\"[b]\""),
        (
            "request.url:https://a.example/b?c=d",
            "request.url:https://a.example/b?c=d",
        ),
        ("timeout", "timeout"),
        ("connection   refused", "\"connection refused\""),
        ("\"connection refused\"", "\"connection refused\""),
        ("foo \"bar baz\" qux", "foo AND \"bar baz\" AND qux"),
        ("foo AND bar", "foo AND bar"),
        ("foo a:b bar", "foo a:b bar"),
        ("foo OR bar baz", "foo OR \"bar baz\""),
        ("or and", "\"or and\""),
        ("ORDER ANDROID", "\"ORDER ANDROID\""),
        ("http://a.example/b", "\"http://a.example/b\""),
        (
            "ActiveRecord::RecordNotFound",
            "\"ActiveRecord::RecordNotFound\"",
        ),
        ("12:30", "\"12:30\""),
        ("main() failed", "\"main() failed\""),
        (
            "\"->\" \"!x\" \"#x\" \"OR\"",
            "\"->\" AND \"!x\" AND \"#x\" AND \"OR\"",
        ),
        ("ошибка:1", "\"ошибка:1\""),
        ("tags[0]", "\"tags[0]\""),
    ] {
        let query = Query::parse(source).unwrap_or_else(|e| panic!("{}", e.render(source)));
        let printed = query.to_string();
        assert_eq!(printed, canonical, "{source}");
        assert_eq!(Query::parse(&printed).as_ref(), Ok(&query), "{printed}");
    }
}

#[test]
fn spans_point_into_the_text() {
    let source = "ещё слово !user.id:\"a b\" (level:[x, yé] OR has:tags[z])";
    let query = Query::parse(source).unwrap();
    let text = |span: Span| &source[span.start..span.end];
    let terms: Vec<_> = query.terms().iter().map(|term| text(term.span)).collect();
    assert_eq!(
        terms,
        [
            "ещё слово",
            "!user.id:\"a b\"",
            "level:[x, yé]",
            "has:tags[z]"
        ]
    );
    let Test::In(_, values) = &query.terms()[2].test else {
        panic!("not a list")
    };
    let values: Vec<_> = values.iter().map(|value| text(value.span)).collect();
    assert_eq!(values, ["x", "yé"]);
}

#[test]
fn the_tree_is_open_to_other_compilers() {
    let query = Query::parse("!transaction.duration:>1.5min OR tags[a]:b*").unwrap();
    let Some(Expr::Or(parts)) = query.root() else {
        panic!("not an alternative")
    };
    let (Expr::Term(slow), Expr::Term(tagged)) = (&parts[0], &parts[1]) else {
        panic!("not terms")
    };
    assert!(slow.negated);
    let Test::Compare(key, Operator::Greater, value) = &slow.test else {
        panic!("not a comparison")
    };
    assert_eq!(key, &Key::Field("transaction.duration".into()));
    assert_eq!(value.literal, Literal::Duration(90_000.0));
    assert_eq!(tagged.key(), Some(&Key::Tag("a".into())));
    let error = tagged.error("!transaction.duration:>1.5min OR tags[a]:b*", "no such tag");
    assert_eq!(error.to_string(), "column 34: no such tag");
}
