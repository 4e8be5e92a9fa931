//! Checks of what publishers say of a service's code, and of the ledgers that they say it in.

use super::{Subject, Text, one};

const PUBLISHER: &str = "Get the list anew from its publisher; if it stays so, do not rely on it.";
const LEDGER: &str =
    "Get statement and receipt anew from the ledger; if it stays so, do not rely on them.";

pub(super) static SUBJECT: Subject = Subject { title: "Published measurements", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "measurements-document",
        "That a list of published measurements can be read, means certain code, and keeps the times of notice.",
        "It is damaged, an entry would let other code pass, a change is announced too late, or a withdrawal lies ahead.",
        "Get it anew, or correct it.",
    ),
    one(
        "measurements-signature",
        "Who signed the list of measurements.",
        "It is a list that nobody signed.",
        "Demand a signature by --publisher-key.",
    ),
    one(
        "measurements-key-of-service",
        "That the publisher signs by another key than the service.",
        "The list is signed by a key of the service itself, which so vouches for itself.",
        "Do not trust the service; pin the key of a publisher whom you know.",
    ),
    one(
        "measurements-not-issued",
        "That the list of measurements is issued already.",
        "Its time has not come, or a clock is wrong.",
        "Set the clock.",
    ),
    one(
        "measurements-expired",
        "That the list of measurements is still in force.",
        "It is old: there should be a newer issue, and somebody may be holding it back.",
        "Get the newest issue from the publisher; ask it to issue one (`avouch measurements renew`).",
    ),
    one(
        "measurements-publisher",
        "That the list is of the publisher whose list was accepted before.",
        "It names another.",
        PUBLISHER,
    ),
    one(
        "measurements-rollback",
        "That the list is no older than the one that was accepted before, and the same if it has its number.",
        "An old list is handed out again, or different lists to different people.",
        PUBLISHER,
    ),
    one(
        "measurements-announcements",
        "That the list takes nothing back that was announced, and announces the rest since.",
        "An entry is gone, is another one, counts again, or claims another day than that of the issue that announced it.",
        PUBLISHER,
    ),
    one(
        "service-transparency",
        "That the publisher's statement over the list, or over the code itself, stands in a ledger that is trusted.",
        "No transparent statement was given.",
        "Give one by --statement, and the ledger's key by --ledger-key.",
    ),
    one(
        "statement-form",
        "That a statement is one tagged COSE_Sign1 within the bounds, with no critical headers.",
        "It is cut, is another thing, is larger than 512 KiB, or is nested too deeply.",
        LEDGER,
    ),
    one(
        "statement-header",
        "The protected headers of a statement: issuer, subject and time as CWT claims, and certificates.",
        "One is missing, of another type, or there twice.",
        "Make the statement by `avouch measurements statement`.",
    ),
    one(
        "statement-content-type",
        "That a statement is over a list of measurements; with --statement-issuer, over a JSON document that is in it.",
        "Its content type names something else, or it is over a hash.",
        "Make the statement by `avouch measurements statement`, or get the one that is over the service's code.",
    ),
    one(
        "statement-key",
        "That a statement names a key of the publisher, and has no certificate of another.",
        "Somebody else signed it.",
        "Give the publisher's key by --publisher-key.",
    ),
    one(
        "statement-algorithm",
        "That a statement is signed by the algorithm of the key.",
        "Its header names another, or the key is RSA, which signs none over lists.",
        "Sign with P-256, P-384 or Ed25519.",
    ),
    one(
        "statement-publisher",
        "That issuer and subject of a statement are those that are trusted.",
        "It is of another publisher, or about something else.",
        "Get the statement about this service, or correct --statement-issuer and --statement-subject.",
    ),
    one(
        "statement-signer",
        "That a certificate of the sort that the issuer's `did:x509` names signed a statement, and was good then.",
        "The chain leads elsewhere, lacks the usage, or had ended.",
        LEDGER,
    ),
    one(
        "statement-svn",
        "The security version of a statement.",
        "It is below the least that is accepted, or there is none.",
        "Get the statement of a newer version, or accept this one by --statement-svn.",
    ),
    one(
        "statement-payload",
        "That a statement says which code runs.",
        "Its document has neither the measurement of an enclave nor the policy of containers.",
        "Get the statement over the service's code; if there is none, do without --statement-issuer.",
    ),
    one(
        "statement-signature",
        "That the publisher signed this very statement.",
        "It was altered.",
        LEDGER,
    ),
    one(
        "statement-issued-at",
        "That a statement was not made in the future.",
        "The clock of one side is wrong.",
        "Set the clocks.",
    ),
    one(
        "statement-document",
        "That the statement that is registered is over the list that is relied on.",
        "It is over another issue of it, or the publisher says one thing here and another there.",
        "Get the statement over this issue; if there is none, do not rely on the list.",
    ),
    one(
        "receipt-form",
        "That a receipt is one tagged COSE_Sign1 within the bounds, with no critical headers; and that no more than 8 are given beside a statement.",
        "It is cut, or is another thing.",
        LEDGER,
    ),
    one(
        "receipt-header",
        "The headers of a receipt: proofs of inclusion, claims, no payload.",
        "One is missing, of another type, or there twice.",
        LEDGER,
    ),
    one(
        "receipt-data-structure",
        "The sort of tree that a receipt is of.",
        "It is none that is known here.",
        "Use a ledger with a tree as of CCF or of Certificate Transparency.",
    ),
    one(
        "receipt-proof",
        "The proof of inclusion in a receipt.",
        "It is of another form, or does not fit the size of its tree.",
        LEDGER,
    ),
    one(
        "receipt-statement",
        "That a receipt is for this very statement.",
        "It is for another, or the statement was altered since.",
        "Get the receipt of this statement.",
    ),
    one(
        "receipt-algorithm",
        "That a receipt is signed by an algorithm of the ledger's key.",
        "Its header names another.",
        LEDGER,
    ),
    one(
        "receipt-signature",
        "That the ledger signed the root that the proof leads to.",
        "The proof was altered, or is of another tree or entry.",
        LEDGER,
    ),
    one(
        "receipt-registered-at",
        "That a receipt was not given in the future.",
        "The clock of one side is wrong.",
        "Set the clocks.",
    ),
    one(
        "receipt-ledger",
        "That there is a receipt of a ledger that is trusted.",
        "There is none, or only of other ledgers.",
        "Register the statement with a ledger that you trust, or give its key by --ledger-key.",
    ),
];
