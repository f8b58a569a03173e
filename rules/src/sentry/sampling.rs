//! Sentry's configurations of dynamic sampling, and what they decide.

use bugle_protocol::json::Number;
use bugle_protocol::timestamp::parse_rfc3339;
use bugle_protocol::{Event, Json, UnixMillis};
use uuid::Uuid;

use super::condition::{Condition, ConfigError, text};
use super::fields::{Fields, OwnEvent, Trace};
use crate::sample::linear;

/// The rules of a project, in order.
#[derive(Clone, Debug, Default)]
pub struct SamplingConfig {
    /// The rules.
    pub rules: Vec<SamplingRule>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct SamplingRule {
    /// Its number, which reasons name.
    pub id: u32,
    /// What it looks at.
    pub kind: Kind,
    /// When it applies.
    pub condition: Condition,
    /// What it does.
    pub value: SamplingValue,
    /// The value that it changes to evenly until its end.
    pub decays_to: Option<f64>,
    /// The first moment at which it applies.
    pub start: Option<UnixMillis>,
    /// The first moment at which it no longer does.
    pub end: Option<UnixMillis>,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The trace, as its root describes it; the rules of the root's project apply.
    Trace,
    /// A single transaction; the rules of its own project apply.
    Transaction,
    /// Something that is not known.
    Unsupported,
}

/// What a rule does to the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SamplingValue {
    /// Sets it, and ends the search.
    SampleRate(f64),
    /// Multiplies what a later rule will set.
    Factor(f64),
    /// The least that a later rule may set.
    MinimumSampleRate(f64),
}

/// What a configuration decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// 0 to 1.
    pub sample_rate: f64,
    /// What the random number follows from, see [`crate::sample::random`].
    pub seed: Uuid,
    /// The rules that had a part in it, in order.
    pub rule_ids: Vec<u32>,
}

impl SamplingConfig {
    /// Reads a configuration of any version: `rules`, or `rulesV2` where there are such.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not one.
    pub fn read(json: &Json<'_>) -> Result<Self, ConfigError> {
        let config = json
            .as_object()
            .ok_or(ConfigError::NotAnObject("the configuration"))?;
        check_version(config.get_raw("version"))?;
        let read = |name| match config.get_raw(name) {
            None => Ok(Vec::new()),
            Some(Json::Array(rules)) => rules.iter().map(SamplingRule::read).collect(),
            Some(_) => Err(ConfigError::Unexpected {
                name,
                expected: "a list of rules",
            }),
        };
        let (rules, newer): (Vec<_>, Vec<_>) = (read("rules")?, read("rulesV2")?);
        let rules = if newer.is_empty() { rules } else { newer };
        Ok(Self { rules })
    }

    /// The first operator that is not known. Such a configuration keeps everything.
    #[must_use]
    pub fn unsupported(&self) -> Option<&str> {
        let mut conditions = self.rules.iter().map(|rule| &rule.condition);
        conditions.find_map(Condition::unsupported)
    }

    fn is_usable(&self) -> bool {
        let is_known = |rule: &SamplingRule| rule.kind != Kind::Unsupported;
        self.unsupported().is_none() && self.rules.iter().all(is_known)
    }
}

impl SamplingRule {
    fn read(json: &Json<'_>) -> Result<Self, ConfigError> {
        let rule = json
            .as_object()
            .ok_or(ConfigError::NotAnObject("the rule"))?;
        let (start, end) = match rule.get_raw("timeRange") {
            None => (None, None),
            Some(range @ Json::Object(_)) => (time(range, "start")?, time(range, "end")?),
            Some(_) => return Err(ConfigError::NotAnObject("`timeRange`")),
        };
        Ok(Self {
            condition: Condition::read(member(json, "condition")?)?,
            id: id(json)?,
            kind: match text(json, "type")? {
                "trace" => Kind::Trace,
                "transaction" => Kind::Transaction,
                _ => Kind::Unsupported,
            },
            value: sampling_value(member(json, "samplingValue")?)?,
            decays_to: match rule.get_raw("decayingFn") {
                None => None,
                Some(function @ Json::Object(_)) => decays_to(function)?,
                Some(_) => return Err(ConfigError::NotAnObject("`decayingFn`")),
            },
            start,
            end,
        })
    }

    /// What the rule does at a time; `None` if it does not apply then.
    fn value_at(&self, now: UnixMillis) -> Option<SamplingValue> {
        let is_too_early = self.start.is_some_and(|start| now < start);
        let is_over = self.end.is_some_and(|end| now >= end);
        if is_too_early || is_over {
            return None;
        }
        let Some(last) = self.decays_to else {
            return Some(self.value);
        };
        let (start, end) = (self.start?, self.end?);
        let at = |first: f64| (first >= last).then(|| linear(first, last, start, end, now));
        Some(match self.value {
            SamplingValue::SampleRate(rate) => SamplingValue::SampleRate(at(rate)?),
            SamplingValue::Factor(factor) => SamplingValue::Factor(at(factor)?),
            SamplingValue::MinimumSampleRate(rate) => SamplingValue::MinimumSampleRate(at(rate)?),
        })
    }
}

