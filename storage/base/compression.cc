#include "storage/base/compression.h"

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace tocsin {
namespace {

Error TooLarge(const char* what, size_t max_size) {
  return Error(ErrorCode::kLimit, std::string(what) + ": more than " + std::to_string(max_size) +
                                      " bytes when decompressed");
}

constexpr int kGzipWindow = 15 + 16;  // zlib's flag for the gzip wrapper

}  // namespace

std::string SnappyCompress(std::string_view data) {
  std::string out;
  snappy::Compress(data.data(), data.size(), &out);
  return out;
}

Result<std::string> SnappyUncompress(std::string_view data, size_t max_size) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(data.data(), data.size(), &size)) {
    return InvalidArgument("snappy: corrupt input");
  }
  if (size > max_size) return TooLarge("snappy", max_size);
  std::string out;
  if (!snappy::Uncompress(data.data(), data.size(), &out)) {
    return InvalidArgument("snappy: corrupt input");
  }
  return out;
}

std::string ZstdCompress(std::string_view data, int level) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), level));
  return out;
}

Result<std::string> ZstdUncompress(std::string_view data, size_t max_size) {
  const unsigned long long size = ZSTD_getFrameContentSize(data.data(), data.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    return InvalidArgument("zstd: corrupt input");
  }
  if (size > max_size) return TooLarge("zstd", max_size);
  std::string out(size, '\0');
  const size_t n = ZSTD_decompress(out.data(), out.size(), data.data(), data.size());
  if (ZSTD_isError(n) || n != size) return InvalidArgument("zstd: corrupt input");
  return out;
}

std::string GzipCompress(std::string_view data) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> GzipUncompress(std::string_view data, size_t max_size) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return Internal("gzip: cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK && out.size() <= max_size) {
    const size_t old = out.size();
    out.resize(std::min(std::max<size_t>(old * 2, 16384), max_size + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + old);
    stream.avail_out = static_cast<uInt>(out.size() - old);
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (code == Z_OK && stream.avail_out != 0) break;  // input ended early
  }
  inflateEnd(&stream);
  if (out.size() > max_size) return TooLarge("gzip", max_size);
  if (code != Z_STREAM_END) return InvalidArgument("gzip: corrupt or truncated input");
  return out;
}

}  // namespace tocsin
