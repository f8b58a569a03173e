//! Lines that many teams want.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_query::{Key, Term};

use crate::presets::{Place, Preset};

/// How long a release is new.
const NEW_RELEASE: Duration = Duration::from_secs(3600);

const PRESETS: [Preset; 5] = [
    Preset {
        name: "keep-failed",
        title: "Keep all that failed",
        explanation: "Every transaction that ended in an error is stored, whatever the lines below say. Each service sees only \
                      its own part: the rest of such a trace is sampled as usual.",
        lines: &["has:transaction.status !transaction.status:[ok, cancelled, unknown] -> sample 1"],
        place: Place::Top,
    },
    Preset {
        name: "keep-slow",
        title: "Keep all that took longer than 2 seconds",
        explanation: "Every slow transaction is stored, whatever the lines below say. Each service sees only its own part: \
                      the rest of such a trace is sampled as usual.",
        lines: &["transaction.duration:>2s -> sample 1"],
        place: Place::Top,
    },
    Preset {
        name: "no-health-checks",
        title: "Drop health checks",
        explanation: "Load balancers and clusters ask every few seconds whether a service is alive.",
        lines: &["transaction:[*/health/, */readiness/, */healthz, */readyz, */livez] -> sample 0"],
        place: Place::Top,
    },
    Preset {
        name: "by-path",
        title: "Rates by path",
        explanation: "Nothing of health checks, half of the API, a tenth of the admin pages and of all others. Change the \
                      numbers as you like: the first line that fits decides.",
        lines: &[
            "transaction:[/health/*, /readiness/*] -> sample 0",
            "transaction:/api/* -> sample 0.5",
            "transaction:/admin/* -> sample 0.1",
            "transaction:* -> sample 0.1",
        ],
        place: Place::Bottom,
    },
    Preset {
        name: "a-tenth",
        title: "A tenth of everything else",
        explanation: "A tenth of all transactions that no line above decides.",
        lines: &["has:transaction -> sample 0.1"],
        place: Place::Bottom,
    },
];

/// The lines that many teams want. Those that keep or drop for good go to the top of a text, rates to its end.
#[must_use]
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The lines that keep all transactions of a release that is deployed at `at`, and within an hour lead down to `rate`
/// (0 to 1), the share that is kept of all others.
#[must_use]
pub fn new_release_lines(release: &str, at: UnixMillis, rate: f64) -> String {
    let rate = rate.clamp(0.0, 1.0);
    // Whole seconds are all that counts.
    let shown = |time: UnixMillis| {
        let text = time.to_rfc3339();
        text.split_once('.')
            .map_or_else(|| text.clone(), |(second, _)| format!("{second}Z"))
    };
    let (from, until) = (shown(at), shown(at.after(NEW_RELEASE)));
    let name: String = release
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let term = Term::is(Key::Field("release".to_owned()), &name);
    format!(
        "# The first hour of {name}\n{term} has:transaction -> sample 1 to {rate} from {from} until {until}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::SamplingDocument;
    use crate::sample::{Sampling, warnings};

    fn problems(rules: &str) -> Vec<crate::Problem> {
        let document = SamplingDocument {
            rules: rules.to_owned(),
        };
        let (sampling, mut problems) = Sampling::lenient(&document);
        assert!(!sampling.is_empty(), "{rules}");
        problems.extend(warnings(&document, UnixMillis(0)));
        problems
    }

    #[test]
    fn every_preset_is_of_rules_and_can_be_added_and_removed() {
        let own = "# Ours\ntransaction:/checkout -> sample 1\n";
        for preset in presets() {
            assert_eq!(problems(&preset.lines.join("\n")), [], "{}", preset.name);
            let with = preset.add_to(own);
            assert!(preset.is_in(&with));
            assert_eq!(problems(&with), [], "{with}");
            assert_eq!(preset.remove_from(&with), own, "{}", preset.name);
        }
    }

    #[test]
    fn all_presets_together_leave_each_other_room() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
            let text = order
                .iter()
                .fold(String::new(), |text, index| presets()[*index].add_to(&text));
            assert_eq!(problems(&text), [], "{text}");
            assert!(text.trim_end().ends_with("transaction:* -> sample 0.1"));
        }
    }

    #[test]
    fn the_lines_of_a_new_release_are_rules() {
        let at = UnixMillis(1_767_225_600_500);
        for release in [
            "shop@1.2.3",
            "a \"b\" (c) *",
            "x -> drop",
            "x\ny:* -> sample 0",
        ] {
            let text = new_release_lines(release, at, 0.1);
            assert_eq!(problems(&text), [], "{text}");
        }
        assert_eq!(
            new_release_lines("shop@1.2.3", at, 0.1),
            "# The first hour of shop@1.2.3\nrelease:shop@1.2.3 has:transaction -> sample 1 to 0.1 \
             from 2026-01-01T00:00:00Z until 2026-01-01T01:00:00Z\n"
        );
    }
}
