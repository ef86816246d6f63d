// What a mail is made of: addresses, encoded headers, quoted-printable parts. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::alerting {

// The bare addresses of a list such as `Ops <ops@example.org>, two@example.org`.
Result<std::vector<std::string>> ParseAddressList(std::string_view text);

// `x-site` -> `X-Site`.
std::string CanonicalHeaderName(std::string_view name);

// The value as it goes into a header: RFC 2047 words when it is not plain ASCII; no line breaks.
std::string EncodeHeader(std::string_view value);

// "Fri, 02 Jan 2026 03:04:05 +0000"
std::string FormatMailDate(Timestamp t);

struct MimePart {
  std::string content_type;  // "text/html"
  std::string text;          // UTF-8
};
// Headers and a multipart/alternative body, CRLF lines. `boundary`: a word no part contains.
std::string BuildMail(const std::vector<std::pair<std::string, std::string>>& headers,
                      const std::vector<MimePart>& parts, const std::string& boundary);

}  // namespace tocsin::alerting
