//! Tokens to a tree: operator precedence after the jmespath.org grammar, with bounded nesting.

use super::QueryError;
use super::functions::Function;
use super::lexer::{Token, error, tokens};
use super::node::{Argument, Comparison, Elements, Node};
use crate::cost::Meter;
use crate::limits::{Limit, LimitExceeded};

pub(super) fn parse(text: &str, nesting_max: usize, meter: &mut Meter) -> Result<Node, QueryError> {
    let mut parser = Parser { tokens: tokens(text, meter)?, next: 0, depth: 0, nesting_max };
    let found = parser.expression(power::NONE)?;
    match parser.peek() {
        Token::End => Ok(found.node),
        _ => Err(parser.unexpected("the end of the query")),
    }
}

/// Binding powers: how strongly an operator holds what stands to its left.
mod power {
    pub(super) const NONE: u8 = 0;
    pub(super) const PIPE: u8 = 1;
    pub(super) const OR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const FLATTEN: u8 = 9;
    /// What binds less than this ends a projection.
    pub(super) const PROJECTION_END: u8 = 10;
    pub(super) const STAR: u8 = 20;
    pub(super) const FILTER: u8 = 21;
    pub(super) const DOT: u8 = 40;
    pub(super) const NOT: u8 = 45;
    pub(super) const BRACE: u8 = 50;
    pub(super) const BRACKET: u8 = 55;
    pub(super) const PAREN: u8 = 60;
}

fn power_of(token: &Token) -> u8 {
    match token {
        Token::Pipe => power::PIPE,
        Token::Or => power::OR,
        Token::And => power::AND,
        Token::Equal
        | Token::NotEqual
        | Token::Less
        | Token::LessOrEqual
        | Token::Greater
        | Token::GreaterOrEqual => power::COMPARE,
        Token::Flatten => power::FLATTEN,
        Token::Star => power::STAR,
        Token::Filter => power::FILTER,
        Token::Dot => power::DOT,
        Token::OpenBrace => power::BRACE,
        Token::OpenBracket => power::BRACKET,
        Token::OpenParen => power::PAREN,
        _ => power::NONE,
    }
}

