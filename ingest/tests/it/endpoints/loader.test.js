// Drives the loader script, read from standard input, through pages that are made up, and checks what the SDK gets to hear.
const assert = require("node:assert");
const vm = require("node:vm");

const script = require("node:fs").readFileSync(0, "utf8");
const DSN = "https://a94f0b1c2d3e4f5061728394a5b6c7d8@errors.example.com/bugle/1";

function page({ lazy = null, source = script, before = () => {}, readyState = "loading" } = {}) {
  const listeners = {};
  const timers = [];
  const injected = [];
  const heard = [];
  const window = {
    addEventListener: (name, listener) => (listeners[name] = [...(listeners[name] || []), listener]),
    removeEventListener: (name, listener) => {
      listeners[name] = (listeners[name] || []).filter((other) => other !== listener);
    },
  };
  const document = {
    readyState,
    currentScript: { getAttribute: (name) => (name === "data-lazy" ? lazy : null) },
    createElement: (tag) => ({ tag }),
    head: { appendChild: (element) => injected.push(element) },
  };
  const emit = (name, event) => (listeners[name] || []).slice().forEach((listener) => listener(event));
  before(window, heard);
  vm.runInNewContext(source, { window, document, setTimeout: (callback) => timers.push(callback) });
  const arrive = () => {
    const hear = (name) => (...values) => heard.push([name, ...JSON.parse(JSON.stringify(values))]);
    window.Sentry = Object.freeze(Object.fromEntries(
      ["init", "captureException", "captureMessage", "captureEvent", "addBreadcrumb", "setTag", "showReportDialog"]
        .map((name) => [name, hear(name)]),
    ));
    injected[0].onload();
  };
  return { window, injected, heard, timers, listeners, emit, arrive };
}

