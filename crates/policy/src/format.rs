//! The formatter: one layout for every policy, comments kept, meaning unchanged.

use crate::ast::SectionKind;
use crate::cost::Meter;
use crate::diag::PolicyErrors;
use crate::lexer::{Token, TokenKind, lex};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::span::Span;

/// Columns that a rule may take on one line.
const WIDTH: usize = 100;

const INDENT: &str = "    ";

/// Lays a policy out anew. Formatting twice gives the same as formatting once.
///
/// Keywords become lower-case, line ends LF, a byte order mark is dropped. Note that the policy
/// hash in tokens is over the text, so a formatted policy has another hash.
///
/// # Errors
/// [`PolicyErrors`] if the text is no policy.
pub fn format(text: &str, limits: &Limits) -> Result<String, PolicyErrors> {
    let policy = Policy::compile(text, limits)?;
    let text = policy.text();
    let mut layout = Layout::new(text, 0);
    let mut statement: Vec<Item> = Vec::new();
    for item in items(text, policy.comments()) {
        if item.is_comment() && statement.is_empty() {
            layout.comment(item);
            continue;
        }
        statement.push(item);
        let ends = matches!(item.kind, Some(TokenKind::Semicolon | TokenKind::OpenBrace));
        if ends {
            layout.statement(&statement);
            statement.clear();
        }
    }
    layout.out.push('\n');
    Ok(layout.out)
}

/// A token, or a comment if it has no kind.
#[derive(Clone, Copy)]
struct Item {
    kind: Option<TokenKind>,
    span: Span,
}

impl Item {
    const fn is_comment(self) -> bool {
        self.kind.is_none()
    }
}

/// Tokens and comments in the order of the text.
fn items(text: &str, comments: &[Span]) -> Vec<Item> {
    // Compiling has shown that the text is within limits.
    let tokens = lex(text, &mut Meter::unlimited()).map(|lexed| lexed.tokens).unwrap_or_default();
    let tokens = tokens.iter().filter(|token| token.kind != TokenKind::End);
    let mut items: Vec<Item> =
        tokens.map(|Token { kind, span }| Item { kind: Some(*kind), span: *span }).collect();
    items.extend(comments.iter().map(|span| Item { kind: None, span: *span }));
    items.sort_by_key(|item| item.span.start);
    items
}

struct Layout<'a> {
    text: &'a str,
    out: String,
    /// The item that was laid out last.
    last: Option<Item>,
    depth: usize,
    /// Whether a section has just been opened, or nothing has been written.
    fresh: bool,
    /// Whether the last line is a statement's.
    behind_statement: bool,
}

impl<'a> Layout<'a> {
    const fn new(text: &'a str, depth: usize) -> Self {
        let out = String::new();
        Self { text, out, last: None, depth, fresh: true, behind_statement: false }
    }

    /// How many line ends of the source stand between the last item and the next.
    fn lines_before(&self, next: Item) -> usize {
        let Some(last) = self.last else { return 0 };
        line_ends(self.text.get(last.span.end..next.span.start).unwrap_or_default())
    }

    /// Begins a line for `next`, behind an empty one where the source has one.
    fn begin_line(&mut self, next: Item, closes: bool) {
        if self.out.is_empty() {
            self.fresh = false;
            return;
        }
        let apart = self.depth == 0 && self.behind_statement && !closes;
        let empty_line = apart || (self.lines_before(next) > 1 && !self.fresh && !closes);
        self.out.push_str(if empty_line { "\n\n" } else { "\n" });
        self.fresh = false;
        if self.depth > 0 && !closes {
            self.out.push_str(INDENT);
        }
    }

    /// A comment between statements: behind the last one if it stood on its line.
    fn comment(&mut self, comment: Item) {
        let trailing = self.last.is_some() && self.lines_before(comment) == 0;
        if trailing {
            self.out.push(' ');
        } else {
            self.begin_line(comment, false);
            self.behind_statement = false;
        }
        self.push(comment);
        self.last = Some(comment);
    }

