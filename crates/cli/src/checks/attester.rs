//! Checks of the attester: of its TPM, its logs and what services answer it.

use super::{Subject, Text, one};

pub(super) static SUBJECT: Subject = Subject { title: "The attester", texts: TEXTS };

const TEXTS: &[Text] = &[
    one(
        "tpm-not-built",
        "Whether this build can talk to a TPM.",
        "It was built without the feature `tss`.",
        "Build it with `--features tss`, for which libtss2 must be installed.",
    ),
    one(
        "tpm-unreachable",
        "That a TPM answers where `--tcti` says.",
        "There is none, it may not be opened, or it was not started.",
        "Look at /dev/tpmrm0 and who may open it (group tss), or name another TPM.",
    ),
    one(
        "tpm-refused",
        "A command to the TPM.",
        "The TPM refused it; the message has its answer.",
        "Do what the message says; of answers that it does not know, the TCG's library tells more.",
    ),
    one(
        "tpm-ek-certificate-absent",
        "That the TPM holds a certificate of its endorsement key.",
        "The manufacturer put none into it.",
        "Fetch it from the manufacturer and name it with `--ek-certificate`.",
    ),
    one(
        "tpm-no-attestation-key",
        "That an attestation key was taken into use before it signs.",
        "A program asked for a quote before it named a key.",
        "Name the key first.",
    ),
    one(
        "tpm-length",
        "The length of what goes to the TPM.",
        "It is longer than its structure holds.",
        "Ask for less; if the service sent it, tell its operator.",
    ),
    one(
        "service-refused",
        "What the service answered.",
        "It understood, and the answer is no.",
        "Look up the check in its message.",
    ),
    one(
        "service-unanswered",
        "That the service answered at all.",
        "It was not reached, or what answered is no attestation service.",
        "Check the URL, the network and `--ca`.",
    ),
    one(
        "pcr-choice",
        "The form of a choice of PCRs.",
        "It is not BANK:PCRS.",
        "Write `sha256:all` or `sha256:0-7,10`.",
    ),
    one(
        "pcr-choice-bank",
        "The banks in a choice of PCRs.",
        "A bank is not known, or stands twice.",
        "Name each of sha1, sha256, sha384, sha512 at most once.",
    ),
    one(
        "pcr-choice-pcr",
        "The PCRs in a choice.",
        "One is no number from 0 to 23, or a range runs backwards.",
        "Write numbers and ranges, separated by commas.",
    ),
    one(
        "measure-bank",
        "That the TPM has the PCRs that are to be quoted.",
        "The bank is not allocated.",
        "Choose another with `--pcrs`; `tpm2_getcap pcrs` lists them.",
    ),
    one(
        "measure-selection",
        "That the TPM quoted what it was asked for.",
        "Its quote is over other PCRs.",
        "Update the TPM's firmware, or choose one bank.",
    ),
    one(
        "measure-moving",
        "That PCRs stand still while they are read and quoted.",
        "They changed in each of the attempts, mostly because IMA measures programs that start.",
        "Try again when the machine is calmer, or leave out the PCR.",
    ),
    one(
        "log-read",
        "That a log can be read.",
        "It is absent, or only root may read it.",
        "Mount securityfs, run as root, or name another file.",
    ),
    one(
        "log-file-length",
        "The size of a log.",
        "It is larger than a service reads.",
        "Have IMA measure less.",
    ),
    one(
        "request-key",
        "The key that the token is for.",
        "It is no unencrypted RSA key of 2048 bits or more.",
        "Remove the file: a new key is made.",
    ),
    one(
        "request-key-provider",
        "Making and using the key that the token is for.",
        "The crypto library failed.",
        "Try again; if it stays, the machine is damaged.",
    ),
    one(
        "attestation-key-file",
        "The file in which the attestation key is kept.",
        "It cannot be read or written.",
        "Give a directory with `--state` that belongs to who runs this.",
    ),
    one(
        "attestation-key-contents",
        "What is in that file.",
        "It is not as this program writes it.",
        "Remove it and enrol again.",
    ),
    one(
        "enrol-answer",
        "The answers to an enrolment.",
        "The service answered with another message, or with a time that is none.",
        "Check that the URL is that of an Avouch service.",
    ),
    one(
        "attest-answer",
        "The answers to an attestation.",
        "The service answered with another message than the one that is due.",
        "Check that the URL is that of a provider that speaks the TPM protocol.",
    ),
    one(
        "attest-challenge",
        "The challenge.",
        "It has fewer than 16 bytes, or more than 64.",
        "Tell the operator of the service.",
    ),
    one(
        "attest-payload",
        "Writing the request.",
        "A text cannot be written as JSON.",
        "Check the claims and data that were given.",
    ),
    one(
        "attest-not-enrolled",
        "That the service knows the attestation key.",
        "This machine was never enrolled there, or its enrolment ended.",
        "Give `--enrol`, or name a key that a CA certified.",
    ),
];
