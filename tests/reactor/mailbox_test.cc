#include "reactor/mailbox.h"

#include "tests/test.h"

namespace odradek::reactor {
namespace {

TEST_CASE("a mail ring keeps the order and refuses what has no room") {
  MailRing ring;
  std::vector<Envelope> mail(kMailboxSlots + 1);
  for (uint32_t i = 0; i < kMailboxSlots; ++i) EXPECT(ring.try_push(&mail[i]));
  EXPECT_FALSE(ring.try_push(&mail[kMailboxSlots]));
  EXPECT(ring.try_pop() == &mail[0]);
  EXPECT(ring.try_push(&mail[kMailboxSlots]));
  for (uint32_t i = 1; i <= kMailboxSlots; ++i) EXPECT(ring.try_pop() == &mail[i]);
  EXPECT(ring.try_pop() == nullptr);
  EXPECT(ring.empty());
}

TEST_CASE("one wake a sleep, and none for whoever is awake") {
  Mailboxes mailboxes(2);
  EXPECT_FALSE(mailboxes.take_wake(ShardId(1)));
  mailboxes.set_sleeping(ShardId(1), true);
  EXPECT(mailboxes.take_wake(ShardId(1)));
  EXPECT_FALSE(mailboxes.take_wake(ShardId(1)));
}

TEST_CASE("mail is seen by its receiver only") {
  Mailboxes mailboxes(3);
  Envelope envelope;
  EXPECT(mailboxes.ring(ShardId(0), ShardId(2)).try_push(&envelope));
  EXPECT_FALSE(mailboxes.has_mail(ShardId(0)));
  EXPECT_FALSE(mailboxes.has_mail(ShardId(1)));
  EXPECT(mailboxes.has_mail(ShardId(2)));
}

}  // namespace
}  // namespace odradek::reactor