    fn push(&mut self, item: Item) {
        let text = item.span.of(self.text);
        let lower = SectionKind::from_keyword(text).map(SectionKind::name);
        let lower = lower.or_else(|| text.eq_ignore_ascii_case("version").then_some("version"));
        match lower {
            // Outside of sections words are keywords; inside they may be names.
            Some(keyword) if self.depth == 0 => self.out.push_str(keyword),
            _ => self.out.push_str(text.trim_end()),
        }
    }

    fn statement(&mut self, items: &[Item]) {
        let (Some(first), Some(end)) = (items.first(), items.last()) else { return };
        let closes = first.kind == Some(TokenKind::CloseBrace);
        self.begin_line(*first, closes);
        if closes {
            self.depth = 0;
        }
        let one_line = self.one_line(items);
        match one_line {
            Some(line) => self.out.push_str(&line),
            None => self.many_lines(items),
        }
        self.last = Some(*end);
        self.behind_statement = true;
        if end.kind == Some(TokenKind::OpenBrace) {
            self.depth = 1;
            self.fresh = true;
        }
    }

    /// The statement on one line, if it has no comments and is short enough.
    fn one_line(&self, items: &[Item]) -> Option<String> {
        let mut line = Layout::new(self.text, self.depth);
        let mut previous = None;
        for item in items {
            let kind = item.kind?;
            if previous.is_some_and(|previous| spaced(previous, kind)) {
                line.out.push(' ');
            }
            line.push(*item);
            previous = Some(kind);
        }
        let short = line.out.chars().count() <= WIDTH.saturating_sub(INDENT.len());
        let unbreakable = !items.iter().any(|item| item.kind == Some(TokenKind::AndAnd))
            && items.first().is_some_and(|first| first.kind == Some(TokenKind::Arrow));
        (short || unbreakable || self.depth == 0).then_some(line.out)
    }

    /// The statement with a line for each condition, one for the action, and its comments.
    fn many_lines(&mut self, items: &[Item]) {
        let base = if self.depth > 0 { INDENT } else { "" };
        let mut previous: Option<Item> = None;
        let mut at_start = true;
        let mut in_action = false;
        for item in items {
            let inner = if in_action { [base, INDENT].concat() } else { base.to_owned() };
            match (item.kind, previous) {
                (_, None) => {}
                (None, Some(before)) => {
                    let between = self.text.get(before.span.end..item.span.start);
                    if line_ends(between.unwrap_or_default()) > 0 {
                        self.out.push('\n');
                        self.out.push_str(&inner);
                    } else {
                        self.out.push(' ');
                    }
                }
                (Some(TokenKind::Arrow), Some(_)) => {
                    in_action = true;
                    self.out.push('\n');
                    self.out.push_str(base);
                    self.out.push_str(INDENT);
                }
                (Some(kind), Some(before)) => {
                    let broken = before.is_comment() || before.kind == Some(TokenKind::AndAnd);
                    if broken && !at_start {
                        self.out.push('\n');
                        self.out.push_str(&inner);
                    } else if before.kind.is_some_and(|before| spaced(before, kind)) {
                        self.out.push(' ');
                    }
                }
            }
            self.push(*item);
            in_action |= item.kind == Some(TokenKind::Arrow);
            at_start = false;
            previous = Some(*item);
        }
    }
}

/// Whether a space stands between two tokens of a line.
fn spaced(before: TokenKind, behind: TokenKind) -> bool {
    const LOOSE: [TokenKind; 6] = [
        TokenKind::Arrow,
        TokenKind::AndAnd,
        TokenKind::Less,
        TokenKind::LessEqual,
        TokenKind::Greater,
        TokenKind::GreaterEqual,
    ];
    LOOSE.contains(&before)
        || LOOSE.contains(&behind)
        || before == TokenKind::Comma
        || behind == TokenKind::OpenBrace
}

/// Line ends: LF, CR LF, or a lone CR.
fn line_ends(text: &str) -> usize {
    text.replace("\r\n", "\n").matches(['\n', '\r']).count()
}