/// Decides about an event: the transaction rules of its own project come first, then the trace rules of the project in
/// which the trace began, which `trace` describes. `None` if no rule sets a rate: then everything is kept.
#[must_use]
pub fn decide(
    own: &SamplingConfig,
    root: &SamplingConfig,
    trace: Option<&Json<'_>>,
    event: &Event<'_>,
    now: UnixMillis,
) -> Option<Match> {
    if !own.is_usable() || !root.is_usable() {
        return None;
    }
    let mut walk = Walk {
        factor: 1.0,
        minimum: None,
        rule_ids: Vec::new(),
        now,
    };
    if let Some(id) = event.event_id() {
        let decided = walk.over(own, Kind::Transaction, &OwnEvent(event), id.0);
        if decided.is_some() {
            return decided;
        }
    }
    let trace = trace?;
    let seed = Uuid::try_parse(trace.get_str("trace_id")?).ok()?;
    walk.over(root, Kind::Trace, &Trace(trace), seed)
}

/// What the rules that were passed have asked for.
struct Walk {
    factor: f64,
    minimum: Option<f64>,
    rule_ids: Vec<u32>,
    now: UnixMillis,
}

impl Walk {
    fn over(
        &mut self,
        config: &SamplingConfig,
        kind: Kind,
        fields: &dyn Fields,
        seed: Uuid,
    ) -> Option<Match> {
        for rule in config.rules.iter().filter(|rule| rule.kind == kind) {
            let Some(value) = rule.value_at(self.now) else {
                continue;
            };
            if !rule.condition.matches(fields) {
                continue;
            }
            self.rule_ids.push(rule.id);
            match value {
                SamplingValue::Factor(factor) => self.factor *= factor,
                SamplingValue::MinimumSampleRate(rate) => {
                    self.minimum.get_or_insert(rate);
                }
                SamplingValue::SampleRate(rate) => {
                    let rate = rate.max(self.minimum.unwrap_or(0.0)) * self.factor;
                    return Some(Match {
                        sample_rate: rate.clamp(0.0, 1.0),
                        seed,
                        rule_ids: std::mem::take(&mut self.rule_ids),
                    });
                }
            }
        }
        None
    }
}

/// All versions are read alike, but it must be one.
fn check_version(version: Option<&Json<'_>>) -> Result<(), ConfigError> {
    let is_version = |version: &Json<'_>| {
        let number = version.as_number().and_then(Number::as_u64);
        number.is_some_and(|number| u16::try_from(number).is_ok())
    };
    if version.is_none_or(is_version) {
        return Ok(());
    }
    Err(ConfigError::Unexpected {
        name: "version",
        expected: "a number from 0 to 65535",
    })
}

fn member<'j, 'a>(json: &'j Json<'a>, name: &'static str) -> Result<&'j Json<'a>, ConfigError> {
    json.get(name).ok_or(ConfigError::Missing(name))
}

fn number(json: &Json<'_>, name: &'static str) -> Result<f64, ConfigError> {
    let expected = "a number";
    member(json, name)?
        .as_f64()
        .ok_or(ConfigError::Unexpected { name, expected })
}

fn id(json: &Json<'_>) -> Result<u32, ConfigError> {
    let id = member(json, "id")?;
    let id = id.as_number().and_then(Number::as_u64);
    id.and_then(|id| u32::try_from(id).ok())
        .ok_or(ConfigError::Unexpected {
            name: "id",
            expected: "a number from 0 to 4294967295",
        })
}

fn sampling_value(json: &Json<'_>) -> Result<SamplingValue, ConfigError> {
    let unexpected = |name, expected| Err(ConfigError::Unexpected { name, expected });
    if json.as_object().is_none() {
        return unexpected("samplingValue", "an object");
    }
    let value = match text(json, "type")? {
        "sampleRate" => SamplingValue::SampleRate,
        "factor" => SamplingValue::Factor,
        "minimumSampleRate" => SamplingValue::MinimumSampleRate,
        _ => return unexpected("type", "`sampleRate`, `factor` or `minimumSampleRate`"),
    };
    Ok(value(number(json, "value")?))
}

fn decays_to(json: &Json<'_>) -> Result<Option<f64>, ConfigError> {
    match text(json, "type")? {
        "constant" => Ok(None),
        "linear" => number(json, "decayedValue").map(Some),
        _ => Err(ConfigError::Unexpected {
            name: "type",
            expected: "`constant` or `linear`",
        }),
    }
}

fn time(range: &Json<'_>, name: &'static str) -> Result<Option<UnixMillis>, ConfigError> {
    let expected = "a time such as `2026-01-02T03:04:05Z`";
    let Some(time) = range.get(name) else {
        return Ok(None);
    };
    // A time without a zone is nobody's.
    let has_zone = |text: &&str| {
        let clock = text.get(10..).unwrap_or_default();
        clock.contains(['Z', 'z', '+', '-'])
    };
    let seconds = time.as_str().filter(has_zone).and_then(parse_rfc3339);
    let seconds = seconds.ok_or(ConfigError::Unexpected { name, expected })?;
    Ok(Some(UnixMillis::from_seconds(seconds)))
}
