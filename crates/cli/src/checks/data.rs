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
        "held-data-length",
        "How long `runtimeData` and `initTimeData` of type Binary are: at most 256 KiB each.",
        "They are longer, and tokens would have them several times.",
        "Bind the hash of the data, and give the data to the relying party by another way.",
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
        "published-name",
        "That what a source or a bundle gives is what was asked for.",
        "It is genuine, but of another platform, chip, CA or TCB recovery.",
        "Look whether a cache or mirror mixes things up.",
    ),
    one(
        "bundle-malformed",
        "That a file is a bundle of endorsements, written as bundles are.",
        "It was changed by hand or by another tool: a member is unknown, a row is twice or out of order.",
        "Fetch the bundle again, or make it anew with `avouch endorsements bundle`.",
    ),
    one(
        "bundle-truncated",
        "That a bundle of endorsements is whole.",
        "The file ends too early.",
        "Copy it again.",
    ),
    one(
        "bundle-size",
        "The size of a bundle of endorsements.",
        "It is over 64 MiB, or has more than 40,000 things.",
        "Make several, each for a part of the machines.",
    ),
    one(
        "bundle-version",
        "The version of a bundle's format.",
        "A newer Avouch wrote it.",
        "Update Avouch, or make the bundle with this one.",
    ),
    one(
        "bundle-hash",
        "That everything in a bundle has the hash that its manifest says, and nothing else is in it.",
        "A content was changed, exchanged, left out or added.",
        "Fetch the bundle again, and ask how it was changed.",
    ),
    one(
        "bundle-manifest",
        "That every endorsement in a bundle is what its name and the manifest say.",
        "It is for another platform or chip, or its dates or number are others; or it does not read.",
        "Make the bundle anew from endorsements as the vendors publish them.",
    ),
    one(
        "evidence-kind",
        "That this build appraises the kind of evidence.",
        "It knows the route and has no verifier for it.",
        "Use a kind that docs lists as appraised.",
    ),
];
