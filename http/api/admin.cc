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

Result<Response> Compact(const ApiContext& context, const Request&, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  TOCSIN_RETURN_IF_ERROR(context.db->Compact());
  return NoContent();
}

Result<Response> CleanTombstones(const ApiContext& context, const Request&, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  TOCSIN_RETURN_IF_ERROR(context.db->CleanTombstones());
  return NoContent();
}

Result<Response> MakeSnapshot(const ApiContext& context, const Request& request, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  bool skip_head = false;
  if (const std::string* text = request.param("skip_head"); text != nullptr && !text->empty()) {
    const auto given = ParseGoBool(*text);
    if (!given) return InvalidParameter("skip_head", "want true or false");
    skip_head = *given;
  }
  TOCSIN_ASSIGN(const std::string name, context.db->MakeSnapshot(skip_head));
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Field("name", name).EndObject();
  return std::move(envelope).Finish();
}

// Ours: what snapshots there are.
Result<Response> ListSnapshots(const ApiContext& context, const Request&, const PathArgs&) {
  TOCSIN_RETURN_IF_ERROR(CheckEnabled(context));
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginArray();
  for (const storage::Snapshot& snapshot : context.db->Snapshots())
    json.BeginObject()
        .Field("name", snapshot.name)
        .Field("time", FormatTime(snapshot.made))
        .EndObject();
  json.EndArray();
  return std::move(envelope).Finish();
}

}  // namespace

std::vector<Route> AdminRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"POST PUT", "/api/v1/admin/tsdb/delete_series", Pool::kQuery, &DeleteSeries},
      {"POST PUT", "/api/v1/admin/tsdb/clean_tombstones", Pool::kQuery, &CleanTombstones},
      {"POST PUT", "/api/v1/admin/tsdb/compact", Pool::kQuery, &Compact},
      {"POST PUT", "/api/v1/admin/tsdb/snapshot", Pool::kQuery, &MakeSnapshot},
      {"GET", "/api/v1/admin/tsdb/snapshots", Pool::kQuery, &ListSnapshots},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
