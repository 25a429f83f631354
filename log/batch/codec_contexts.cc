#include "log/batch/codec_contexts.h"

#include <zstd.h>

#include "log/batch/limits.h"

namespace odradek::log {

CodecContexts::~CodecContexts() {
  for (ZSTD_DCtx* context : decompressors_) ZSTD_freeDCtx(context);
  for (ZSTD_CCtx* context : compressors_) ZSTD_freeCCtx(context);
}

void CodecContexts::GiveBack::operator()(ZSTD_DCtx* context) const {
  const bool keep = home && home->decompressors_.size() < kIdleContextsMax &&
                    ZSTD_sizeof_DCtx(context) <= kIdleContextBytesMax &&
                    !ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters));
  if (keep) {
    home->decompressors_.push_back(context);
  } else {
    ZSTD_freeDCtx(context);
  }
}

void CodecContexts::GiveBack::operator()(ZSTD_CCtx* context) const {
  const bool keep = home && home->compressors_.size() < kIdleContextsMax &&
                    ZSTD_sizeof_CCtx(context) <= kIdleContextBytesMax &&
                    !ZSTD_isError(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters));
  if (keep) {
    home->compressors_.push_back(context);
  } else {
    ZSTD_freeCCtx(context);
  }
}

CodecContexts::Decompressor CodecContexts::zstd_decompressor(CodecContexts* contexts) {
  if (!contexts || contexts->decompressors_.empty()) {
    return Decompressor(ZSTD_createDCtx(), GiveBack{contexts});
  }
  ZSTD_DCtx* const kept = contexts->decompressors_.back();
  contexts->decompressors_.pop_back();
  return Decompressor(kept, GiveBack{contexts});
}

CodecContexts::Compressor CodecContexts::zstd_compressor(CodecContexts* contexts) {
  if (!contexts || contexts->compressors_.empty()) {
    return Compressor(ZSTD_createCCtx(), GiveBack{contexts});
  }
  ZSTD_CCtx* const kept = contexts->compressors_.back();
  contexts->compressors_.pop_back();
  return Compressor(kept, GiveBack{contexts});
}

}  // namespace odradek::log
