#include "log/tail.h"

#include <algorithm>
#include <bit>

#include "reactor/base/stream_copy.h"

namespace odradek::log {

uint64_t Tail::block_bytes_wanted(uint64_t bytes) {
  return std::clamp(std::bit_ceil(bytes), kTailBlockBytesMin, kTailBlockBytesMax);
}

bool Tail::try_reserve(FilePlace at, uint64_t bytes) {
  uint64_t from = align_down(at.position, kDiskBlockBytes);
  uint64_t last_bytes = 0;
  if (!blocks_.empty() && blocks_.back().at.segment == at.segment) {
    from = blocks_.back().end().position;
    last_bytes = blocks_.back().lease.size();
    CHECK(at.position <= from, at, blocks_.back().at);
  }
  const uint64_t to = at.position + bytes;
  std::vector<Block> made;
  while (from < to) {
    const uint64_t size =
        std::min(kTailBlockBytesMax, std::max(last_bytes * 2, block_bytes_wanted(to - from)));
    reactor::Lease lease = arena_.try_allocate(size);
    if (!lease) return false;
    last_bytes = lease.size();
    made.push_back({std::move(lease), {at.segment, from}});
    from += last_bytes;
  }
  for (Block& block : made) {
    memory_bytes_ += block.lease.size();
    blocks_.push_back(std::move(block));
  }
  return true;
}

size_t Tail::block_of(FilePlace place) const {
  const auto after = std::ranges::upper_bound(blocks_, place, {}, &Block::at);
  CHECK(after != blocks_.begin(), place);
  const size_t index = static_cast<size_t>(after - blocks_.begin()) - 1;
  CHECK(blocks_[index].at.segment == place.segment && place < blocks_[index].end(), place,
        blocks_[index].at);
  return index;
}

static void copy_past_caches(MutableBytes to, const Chain& from) {
  for (size_t i = 0; i < from.part_count(); ++i) {
    stream_copy(to, from.part(i));
    to = to.subspan(from.part(i).size());
  }
}

void Tail::put(FilePlace at, const Chain& bytes, bool for_disk) {
  uint64_t done = 0;
  size_t index = block_of(at);
  while (done < bytes.size()) {
    Block& block = blocks_[index++];
    const uint64_t offset = at.position + done - block.at.position;
    CHECK(block.at.segment == at.segment && offset < block.lease.size(), at, done, block.at);
    const uint64_t n = std::min(bytes.size() - done, block.lease.size() - offset);
    const MutableBytes to = block.lease.writable().subspan(offset, n);
    if (for_disk) {
      copy_past_caches(to, bytes.slice(done, n));
    } else {
      bytes.copy_out(done, to);
    }
    done += n;
  }
}

void Tail::add_batch(const TailBatch& batch) {
  if (!batches_.empty()) {
    const TailBatch& before = batches_.back();
    CHECK(batch.base == before.last + 1, batch.base, before.last);
    CHECK(batch.at == before.end() || batch.at.segment > before.at.segment, batch.at, before.at);
  }
  batches_.push_back(batch);
}

Chain Tail::view(FilePlace from, uint64_t length) const {
  Chain out;
  for (size_t index = length > 0 ? block_of(from) : 0; length > 0; ++index) {
    const Block& block = blocks_[index];
    const uint64_t offset = from.position - block.at.position;
    const uint64_t n = std::min(length, block.lease.size() - offset);
    out.append(block.lease.bytes().subspan(offset, n));
    from.position += n;
    length -= n;
  }
  return out;
}

std::vector<iovec> Tail::parts(FilePlace from, uint64_t length) {
  CHECK(from.position % kDiskBlockBytes == 0, from);
  const uint64_t padded = align_up(length, kDiskBlockBytes);
  std::vector<iovec> out;
  const Chain bytes = view(from, padded);
  for (size_t i = 0; i < bytes.part_count(); ++i) {
    out.push_back({const_cast<uint8_t*>(bytes.part(i).data()), bytes.part(i).size()});
  }
  if (padded > length) {
    iovec& last = out.back();
    std::memset(static_cast<uint8_t*>(last.iov_base) + last.iov_len - (padded - length), 0,
                padded - length);
  }
  return out;
}

std::optional<Offset> Tail::first_offset() const {
  if (batches_.empty()) return std::nullopt;
  return batches_.front().base;
}

const TailBatch* Tail::find(Offset offset) const {
  const auto it = std::ranges::lower_bound(batches_, offset, {}, &TailBatch::last);
  return it == batches_.end() ? nullptr : &*it;
}

void Tail::add_pieces(LogSlice& slice, FilePlace from, uint64_t length) const {
  for (size_t index = block_of(from); length > 0; ++index) {
    const Block& block = blocks_[index];
    const uint64_t offset = from.position - block.at.position;
    const uint64_t n = std::min(length, block.lease.size() - offset);
    LogSlice::Piece* last = slice.pieces.empty() ? nullptr : &slice.pieces.back();
    const uint8_t* begin = block.lease.bytes().data() + offset;
    if (last && last->bytes().data() + last->length == begin &&
        last->offset + last->length == offset) {
      last->length += static_cast<uint32_t>(n);
    } else {
      slice.pieces.push_back(
          {block.lease.share(), static_cast<uint32_t>(offset), static_cast<uint32_t>(n)});
    }
    from.position += n;
    length -= n;
  }
}

LogSlice Tail::read(const ReadOptions& options) const {
  LogSlice slice;
  auto it = std::ranges::lower_bound(batches_, options.from, {}, &TailBatch::last);
  for (; it != batches_.end() && it->last < options.limit; ++it) {
    const bool first = slice.bytes == 0;
    if (slice.bytes + it->bytes > options.bytes_max && !(first && options.at_least_one)) break;
    add_pieces(slice, it->at, it->bytes);
    if (first) slice.first = it->base;
    slice.next = it->last + 1;
    slice.bytes += it->bytes;
  }
  return slice;
}

uint64_t Tail::available_bytes(Offset from, Offset limit, uint64_t enough) const {
  uint64_t bytes = 0;
  auto it = std::ranges::lower_bound(batches_, from, {}, &TailBatch::last);
  for (; it != batches_.end() && it->last < limit && bytes < enough; ++it) bytes += it->bytes;
  return std::min(bytes, enough);
}

uint64_t Tail::evict(FilePlace destaged, uint64_t bytes_wanted) {
  uint64_t freed = 0;
  while (freed < bytes_wanted && !blocks_.empty()) {
    const FilePlace end = blocks_.front().end();
    // The image of what is still to be written stays, and so do the beginnings of batches that are
    // not in the file to their last byte: nobody could read them from there.
    if (end > FilePlace{destaged.segment, align_down(destaged.position, kDiskBlockBytes)}) break;
    const auto partly = std::ranges::find_if(batches_, [&](const TailBatch& batch) {
      return batch.at >= end || batch.end() > destaged;
    });
    if (partly != batches_.end() && partly->at < end) break;
    batches_.erase(batches_.begin(), partly);
    freed += blocks_.front().lease.size();
    memory_bytes_ -= blocks_.front().lease.size();
    blocks_.pop_front();
  }
  return freed;
}

void Tail::clear() {
  batches_.clear();
  blocks_.clear();
  memory_bytes_ = 0;
}

}  // namespace odradek::log
