//! Tags cut by hand: lengths, values, depth and number.

use avouch_bootlog::windows::{DEPTH_LIMIT, TAG_LIMIT, Tag, TagId, WindowsError};
use avouch_mint::bootlog::windows::{flag, tag, tagged};
use avouch_wire::FailedCheck as _;

fn refused(bytes: &[u8]) -> WindowsError {
    Tag::parse_all(bytes).unwrap_err()
}

#[test]
fn tags_stand_one_after_the_other_and_within_containers() {
    let inner = [flag(tag::TESTSIGNING, true), tagged(0x0005_0fff, b"new")].concat();
    let bytes = [tagged(tag::TRUSTBOUNDARY, &inner), tagged(0x0007_0fff, b"")].concat();
    let tags: Vec<_> = Tag::parse_all(&bytes).unwrap().collect();
    let ids: Vec<u32> = tags.iter().map(|tag| tag.id.0).collect();
    assert_eq!(ids, [tag::TRUSTBOUNDARY, 0x0007_0fff]);
    assert_eq!(tags[0].bytes(), None);
    assert_eq!(tags[0].members().next().unwrap().bytes(), Some(&[1][..]));
    assert_eq!(tags[0].members().nth(1).unwrap().bytes(), Some(&b"new"[..]));
    assert_eq!(tags[1].members().count(), 0);
}

#[test]
fn no_bytes_are_no_tags() {
    assert_eq!(Tag::parse_all(&[]).unwrap().count(), 0);
}

#[test]
fn a_tag_that_is_cut_or_runs_over_its_container_is_refused() {
    let whole = tagged(tag::TRUSTBOUNDARY, &flag(tag::TESTSIGNING, true));
    for end in 1..whole.len() {
        assert_eq!(refused(&whole[..end]).check(), "structure", "{end}");
    }
    for length in [0_u32, 8, 10, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[12..16].copy_from_slice(&length.to_le_bytes());
        assert!(Tag::parse_all(&bytes).is_err(), "{length}");
    }
}

#[test]
fn numbers_and_flags_have_the_length_that_windows_gives_them() {
    for (id, length) in [(tag::TESTSIGNING, 1), (tag::TRANSFER_CONTROL, 4), (tag::BOOTCOUNTER, 8)] {
        for other in [0, 1, 2, 4, 8, 9] {
            let parsed = Tag::parse_all(&tagged(id, &vec![0; other])).map(|_| ());
            let expected = if other == length {
                Ok(())
            } else {
                Err(WindowsError::TagLength { id: TagId(id), expected: length, found: other })
            };
            assert_eq!(parsed, expected);
        }
    }
}

#[test]
fn a_flag_is_0_or_1() {
    for value in 0..=255 {
        let bytes = tagged(tag::CODEINTEGRITY, &[value]);
        assert_eq!(Tag::parse_all(&bytes).is_ok(), value < 2, "{value}");
    }
}

#[test]
fn settings_stand_once_in_a_container_and_modules_often() {
    let setting = flag(tag::TESTSIGNING, false);
    let twice = tagged(tag::TRUSTBOUNDARY, &[setting.clone(), setting].concat());
    assert_eq!(refused(&twice), WindowsError::TagTwice { id: TagId::TESTSIGNING });
    let module = tagged(tag::LOADEDMODULE_AGGREGATION, &flag(tag::IMAGEVALIDATED, true));
    let modules = tagged(tag::TRUSTBOUNDARY, &[module.clone(), module].concat());
    assert_eq!(Tag::parse_all(&modules).unwrap().next().unwrap().members().count(), 2);
}

#[test]
fn containers_are_nested_to_a_limit() {
    let nested =
        |depth| (0..depth).fold(Vec::new(), |tags, _| tagged(tag::ELAM_AGGREGATION, &tags));
    assert!(Tag::parse_all(&nested(DEPTH_LIMIT)).is_ok());
    let error = refused(&nested(DEPTH_LIMIT + 1));
    assert_eq!(error, WindowsError::TooDeep { limit: DEPTH_LIMIT });
}

#[test]
fn tags_are_counted_to_a_limit() {
    let many = |count| tagged(0x0007_0fff, &[]).repeat(count);
    assert_eq!(Tag::parse_all(&many(TAG_LIMIT)).unwrap().count(), TAG_LIMIT);
    assert_eq!(refused(&many(TAG_LIMIT + 1)), WindowsError::TooManyTags { limit: TAG_LIMIT });
    let within = tagged(tag::TRUSTBOUNDARY, &many(TAG_LIMIT));
    assert_eq!(refused(&within), WindowsError::TooManyTags { limit: TAG_LIMIT });
}
