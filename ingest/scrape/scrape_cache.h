// What a target exposed last time: the text of every series line in order, and its series. A page
// seldom changes its shape, so the next one is read along this layout: each line costs one memcmp
// against the expected text, and the row of refs goes into the store as it is.
//
// Texts are front-coded (each keeps only what differs from the line before), because one copy of
// the page per target would be most of the memory of scraping.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/model/sample.h"

namespace tocsin::ingest {

enum class LineKind : uint8_t {
  kRow = 0,      // sample at the scrape's time; has a ref in rows()
  kStamped = 1,  // sample with its own timestamp; has a ref in stamped()
  kDropped = 2,  // relabelling dropped the series
  kRepeat = 3,   // names a series an earlier line has named
};

// Immutable once built; any thread may read.
class PageLayout {
 public:
  // REQUIRES: every line of kind kRow or kStamped comes with its ref, others without.
  class Builder {
   public:
    // `head`: series written with every page without being on it (`up` and its kin); they start
    // the row.
    explicit Builder(std::span<const SeriesRef> head = {})
        : rows_(head.begin(), head.end()), head_(head.size()) {}
    void Add(std::string_view text, LineKind kind, SeriesRef ref);
    PageLayout Build();

   private:
    std::string texts_;
    std::string last_;
    std::vector<SeriesRef> rows_, stamped_;
    size_t head_ = 0, lines_ = 0;
  };

  // Walks the lines. REQUIRES: the layout outlives the cursor.
  class Cursor {
   public:
    explicit Cursor(const PageLayout& layout) : layout_(&layout), reader_(layout.texts_) {}

    // Steps to the first or next line; false at the end.
    bool Next();
    std::string_view text() const { return text_; }
    LineKind kind() const { return kind_; }
    // Of a line with a ref.
    SeriesRef ref() const {
      return kind_ == LineKind::kRow ? layout_->rows_[layout_->head_ + row_ - 1]
                                     : layout_->stamped_[stamped_ - 1];
    }
    // Lines passed, the current one included.
    size_t line() const { return line_; }

   private:
    const PageLayout* layout_;
    ByteReader reader_;
    std::string text_;
    LineKind kind_ = LineKind::kRow;
    size_t line_ = 0, row_ = 0, stamped_ = 0;
  };

  // The head, then the lines of kind kRow.
  std::span<const SeriesRef> rows() const { return rows_; }
  size_t head() const { return head_; }
  std::span<const SeriesRef> stamped() const { return stamped_; }
  size_t lines() const { return lines_; }
  size_t memory_bytes() const {
    return texts_.capacity() + (rows_.capacity() + stamped_.capacity()) * sizeof(SeriesRef);
  }

 private:
  std::string texts_;  // per line: varint (shared << 2 | kind), varint size, bytes
  std::vector<SeriesRef> rows_, stamped_;
  size_t head_ = 0, lines_ = 0;
};

}  // namespace tocsin::ingest
