#include "ingest/scrape/scrape_cache.h"

#include <algorithm>
#include <utility>

namespace tocsin::ingest {

void PageLayout::Builder::Add(std::string_view text, LineKind kind, SeriesRef ref) {
  const size_t most = std::min(text.size(), last_.size());
  const auto differs =
      std::mismatch(text.begin(), text.begin() + static_cast<ptrdiff_t>(most), last_.begin());
  const auto shared = static_cast<size_t>(differs.first - text.begin());
  PutVarint(texts_, (shared << 2) | static_cast<uint64_t>(kind));
  PutString(texts_, text.substr(shared));
  last_.resize(shared);
  last_.append(text.substr(shared));
  if (kind == LineKind::kRow) rows_.push_back(ref);
  if (kind == LineKind::kStamped) stamped_.push_back(ref);
  ++lines_;
}

PageLayout PageLayout::Builder::Build() {
  PageLayout out;
  out.texts_ = std::move(texts_);
  out.rows_ = std::move(rows_);
  out.stamped_ = std::move(stamped_);
  out.head_ = head_;
  out.lines_ = lines_;
  out.texts_.shrink_to_fit();
  out.rows_.shrink_to_fit();
  out.stamped_.shrink_to_fit();
  *this = Builder();
  return out;
}

bool PageLayout::Cursor::Next() {
  if (reader_.done()) return false;
  const uint64_t head = reader_.Varint();
  text_.resize(head >> 2);
  text_.append(reader_.String());
  kind_ = static_cast<LineKind>(head & 3);
  ++line_;
  if (kind_ == LineKind::kRow) ++row_;
  if (kind_ == LineKind::kStamped) ++stamped_;
  return true;
}

}  // namespace tocsin::ingest
