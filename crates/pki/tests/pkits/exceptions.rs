//! Valid paths of the suite that are refused, and why.

pub(crate) struct Group {
    pub(crate) reason: &'static str,
    pub(crate) tests: &'static [&'static str],
}

pub(crate) const EXCEPTIONS: &[Group] = &[
    Group {
        reason: "name constraints are not implemented: a CA that has them issues nothing",
        tests: &[
            "ValidDNnameConstraintsTest1EE",
            "ValidDNnameConstraintsTest4EE",
            "ValidDNnameConstraintsTest5EE",
            "ValidDNnameConstraintsTest6EE",
            "ValidDNnameConstraintsTest11EE",
            "ValidDNnameConstraintsTest14EE",
            "ValidDNnameConstraintsTest18EE",
            "ValidDNnameConstraintsTest19EE",
            "ValidRFC822nameConstraintsTest21EE",
            "ValidRFC822nameConstraintsTest23EE",
            "ValidRFC822nameConstraintsTest25EE",
            "ValidDNandRFC822nameConstraintsTest27EE",
            "ValidDNSnameConstraintsTest30EE",
            "ValidDNSnameConstraintsTest32EE",
            "ValidURInameConstraintsTest34EE",
            "ValidURInameConstraintsTest36EE",
        ],
    },
    Group {
        reason: "policy constraints, mappings and inhibit-any-policy are not implemented: a CA that \
                 has them issues nothing",
        tests: &[
            "AllCertificatesSamePoliciesTest10EE",
            "AllCertificatesSamePoliciesTest13EE",
            "AllCertificatesanyPolicyTest11EE",
            "AnyPolicyTest14EE",
            "DifferentPoliciesTest4EE",
            "DifferentPoliciesTest5EE",
            "DifferentPoliciesTest7EE",
            "DifferentPoliciesTest8EE",
            "DifferentPoliciesTest9EE",
            "DifferentPoliciesTest12EE",
            "OverlappingPoliciesTest6EE",
            "UserNoticeQualifierTest18EE",
            "ValidPolicyMappingTest1EE",
            "ValidPolicyMappingTest3EE",
            "ValidPolicyMappingTest5EE",
            "ValidPolicyMappingTest6EE",
            "ValidPolicyMappingTest9EE",
            "ValidPolicyMappingTest11EE",
            "ValidPolicyMappingTest12EE",
            "ValidPolicyMappingTest13EE",
            "ValidPolicyMappingTest14EE",
            "ValidSelfIssuedinhibitAnyPolicyTest7EE",
            "ValidSelfIssuedinhibitAnyPolicyTest9EE",
            "ValidSelfIssuedinhibitPolicyMappingTest7EE",
            "ValidSelfIssuedrequireExplicitPolicyTest6EE",
            "ValidinhibitAnyPolicyTest2EE",
            "ValidinhibitPolicyMappingTest2EE",
            "ValidinhibitPolicyMappingTest4EE",
            "ValidrequireExplicitPolicyTest1EE",
            "ValidrequireExplicitPolicyTest2EE",
            "ValidrequireExplicitPolicyTest4EE",
            "inhibitAnyPolicyTest3EE",
        ],
    },
    Group {
        reason: "names are equal if their bytes are: neither case nor white space nor the type of a \
                 string is looked through",
        tests: &[
            "ValidNameChainingWhitespaceTest3EE",
            "ValidNameChainingWhitespaceTest4EE",
            "ValidNameChainingCapitalizationTest5EE",
            "ValidRolloverfromPrintableStringtoUTF8StringTest10EE",
            "ValidUTF8StringCaseInsensitiveMatchTest11EE",
        ],
    },
    Group {
        reason: "DSA is not supported",
        tests: &["ValidDSASignaturesTest4EE", "ValidDSAParameterInheritanceTest5EE"],
    },
    Group {
        reason: "only complete and direct CRLs are read: none with an issuing distribution point, \
                 none of another issuer, none that says that there are deltas to it",
        tests: &[
            "ValiddistributionPointTest1EE",
            "ValiddistributionPointTest4EE",
            "ValiddistributionPointTest5EE",
            "ValiddistributionPointTest7EE",
            "ValidonlyContainsCACertsTest13EE",
            "ValidonlySomeReasonsTest18EE",
            "ValidonlySomeReasonsTest19EE",
            "ValidIDPwithindirectCRLTest22EE",
            "ValidIDPwithindirectCRLTest24EE",
            "ValidIDPwithindirectCRLTest25EE",
            "ValidcRLIssuerTest28EE",
            "ValidcRLIssuerTest29EE",
            "ValidcRLIssuerTest30EE",
            "ValidcRLIssuerTest33EE",
            "ValiddeltaCRLTest2EE",
            "ValiddeltaCRLTest5EE",
            "ValiddeltaCRLTest7EE",
            "ValiddeltaCRLTest8EE",
        ],
    },
    Group {
        reason: "a CRL must be signed under the certificate that issued what it revokes, and not \
                 under another one of the same CA",
        tests: &[
            "ValidBasicSelfIssuedOldWithNewTest1EE",
            "ValidBasicSelfIssuedNewWithOldTest3EE",
            "ValidBasicSelfIssuedNewWithOldTest4EE",
            "ValidBasicSelfIssuedCRLSigningKeyTest6EE",
            "ValidSeparateCertificateandCRLKeysTest19EE",
        ],
    },
    Group {
        reason: "every CA certificate counts in the length of a path: those that name themselves as \
                 their issuer, and the last one",
        tests: &[
            "ValidpathLenConstraintTest8EE",
            "ValidpathLenConstraintTest14EE",
            "ValidSelfIssuedpathLenConstraintTest15EE",
            "ValidSelfIssuedpathLenConstraintTest17EE",
        ],
    },
];
