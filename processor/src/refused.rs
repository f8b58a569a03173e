//! Finds out what of a request the database does not take, by leaving parts out.

use crate::batch::Suspect;

/// Parts that are left out one by one at most; an envelope with more of them is tried by kinds.
const MAX_SINGLES: usize = 32;

/// What to leave out, in the order in which it is tried: each unit alone, all of a kind, everything.
pub(crate) fn candidates(suspects: &[Suspect]) -> Vec<Vec<usize>> {
    let of = |belongs: fn(&Suspect) -> bool| {
        let units = suspects.iter().filter(|suspect| belongs(suspect));
        units.map(|suspect| suspect.unit).collect::<Vec<_>>()
    };
    let singles = suspects
        .iter()
        .take(MAX_SINGLES)
        .map(|suspect| vec![suspect.unit]);
    let mut candidates: Vec<Vec<usize>> = singles.collect();
    for kind in [
        of(|suspect| suspect.has_events),
        of(|suspect| suspect.has_attachments),
        of(|suspect| suspect.has_feedback),
        of(|suspect| suspect.has_transactions),
        of(|_| true),
    ] {
        if !kind.is_empty() && !candidates.contains(&kind) {
            candidates.push(kind);
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_out_before_much() {
        let suspect = |unit, has_events, has_attachments| Suspect {
            unit,
            has_events,
            has_attachments,
            has_feedback: false,
            has_transactions: false,
        };
        let event = suspect(0, true, false);
        assert_eq!(candidates(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(candidates(&[event]), [vec![0]]);
        let with_files = [event, suspect(2, false, true), suspect(3, false, true)];
        assert_eq!(
            candidates(&with_files),
            [vec![0], vec![2], vec![3], vec![2, 3], vec![0, 2, 3]]
        );
        let many: Vec<Suspect> = (0..100).map(|unit| suspect(unit, false, true)).collect();
        assert_eq!(candidates(&many).len(), MAX_SINGLES + 1);
    }
}
