//! A service without HTTP, policies and logs: the protocol as `avouch_tpm` has it.

use avouch_attester::{Service, ServiceError};
use avouch_tpm::protocol::{
    ClientMessage, Conditions, ContextError, ContextKey, Enrolment, Form, OpenContext,
    PendingEnrolment, Received, ServiceContext, VerifiedRequest,
};
use avouch_tpm::{AkRules, PcrMask, TrustAnchors};
use avouch_wire::{FailedCheck, UnixTime};

pub(crate) const PROVIDER: &str = "contoso";
const LIFE_SECONDS: i64 = 300;
const ENROLMENT_SECONDS: i64 = 86_400;

/// Answers messages at a moment, and keeps what was verified last.
pub(crate) struct Desk {
    pub(crate) at: UnixTime,
    pub(crate) verified: Option<VerifiedRequest>,
    pub(crate) provider: &'static str,
    /// Messages so far, by their first words.
    pub(crate) story: Vec<&'static str>,
    /// Seconds that pass before each message, in order.
    pub(crate) delays: Vec<i64>,
    keys: [ContextKey; 1],
    ek_anchors: TrustAnchors,
    count: u8,
}

impl Desk {
    pub(crate) fn new(manufacturer_pem: &str, at: UnixTime) -> Self {
        Self {
            at,
            verified: None,
            provider: PROVIDER,
            story: Vec::new(),
            delays: Vec::new(),
            keys: [ContextKey::new(&[7; 32]).unwrap()],
            ek_anchors: TrustAnchors::none().with_file(manufacturer_pem.as_bytes()).unwrap(),
            count: 0,
        }
    }

    fn next(&mut self) -> u8 {
        self.count += 1;
        self.count
    }

    const fn within(&self, life_seconds: i64) -> OpenContext<'static> {
        OpenContext { provider: self.provider, at: self.at, life_seconds }
    }

    fn enrolment(&self, text: &str) -> Result<Enrolment, ServiceError> {
        let expected = self.within(ENROLMENT_SECONDS);
        Enrolment::open(text, &self.keys, AkRules::default(), expected)
            .map_err(|error| refused(&error))
    }

    fn answer(&mut self, message: ClientMessage) -> Result<String, ServiceError> {
        let form = Form::Wrapped;
        let number = self.next();
        match message {
            ClientMessage::Init(init) => {
                self.story.push("challenge");
                let enrolment = init.enrolment.map(|text| self.enrolment(&text)).transpose()?;
                let aik = enrolment.map(|enrolment| enrolment.aik_sha256());
                let challenge = [number; 16];
                let context = ServiceContext::new(challenge, self.provider, self.at, aik);
                let context = context.seal(&self.keys[0], [number; 12]).unwrap();
                Ok(Received::challenge_answer(form, &challenge, &context))
            }
            ClientMessage::Enroll(enroll) => {
                self.story.push("enrol");
                let mut fill = |bytes: &mut [u8]| {
                    bytes.fill(number);
                    true
                };
                let offered = enroll.offer(
                    &self.ek_anchors,
                    &[],
                    AkRules::default(),
                    self.provider,
                    self.at,
                    &mut fill,
                );
                let (credential, pending) = offered.map_err(|error| refused(&error))?;
                let context = pending.seal(&self.keys[0], [number; 12]).unwrap();
                Ok(Received::credential_answer(form, &credential, &context))
            }
            ClientMessage::Activate(activate) => {
                self.story.push("activate");
                let expected = self.within(LIFE_SECONDS);
                let rules = AkRules::default();
                let context = &activate.service_context;
                let pending = PendingEnrolment::open(context, &self.keys, rules, expected)
                    .map_err(|error| refused(&error))?;
                let enrolment =
                    pending.activate(&activate.secret, self.at).map_err(|error| refused(&error))?;
                let text = enrolment.seal(&self.keys[0], [number; 12]).unwrap();
                let until = self.at.saturating_add_seconds(ENROLMENT_SECONDS);
                Ok(Received::enrolment_answer(form, &text, until))
            }
            ClientMessage::Request(request) => {
                self.story.push("request");
                let opened = ServiceContext::open(
                    request.service_context(),
                    &self.keys,
                    self.within(LIFE_SECONDS),
                );
                let context = opened.map_err(|error: ContextError| refused(&error))?;
                let enrolment = request.enrolment().map(|text| self.enrolment(text)).transpose()?;
                let anchors = TrustAnchors::none();
                let verified = request.verify(Conditions {
                    challenge: &context.challenge,
                    aik: context.aik,
                    enrolment: enrolment.as_ref(),
                    aik_anchors: &anchors,
                    aik_cas: &[],
                    require_valid_aik_cert: true,
                    rules: AkRules::default(),
                    required: PcrMask::from_bits(0x00ff_ffff).unwrap(),
                    at: self.at,
                });
                self.verified = Some(verified.map_err(|error| refused(&error))?);
                Ok(Received::report_answer(form, "a.b.c"))
            }
        }
    }
}

impl Service for Desk {
    fn exchange(&mut self, data: &str) -> Result<String, ServiceError> {
        if !self.delays.is_empty() {
            self.at = self.at.saturating_add_seconds(self.delays.remove(0));
        }
        let received = Received::read(data).map_err(|error| refused(&error))?;
        assert_eq!(received.form, Form::Wrapped);
        self.answer(received.message)
    }
}

/// As the service says it: the check, then the sentence.
fn refused(error: &impl FailedCheck) -> ServiceError {
    let message = format!("{}: {error}", error.check());
    ServiceError::Refused { status: 400, code: "InvalidParameter".to_owned(), message }
}
