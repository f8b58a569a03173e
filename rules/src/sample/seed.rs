//! The random number of an event: always the same for the same trace, whoever draws it.

use bugle_protocol::{Event, Json};
use uuid::Uuid;

/// What the draw of an event depends on: for a transaction the id of its trace, so that all services that took part in it
/// decide alike; for everything else, and where there is no trace, the event's id.
#[must_use]
pub fn seed(event: &Event<'_>) -> Uuid {
    let trace = (event.event_type() == "transaction").then(|| trace_id(event));
    let event_id = || event.event_id().map(|id| id.0);
    trace.flatten().or_else(event_id).unwrap_or(Uuid::nil())
}

fn trace_id(event: &Event<'_>) -> Option<Uuid> {
    let trace = event.get("contexts").and_then(|all| all.get("trace"))?;
    let id = trace.get("trace_id").and_then(Json::as_str)?;
    Uuid::try_parse(id).ok()
}

/// The random number of a seed, at least 0 and below 1, evenly distributed; the same as Sentry's.
///
/// It is the first number of a permuted congruential generator (PCG XSH-RR 64/32, <https://www.pcg-random.org>) whose state
/// is the upper and whose stream the lower half of the id: two outputs, the later one above, the upper 52 bits of which are
/// the fraction.
#[must_use]
pub fn random(seed: Uuid) -> f64 {
    let (state, stream) = seed.as_u64_pair();
    let mut generator = Pcg::new(state, stream);
    let low = u64::from(generator.next());
    let high = u64::from(generator.next());
    let fraction = (high << 32 | low) >> 12;
    f64::from_bits(fraction | 1_f64.to_bits()) - 1.0
}

struct Pcg {
    state: u64,
    increment: u64,
}

impl Pcg {
    const MULTIPLIER: u64 = 6_364_136_223_846_793_005;

    fn new(state: u64, stream: u64) -> Self {
        let increment = stream << 1 | 1;
        let mut pcg = Self {
            state: state.wrapping_add(increment),
            increment,
        };
        pcg.step();
        pcg
    }

    fn step(&mut self) {
        let product = self.state.wrapping_mul(Self::MULTIPLIER);
        self.state = product.wrapping_add(self.increment);
    }

    fn next(&mut self) -> u32 {
        let state = self.state;
        self.step();
        let rotation = (state >> 59) as u32;
        let [.., a, b, c, d] = ((state >> 18 ^ state) >> 27).to_be_bytes();
        u32::from_be_bytes([a, b, c, d]).rotate_right(rotation)
    }
}
