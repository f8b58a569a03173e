//! Names of Samsung's phones and tablets, the one large family whose models are only numbers. Others name the model.

/// What follows `SM-`, without the letters for country and network, and the name on the box; sorted.
const NAMES: [(&str, &str); 104] = [
    ("A125", "Galaxy A12"),
    ("A127", "Galaxy A12"),
    ("A135", "Galaxy A13"),
    ("A136", "Galaxy A13 5G"),
    ("A145", "Galaxy A14"),
    ("A146", "Galaxy A14 5G"),
    ("A155", "Galaxy A15"),
    ("A156", "Galaxy A15 5G"),
    ("A165", "Galaxy A16"),
    ("A166", "Galaxy A16 5G"),
    ("A202", "Galaxy A20e"),
    ("A205", "Galaxy A20"),
    ("A217", "Galaxy A21s"),
    ("A225", "Galaxy A22"),
    ("A226", "Galaxy A22 5G"),
    ("A235", "Galaxy A23"),
    ("A236", "Galaxy A23 5G"),
    ("A245", "Galaxy A24"),
    ("A256", "Galaxy A25 5G"),
    ("A305", "Galaxy A30"),
    ("A307", "Galaxy A30s"),
    ("A315", "Galaxy A31"),
    ("A325", "Galaxy A32"),
    ("A326", "Galaxy A32 5G"),
    ("A336", "Galaxy A33 5G"),
    ("A346", "Galaxy A34 5G"),
    ("A356", "Galaxy A35 5G"),
    ("A405", "Galaxy A40"),
    ("A415", "Galaxy A41"),
    ("A426", "Galaxy A42 5G"),
    ("A505", "Galaxy A50"),
    ("A515", "Galaxy A51"),
    ("A516", "Galaxy A51 5G"),
    ("A525", "Galaxy A52"),
    ("A526", "Galaxy A52 5G"),
    ("A528", "Galaxy A52s 5G"),
    ("A536", "Galaxy A53 5G"),
    ("A546", "Galaxy A54 5G"),
    ("A556", "Galaxy A55 5G"),
    ("A705", "Galaxy A70"),
    ("A715", "Galaxy A71"),
    ("A725", "Galaxy A72"),
    ("A736", "Galaxy A73 5G"),
    ("F700", "Galaxy Z Flip"),
    ("F707", "Galaxy Z Flip 5G"),
    ("F711", "Galaxy Z Flip3 5G"),
    ("F721", "Galaxy Z Flip4"),
    ("F731", "Galaxy Z Flip5"),
    ("F741", "Galaxy Z Flip6"),
    ("F916", "Galaxy Z Fold2 5G"),
    ("F926", "Galaxy Z Fold3 5G"),
    ("F936", "Galaxy Z Fold4"),
    ("F946", "Galaxy Z Fold5"),
    ("F956", "Galaxy Z Fold6"),
    ("G780", "Galaxy S20 FE"),
    ("G781", "Galaxy S20 FE 5G"),
    ("G920", "Galaxy S6"),
    ("G930", "Galaxy S7"),
    ("G935", "Galaxy S7 edge"),
    ("G950", "Galaxy S8"),
    ("G955", "Galaxy S8+"),
    ("G960", "Galaxy S9"),
    ("G965", "Galaxy S9+"),
    ("G970", "Galaxy S10e"),
    ("G973", "Galaxy S10"),
    ("G975", "Galaxy S10+"),
    ("G977", "Galaxy S10 5G"),
    ("G980", "Galaxy S20"),
    ("G981", "Galaxy S20 5G"),
    ("G985", "Galaxy S20+"),
    ("G986", "Galaxy S20+ 5G"),
    ("G988", "Galaxy S20 Ultra 5G"),
    ("G990", "Galaxy S21 FE 5G"),
    ("G991", "Galaxy S21 5G"),
    ("G996", "Galaxy S21+ 5G"),
    ("G998", "Galaxy S21 Ultra 5G"),
    ("N950", "Galaxy Note8"),
    ("N960", "Galaxy Note9"),
    ("N970", "Galaxy Note10"),
    ("N975", "Galaxy Note10+"),
    ("N980", "Galaxy Note20"),
    ("N981", "Galaxy Note20 5G"),
    ("N985", "Galaxy Note20 Ultra"),
    ("N986", "Galaxy Note20 Ultra 5G"),
    ("S711", "Galaxy S23 FE"),
    ("S721", "Galaxy S24 FE"),
    ("S901", "Galaxy S22"),
    ("S906", "Galaxy S22+"),
    ("S908", "Galaxy S22 Ultra"),
    ("S911", "Galaxy S23"),
    ("S916", "Galaxy S23+"),
    ("S918", "Galaxy S23 Ultra"),
    ("S921", "Galaxy S24"),
    ("S926", "Galaxy S24+"),
    ("S928", "Galaxy S24 Ultra"),
    ("S931", "Galaxy S25"),
    ("S936", "Galaxy S25+"),
    ("S938", "Galaxy S25 Ultra"),
    ("T500", "Galaxy Tab A7"),
    ("T870", "Galaxy Tab S7"),
    ("X200", "Galaxy Tab A8"),
    ("X210", "Galaxy Tab A9+"),
    ("X700", "Galaxy Tab S8"),
    ("X710", "Galaxy Tab S9"),
];

/// The name of a model such as `SM-G991B`.
pub(super) fn name(model: &str) -> Option<&'static str> {
    let stem = model.strip_prefix("SM-")?.get(..4)?;
    let at = NAMES.binary_search_by_key(&stem, |(stem, _)| stem).ok()?;
    Some(NAMES[at].1)
}

#[cfg(test)]
mod tests {
    use super::{NAMES, name};

    #[test]
    fn models_have_names_whatever_their_country() {
        assert!(NAMES.is_sorted());
        assert_eq!(name("SM-G991B"), Some("Galaxy S21 5G"));
        assert_eq!(name("SM-A515F"), Some("Galaxy A51"));
        for unknown in ["", "SM-", "SM-Ä", "SM-Q000", "GT-I9300", "Pixel 7"] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }
}
