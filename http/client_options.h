// How an HttpRequest or a mail becomes curl options, and a curl result an error with its phase.
// Private to the client.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "storage/base/file_system.h"
#include "storage/base/mailer.h"
#include "storage/base/transport.h"

namespace tocsin::http {

// What curl points into for the length of a transfer.
struct CurlRequest {
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, FreeList> headers, proxy_headers, recipients, connect_to;
  std::string body;
  std::string method, url;  // for error texts
  std::shared_ptr<const TransportConfig> config;
};

// Sets all options of `easy` but the callbacks. Reads *_file secrets. kInvalidArgument, or the
// error of a secret file.
Status PrepareHttp(CURL* easy, HttpRequest request, const FileSystem& files, CurlRequest* out);
Status PrepareMail(CURL* easy, const SmtpServer& server, const MailMessage& message,
                   const FileSystem& files, CurlRequest* out);

// `code` in words, as Go's client says it where users know the text ("context deadline exceeded",
// "connection refused"). No secret of a URL shows.
TransportResult DescribeResult(CURL* easy, CURLcode code, const CurlRequest& request);

}  // namespace tocsin::http
