//! Takes the text of a statement apart, whatever the dialect, and forgets every literal on the way.

/// What differs between dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `"x"` is a text, not a name.
    pub(super) double_quotes_texts: bool,
    /// `'it\'s'` is one text.
    pub(super) has_escapes: bool,
    /// `# to the end of the line` is a comment.
    pub(super) has_hash_comments: bool,
}

impl Dialect {
    /// The dialect of a `db.system`. A backslash escapes where nothing is known: to take too much for a literal hides
    /// nothing that matters, to take too little shows one.
    pub(super) fn of(system: Option<&str>) -> Self {
        let is_mysql = matches!(system, Some("mysql" | "mariadb"));
        Self {
            double_quotes_texts: is_mysql,
            has_escapes: is_mysql || system.is_none(),
            has_hash_comments: is_mysql,
        }
    }
}

/// A piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name or keyword without quotes.
    Word(&'t str),
    /// A name without its quotes.
    Quoted(&'t str),
    /// A literal or placeholder.
    Value,
    /// An operator.
    Op(&'t str),
    /// `(` or `[`.
    Open(char),
    /// `)` or `]`.
    Close,
    Comma,
    Dot,
    /// `::`, behind which a type follows.
    Cast,
    Semicolon,
}

/// The tokens of a text. It never fails: a text or comment without an end goes to the end.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
    /// Whether the token before was a value or name.
    follows_value: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self {
            text,
            at: 0,
            dialect,
            follows_value: false,
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn byte(&self, ahead: usize) -> u8 {
        let bytes = self.text.as_bytes();
        bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Whether a value ends right here: then `[` is a subscript and a dot a path.
    fn touches_value(&self) -> bool {
        self.follows_value && !self.text[..self.at].ends_with(char::is_whitespace)
    }

    /// Goes on behind the next `end`, or to the end of the text.
    fn skip_past(&mut self, from: usize, end: &str) {
        let start = (self.at + from).min(self.text.len());
        self.at = match self.text[start..].find(end) {
            Some(found) => start + found + end.len(),
            None => self.text.len(),
        };
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            self.at += blanks;
            let rest = self.rest();
            if rest.starts_with("--") || (self.dialect.has_hash_comments && rest.starts_with('#')) {
                self.skip_past(0, "\n");
            } else if rest.starts_with("/*") {
                self.skip_past(2, "*/");
            } else if blanks == 0 {
                return;
            }
        }
    }

    /// How far away the next `wanted` is, if it is near enough to end a name.
    fn find_near(&self, wanted: u8) -> Option<usize> {
        const MAX_NAME_BYTES: usize = 130;
        let mut near = self.rest().bytes().take(MAX_NAME_BYTES);
        near.position(|byte| byte == wanted)
    }

    /// A text in quotes, which are doubled inside it.
    fn quoted(&mut self, quote: u8, has_escapes: bool) -> &'t str {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len() {
            match bytes[end] {
                b'\\' if has_escapes => end += 2,
                byte if byte == quote && bytes.get(end + 1) == Some(&quote) => end += 2,
                byte if byte == quote => break,
                _ => end += 1,
            }
        }
        self.at = (end + 1).min(bytes.len());
        self.text.get(start..end).unwrap_or_default()
    }

    /// A dollar-quoted text or `$1`, if there is one.
    fn dollar(&mut self) -> bool {
        if self.byte(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(|b| b.is_ascii_digit());
            return true;
        }
        let tag = &self.rest()[1..];
        let length = tag
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        if tag.as_bytes().get(length) != Some(&b'$') {
            return false;
        }
        let fence = &self.rest()[..length + 2];
        self.skip_past(fence.len(), fence);
        true
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && keep(bytes[self.at]) {
            self.at += 1;
        }
    }

    /// `%s`, `%(name)s` and `:name`, `@name`, `?`: what stands for a value.
    fn placeholder(&mut self) -> bool {
        let length = match (self.byte(0), self.byte(1)) {
            (b'%', b's' | b'd' | b'f') if !is_word(self.byte(2)) => 2,
            (b'%', b'(') => match self.find_near(b')') {
                Some(end) if self.byte(end + 1) == b's' => end + 2,
                _ => return false,
            },
            (b'?', b'|' | b'&') => return false,
            (b'?', _) => 1,
            (b':', next) if is_word(next) => 1,
            (b'@', next) if is_word(next) || next == b'@' => 2,
            _ => return false,
        };
        let is_named = matches!(self.byte(0), b':' | b'@' | b'?');
        self.at += length;
        if is_named {
            self.skip_while(is_word);
        }
        true
    }

    fn number(&mut self) {
        let is_hex = self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X');
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let is_exponent = !is_hex
                && matches!(byte, b'+' | b'-')
                && matches!(bytes[self.at - 1], b'e' | b'E')
                && self.byte(1).is_ascii_digit();
            if !(is_word(byte) || byte == b'.' || is_exponent) {
                break;
            }
            self.at += 1;
        }
    }

    /// A word, or the letter before a text such as `E'...'` and `N'...'`.
    fn word(&mut self) -> Token<'t> {
        let start = self.at;
        self.skip_while(is_word);
        let word = &self.text[start..self.at];
        if self.byte(0) == b'\'' && word.len() <= 2 {
            let is_escaped = word.eq_ignore_ascii_case("e");
            self.quoted(b'\'', self.dialect.has_escapes || is_escaped);
            return Token::Value;
        }
        Token::Word(word)
    }

    /// `[name]` as SQL Server writes it; other brackets are arrays and subscripts.
    fn bracketed_name(&mut self) -> Option<&'t str> {
        let inside = self.rest().get(1..self.find_near(b']')?)?;
        let starts_name = inside.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_name = inside.bytes().all(|b| is_word(b) || b == b' ' || b == b'-');
        if self.touches_value() || !starts_name || !is_name {
            return None;
        }
        self.at += inside.len() + 2;
        Some(inside)
    }

    fn op(&mut self) -> &'t str {
        const OPS: [&str; 19] = [
            "->>", "#>>", "<=>", "!~*", "->", "#>", "<=", ">=", "<>", "!=", "||", "&&", "@>", "<@",
            "~*", "!~", ":=", "?|", "?&",
        ];
        let rest = self.rest();
        let known = OPS.into_iter().find(|op| rest.starts_with(op));
        let length = known.map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), str::len);
        self.at += length;
        &rest[..length]
    }

    fn token(&mut self) -> Token<'t> {
        match self.byte(0) {
            b'\'' => {
                self.quoted(b'\'', self.dialect.has_escapes);
                Token::Value
            }
            b'"' if self.dialect.double_quotes_texts => {
                self.quoted(b'"', self.dialect.has_escapes);
                Token::Value
            }
            quote @ (b'"' | b'`') => Token::Quoted(self.quoted(quote, false)),
            b'0'..=b'9' => {
                self.number();
                Token::Value
            }
            b'.' if self.byte(1).is_ascii_digit() && !self.touches_value() => {
                self.number();
                Token::Value
            }
            b'$' if self.dollar() => Token::Value,
            b'[' => match self.bracketed_name() {
                Some(name) => Token::Quoted(name),
                None => self.single(Token::Open('[')),
            },
            b':' if self.byte(1) == b':' => {
                self.at += 2;
                Token::Cast
            }
            b'(' => self.single(Token::Open('(')),
            b')' | b']' => self.single(Token::Close),
            b',' => self.single(Token::Comma),
            b'.' => self.single(Token::Dot),
            b';' => self.single(Token::Semicolon),
            b'%' | b'?' | b':' | b'@' if self.placeholder() => Token::Value,
            byte if is_word(byte) => self.word(),
            _ => Token::Op(self.op()),
        }
    }

    fn single(&mut self, token: Token<'t>) -> Token<'t> {
        self.at += 1;
        token
    }
}

impl<'t> Iterator for Lexer<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_blanks_and_comments();
        if self.at >= self.text.len() {
            return None;
        }
        let token = self.token();
        self.follows_value = matches!(
            token,
            Token::Word(_) | Token::Quoted(_) | Token::Value | Token::Close
        );
        Some(token)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}
