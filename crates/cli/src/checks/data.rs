//! Checks of what comes along with evidence of any kind.

use super::{Subject, Text, Thing, each, one};

const MEMBERS: &[Thing] =
    &[("runtime-data", "`runtimeData`"), ("init-time-data", "`initTimeData`")];

pub(super) static SUBJECT: Subject = Subject { title: "Evidence of any kind", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "runtime-data",
        "That the evidence binds `runtimeData`: their SHA-256 is in the report data.",
        "Other bytes were hashed than were sent; often JSON was written anew in between.",
        "Hash and send the very same bytes.",
    ),
    one(
        "init-time-data",
        "That the evidence binds `initTimeData`: their SHA-256 is in CONFIGID, MRCONFIGID or HOST_DATA.",
        "The guest was started with other data, or an enclave has no KSS.",
        "Send the data that the guest was started with.",
    ),
    each(
        MEMBERS,
        "-json",
        "That {} of type JSON are one JSON object whose numbers can be carried exactly.",
        "They are other JSON, or a number would change on its way into the token.",
        "Send an object; write large or exact numbers as strings.",
    ),
    one(
        "debuggable",
        "That the evidence is not debuggable.",
        "The settings refuse debuggable enclaves and guests, and this is one: its memory can be read from outside.",
        "Build and start it without debugging, or let the policy decide (`refuse_debuggable = false`).",
    ),
    one(
        "migratable",
        "That the guest cannot be migrated.",
        "Another party may hold its keys and memory, and the settings do not accept it.",
        "Start it without migration, or accept it in the settings.",
    ),
    one(
        "endorsements-missing",
        "That endorsements for the platform are at hand.",
        "None are loaded for this kind of platform.",
        "Load collateral for the platform that the message names.",
    ),
    one(
        "endorsements-size",
        "The size of a file of endorsements.",
        "It is larger than any.",
        "Take it out of the folder, or name the right file.",
    ),
    one(
        "endorsements",
        "That a file or folder of endorsements can be used.",
        "It cannot be read, or holds none.",
        "Name the file or folder that holds them.",
    ),
    one(
        "evidence-kind",
        "That this build appraises the kind of evidence.",
        "It knows the route and has no verifier for it.",
        "Use a kind that docs lists as appraised.",
    ),
];
