//! AMD's public keys, pinned as constants: three roots and the six intermediates under them.
//!
//! Names, serials, validity and keys are those of the certificates that AMD's key distribution
//! service publishes under `/vcek/v1/{product}/cert_chain` and `/vlek/v1/{product}/cert_chain`
//! (AMD 57230, VCEK Certificate and KDS Interface Specification). The fingerprints let anybody
//! compare them with another source. All are RSA-4096 with exponent 65537.

use crate::{Product, VekKind};

/// What a pinned certificate of AMD's says, and its key.
pub(crate) struct PinnedKey {
    /// Common name of the subject.
    pub(crate) common_name: &'static str,
    pub(crate) product: Product,
    /// SHA-256 of the certificate's DER.
    pub(crate) certificate_sha256: &'static str,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub(crate) spki_sha256: &'static str,
    /// The modulus, big-endian, 512 bytes in hex.
    pub(crate) modulus: &'static str,
}

/// An intermediate and what it may sign.
pub(crate) struct PinnedIntermediate {
    pub(crate) issues: VekKind,
    /// Serial number.
    pub(crate) serial: u32,
    /// Start of validity in seconds since the epoch.
    pub(crate) not_before: i64,
    /// End of validity in seconds since the epoch.
    pub(crate) not_after: i64,
    pub(crate) key: PinnedKey,
}

/// AMD Root Keys.
pub(crate) const ROOTS: [PinnedKey; 3] = [
    PinnedKey {
        common_name: "ARK-Milan",
        product: Product::Milan,
        certificate_sha256: "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
        spki_sha256: "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9",
        modulus: concat!(
            "d0b779d9124e75e88996a2b625db15983ec592dba8b56c17d5f3605b8d5763d5",
            "f3d471214949a12f3f42bbd0c7465be02523716de618b2725fbf28f1d4c7d4d1",
            "5e6d90a894d447ac345b5ad644c0d2cccd8ac75873d8acaa4ee65d3e7e29f191",
            "6df73857ff73448704f2394737ad52d63bbc5fddfee9dc4352b1b64b3c6a2780",
            "61ab2626503aee3d72525f8bd4734d4fee3f7c329a8e4bde6b3917461de239d8",
            "d6b3e66d81f8efaf8ec0b4eb4777ee363d2c57ae38fe0c7ab8bcaa07e2d92e64",
            "2aa83f685e9a3edb80650551eeedca1585cfe7d5e6260b5ca20d398262344ff3",
            "a2b4b86ecd5be965c2e9874a1d87fd483d7ab1dfe3278c3f7b03b7d7a6a19dff",
            "2f0ac57ee392c4c4cc03a06ca01e6a6de59bedf228871360c96c44c5cf72335b",
            "22f9ac072903fffc529e2bacb870648279443445b1d5471b410aecfa054392e5",
            "4f86c9f321136062f338f18fbb2c6889627ae613cc5cadec5e901c6bbdad95f5",
            "3250aa7377439de4b79be2422dfe8027e69300b4174b62ac865b2e45cfacfc33",
            "67433d78dc6123249bda7a497e09eacf9e48d2edf7c21e2bd1935079319fc34d",
            "cc054b72bb319eb0691cc3e968a8c6aad6a478b6319b3d8c42be90aaefe3a0a4",
            "20a830d8addae2e8f4cd7c7c7cf5d2538c4fc9d6014bd1645ced7970a6fbb3c7",
            "7583e5990c14c372ef7a727f20b5e840f1df6e41f40b23df865d635a124565ab",
        ),
    },
    PinnedKey {
        common_name: "ARK-Genoa",
        product: Product::Genoa,
        certificate_sha256: "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
        spki_sha256: "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831",
        modulus: concat!(
            "dc277de52fee14eb9122c916f6fcfd543045ebd343405efda1184bfcbd8f5501",
            "a12b761d7c4060a45fc98b058506c4ff7d70e1cc0d35a772e4713ffb2dd8dc45",
            "f2978c797ed10abf338759921e900e851e2b33412c37012830c65a8defdf9372",
            "af16c0d439e463050a5390009383fde2d2972e9f34a31b7ce1a8721e82e673f2",
            "eab06b29fa8ab5073e0f3ec60bc131b888c29569a4fdd3fa19e08f2889b4abbb",
            "ddaf26196a58edbb77f47173789433284d7864e83af831fe2528e201a91bad4d",
            "0e990452f233b8a71a331f08753a568360c5e92c05d0881531f7e7bed26603af",
            "01c09356a351383cb25d68f7c189f709a6e045c0d55020f404557dda3fcf4725",
            "2a7c61b63d972492e8f95512a4c106d6909a2e004c698c47e9f62bf7be240854",
            "d868fb8c8a4984e91d1fd7e2ad00e79a50364857c9fc27349863735bd466221c",
            "8e527345a1c966911865dff01053962cf50b1a9f58d3fc48b24fea42a669c0fb",
            "2f5e76f84309b386f05da8c47191753064ca5ba782b917246622c06ad1f246a2",
            "aafecd37c42138132a62371bae412bd1ff1030a925212e6bb8e7ea94b302070f",
            "092c1dcb923a5682d0fb3a9c64cd2b2884de3b5289bce9163a969ef683c7971c",
            "fd6a62b9ef873686d52ef4bf0e8e91b69a0bd123887fee1e0009406c689fbbb4",
            "43bc60a1111603f7bb25c050c0b83cd07abfb1b46ea9eb31cfbc01592636e787",
        ),
    },
    PinnedKey {
        common_name: "ARK-Turin",
        product: Product::Turin,
        certificate_sha256: "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
        spki_sha256: "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08",
        modulus: concat!(
            "c1a02b881ec422e55ce19075c03dd87c3c4bfbd7b24bbfa2ce6d098f75bbef63",
            "483425a5f018f7c3f243d998e66d1c56748abfe1df626ab08aa2b5e5a09501d6",
            "345d831a9c713c7568ea22838fb6c355e1555253ecae39ef04f964b3498106b1",
            "a9af44b64c2377afbdb0e86508313d978de443447606291525afeecb254e4b01",
            "24e70e6d5ca3ae1bd8efaba42d00c25ab16dfcc25a910da2841ad67d554806a2",
            "7dbb66e2f8b1326e0bf6b3cfdfe2401c3c9048a5cce97de4089391e6398d2101",
            "0d66c0aa7664e6a94cee4212286db4920426d789a134a0c8da9da8b9afb3b801",
            "bb8b9d9ea68445d867d4d13624ff27febc2341dad9de721150b8fd9ef1b2e4f7",
            "965da8f8bdfd45b0e095e3b5d100e2ed896299524943d05405cab7a2d5aae8ed",
            "25c339f492abdaed1743be4ac3170ca75e604978417c89ef3c0c2e018e1d130c",
            "06a93f28220e1eb0f1f012c98286161e0c8c4f1bd4787f1f4ed2aea9f066fe1d",
            "7953892e3b3fd60d78ea6274e50acc397f4b53afca10ed48bf0b25cdb84004c5",
            "c9da3f883fca51dbc54d1943d1cae400c9192e8590f212c319ce816495ec75de",
            "d97f67b8516ded23fd6887fdaddb73addf3ca14dcbf98036c006ed0b8d57bdf2",
            "e4674b5e523302bffe526df5ee41a8abe0001912a0005ff81e1516d3d5117d32",
            "82b61a15a23d8b9001af19d5066cd7a516f6d622353653427ce1943c8855a561",
        ),
    },
];

