//! One Django error as the Python SDK sends it.

use crate::random::Random;

const MODULES: [&str; 8] = [
    "shop.views",
    "shop.cart",
    "shop.payments.gateway",
    "orders.models",
    "orders.tasks",
    "accounts.middleware",
    "django.core.handlers.base",
    "django.db.models.query",
];
const WORDS: [&str; 24] = [
    "order",
    "customer",
    "payload",
    "response",
    "session",
    "price",
    "total",
    "items",
    "request",
    "result",
    "cursor",
    "value",
    "queryset",
    "instance",
    "address",
    "token_count",
    "currency",
    "shipment",
    "basket",
    "coupon",
    "invoice",
    "account",
    "retry",
    "limit",
];
const ERRORS: [&str; 8] = [
    "ValueError",
    "KeyError",
    "IntegrityError",
    "OperationalError",
    "TypeError",
    "ObjectDoesNotExist",
    "ConnectionError",
    "PermissionDenied",
];

/// How many different issues the events belong to.
const ISSUES: u64 = 200;

/// The envelope of one error: header, item header, event. `number` makes its id and its time.
pub(crate) fn envelope(number: u64, seed: u64) -> String {
    let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
    let id = format!("{:016x}{}", number | (seed << 40), random.hex(16));
    let event = event(&id, &mut random);
    format!(
        "{{\"event_id\":\"{id}\",\"sent_at\":\"{TIME}\",\"sdk\":{{\"name\":\"sentry.python.django\",\"version\":\"2.75.0\"}}}}\n\
         {{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":{}}}\n{event}\n",
        event.len()
    )
}

/// Without a time of its own an event happened when it came in.
const TIME: &str = "2026-01-01T00:00:00.000000Z";

fn event(id: &str, random: &mut Random) -> String {
    let issue = random.next() % ISSUES;
    // What makes the issue is the same in all of its events: the functions on the stack.
    let mut shape = Random::new(issue);
    let frames = shape.between(7, 32);
    let frames: Vec<String> = (0..frames).map(|n| frame(n, &mut shape, random)).collect();
    let error = ERRORS[usize::try_from(issue % ERRORS.len() as u64).unwrap_or(0)];
    let breadcrumbs: Vec<String> = (0..random.between(8, 20))
        .map(|_| breadcrumb(random))
        .collect();
    let modules: Vec<String> = (0..30)
        .map(|n| format!("\"package-{n}\":\"{}.{}.{}\"", n % 7, n % 11, n % 5))
        .collect();
    let user = random.between(1, 50_000);
    format!(
        "{{\"level\":\"error\",\"event_id\":\"{id}\",\"platform\":\"python\",\"environment\":\"production\",\"release\":\"shop@1.{}.0\",\
         \"server_name\":\"web-{}\",\"transaction\":\"/checkout/{}/\",\"exception\":{{\"values\":[{{\"type\":\"{error}\",\"module\":null,\
         \"value\":\"could not process order {} of customer {user}: {}\",\"mechanism\":{{\"type\":\"django\",\"handled\":false}},\
         \"stacktrace\":{{\"frames\":[{}]}}}}]}},\
         \"request\":{{\"url\":\"https://shop.example.com/checkout/\",\"method\":\"POST\",\"query_string\":\"step=3&cart={}\",\
         \"headers\":{{\"Host\":\"shop.example.com\",\"User-Agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\",\
         \"Accept\":\"text/html,application/xhtml+xml\",\"Referer\":\"https://shop.example.com/cart/\",\"X-Request-Id\":\"{}\"}},\
         \"env\":{{\"SERVER_NAME\":\"web\",\"SERVER_PORT\":\"443\",\"REMOTE_ADDR\":\"203.0.113.{}\"}},\
         \"data\":{{\"card_number\":\"4111111111111111\",\"password\":\"hunter2\",\"name\":\"{}\"}}}},\
         \"user\":{{\"id\":\"{user}\",\"email\":\"user{user}@example.com\",\"ip_address\":\"203.0.113.{}\"}},\
         \"tags\":{{\"tenant\":\"t{}\",\"region\":\"{}\",\"feature\":\"checkout\"}},\
         \"breadcrumbs\":{{\"values\":[{}]}},\"modules\":{{{}}},\
         \"contexts\":{{\"trace\":{{\"trace_id\":\"{}\",\"span_id\":\"{}\",\"parent_span_id\":null,\"op\":\"http.server\"}},\
         \"runtime\":{{\"name\":\"CPython\",\"version\":\"3.12.4\",\"build\":\"3.12.4 (main)\"}}}},\
         \"extra\":{{\"sys.argv\":[\"/srv/shop/manage.py\",\"runserver\"]}},\
         \"sdk\":{{\"name\":\"sentry.python.django\",\"version\":\"2.75.0\",\"integrations\":[\"django\",\"logging\",\"redis\"],\
         \"packages\":[{{\"name\":\"pypi:sentry-sdk\",\"version\":\"2.75.0\"}}]}}}}",
        issue % 9,
        random.next() % 12,
        random.pick(&WORDS),
        random.between(1, 9_999_999),
        random.hex(24),
        frames.join(","),
        random.hex(32),
        random.hex(32),
        random.next() % 250,
        random.pick(&WORDS),
        random.next() % 250,
        random.next() % 300,
        random.pick(&["eu-west", "eu-central", "us-east"]),
        breadcrumbs.join(","),
        modules.join(","),
        random.hex(32),
        random.hex(16),
    )
}

fn frame(number: u64, shape: &mut Random, random: &mut Random) -> String {
    let module = shape.pick(&MODULES);
    let function = format!("{}_{}", shape.pick(&WORDS), shape.pick(&WORDS));
    let line = shape.between(10, 900);
    let path = module.replace('.', "/");
    let source = |shape: &mut Random| {
        format!(
            "\"    {} = self.{}({}, {}={})  # {}\"",
            shape.pick(&WORDS),
            shape.pick(&WORDS),
            shape.pick(&WORDS),
            shape.pick(&WORDS),
            shape.between(0, 9999),
            shape.pick(&WORDS)
        )
    };
    let before: Vec<String> = (0..3).map(|_| source(shape)).collect();
    let after: Vec<String> = (0..3).map(|_| source(shape)).collect();
    let context = source(shape);
    let vars: Vec<String> = (0..4)
        .map(|n| {
            format!(
                "\"{}_{n}\":\"<{} object at 0x{}>\"",
                shape.pick(&WORDS),
                shape.pick(&WORDS),
                random.hex(38)
            )
        })
        .collect();
    format!(
        "{{\"filename\":\"{path}.py\",\"abs_path\":\"/srv/shop/{path}.py\",\"function\":\"{function}\",\"module\":\"{module}\",\
         \"lineno\":{line},\"in_app\":{},\"pre_context\":[{}],\"context_line\":{context},\"post_context\":[{}],\
         \"vars\":{{{},\"index\":\"{number}\"}}}}",
        !module.starts_with("django"),
        before.join(","),
        after.join(","),
        vars.join(",")
    )
}

fn breadcrumb(random: &mut Random) -> String {
    format!(
        "{{\"type\":\"default\",\"category\":\"query\",\"level\":\"info\",\"message\":\"SELECT {}, {} FROM shop_{} WHERE id = {} AND token = '{}'\",\"data\":{{\"db\":\"default\"}}}}",
        random.pick(&WORDS),
        random.pick(&WORDS),
        random.pick(&WORDS),
        random.between(1, 9_999_999),
        random.hex(32)
    )
}
