// Sends messages one by one with the real SDK: DSN COUNT. Each is flushed before the next, so that an answer can hold
// the next one back. What the SDK holds back it reports when the process ends.
import * as Sentry from "@sentry/node";

const [dsn, count] = process.argv.slice(2);
Sentry.init({ dsn, defaultIntegrations: false });
for (let number = 0; number < Number(count); number += 1) {
  Sentry.captureMessage(`message ${number}`, "error");
  await Sentry.flush(10_000);
}