/// AMD SEV Keys: ASK for VCEKs, ASVK for VLEKs.
pub(crate) const INTERMEDIATES: [PinnedIntermediate; 6] = [
    PinnedIntermediate {
        issues: VekKind::Vcek,
        serial: 0x0001_0001,
        // 2020-10-22T18:24:20Z
        not_before: 1_603_391_060,
        // 2045-10-22T18:24:20Z
        not_after: 2_392_309_460,
        key: PinnedKey {
            common_name: "SEV-Milan",
            product: Product::Milan,
            certificate_sha256: "67d303bd3905fd38db8b20e0793699870e7fa612eaad5dec358293fd8c0bac1b",
            spki_sha256: "42491669ccb851d627ea9846cd24eccbeb7de7c2a62740120fff88001d38ebb6",
            modulus: concat!(
                "9d4d9daeb3537db84d4089657fe5b6cbe44e09b4b321dd5a2997edd93f738d94",
                "0ece319c725d7b8b598829697b353701d15617b77271652cce663b232cd54010",
                "dd8c1a3f5389e74bf907b02995f4266404b988e6f962a4b0bb7181d2e9f44ec4",
                "64dc0d0ea575af4a913f9b41f0e5a4c906c874b7aee1a0b3ee3fd2975164072b",
                "5ebfdb1b146cededcc278f38bd9bb9e8aac93eb91541a77f889f7e503dd723f1",
                "87e51269c704dbee5032612c224c5bc28e8cfebef8f85bb378828ad25c00d12d",
                "5b8a93345a0a5b708795b7120a34ccf0ab0d6d4c7703c7a4e4454b8d9587d69b",
                "7d1374dfa51e97c9f40a9d8ea497968420fc1d5b778561aa8214fac8a3da504f",
                "a5ae0d23f82426096d99de28a21b663cd7909b773501b7d84ba46089816fd482",
                "926f7e7d2e4b64583da23cee6cc5f7f8d901a125c8ece3ef9c73318eea7d9b0e",
                "6c7ba41457b1aaa420364cdca9a259ae43e7006b157b26a1c4f1d97da567fe63",
                "76ab6fef628850b016de25025270e43d024d14c2d58e585850c10ab03fbc69e6",
                "4e7a86f02fa38d4012edc8e347cab838f8720e62513e7682fd91b9b8fd0ad33e",
                "86a0eff7b9e9fdc2ab210ae1de80b4e939e1c42512ab405af83d523054e074f9",
                "e6cee45828c8ec38de7c850f950a043c4407804aa3fd2e0222872d1bef80b6ce",
                "45b53c280448b35128a848e617c52dae64165768548f0ceac2f1c57a2f2b3f13",
            ),
        },
    },
    PinnedIntermediate {
        issues: VekKind::Vlek,
        serial: 0x0001_0101,
        // 2022-11-16T22:45:24Z
        not_before: 1_668_638_724,
        // 2047-11-16T22:45:24Z
        not_after: 2_457_557_124,
        key: PinnedKey {
            common_name: "SEV-VLEK-Milan",
            product: Product::Milan,
            certificate_sha256: "c5e081f59b7efab1fe2f8b505e159704e72f29cab7ef7cf628a05a42439082f5",
            spki_sha256: "66450a123ea5876206df67f2514a4fea224c0f63b18313423078b0edc4535e33",
            modulus: concat!(
                "d44516933e454cfcfeb964f68421328ac6a6f0546e5d90264b797ead781209e4",
                "b5434fb5a257271522698b07ecb1f868bad26a78fca272ef8e8645f5df53cc78",
                "efd53ad1f7ba92b860d266ab7e88269ed95889b99cad9f24d9181075b49bf357",
                "70803d5368879796c043971b1a9f7bfc568e2785661a84cc57ae7c628c7fa651",
                "6665115f45cb30da1c8d86a525d60cdda6720880f932814a2f14481a6b42154a",
                "018b1d085942279b34b2d255645545ebded2df78ce544845176bcfce1c7243fd",
                "1fd0d301433241ac5265b3c834a6d5e933e6b6bc0057d50fd50ab8d7cc67f48f",
                "82d12b16bad3ffe52d4e88bf0e4f34380af81b1ce7ddd85df256fe310c1cdae1",
                "27a51768a0a037fe045e1723f2081c92f6379b8acb7fa09120765e5ea9ae8860",
                "566a9116f056f4e4c211adf65a15eed2dd59d5a6c42836772e966df7f0ab83ac",
                "f23e95c32d1fed2c71e949a3d18fb093cc789e28c4f3f90e91ac209070719f68",
                "00ff113358e7a687bcd2516606f35c3509be72ebddd6323afbe7fc3b4a8424a2",
                "989ca79fb2de9f802b0d5415c1744f7b7851fdab0213609a8d3ee4182d403ad5",
                "3342e20a652d83d1093be20dbdec984b1e91019508b28d127e2c2599371f6e25",
                "c8b11b2cdabfa7e2396c7853cb96851cc7b3c9ef0c075c4b82d6df5b4f940f41",
                "78e2bf0468a6413bbb84ce4c0c564bd02f5d58ae69b825097b1e88daf4aabf27",
            ),
        },
    },
    PinnedIntermediate {
        issues: VekKind::Vcek,
        serial: 0x0002_0002,
        // 2022-10-31T13:33:48Z
        not_before: 1_667_223_228,
        // 2047-10-31T13:33:48Z
        not_after: 2_456_141_628,
        key: PinnedKey {
            common_name: "SEV-Genoa",
            product: Product::Genoa,
            certificate_sha256: "5464738c1546aed5f2cecf1dc98c5c960a92e8913238a61711bc90ec6e828521",
            spki_sha256: "0324d55bcd48ba877a8fd87c0e1b4934dec8448e3807a24384a34dc6a6c9ebb8",
            modulus: concat!(
                "a07261be4e05c309306f4dc031f2f24972525e611a09931345b2e03da8f8a04c",
                "da0fdb467f1092c3f9ec0808971d069652dfbe6e76e324ed394ca4f977e09daf",
                "3e3f7e2441a5b85fd31cef875d4efb025304f8f7b82cc39b8f2f119f25e525cc",
                "3b8c1dfd0ab0b2b7a314444f0ff1dd7efd66182316eda734ba0f2dac3cea19ef",
                "a5fa9f0d323a7f12a043636bddf212da54b992f978c0aa561535192c87d693cd",
                "260bd7dfdc4eb0439aa436cbc936df3365da55baabf06d40ea56195b37116bc1",
                "1dbfd09dfddfdd2f7e942e07da3743cbdca7ee4ab24d6ab8582067138aa16094",
                "6892e958b7331933522593867a44f90e4d1d4c27881d16d8fb94a9ab912b8ea0",
                "9626aa1248b1027ce789406c9c9b814ef3cb3580c2edee6ac96460a5040107f6",
                "8dae47ca5dc806a3b3a6a637d52a4acdb97c357bde6726d13249707dee220cb2",
                "36e53f64bbd0957ad0d889f09b7467ae1dd4f064105e996e0d139ecbee2115f3",
                "ecf3f27c6783c38c5ffff8a579ed5aa9906c402704bbf64e84e07751f6cd846d",
                "8720cb737575d7dffe1674d6d7b2cae9b2b34c28049c21d011c02dd210d02cb1",
                "7bf7dfb69594f1c5f044a1db8065ac7a2238003028ba7b565f28f25291dbdbda",
                "6dc1c1f3fc6e7886efe00426fd563849a7049735a55402b6d6c952875b8b4ed5",
                "7de9f925152a02f48cdce6d640ecd2006cec1a7a488a0c05a56ea6f45eee6155",
            ),
        },
    },
    PinnedIntermediate {
        issues: VekKind::Vlek,
        serial: 0x0002_0101,
        // 2022-11-18T20:48:34Z
        not_before: 1_668_804_514,
        // 2047-11-18T20:48:34Z
        not_after: 2_457_722_914,
        key: PinnedKey {
            common_name: "SEV-VLEK-Genoa",
            product: Product::Genoa,
            certificate_sha256: "197e610743a917d6b9bb982a5a9226ccc0a15b611be0619e626aca9151457372",
            spki_sha256: "7d1633252ebbadaa75f96e9b4e6f7d43a90ceb3f843937482630f8da2459264e",
            modulus: concat!(
                "ccbdbfc62847b1c129c52dfe3ac419a40b8d20919211066b92858fb6a28c8e36",
                "4ec9730c4470217939b9e848b431bf1325995b1834b9c7f01d6e8c2cb469a91e",
                "a876cef4af8d93bb578bfa16df38a7bd4fe865df395110802b9ab62b337c8c05",
                "ad1424fdc994ec7b8969d06ae97b5813ea8124c8eeb3c0b45b05bf21663d8faa",
                "4d6c40354a752f560eadf3dcdf13e01c07950308aab4f71eeac3eacfb7da53a4",
                "4721d1fd5b1dd445265a605864ead36a211fd6d3fba6aef243e9bcc6b79b6a7c",
                "cdd208aadbae486eacac88a6ae9b76e25b2be2d2e1406eb947f45b5494fd32c2",
                "b850ba5b0143b93707652f06e7a4b587894c2862bc92303f25df1443be13e622",
                "7957105128f256a1718965c6224947ca2aa80eb1de33c52a691f84481a41e7dc",
                "9f83fc9c0e1249ca80a0b8a19fbe62883b54dbe66590f9ca81c36ce54d4b7b8e",
                "35ca97a7da7ec13a7472866c3201404693739c3171ec27a286a432724d509a0b",
                "77d65f77b1e08bf82e4b8a440e8ef72bb7cc73f6dcdfee6c4f3f63291f7c88cc",
                "6ed068380cdd5829fd944e1a9a8e1567ef1ec08bad6406260b94c840efb0594a",
                "8a62bd220286dc70c9d97498d43918d5a2a550f9d2ebfbfd68b64dfa81f3dcd0",
                "ba6685664a7c05c5f6c82f62d42371a47dc251abf32491b59d98256a1fb91ef3",
                "8181493c45d1c009db011ff4e61066a20ec232dd45f582929a4bba25f45e718f",
            ),
        },
    },
    PinnedIntermediate {
        issues: VekKind::Vcek,
        serial: 0x0003_0001,
        // 2023-05-15T20:25:21Z
        not_before: 1_684_182_321,
        // 2048-05-15T20:25:21Z
        not_after: 2_473_187_121,
        key: PinnedKey {
            common_name: "SEV-Turin",
            product: Product::Turin,
            certificate_sha256: "5b77ef5fe7a7a004fd9032668fba9d0fda22f88c4442069a479636a6ae3b3185",
            spki_sha256: "0000ead352025f208bf55297c4192c34cd1b878002107366d8f2065a9ae7d3a9",
            modulus: concat!(
                "9ef8391abbf612677d94084a74eeb845753750449be894e6d078737afc753f2c",
                "629f162a24bdf6f6a4c93345e6768ccb61beebb07c60339236a54d7c33c81e72",
                "dda937f601d8b435fdb22adfb4cf0db83bca6d0c37a2a467a684471017d2fa18",
                "b5d0f23718c30148e946909ed4571c01ebff12cda7fc5cf51b54e60b65dea534",
                "2a68aa66b7a9a70d64821c256c42863481289b79a1ba76833a3a235409b29768",
                "2eca1c7e5bffde810f50c9f3833e247a8f0a51611ea509c33285e50c63e30816",
                "019ccaf143e188d1a3ac5ebe4c1765146752cc4ab0d633ab0931ddb98c8b2bee",
                "4e437388c384bebd978e568c496a34c859db2a60fd832dcd0790bd2a58eba610",
                "eaeb736ff80de1134a10743322291f4e6449a97240dd9e3793faa6d381f3885d",
                "74275b24f11ea670fe16a41aa75ba4c372bcb81720781480176debe94b53f147",
                "3987b32c597dcca198841dc4a40d043c21e75393b08b8ec2ba4bb6ff95f2aa7d",
                "889184a806911bec11dfcc0cd72e98764a220cdab09c206a0cd2820894a3d8d7",
                "a771169bce1fab2c4d5f34aeb4f07ba83e4ffd42c007eabd420bebcc2f179de6",
                "8b3f430dac784cf3451e8e6b014c892d32f16859521e9580cb75ca22d1e303e4",
                "345c71fb20ad8698ea1ffefea7fdb6083e997d3d509a6e48f445dfca32aa734d",
                "14c979bffb562e052c0a13d4e8d0900b5ed06aaafc9aedb29f2cae1c4b392555",
            ),
        },
    },
    PinnedIntermediate {
        issues: VekKind::Vlek,
        serial: 0x0003_0101,
        // 2023-05-15T21:09:41Z
        not_before: 1_684_184_981,
        // 2048-05-15T21:09:41Z
        not_after: 2_473_189_781,
        key: PinnedKey {
            common_name: "SEV-VLEK-Turin",
            product: Product::Turin,
            certificate_sha256: "104e10a8bd060a3c20a434261a57d0588fd65a88915b4f65b08bdecaf8df1a3c",
            spki_sha256: "bfc441408b2f806c5dbf180bd8920e6e60dd404d82141780d85dbf962954d386",
            modulus: concat!(
                "a63aee8b89746688048747c37557c9e2e9e8c061a8964db05f2ce36e30bf7e7a",
                "a5845aa2163d4948a764612bf33d57e00d1d0c53658b972b6b006a8e1d805d93",
                "8328cf7c474d726eb3be4d79fd04059a4693d3383d0185fa74ea622fa10e0baa",
                "d78c1050496d37dc06ba79d479a333d1eea17c26ac0debe4ca920b329a27bd3b",
                "da338f51022a42bd38263d14e4400f218e5ded03a47b4bf1ca4e7ebf4374fbe0",
                "0d017f280ae3d2cb91d1c5d395a8d2967daa63f2862d1187d7a96342fefd3d9e",
                "d7b7e88567026af804f8a17918ee5720dcee9f02a89420b21f7f77d220266f5b",
                "efe6fe0f8a69c6b1f1f889ce24200a51d61640a54dd81b7a9413ce2a91be5210",
                "0490b136424f426ffc0c42f52a39876c2b695cd6cfa1afa4f1c4b512afb9ee6f",
                "7a19303e3162a49313e59ec298db9773ed2571549930749bb301521ca2ada781",
                "74503a0f9ee216c3f7631838e41974bd5b9336377cd549b9fde1c27108ccce4f",
                "320b85c5ff9496ada28b257f1beab9c147f0fa52f7104c86e3787d33e5364fe8",
                "55b43ac3ca7110c89ba342bc43e80eaaacdd566ea2ee3a2da1bb2e6311f51edb",
                "63b1ceb5bd2b244834f82643e3a935a2c8e9ac148fba39bfe1c9afdfaa97b410",
                "fcbaf133e4f3908e0bbbaa34cceee7cc5bd2e02db746de7a30f1dbd99145b88f",
                "34be6d9f02bd2859990e9799592660cef9f62be4904caf3464a9fc62ad9229f5",
            ),
        },
    },
];
