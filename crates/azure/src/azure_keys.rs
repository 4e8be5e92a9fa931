//! The keys of the CAs of Azure's virtual TPMs, pinned as constants.
//!
//! Names, validity and keys are those of the certificates that Microsoft publishes ("Trusted Launch for
//! Azure virtual machines", frequently asked questions, and the authority information of newer
//! certificates). The fingerprints let anybody compare them with another source. All are RSA with exponent
//! 65537. CAs that issue keys' certificates are here because clients send the certificate of the key
//! alone.

/// What a CA's certificate says, and its key.
pub(crate) struct PinnedCa {
    /// Common name of the subject.
    pub(crate) common_name: &'static str,
    /// Whether the subject goes on with Microsoft's organisation and country.
    pub(crate) names_microsoft: bool,
    /// SHA-256 of the certificate's DER.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who compares it with another source"))]
    pub(crate) certificate_sha256: &'static str,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub(crate) spki_sha256: &'static str,
    /// Start of validity in seconds since the epoch.
    pub(crate) not_before: i64,
    /// End of validity in seconds since the epoch.
    pub(crate) not_after: i64,
    /// Most CAs below it: the path length of its certificate; the root's
    /// fixes none, and two are known.
    pub(crate) links_max: usize,
    /// The modulus, big-endian, in hex.
    pub(crate) modulus: &'static str,
}

