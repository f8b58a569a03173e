//! Names that Java's code generators number anew in each run.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// A pattern and what its matches become.
type Cleanup = (Regex, &'static str);

static JAVASSIST: LazyLock<Cleanup> =
    LazyLock::new(|| cleanup(r"_\$\$_javassist(?:_seam)?_[0-9]+", "_$$$$_javassist<auto>"));

/// Reflection accessors, proxies of CGLIB, Guice and Hibernate, and Clojure's functions.
static GENERATED: LazyLock<[Cleanup; 5]> = LazyLock::new(|| {
    [
        cleanup(
            r"reflect\.(Generated(?:Serialization)?ConstructorAccessor)[0-9]+",
            "reflect.$1<auto>",
        ),
        cleanup(
            r"reflect\.GeneratedMethodAccessor[0-9]\w*",
            "reflect.GeneratedMethodAccessor",
        ),
        cleanup(
            r"(\$[A-Za-z]*(?:CGLIB|EnhancerBy|FastClassBy)[A-Za-z]*\${1,2})[0-9a-fA-F]{1,16}\b",
            "$1<auto>",
        ),
        cleanup(r"(HibernateProxy\$)[A-Za-z0-9]{1,16}", "$1<auto>"),
        cleanup(r"(\$fn__)[0-9]+", "$1<auto>"),
    ]
});

fn cleanup(pattern: &str, replacement: &'static str) -> Cleanup {
    let regex = Regex::new(pattern).expect("the pattern is a tested constant");
    (regex, replacement)
}

/// A class name without the parts that generators invent.
pub(crate) fn stable_module(module: &str) -> Cow<'_, str> {
    if !module.contains('$') && !module.contains("reflect.Generated") {
        return Cow::Borrowed(module);
    }
    let cleanups = GENERATED.iter().chain([&*JAVASSIST]);
    cleanups.fold(Cow::Borrowed(module), |name, cleanup| {
        match replace(&name, cleanup) {
            Some(changed) => Cow::Owned(changed),
            None => name,
        }
    })
}

/// A file name without the number of Javassist.
pub(crate) fn stable_filename(filename: &str) -> Cow<'_, str> {
    if !filename.contains('$') {
        return Cow::Borrowed(filename);
    }
    replace(filename, &JAVASSIST).map_or(Cow::Borrowed(filename), Cow::Owned)
}

fn replace(text: &str, (regex, replacement): &Cleanup) -> Option<String> {
    match regex.replace_all(text, *replacement) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_parts_are_replaced() {
        for (module, expected) in [
            ("a.B$C", "a.B$C"),
            (
                "jdk.internal.reflect.GeneratedMethodAccessor77",
                "jdk.internal.reflect.GeneratedMethodAccessor",
            ),
            (
                "sun.reflect.GeneratedSerializationConstructorAccessor1",
                "sun.reflect.GeneratedSerializationConstructorAccessor<auto>",
            ),
            (
                "a.B$$EnhancerBySpringCGLIB$$1ebdddb0",
                "a.B$$EnhancerBySpringCGLIB$$<auto>",
            ),
            (
                "a.B$$EnhancerByGuice$$ae46b1bf$$FastClassByGuice$$caceacd2",
                "a.B$$EnhancerByGuice$$<auto>$$FastClassByGuice$$<auto>",
            ),
            ("a.B$$SpringCGLIB$$0", "a.B$$SpringCGLIB$$<auto>"),
            ("a.U$HibernateProxy$oRWxjAWT", "a.U$HibernateProxy$<auto>"),
            ("a.C_$$_javassist_seam_74", "a.C_$$_javassist<auto>"),
            (
                "a.core$_main$fn__1539$fn__1540",
                "a.core$_main$fn__<auto>$fn__<auto>",
            ),
        ] {
            assert_eq!(stable_module(module), expected);
        }
        assert_eq!(
            stable_filename("C_$$_javassist_74.java"),
            "C_$$_javassist<auto>.java"
        );
    }
}
