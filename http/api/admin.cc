// What changes stored data, for administrators only.
#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"

namespace tocsin::http {

namespace {

Status CheckEnabled(const ApiContext& context) {
  if (!context.state.enable_admin_api) {
    return Error(ErrorCode::kUnavailable, "admin APIs disabled");
  }
  if (context.db == nullptr) return NotRunning("the database");
  return OkStatus();
}

Result<Response> DeleteSeries(const ApiContext& context, const Request& request, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  if (request.param("match[]") == nullptr) return InvalidArgument("no match[] parameter provided");
  TOCSIN_ASSIGN(const TimeRange range, RangeParams(request));
  TOCSIN_ASSIGN(const MatcherSets sets, MatchParams(request));
  for (const auto& matchers : sets) {
    TOCSIN_RETURN_IF_ERROR(context.db->DeleteSeries(matchers, range.start, range.end));
  }
  return NoContent();
}

// Seals what is open, so that background merges can drop what was deleted.
Result<Response> Compact(const ApiContext& context, const Request&, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  TOCSIN_RETURN_IF_ERROR(context.db->Compact());
  return NoContent();
}

Result<Response> Snapshot(const ApiContext& context, const Request&, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  return NotAvailable("a snapshot of the database over HTTP");
}

}  // namespace

std::vector<Route> AdminRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"POST PUT", "/api/v1/admin/tsdb/delete_series", Pool::kQuery, &DeleteSeries},
      {"POST PUT", "/api/v1/admin/tsdb/clean_tombstones", Pool::kQuery, &Compact},
      {"POST PUT", "/api/v1/admin/tsdb/compact", Pool::kQuery, &Compact},
      {"POST PUT", "/api/v1/admin/tsdb/snapshot", Pool::kLoop, &Snapshot},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
