#![cfg(test)]

use std::sync::Arc;

use super::{Offered, SHARE_MAX, WAITING_MAX, Waiting, Waits};

/// Of a machine; what it says, and how often.
#[derive(Debug, PartialEq)]
struct Said(u64, &'static str, usize, u32);

impl Waits for Said {
    fn machine(&self) -> (u64, String) {
        (self.0, self.1.to_owned())
    }

    fn join(&mut self, next: &Self) -> bool {
        let is_same = self.2 == next.2;
        self.3 = self.3.saturating_add(is_same.into());
        is_same
    }
}

#[tokio::test]
async fn what_a_machine_says_again_takes_no_room_and_what_it_says_anew_its_share() {
    let waiting = Waiting::new();
    assert_eq!(waiting.offer(Said(1, "b", 0, 1)), Offered::Taken);
    assert_eq!(waiting.offer(Said(1, "a", 0, 1)), Offered::Taken);
    for _ in 0..WAITING_MAX {
        assert_eq!(waiting.offer(Said(1, "b", 0, 1)), Offered::Joined);
    }
    for says in 1..SHARE_MAX {
        assert_eq!(waiting.offer(Said(1, "b", says, 1)), Offered::Taken);
    }
    // What it said before the last is news again, and there is no room for it.
    assert_eq!(waiting.offer(Said(1, "b", 0, 1)), Offered::Lost);
    assert_eq!(waiting.offer(Said(1, "b", SHARE_MAX - 1, 1)), Offered::Joined);
    assert_eq!(waiting.offer(Said(2, "b", 0, 1)), Offered::Taken, "of another provider");
    let taken = waiting.take().await.unwrap();
    assert_eq!(taken.len(), SHARE_MAX + 2);
    assert_eq!(taken[0], Said(1, "b", 0, 1 + u32::try_from(WAITING_MAX).unwrap()));
    assert_eq!(taken[1], Said(1, "a", 0, 1));
    assert_eq!(taken[SHARE_MAX], Said(1, "b", SHARE_MAX - 1, 2));
    assert_eq!(waiting.offer(Said(1, "b", 0, 1)), Offered::Taken, "there is room again");
}

#[tokio::test]
async fn so_many_wait_and_no_more_and_all_are_taken_before_the_end() {
    let waiting = Arc::new(Waiting::new());
    for provider in 0..WAITING_MAX as u64 {
        assert_eq!(waiting.offer(Said(provider, "a", 0, 1)), Offered::Taken);
    }
    assert_eq!(waiting.offer(Said(WAITING_MAX as u64, "a", 0, 1)), Offered::Lost);
    assert_eq!(waiting.offer(Said(3, "a", 0, 1)), Offered::Joined);
    waiting.close();
    assert_eq!(waiting.take().await.unwrap().len(), WAITING_MAX);
    assert_eq!(waiting.take().await, None);
    // Who waits for the first is woken by it.
    let waiting = Arc::new(Waiting::new());
    let taker = Arc::clone(&waiting);
    let taken = tokio::spawn(async move { taker.take().await });
    tokio::task::yield_now().await;
    waiting.offer(Said(1, "a", 0, 1));
    assert_eq!(taken.await.unwrap().unwrap().len(), 1);
}
