//! Version and sections.

use super::{Parser, Refused, Step};
use crate::ast::{Section, SectionKind, Version};
use crate::diag::{Diagnostic, Slug};
use crate::lexer::TokenKind;
use crate::limits::Limit;

impl Parser<'_> {
    pub(super) fn policy(&mut self) -> Step<()> {
        if self.version_info().is_err() {
            self.skip_to_section();
            if self.at(TokenKind::End) {
                return Err(Refused);
            }
        }
        let mut last = None;
        loop {
            let expected = self.sections_behind(last);
            let Some(kind) = SectionKind::from_keyword(self.word()) else {
                if self.at(TokenKind::End) && last >= Some(SectionKind::Authorization) {
                    return Ok(());
                }
                let _: Step<()> = self.unexpected(expected, "policy");
                self.skip_one_and_to_section();
                if self.at(TokenKind::End) {
                    return Err(Refused);
                }
                // What was missing has been said; take whatever section comes.
                last = last.or(Some(SectionKind::Configuration));
                continue;
            };
            if !expected.contains(&kind.name()) {
                self.misplaced_section(kind, expected);
            }
            let section = self.section(kind);
            last = last.max(Some(kind));
            if !self.parsed.sections.iter().any(|earlier| earlier.kind == kind) {
                self.parsed.sections.push(section);
            }
        }
    }

    fn misplaced_section(&mut self, kind: SectionKind, expected: &[&'static str]) {
        let version = self.parsed.version.map(|(version, _)| version);
        let first = self.parsed.sections.is_empty();
        if kind == SectionKind::Configuration && version == Some(Version::V1_0) && first {
            let span = self.peek().span;
            self.report(Diagnostic::new(Slug::SectionNotInVersion, span).while_parsing("policy"));
        } else {
            let _: Step<()> = self.unexpected(expected, "policy");
        }
    }

    /// The keywords that may come next.
    fn sections_behind(&self, last: Option<SectionKind>) -> &'static [&'static str] {
        let version = self.parsed.version.map(|(version, _)| version);
        match last {
            None if version == Some(Version::V1_0) => &["authorizationrules"],
            None => &["configurationrules", "authorizationrules"],
            Some(SectionKind::Configuration) => &["authorizationrules"],
            Some(SectionKind::Authorization) => &["issuancerules", "end of text"],
            Some(SectionKind::Issuance) => &["end of text"],
        }
    }

    fn version_info(&mut self) -> Step<()> {
        const RULE: &str = "policy > versionInfo";
        if !self.word().eq_ignore_ascii_case("version") {
            return self.unexpected(&["version"], RULE);
        }
        self.take();
        self.expect(TokenKind::Equal, RULE)?;
        let number = self.expect(TokenKind::Version, RULE)?;
        let text = self.text_of(number);
        match Version::ALL.into_iter().find(|version| version.name() == text) {
            Some(version) => self.parsed.version = Some((version, number.span)),
            None => {
                let diagnostic = Diagnostic::new(Slug::UnsupportedVersion, number.span);
                self.report(diagnostic.while_parsing(RULE));
            }
        }
        self.expect(TokenKind::Semicolon, RULE).map(|_| ())
    }

    fn skip_to_section(&mut self) {
        while !self.at(TokenKind::End) && SectionKind::from_keyword(self.word()).is_none() {
            self.take();
        }
    }

    fn skip_one_and_to_section(&mut self) {
        self.take();
        self.skip_to_section();
    }

    /// Parses `keyword { rules };`. What is wrong inside has been recorded on return.
    fn section(&mut self, kind: SectionKind) -> Section {
        let rule = match kind {
            SectionKind::Configuration => "policy > configuration",
            SectionKind::Authorization => "policy > authorization",
            SectionKind::Issuance => "policy > issuance",
        };
        let keyword = self.take().span;
        let mut section = Section { kind, keyword, rules: Vec::new() };
        if self.section_body(&mut section, rule).is_err() {
            self.skip_to_section();
        }
        section
    }

    fn section_body(&mut self, section: &mut Section, rule: &'static str) -> Step<()> {
        self.expect(TokenKind::OpenBrace, rule)?;
        while self.eat(TokenKind::CloseBrace).is_none() {
            if self.at(TokenKind::End) {
                return self.unexpected(&["=>", "[", "identifier", "}"], rule);
            }
            self.rules = self.rules.saturating_add(1);
            if self.rules > self.limits.rules {
                return self.exceeded(Limit::Rules, self.limits.rules, self.peek().span);
            }
            match self.rule(section.kind) {
                Ok(parsed) => section.rules.push(parsed),
                Err(Refused) => self.skip_rule()?,
            }
        }
        let closed = self.expect(TokenKind::Semicolon, rule);
        // `}` without `;` before the next section or the end: nothing needs skipping.
        if closed.is_err() && SectionKind::from_keyword(self.word()).is_none() {
            return Err(Refused);
        }
        Ok(())
    }

    /// Goes behind the next `;`, or up to what ends the section.
    fn skip_rule(&mut self) -> Step<()> {
        loop {
            match self.peek().kind {
                TokenKind::End => return Err(Refused),
                TokenKind::CloseBrace => return Ok(()),
                TokenKind::Semicolon => {
                    self.take();
                    return Ok(());
                }
                TokenKind::Word
                    if SectionKind::from_keyword(self.word()).is_some()
                        && self.peek_at(1).kind == TokenKind::OpenBrace =>
                {
                    return Err(Refused);
                }
                TokenKind::Invalid if self.text_of(self.peek()).starts_with('"') => {
                    // A string that is not closed has swallowed the rest of its line.
                    self.take();
                    if self.rule_may_begin() {
                        return Ok(());
                    }
                }
                _ => {
                    self.take();
                }
            }
        }
    }
}
