//! Shortens function names to what stays the same between builds: no arguments, templates, return types or hashes.

mod native;

use crate::family::Family;

/// Whether functions of the platform have anything to shorten.
pub(crate) fn is_shortened(platform: &str) -> bool {
    platform == "csharp" || Family::of(platform) == Family::Native
}

/// The short form of a function's name; `None` if it is short already.
pub(crate) fn shorten(function: &str, platform: &str) -> Option<String> {
    let short = if platform == "csharp" {
        // Unity writes "Shop.Cart:Total (System.String b)".
        function.split(" (").next()?.to_owned()
    } else if Family::of(platform) == Family::Native {
        native::shorten(function)?
    } else {
        return None;
    };
    (!short.is_empty() && short != function).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Long and short names, one pair per line.
    const NAMES: &str = r#"main => main
<unknown> => <unknown>
-[UIView(Layout) layout:animated:] => -[UIView(Layout) layout:animated:]
std::vector<int, std::allocator<int> >::push_back(int const&) => std::vector<T>::push_back
shop::run(int)::$_0::operator()(int) const => shop::run::lambda::operator()
shop::run()::{lambda(int)#2}::operator()(int) const => shop::run::lambda::operator()
<lambda_5db80dab47756d3e72c2dcd38b80b1dd>::operator() => <lambda>::operator()
(anonymous namespace)::helper(char const*) => (anonymous namespace)::helper
?A0x1a2b3c4d::helper => `anonymous namespace'::helper
std::ostream& operator<<(std::ostream&, shop::Cart const&) => operator<<
shop::Ptr<shop::Cart>::operator->() const => shop::Ptr<T>::operator->
bool operator< <int>(A<int> const&, A<int> const&) => operator<<T>
operator new(unsigned long) => operator new
unsigned char* shop::alloc(unsigned long) [clone .cold.12] => shop::alloc
int shop::f(std::function<void (int)>) const & => shop::f
CUse<class A>::`vector deleting destructor'(unsigned int) => destructor'
memcpy@@GLIBC_2.14 => memcpy
_Foo@12 => _Foo
shopd::cart::total::h0011223344556677 => shopd::cart::total
<std::thread::local::LocalKey<T>>::with => std::thread::local::LocalKey<T>::with
<F as alloc::boxed::FnBox<A>>::call_box => alloc::boxed::FnBox<T>::call_box
<sentry::Logger as log::Log>::log => sentry::Logger::log
std::rt::lang_start::{{closure}}::h4e8f5f76222f4872  => std::rt::lang_start::{{closure}}
closure #1 (File) in static Cart.total(_: [File]) => closure in Cart.total
closure #1 () => closure
static Cart.total(of: Int) throws -> Int => Cart.total
@objc Cart.viewDidLoad() => Cart.viewDidLoad
(extension in Shop):Cart.total() -> Int => Cart.total
Cart.total.getter : Swift.Int => Cart.total.getter
partial apply for thunk for @escaping @callee_guaranteed () -> () => thunk for closure
protocol witness for Shop.run() in conformance Cart => Cart
initialization expression of static Cart.x => initializer expression of Cart.x
__31-[Cart viewDidLoad]_block_invoke_2 => __31-[Cart viewDidLoad]_block_invoke_2"#;

    #[test]
    fn names_are_shortened() {
        for line in NAMES.lines() {
            let (function, expected) = line.split_once(" => ").unwrap();
            let short = shorten(function, "native").unwrap_or_else(|| function.to_owned());
            assert_eq!(short, expected, "{function}");
        }
        assert_eq!(
            shorten("Shop.Cart:Total (System.String b)", "csharp").unwrap(),
            "Shop.Cart:Total"
        );
        assert_eq!(shorten("f(int)", "python"), None);
    }

    proptest! {
        #[test]
        fn no_name_panics(name in r"[a<>(){}\[\] :@*&~$_#0-9é`'-]{0,40}") {
            let _ = shorten(&name, "native");
        }

        #[test]
        fn almost_names_never_panic(name in "(operator|<|>|\\(|\\)| as | |::|lambda|\\{lambda\\(|#1\\}|->|closure #1|const|&|@|_|h0011223344556677|\\$_1){0,12}") {
            let _ = shorten(&name, "native");
        }
    }
}