fn comparison(token: &Token) -> Option<Comparison> {
    Some(match token {
        Token::Equal => Comparison::Equal,
        Token::NotEqual => Comparison::NotEqual,
        Token::Less => Comparison::Less,
        Token::LessOrEqual => Comparison::LessOrEqual,
        Token::Greater => Comparison::Greater,
        Token::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// A tree and how deep it nests; chains do not count, since they are run in a loop.
struct Part {
    node: Node,
    depth: usize,
}

impl Part {
    const fn leaf(node: Node) -> Self {
        Self { node, depth: 0 }
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
    nesting_max: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.next.saturating_add(ahead)).map_or(&Token::End, |(token, _)| token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, offset)| *offset)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = self.next.saturating_add(1);
        token
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.next = self.next.saturating_add(1);
        }
        found
    }

    fn expect(&mut self, token: &Token, name: &str) -> Result<(), QueryError> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected(name)) }
    }

    fn unexpected(&self, expected: &str) -> QueryError {
        let help = match self.peek() {
            Token::Number(_) => "; a number outside an index needs backticks",
            _ => "",
        };
        error(self.offset(), format!("{expected} was expected{help}"))
    }

    fn too_deep(&self) -> QueryError {
        LimitExceeded::new(Limit::JmespathNesting, self.nesting_max).into()
    }

    /// One level around `depth`.
    fn around(&self, depth: usize) -> Result<usize, QueryError> {
        let around = depth.saturating_add(1);
        if around > self.nesting_max { Err(self.too_deep()) } else { Ok(around) }
    }

    fn wrap(&self, node: Node, depth: usize) -> Result<Part, QueryError> {
        Ok(Part { node, depth: self.around(depth)? })
    }

    fn expression(&mut self, right_power: u8) -> Result<Part, QueryError> {
        if self.depth >= self.nesting_max {
            return Err(self.too_deep());
        }
        self.depth = self.depth.saturating_add(1);
        let mut left = self.prefix()?;
        while right_power < power_of(self.peek()) {
            left = self.infix(left)?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Part, QueryError> {
        let token = self.peek().clone();
        match token {
            Token::Name(_) if *self.peek_at(1) == Token::OpenParen => self.call(),
            Token::Name(name) => {
                self.take();
                Ok(Part::leaf(Node::Field(name)))
            }
            Token::QuotedName(name) => {
                self.take();
                if *self.peek() == Token::OpenParen {
                    return Err(error(self.offset(), "a quoted name cannot be a function"));
                }
                Ok(Part::leaf(Node::Field(name)))
            }
            Token::Literal(json) => {
                self.take();
                Ok(Part::leaf(Node::Literal(json)))
            }
            Token::Current => {
                self.take();
                Ok(Part::leaf(Node::Current))
            }
            Token::Star => {
                self.take();
                self.projection(Part::leaf(Node::Current), Elements::Values, power::STAR)
            }
            Token::Filter | Token::Flatten => self.infix(Part::leaf(Node::Current)),
            Token::OpenBracket => match (self.peek_at(1), self.peek_at(2)) {
                (Token::Number(_) | Token::Colon, _) | (Token::Star, Token::CloseBracket) => {
                    self.bracket(Part::leaf(Node::Current))
                }
                _ => {
                    self.take();
                    self.list()
                }
            },
            Token::OpenBrace => {
                self.take();
                self.hash()
            }
            Token::OpenParen => {
                self.take();
                let inner = self.expression(power::NONE)?;
                self.expect(&Token::CloseParen, "`)`")?;
                // A projection is a node of its own, so what follows works on its whole list.
                Ok(inner)
            }
            Token::Not => {
                self.take();
                let inner = self.expression(power::NOT)?;
                self.wrap(Node::Not(Box::new(inner.node)), inner.depth)
            }
            _ => Err(self.unexpected("an expression")),
        }
    }

    fn infix(&mut self, left: Part) -> Result<Part, QueryError> {
        if let Some(operator) = comparison(self.peek()) {
            self.take();
            let right = self.expression(power::COMPARE)?;
            let depth = left.depth.max(right.depth);
            return self.wrap(Node::Compare(operator, Box::new((left.node, right.node))), depth);
        }
        match self.peek() {
            Token::Dot => {
                self.take();
                if self.eat(&Token::Star) {
                    return self.projection(left, Elements::Values, power::DOT);
                }
                let right = self.after_dot(power::DOT)?;
                self.chain(left, right)
            }
            Token::Pipe => {
                self.take();
                let right = self.expression(power::PIPE)?;
                self.chain(left, right)
            }
            Token::Or => {
                self.take();
                let right = self.expression(power::OR)?;
                let depth = left.depth.max(self.around(right.depth)?);
                Ok(Part { node: Node::or(left.node, right.node), depth })
            }
            Token::And => {
                self.take();
                let right = self.expression(power::AND)?;
                let depth = left.depth.max(self.around(right.depth)?);
                Ok(Part { node: Node::and(left.node, right.node), depth })
            }
            Token::Flatten => {
                self.take();
                self.projection(left, Elements::Flattened, power::FLATTEN)
            }
            Token::Filter => {
                self.take();
                let condition = self.expression(power::NONE)?;
                self.expect(&Token::CloseBracket, "`]`")?;
                let deepest = left.depth.max(condition.depth);
                let left = Part { depth: deepest, ..left };
                let elements = Elements::Filtered(Box::new(condition.node));
                self.projection(left, elements, power::FILTER)
            }
            Token::OpenBracket => match (self.peek_at(1), self.peek_at(2)) {
                (Token::Number(_) | Token::Colon, _) | (Token::Star, Token::CloseBracket) => {
                    self.bracket(left)
                }
                _ => {
                    self.take();
                    Err(self.unexpected("an index, a slice or `*`"))
                }
            },
            _ => Err(self.unexpected("an operator")),
        }
    }

    fn chain(&self, left: Part, right: Part) -> Result<Part, QueryError> {
        let depth = left.depth.max(self.around(right.depth)?);
        Ok(Part { node: Node::then(left.node, right.node), depth })
    }

    /// `[0]`, `[1:2]` or `[*]` behind `left`.
    fn bracket(&mut self, left: Part) -> Result<Part, QueryError> {
        self.expect(&Token::OpenBracket, "`[`")?;
        if self.eat(&Token::Star) {
            self.expect(&Token::CloseBracket, "`]`")?;
            return self.projection(left, Elements::Array, power::STAR);
        }
        let mut parts = [None, None, None];
        let mut part = 0_usize;
        loop {
            match self.take() {
                Token::Number(number) => match parts.get_mut(part) {
                    Some(slot) if slot.is_none() => *slot = Some(number),
                    _ => return Err(error(self.offset(), "two numbers without `:` between them")),
                },
                Token::Colon if part < 2 => part = part.saturating_add(1),
                Token::CloseBracket => break,
                _ => return Err(error(self.offset(), "an index or slice is not closed")),
            }
        }
        let [start, stop, step] = parts;
        match start {
            Some(index) if part == 0 => self.chain(left, Part::leaf(Node::Index(index))),
            _ => {
                let slice = Node::Slice { start, stop, step: step.unwrap_or(1) };
                let sliced = self.chain(left, Part::leaf(slice))?;
                self.projection(sliced, Elements::Array, power::STAR)
            }
        }
    }

    fn projection(
        &mut self,
        source: Part,
        elements: Elements,
        power: u8,
    ) -> Result<Part, QueryError> {
        let body = self.projected(power)?;
        let depth = source.depth.max(body.depth);
        self.wrap(Node::project(source.node, elements, body.node), depth)
    }

    /// What a projection does with each element.
    fn projected(&mut self, power: u8) -> Result<Part, QueryError> {
        match self.peek() {
            token if power_of(token) < power::PROJECTION_END => Ok(Part::leaf(Node::Current)),
            Token::OpenBracket | Token::Filter => self.expression(power),
            Token::Dot => {
                self.take();
                self.after_dot(power)
            }
            _ => Err(self.unexpected("`.`, `[` or the end of the projection")),
        }
    }

    fn after_dot(&mut self, power: u8) -> Result<Part, QueryError> {
        match self.peek() {
            Token::Name(_) | Token::QuotedName(_) | Token::Star => self.expression(power),
            Token::OpenBracket => {
                self.take();
                self.list()
            }
            Token::OpenBrace => {
                self.take();
                self.hash()
            }
            _ => Err(self.unexpected("a name, `*`, `[` or `{` behind `.`")),
        }
    }

    fn list(&mut self) -> Result<Part, QueryError> {
        let mut nodes = Vec::new();
        let mut depth = 0;
        loop {
            let item = self.expression(power::NONE)?;
            depth = depth.max(item.depth);
            nodes.push(item.node);
            if self.eat(&Token::CloseBracket) {
                return self.wrap(Node::List(nodes), depth);
            }
            self.expect(&Token::Comma, "`,` or `]`")?;
        }
    }

    fn hash(&mut self) -> Result<Part, QueryError> {
        let mut members = Vec::new();
        let mut depth = 0;
        loop {
            let name = match self.peek().clone() {
                Token::Name(name) | Token::QuotedName(name) => name,
                _ => return Err(self.unexpected("a member's name")),
            };
            self.take();
            self.expect(&Token::Colon, "`:`")?;
            let value = self.expression(power::NONE)?;
            depth = depth.max(value.depth);
            members.push((name, value.node));
            if self.eat(&Token::CloseBrace) {
                return self.wrap(Node::Hash(members), depth);
            }
            self.expect(&Token::Comma, "`,` or `}`")?;
        }
    }

    fn call(&mut self) -> Result<Part, QueryError> {
        let Token::Name(name) = self.take() else {
            return Err(self.unexpected("a function's name"));
        };
        let function = Function::named(&name).ok_or(name);
        self.expect(&Token::OpenParen, "`(`")?;
        let mut arguments = Vec::new();
        let mut depth = 0;
        if self.eat(&Token::CloseParen) {
            return self.wrap(Node::Call { function, arguments }, depth);
        }
        loop {
            let expression = self.eat(&Token::Ampersand);
            let part = self.expression(power::NONE)?;
            depth = depth.max(part.depth);
            arguments.push(match expression {
                true => Argument::Expression(part.node),
                false => Argument::Value(part.node),
            });
            if self.eat(&Token::CloseParen) {
                return self.wrap(Node::Call { function, arguments }, depth);
            }
            self.expect(&Token::Comma, "`,` or `)`")?;
        }
    }
}
