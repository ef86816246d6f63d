// What a scrape says over HTTP, and what it makes of the answer's head. Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/scrape/page_reader.h"
#include "ingest/scrape/target.h"
#include "ingest/scrape_config.h"
#include "storage/base/transport.h"

namespace tocsin::ingest {

// The largest page taken when body_size_limit is not set: a target that never stops sending must
// not take the memory of the site with it.
inline constexpr uint64_t kDefaultBodyLimit = 64u << 20;

// The Accept header for the protocols in that order (empty: the default list).
std::string AcceptHeader(const std::vector<std::string>& protocols, const std::string& escaping);

HttpRequest MakeScrapeRequest(const ScrapeConfig& config, const ScrapeTarget& target,
                              const std::string& user_agent,
                              std::shared_ptr<const TransportConfig> transport);

// `server returned HTTP status 404 Not Found`
std::string StatusError(int status);

// The parser for a Content-Type; falls back to the job's fallback_scrape_protocol.
Result<PageFormat> ChooseFormat(std::string_view content_type, const std::string& fallback);

}  // namespace tocsin::ingest