/// The root of 2023 first, then CAs below it.
pub(crate) const CAS: [PinnedCa; 5] = [
    PinnedCa {
        common_name: "Azure Virtual TPM Root Certificate Authority 2023",
        names_microsoft: true,
        certificate_sha256: "e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95",
        spki_sha256: "5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf",
        not_before: 1_685_642_933,
        not_after: 2_474_648_141,
        links_max: 2,
        modulus: concat!(
            "ba0c330bdd449efe6d6d3469d284d557a636a252fb6ebc52b7bc41c7d95d53ac",
            "54edb6f8f2fd591a0f9d6a34af9755a2899819ba1b8781c2ef6b3db0663a0464",
            "5ef948b62ccc2e5a78ab06d3a3689df8af566278d31c54d253fdd5d6e4737f1c",
            "b966fe048a956cea084c7a805140413bf2625ff98d823839ed39cc9ee88e08ca",
            "ffa6475e9172b179f25084c9f6a8239f9e3a20987f1b938c0b79837c553b03f1",
            "808be2d868e1d2cd78faf4b935bc27ed36af437101ed07ba2d3b457116444b69",
            "42dc7eefc060733b142fd2aba7096fd02ef0afc8521c3fe652525d96b02c9c07",
            "a5c118cc44e6d9b95a774547b0009a2cdb9c64be70062f0612eb10f56a3c5b5a",
            "75ad408ca7cf69b9fc5adc0afdb1866f59e265bca82059c41552586fbc86449d",
            "3f9fb5e12fc137686a3979a92bd96c33c608f8dbf75ad2ce7a222eaf17aa0401",
            "0458e71224cbf9589a666c993d852c06f058de529707597686081a85f0486a0e",
            "23d30720aa52fcd922fba407468ead05a2ee922a01e7924ad5e4237150105530",
            "d0b05288f99af123779985ed73e07ccf7ca8d0016f602ab5f97e56e0a453f1b5",
            "5ef1684ea4bd024c1b2d3185312f7e8c2114dabc3ac272ae1afd53c7d8ae49d3",
            "6fb17b7cb2dc787e455e26f9c5a497802300595602914936b7c37d3df64d265b",
            "ca8688c9f0088e527dd676489c83e2e126b33b2789e13ac0059dd6d2cb8358ef",
        ),
    },
    PinnedCa {
        common_name: "Azure Cloud Virtual TPM CA 2025",
        names_microsoft: false,
        certificate_sha256: "41a1675dc1b7df8a5c59c8101c697ce500d0fa5f09bcdaa431bc4a3652363b14",
        spki_sha256: "13565189adf67d7adc6f8111209b863b049b3999383cf2e98ebeef737b1a2e49",
        not_before: 1_754_514_122,
        not_after: 1_943_730_122,
        links_max: 1,
        modulus: concat!(
            "86b8402b8f262e5e8410e25c6e876249b2d7b6e002dad098affe224f4c1e7999",
            "a11c3e4e1d3c7605d944d65fe40ef75820bbf2bf4ed612ea76238819fd7d1237",
            "fc53153a7115e350fa649f519faeef06fd19f8f3c476b09fce2489dc4ca6c915",
            "550d12de87840057473fc8eb19582e95e85341dc81f0780b0fbc87f8d0b17aa7",
            "5575ab3268d027af83809476624df6ce2ef9358e59ea3dcbd217be9cef4ffee6",
            "7a6522ce9ff2e37eda0f56cdba032e90fe1edb27bc2d702d3a93ca87c699629a",
            "25ab12d354ec0ef83da5065997e015778ead465749445b631a9b0935ba8ac6ef",
            "4b60fb22436afce6ac45511463780d5c5bb783c774f090a6bd263a3f5a5e2503",
            "74caf6c5c78dcbfe77d8ec25d1845fec115893723915d7f02c6be3d44fbca3cc",
            "4ea17f9d76c9f509b65054ec75df2b59fbb0ad814f5c4676cf4dfa3a414975ea",
            "edda96af63ac7e634c0c5df0b6d9e30f7d4e3a3c66caad7247806e3f1849607f",
            "c01e7410200fbfb4871d2e0b44288497cd2c1c32f2add17e689734ca15111e11",
            "61ffc7e8b5ccfbaee1bc5463b15dd33d0fbde6a5131b6f993f0c277885847451",
            "789a259c6f1ad340d47f28fef9d11a490b607f896219064b8012bb83801eb0bd",
            "ef28f81154d3fd7b1e1612e2d42c85bbf10886d1b3b0a2cc1cda931e3d694d54",
            "31158eee7a570076f98faa35020edbdc92b937fb5bd34169d5d4026b8913292b",
        ),
    },
    PinnedCa {
        common_name: "Azure Cloud Virtual TPM CA - 24",
        names_microsoft: false,
        certificate_sha256: "acad819dd909df6aac8c9c5d2c16efaae4ac1fb01ab3439a1e986612d1ebc6d4",
        spki_sha256: "1bb6f55730b5f0fe6324cc5f595a594505304d90394f0a56e4317049c942634e",
        not_before: 1_773_187_200,
        not_after: 1_867_795_200,
        links_max: 0,
        modulus: concat!(
            "a57591d29b711586b838741856f8fd5f4333d7d3dbdbcd8b15bdc5dedf5a4b16",
            "196891d25e2400be6b1acfa5960ff15d4363d9b4bcfc6b8fa766e76bf3a0d12b",
            "b7acee4911f894d79019691907a14b6a0c89c290d20d9dc1b0ce98e78530c62e",
            "98386e320a4563298d824ef2db1b1383118bf553636333f08842faa86f8f4904",
            "ceb842affa816148ada35b27003bd082f2b09c188d507a60fe0d34fb809484cd",
            "4325d9469ea4fe728260fab1aa1cff01449bac9807d2dd13979bfdcc7a3b6b02",
            "95dd2e5bb1dcb1702293aa6d883e2b6d5ab7ef385f4a12cdd944c7893d5fb40d",
            "7a767b8be32a679ef55147f409ae1f160e6b83036beeb5ed2c41ac83c3fde13b",
            "3a676f3e848bded81c540b56028b7290d5a8541805758973eccd16b906d9136d",
            "e386d78fdab3194f9b5562bfa1716ad3cf367619f3708862ec8a5afab8bf180e",
            "6ed3344d2dc192064ed65a5c963381a14550c03c1e971e79d2c3edd752d6e314",
            "8a584f1d39895e95b346bfcc771ae4535c6aa3cfe5be5da3cc2dc430e54f3fc0",
            "2132b0033108b36333495cb389076e27a2ec3431371a1dcfd5840c96da26bfe8",
            "e6d8937be948e04d18b9a70c4a0c136de77982ec9ceb4032f3dc89a050e29328",
            "8e7ba1d80f225412ac68b6ac9d5a70864bde0536aea649cf6331ffcbdc6e0057",
            "f16b5554c28b91e48a1f72cb5f320d74956c15251ad6f3d6ca04764a62f4843f",
        ),
    },
    PinnedCa {
        common_name: "Global Virtual TPM CA - 01",
        names_microsoft: false,
        certificate_sha256: "a2daccd149cd2eadb82045d3cd24336699a0b2d4e50237a76448d107896cf8c7",
        spki_sha256: "999d9fbacf190dabd2cd344435100d8a75d8983de9639b001216ae5a1eec746e",
        not_before: 1_686_246_784,
        not_after: 1_762_192_384,
        links_max: 0,
        modulus: concat!(
            "bf36aa2e1c6068bd369dc3518b31060dc56ac47223d287b804ed5c6c7db6cf08",
            "4d127d33bcd0e176ada2dd458376804584d83afcf930d4b806ff581172733854",
            "d5a1c53ecb20f01dff0d3ea94d794396884b2cf5a48d853e3ae4f5fcbb3b4738",
            "d005edac7bf309c8f68825723a2a00b078fc3b11c5850a17bc6824d43076011b",
            "426ee3136531351dfed72ee9ae770979fa36ae3cba6c256897a5461fa2d5fd2f",
            "730076098feff91962c1bffc0cce4477d1541d938aca9e559dac3d196968338e",
            "ac2d04ff7dd1c1d239ae81f359cda7e492140062234bde360d605647e7f22051",
            "f609ff2c9bc27c28c4e755d8d5744368be3f93dc6f458d19a258e3b6aa3a3f01",
        ),
    },
    PinnedCa {
        common_name: "Global Virtual TPM CA - 03",
        names_microsoft: false,
        certificate_sha256: "fd7c92dabce4dcec9feaa30f8b087ada0598413189182152b881f5564064a29c",
        spki_sha256: "e21f1caf8809cbaedee5477472c552ab31d49e8021ac52bd4ecc7d234a24a8c2",
        not_before: 1_745_517_677,
        not_after: 1_808_589_677,
        links_max: 0,
        modulus: concat!(
            "d8198b62b3991ad1cc50921535d63b25817eb0ce347f51740815d527f23b9350",
            "c265f7556893050f5f759f5dea20ee6b5b5b26160fc488d014a7721446955f2e",
            "dc085c5bad7f1deb47aa620bb43d1cef95004e2fa0b13427a7028f03f9b7f0c1",
            "86c971444ebdf11d78e29543df2219b13b8226b8d27447de5b6588716cb62639",
            "9a5551c8fca33f7cd009fc1e522a4b3aec91047a362b849a2907907735fc2a68",
            "36e9ebafc91034f17a8317b122bbd7b0a2d402e52a9cdb5c41673ff04af910df",
            "7e4dd5fa00e8d498aae25466c22273f59bf682f83587ffe689ffc683a4acdee9",
            "f7bb38787604bf61c6a22c989012b48878b2245d2d84edf212869a47733969d1",
        ),
    },
];
