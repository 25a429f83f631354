#include "log/transaction_index.h"

namespace odradek::log {

static constexpr int16_t kVersion = 0;

std::vector<uint8_t> encode_transaction_index(const std::vector<AbortedTransaction>& aborted) {
  std::vector<uint8_t> out(aborted.size() * kTransactionEntryBytes);
  uint8_t* p = out.data();
  for (const AbortedTransaction& a : aborted) {
    store_be(p, kVersion);
    store_be(p + 2, a.producer_id.value);
    store_be(p + 10, a.first.value);
    store_be(p + 18, a.last.value);
    store_be(p + 26, a.last_stable.value);
    p += kTransactionEntryBytes;
  }
  return out;
}

Result<std::vector<AbortedTransaction>> decode_transaction_index(BytesView file) {
  if (file.size() % kTransactionEntryBytes != 0) {
    return fail(Errc::corrupt, "transaction index of " + std::to_string(file.size()) + " bytes");
  }
  std::vector<AbortedTransaction> aborted;
  for (size_t at = 0; at < file.size(); at += kTransactionEntryBytes) {
    const uint8_t* p = file.data() + at;
    const auto version = load_be<int16_t>(p);
    if (version != kVersion) {
      return fail(Errc::unsupported, "transaction index: version " + std::to_string(version));
    }
    const AbortedTransaction next{
        ProducerId(load_be<int64_t>(p + 2)), Offset(load_be<int64_t>(p + 10)),
        Offset(load_be<int64_t>(p + 18)), Offset(load_be<int64_t>(p + 26))};
    if (next.first > next.last || (!aborted.empty() && next.last <= aborted.back().last)) {
      return fail(Errc::corrupt, "transaction index entry at byte " + std::to_string(at));
    }
    aborted.push_back(next);
  }
  return aborted;
}

}  // namespace odradek::log
