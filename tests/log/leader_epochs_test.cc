#include "log/leader_epochs.h"

#include "tests/test.h"

using namespace odradek;
using namespace odradek::log;

static LeaderEpochs epochs_2_5_7() {
  LeaderEpochs epochs;
  REQUIRE(epochs.assign(LeaderEpoch(2), Offset(10)));
  REQUIRE(epochs.assign(LeaderEpoch(5), Offset(20)));
  REQUIRE(epochs.assign(LeaderEpoch(7), Offset(35)));
  return epochs;
}

TEST_CASE("the latest epoch ends at the log's end") {
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(7), Offset(40)),
            EpochEnd{LeaderEpoch(7), Offset(40)});
}

TEST_CASE("an epoch above the latest, none, or an empty history has no end") {
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(8), Offset(40)), EpochEnd{});
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(-1), Offset(40)), EpochEnd{});
  EXPECT_EQ(LeaderEpochs().end_of(LeaderEpoch(0), Offset(0)), EpochEnd{});
}

TEST_CASE("an epoch in between ends where the next higher begins, under the floor's name") {
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(5), Offset(40)),
            EpochEnd{LeaderEpoch(5), Offset(35)});
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(6), Offset(40)),
            EpochEnd{LeaderEpoch(5), Offset(35)});
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(4), Offset(40)),
            EpochEnd{LeaderEpoch(2), Offset(20)});
}

TEST_CASE("an epoch below the first ends where the first begins") {
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(1), Offset(40)),
            EpochEnd{LeaderEpoch(1), Offset(10)});
  // -1 is no epoch; Kafka takes any other number for one.
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(-1), Offset(40)), EpochEnd{});
  EXPECT_EQ(epochs_2_5_7().end_of(LeaderEpoch(-2), Offset(40)),
            EpochEnd{LeaderEpoch(-2), Offset(10)});
}

TEST_CASE("every record has the epoch that was in force") {
  const LeaderEpochs epochs = epochs_2_5_7();
  EXPECT_EQ(epochs.epoch_of(Offset(9)), LeaderEpoch(-1));
  EXPECT_EQ(epochs.epoch_of(Offset(10)), LeaderEpoch(2));
  EXPECT_EQ(epochs.epoch_of(Offset(34)), LeaderEpoch(5));
  EXPECT_EQ(epochs.epoch_of(Offset(99)), LeaderEpoch(7));
}

TEST_CASE("assigning what is known changes nothing, contradictions go") {
  LeaderEpochs epochs = epochs_2_5_7();
  EXPECT_FALSE(epochs.assign(LeaderEpoch(7), Offset(38)));
  EXPECT_EQ(epochs, epochs_2_5_7());
  EXPECT(epochs.assign(LeaderEpoch(6), Offset(30)));  // 7 was never agreed on
  REQUIRE_EQ(epochs.entries().size(), 3);
  EXPECT_EQ(epochs.entries()[2], EpochStart{LeaderEpoch(6), Offset(30)});
  EXPECT(epochs.assign(LeaderEpoch(9), Offset(15)));  // nothing was written in 5 and 6
  REQUIRE_EQ(epochs.entries().size(), 2);
  EXPECT_EQ(epochs.latest(), LeaderEpoch(9));
}

TEST_CASE("truncation at the end drops epochs that began there, even at the log's end itself") {
  LeaderEpochs epochs = epochs_2_5_7();
  epochs.truncate_end(Offset(35));
  EXPECT_EQ(epochs.latest(), LeaderEpoch(5));
  epochs.truncate_end(Offset(0));
  EXPECT_EQ(epochs.latest(), LeaderEpoch(-1));
}

TEST_CASE("truncation at the start moves the epoch in force") {
  LeaderEpochs epochs = epochs_2_5_7();
  epochs.truncate_start(Offset(25));
  REQUIRE_EQ(epochs.entries().size(), 2);
  EXPECT_EQ(epochs.entries()[0], EpochStart{LeaderEpoch(5), Offset(25)});
  epochs.truncate_start(Offset(5));  // before the first: nothing to do
  EXPECT_EQ(epochs.entries()[0], EpochStart{LeaderEpoch(5), Offset(25)});
}

TEST_CASE("the checkpoint file is Kafka's and survives the round trip") {
  const std::string text = epochs_2_5_7().encode_checkpoint();
  EXPECT_EQ(text, "0\n3\n2 10\n5 20\n7 35\n");
  const auto back = LeaderEpochs::decode_checkpoint(text);
  REQUIRE(back.has_value());
  EXPECT_EQ(*back, epochs_2_5_7());
}

TEST_CASE("a cut or foreign checkpoint file is refused, never half believed") {
  const std::string text = epochs_2_5_7().encode_checkpoint();
  for (size_t cut = 0; cut + 1 < text.size(); ++cut) {
    const auto epochs = LeaderEpochs::decode_checkpoint(std::string_view(text).substr(0, cut));
    // "7 3" without its last digit cannot be told from a whole line; everything shorter can.
    if (cut < text.size() - 2) EXPECT_FALSE(epochs.has_value());
  }
  EXPECT_EQ(LeaderEpochs::decode_checkpoint("1\n0\n").error().code, Errc::unsupported);
  EXPECT_EQ(LeaderEpochs::decode_checkpoint("0\n1\nx 5\n").error().code, Errc::corrupt);
}
