//! What the firmware started, by PCR 4.

use super::Finding;
use super::content::Content;
use super::finding::Findings;
use crate::replay::{ExplainedRegister, ReplayedEvent};
use crate::uefi::ImageLoad;
use crate::{Digest, EventType};

/// Something that PCR 4 was extended by that is neither a separator nor the firmware's report of what
/// it does: boot loaders, in the order in which they were measured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootImage<'a> {
    /// The Authenticode digest of the image.
    pub digest: Digest,
    /// Whether it was measured after the separator of PCR 4.
    pub after_separator: bool,
    /// What the event says that it is.
    pub untrusted_type: EventType,
    /// The event's data, which no digest covers.
    data: &'a [u8],
}

impl BootImage<'_> {
    /// The path of the image, which no digest covers; `None` if the event has none, or one of more than
    /// 260 characters.
    #[must_use]
    pub fn untrusted_path(&self) -> Option<String> {
        ImageLoad::parse(self.data).and_then(|load| load.file_path())
    }
}

/// Most images that are listed. Machines start some ten, and have some ten option ROMs.
pub(super) const IMAGES_MAX: usize = 128;

/// Types that images have.
const IMAGES: [EventType; 3] = [
    EventType::EFI_BOOT_SERVICES_APPLICATION,
    EventType::EFI_BOOT_SERVICES_DRIVER,
    EventType::EFI_RUNTIME_SERVICES_DRIVER,
];

/// What firmware says in PCR 4 of what it does.
const ACTIONS: [&str; 6] = [
    "Calling EFI Application from Boot Option",
    "Returning from EFI Application from Boot Option",
    "Calling INT 19h",
    "Returned INT 19h",
    "Return via INT 18h",
    "Entering ROM Based Setup",
];

/// Everything in PCR 4 that may be an image. What is retyped stays in the list, and is named. If there
/// are more than [`IMAGES_MAX`], none of them counts.
///
/// Separators and known actions are told by their digest, so that nobody can turn one into an image by
/// changing its data in the log.
pub(super) fn boot_chain<'a>(
    register: &ExplainedRegister<'a>,
    counts: impl Fn(&ReplayedEvent<'a>) -> bool,
    findings: &mut Findings,
) -> Option<Vec<BootImage<'a>>> {
    let algorithm = register.algorithm();
    let known = |texts: &[&[u8]]| -> Vec<Option<Digest>> {
        texts.iter().map(|text| algorithm.hash(&[text])).collect()
    };
    let separators = known(&[&[0; 4], &[0xFF; 4]]);
    let actions = known(&ACTIONS.map(str::as_bytes));
    let (mut chain, mut after_separator) = (Vec::new(), false);
    for event in register.events().filter(counts) {
        let event = &event;
        let (found, digest) = (event.untrusted_type(), Some(*event.digest()));
        let fitting: &[EventType] = if separators.contains(&digest) {
            after_separator = true;
            &[EventType::SEPARATOR]
        } else if actions.contains(&digest) || matches!(Content::of(event), Content::Action(_)) {
            &[EventType::EFI_ACTION, EventType::ACTION]
        } else {
            if chain.len() == IMAGES_MAX {
                let (register, limit) = (event.register(), IMAGES_MAX);
                findings.push(Finding::TooMany { register, what: "images", limit });
                return None;
            }
            chain.push(image(event, after_separator));
            &IMAGES
        };
        if !fitting.contains(&found) {
            let (register, sequence) = (event.register(), event.untrusted_sequence());
            findings.push(Finding::UnexpectedType { register, sequence, found });
        }
    }
    Some(chain)
}

fn image<'a>(event: &ReplayedEvent<'a>, after_separator: bool) -> BootImage<'a> {
    BootImage {
        digest: *event.digest(),
        after_separator,
        untrusted_type: event.untrusted_type(),
        data: event.untrusted_data(),
    }
}
