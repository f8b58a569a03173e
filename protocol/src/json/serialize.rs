//! Lets the tree stand inside typed answers: any serde format can write it, in the order of the input.

use serde::{Serialize, Serializer};

use super::{Json, Number, Object};

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Unsigned(n) => serializer.serialize_u64(n),
            Self::Signed(n) => serializer.serialize_i64(n),
            Self::Float(n) => serializer.serialize_f64(n),
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use crate::json::{parse_str, to_string};

    #[test]
    fn serde_writes_what_the_tree_writes() {
        let text = r#"{"z":[null,true,-3,18446744073709551615,1.5,"é\"\n"],"a":{"":{}}}"#;
        let json = parse_str(text).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), to_string(&json));
    }
}