const scenarios = {
  "nothing is fetched as long as nothing happens"() {
    const { window, injected } = page();
    window.Sentry.addBreadcrumb({ message: "a" });
    window.Sentry.setTag("a", "b");
    window.Sentry.onLoad(() => {});
    assert.equal(injected.length, 0);
  },

  "an error fetches the SDK, which hears of it afterwards"() {
    const { window, injected, heard, emit, arrive, listeners } = page();
    window.Sentry.addBreadcrumb({ message: "a" });
    emit("error", { error: "boom", message: "Uncaught boom" });
    emit("error", { message: "Script error." });
    emit("unhandledrejection", { reason: "no" });
    assert.equal(injected.length, 1);
    assert.equal(injected[0].src, "https://cdn.example.com/sdk.min.js");
    assert.equal(injected[0].crossOrigin, "anonymous");
    arrive();
    assert.deepEqual(heard, [
      ["init", { dsn: DSN }],
      ["addBreadcrumb", { message: "a" }],
      ["captureException", "boom", { mechanism: { type: "onerror", handled: false } }],
      ["captureMessage", "Script error.", "error"],
      ["captureException", "no", { mechanism: { type: "onunhandledrejection", handled: false } }],
    ]);
    // From here on the SDK listens itself.
    assert.deepEqual(listeners, { error: [], unhandledrejection: [] });
  },

  "a resource that is missing is no error"() {
    const { injected, emit } = page();
    emit("error", { type: "error" });
    assert.equal(injected.length, 0);
  },

  "calls that report fetch the SDK"() {
    for (const [name, value] of [
      ["captureException", "a"],
      ["captureMessage", "a"],
      ["captureEvent", {}],
      ["showReportDialog", {}],
    ]) {
      const { window, injected, heard, arrive } = page();
      window.Sentry[name](value);
      assert.equal(injected.length, 1, name);
      arrive();
      assert.deepEqual(heard, [["init", { dsn: DSN }], [name, value]]);
    }
  },

  "callbacks run before the queue, and may initialise"() {
    const { window, heard, arrive } = page({
      before: (window, heard) => (window.sentryOnLoad = () => heard.push(["sentryOnLoad"])),
    });
    window.Sentry.onLoad(() => window.Sentry.init({ release: "1", tracesSampleRate: 1 }));
    window.Sentry.captureMessage("a");
    arrive();
    assert.deepEqual(heard, [
      ["sentryOnLoad"],
      ["init", { dsn: DSN, release: "1", tracesSampleRate: 1 }],
      ["captureMessage", "a"],
    ]);
  },

  "options that were given early are used, and go before the project's"() {
    const { window, heard, arrive } = page();
    window.Sentry.init({ dsn: "https://other", environment: "dev" });
    window.Sentry.forceLoad();
    arrive();
    assert.deepEqual(heard, [["init", { dsn: "https://other", environment: "dev" }]]);
  },

  "forceLoad fetches once, and onLoad runs at once afterwards"() {
    const { window, injected, heard, arrive } = page();
    const early = window.Sentry;
    early.forceLoad();
    early.forceLoad();
    assert.equal(injected.length, 1);
    arrive();
    window.Sentry.onLoad(() => heard.push(["late"]));
    window.Sentry.forceLoad();
    // Who kept the stub reaches the SDK through it.
    early.captureMessage("a");
    early.onLoad(() => heard.push(["later"]));
    assert.deepEqual(heard, [["init", { dsn: DSN }], ["late"], ["captureMessage", "a"], ["later"]]);
    assert.equal(injected.length, 1);
  },

  "an eager page fetches when it is loaded"() {
    const eager = page({ lazy: "no" });
    assert.equal(eager.injected.length, 0);
    eager.emit("load", {});
    assert.equal(eager.injected.length, 1);
    assert.equal(page({ lazy: "no", readyState: "complete" }).injected.length, 1);
  },

  "a callback that fails is the page's own error"() {
    const { window, heard, timers, arrive } = page();
    window.Sentry.onLoad(() => { throw new Error("mine"); });
    window.Sentry.forceLoad();
    arrive();
    assert.deepEqual(heard, [["init", { dsn: DSN }]]);
    assert.equal(timers.length, 1);
    assert.throws(timers[0], /mine/);
  },

  "what is kept is bounded"() {
    const { heard, emit, arrive } = page();
    for (let i = 0; i < 1000; i++) emit("error", { error: `boom ${i}`, message: "boom" });
    arrive();
    assert.equal(heard.length, 1 + 100);
  },

  "an SDK that cannot be fetched leaves the page alone"() {
    const { window, injected, emit, listeners } = page();
    emit("error", { error: "boom", message: "boom" });
    injected[0].onerror();
    assert.deepEqual(listeners, { error: [], unhandledrejection: [] });
    window.Sentry.captureMessage("a");
    window.Sentry.onLoad(() => assert.fail());
    window.Sentry.forceLoad();
    assert.equal(injected.length, 1);
    const wrong = page();
    wrong.emit("error", { error: "boom", message: "boom" });
    wrong.injected[0].onload();
    assert.equal(wrong.listeners.error.length, 0);
  },

  "a page that brings the SDK keeps it"() {
    const sdk = { init() {} };
    const { window, listeners } = page({ before: (window) => (window.Sentry = sdk) });
    assert.equal(window.Sentry, sdk);
    assert.deepEqual(listeners, {});
  },

  "without a configuration every call is there and does nothing"() {
    const source = script.replace(/\(window, document, \{.*\}\);\s*$/, "(window, document, null);");
    assert.notEqual(source, script);
    const { window, injected, listeners } = page({ source, lazy: "no", readyState: "complete" });
    for (const name of Object.keys(window.Sentry)) window.Sentry[name](() => assert.fail());
    assert.equal(injected.length, 0);
    assert.deepEqual(listeners, {});
  },
};

for (const [name, run] of Object.entries(scenarios)) {
  try {
    run();
  } catch (error) {
    console.error(`${name}: ${error.stack}`);
    process.exit(1);
  }
}
console.log("all scenarios passed");
