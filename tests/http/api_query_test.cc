// Queries, series, labels, federation and writing over the API.
#include <gtest/gtest.h>

#include <limits>

#include "http/api/label_escape.h"
#include "http/api/value_json.h"
#include "storage/base/compression.h"
#include "tests/http/api_fixture.h"

namespace tocsin::http {
namespace {

constexpr int64_t kNow = ApiServer::kNow;

struct Site : ApiServer {
  Site() {
    for (int i = 0; i < 5; ++i) {
      Append(kNow - 60'000 + i * 15'000, {{{{"__name__", "up"}, {"job", "a"}}, 1.0},
                                          {{{"__name__", "up"}, {"job", "b"}}, i % 2 ? 1.0 : 0.0},
                                          {{{"__name__", "load.avg"}, {"my.label", "<x>"}}, 0.25}});
    }
  }
};

TEST(ApiQuery, Instant) {
  Site site;
  EXPECT_EQ(site.Body("/api/v1/query?query=up"),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"a"},"value":[1700000000,"1"]},)"
            R"({"metric":{"__name__":"up","job":"b"},"value":[1700000000,"0"]}]}})");
  EXPECT_EQ(site.Data("/api/v1/query?query=1%2B1&time=4"),
            R"({"resultType":"scalar","result":[4,"2"]})");
  EXPECT_EQ(site.Data("/api/v1/query?query=%22a%22&time=1.5"),
            R"({"resultType":"string","result":[1.500,"a"]})");
  EXPECT_EQ(site.Data("/api/v1/query?query=nothing"), R"({"resultType":"vector","result":[]})");
  EXPECT_EQ(site.Data("/api/v1/query?query=up{job=\"a\"}[30s]"),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},)"
            R"("values":[[1699999985,"1"],[1700000000,"1"]]}]})");
  EXPECT_EQ(site.Data("/api/v1/query?query={\"load.avg\"}"),
            R"({"resultType":"vector","result":[{"metric":{"__name__":"load.avg",)"
            R"("my.label":"<x>"},"value":[1700000000,"0.25"]}]})");
  EXPECT_EQ(site.Data("/api/v1/query?query=1/0&time=2023-11-14T22:13:20Z"),
            R"({"resultType":"scalar","result":[1700000000,"+Inf"]})");
}

TEST(ApiQuery, ABadEscapeIsAnErrorNotAnEmptyQuery) {
  Site site;
  const Response response = site.Get("/api/v1/query?query=up%zz");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"status":"error","errorType":"bad_data","error":"invalid URL escape \"%zz\""})");
}

TEST(ApiQuery, PostsForms) {
  Site site;
  const Response response =
      site.Post("/api/v1/query?time=4", "application/x-www-form-urlencoded", "query=1%2B1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})");
}

TEST(ApiQuery, Range) {
  Site site;
  EXPECT_EQ(site.Data("/api/v1/query_range?query=up{job=\"b\"}&start=1699999970&end=1700000000"
                      "&step=15"),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"b"},)"
            R"("values":[[1699999970,"0"],[1699999985,"1"],[1700000000,"0"]]}]})");
  EXPECT_EQ(site.Data("/api/v1/query_range?query=1&start=0&end=1&step=1s"),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[1,"1"]]}]})");
}

TEST(ApiQuery, LimitsSeries) {
  Site site;
  EXPECT_EQ(site.Body("/api/v1/query?query=up&limit=1"),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"a"},"value":[1700000000,"1"]}]},)"
            R"("warnings":["results truncated due to limit"]})");
}

TEST(ApiQuery, Stats) {
  Site site;
  const std::string body = site.Body("/api/v1/query?query=up&stats=true");
  EXPECT_NE(body.find(R"("stats":{"timings":{"evalTotalTime":)"), std::string::npos);
  EXPECT_NE(body.find(R"("peakSamples":)"), std::string::npos);
  EXPECT_NE(site.Body("/api/v1/query?query=up&stats=x")
                .find(R"(value \"x\" for parameter \"stats\" is deprecated and will be rejected)"),
            std::string::npos);
}

struct ErrorCase {
  const char* target;
  int status;
  const char* type;
  const char* error;  // as in JSON
};

TEST(ApiQuery, Errors) {
  Site site;
  constexpr ErrorCase kCases[] = {
      {"/api/v1/query?query=", 400, "bad_data",
       R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"},
      {"/api/v1/query?query=up{", 400, "bad_data",
       R"(invalid parameter \"query\": 1:4: parse error: unexpected end of input inside braces)"},
      {"/api/v1/query?query=sum(x)%20by", 400, "bad_data",
       R"(invalid parameter \"query\": 1:10: parse error: unexpected end of input in grouping opts, expected \"(\")"},
      {"/api/v1/query?query=up&time=x", 400, "bad_data",
       R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"},
      {"/api/v1/query?query=up&timeout=x", 400, "bad_data",
       R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"},
      {"/api/v1/query?query=up&lookback_delta=x", 400, "bad_data",
       R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)"},
      {"/api/v1/query?query=up&limit=-1", 400, "bad_data",
       R"(invalid parameter \"limit\": limit must be non-negative)"},
      {"/api/v1/query?query=up&limit=x", 400, "bad_data",
       R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"},
      {"/api/v1/query_range?query=up", 400, "bad_data",
       R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"},
      {"/api/v1/query_range?query=up&start=1&end=0&step=1", 400, "bad_data",
       R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"/api/v1/query_range?query=up&start=0&end=1&step=0", 400, "bad_data",
       R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer)"},
      {"/api/v1/query_range?query=up&start=0&end=11001&step=1", 400, "bad_data",
       R"(exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX))"},
      {"/api/v1/query_range?query=up[5m]&start=0&end=1&step=1", 400, "bad_data",
       R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector)"},
      {"/api/v1/query?query=up*on()up", 422, "execution",
       R"(found duplicate series for the match group {} on the right hand-side of the operation: [{__name__=\"up\", job=\"b\"}, {__name__=\"up\", job=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one side)"},
      {"/api/v1/series", 400, "bad_data", "no match[] parameter provided"},
      {"/api/v1/series?match[]={}", 400, "bad_data",
       R"(invalid parameter \"match[]\": match[] must contain at least one non-empty matcher)"},
      {"/api/v1/series?match[]={", 400, "bad_data",
       R"(invalid parameter \"match[]\": 1:2: parse error: unexpected end of input inside braces)"},
      {"/api/v1/labels?start=x", 400, "bad_data",
       R"(invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp)"},
      {"/api/v1/metadata?limit=x", 400, "bad_data", "limit must be a number"},
      {"/api/v1/search/metric_names", 422, "execution",
       "the search API is not available in tocsin"},
  };
  for (const ErrorCase& c : kCases) {
    const Response response = site.Get(c.target);
    EXPECT_EQ(response.status, c.status) << c.target;
    EXPECT_EQ(response.body, std::string(R"({"status":"error","errorType":")") + c.type +
                                 R"(","error":")" + c.error + "\"}")
        << c.target;
  }
}

TEST(ApiQuery, WithoutAnEngineItNamesThePart) {
  ApiServer site(ApiServer::Database::kNone);
  for (const char* target : {"/api/v1/query?query=up", "/api/v1/labels", "/api/v1/targets",
                             "/api/v1/rules", "/api/v1/status/tsdb"}) {
    const Response response = site.Get(target);
    EXPECT_EQ(response.status, 500) << target;
    EXPECT_NE(response.body.find("\"errorType\":\"unavailable\""), std::string::npos) << target;
    EXPECT_NE(response.body.find("is not running in this process"), std::string::npos) << target;
  }
}

TEST(ApiQuery, FormatAndParse) {
  Site site;
  EXPECT_EQ(site.Data("/api/v1/format_query?query=sum(up)by(a)"), "\"sum by (a) (up)\"");
  EXPECT_EQ(site.Data("/api/v1/parse_query?query=1"), R"({"type":"numberLiteral","val":"1"})");
}

TEST(ApiQuery, Exemplars) {
  Site site;
  EXPECT_EQ(site.Data("/api/v1/query_exemplars?query=up"), "[]");
  auto appender = site.db->NewAppender();
  const Timestamp now = site.clock.Now();
  for (const char* le : {"1", "+Inf"}) {
    const SeriesRef ref = *appender->Resolve(Labels{{"__name__", "h_bucket"}, {"le", le}});
    ASSERT_TRUE(appender->AppendExemplar(ref, {Labels{{"trace_id", "a"}}, 0.5, now}).ok());
  }
  appender->Commit([](const storage::CommitResult&) {});
  const std::string t = std::to_string(now.ms / 1000);
  EXPECT_EQ(site.Data("/api/v1/query_exemplars?query=histogram_quantile(0.9,rate(h_bucket{le=\"1\"}"
                      "[5m]))-nothing"),
            R"([{"seriesLabels":{"__name__":"h_bucket","le":"1"},"exemplars":[{"labels":)"
            R"({"trace_id":"a"},"value":"0.5","timestamp":)" +
                t + "}]}]");
}

TEST(ApiSeries, SeriesAndLabels) {
  Site site;
  EXPECT_EQ(site.Data("/api/v1/series?match[]=up&match[]={job=\"a\"}"),
            R"([{"__name__":"up","job":"a"},{"__name__":"up","job":"b"}])");
  EXPECT_EQ(site.Body("/api/v1/series?match[]=up&limit=1"),
            R"({"status":"success","data":[{"__name__":"up","job":"a"}],)"
            R"("warnings":["results truncated due to limit"]})");
  EXPECT_EQ(site.Data("/api/v1/series?match[]=up&end=1"), "[]");
  EXPECT_EQ(site.Data("/api/v1/labels"), R"(["__name__","job","my.label"])");
  EXPECT_EQ(site.Data("/api/v1/labels?match[]=up"), R"(["__name__","job"])");
  EXPECT_EQ(site.Data("/api/v1/labels?match[]=up&match[]={\"load.avg\"}"),
            R"(["__name__","job","my.label"])");
  EXPECT_EQ(site.Data("/api/v1/label/job/values"), R"(["a","b"])");
  EXPECT_EQ(site.Data("/api/v1/label/job/values?match[]={job!=\"a\",job!=\"\"}"), R"(["b"])");
  EXPECT_EQ(site.Data("/api/v1/label/U__my_2e_label/values"), R"(["\u003cx\u003e"])");
  EXPECT_EQ(site.Data("/api/v1/label/none/values"), "[]");
}

TEST(ApiSeries, Unescape) {
  EXPECT_EQ(UnescapeName("plain_name"), "plain_name");
  EXPECT_EQ(UnescapeName("U__http_2e_status"), "http.status");
  EXPECT_EQ(UnescapeName("U__a__b"), "a_b");
  EXPECT_EQ(UnescapeName("U__a_e9_"), "aé");
  EXPECT_EQ(UnescapeName("U__bad_zz_"), "U__bad_zz_");
  EXPECT_EQ(UnescapeName("U__open_2e"), "U__open_2e");
}

TEST(ApiFederate, NewestSamplesByName) {
  Site site;
  site.state.external_labels = [] { return Labels{{"site", "edge"}, {"job", "no"}}; };
  site.Append(kNow - 1000,
              {{{{"__name__", "gone"}}, std::bit_cast<double>(uint64_t{0x7ff0000000000002})}});
  const Response response = site.Get("/federate?match[]=up&match[]={\"load.avg\"}&match[]=gone");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body,
            "# TYPE \"load.avg\" untyped\n"
            "{\"load.avg\",\"my.label\"=\"<x>\",job=\"no\",site=\"edge\",instance=\"\"} 0.25 "
            "1700000000000\n"
            "# TYPE up untyped\n"
            "up{job=\"a\",site=\"edge\",instance=\"\"} 1 1700000000000\n"
            "up{job=\"b\",site=\"edge\",instance=\"\"} 0 1700000000000\n");
  EXPECT_EQ(site.Get("/federate").body, "");
  EXPECT_EQ(site.Get("/federate?match[]={").status, 400);
  EXPECT_EQ(site.Get("/federate?match[]={").body,
            "1:2: parse error: unexpected end of input inside braces\n");
}

TEST(ApiWrite, NeedsTheFlag) {
  ApiServer site;
  const Response off = site.Post("/api/v1/write", "application/x-protobuf", "");
  EXPECT_EQ(off.status, 404);
  EXPECT_EQ(off.body,
            "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  site.state.enable_remote_write = true;
  EXPECT_EQ(site.Post("/api/v1/write", "text/plain", "").status, 415);
  EXPECT_EQ(site.Post("/api/v1/read", "application/x-protobuf", "").status, 501);
}

TEST(ValueJson, SeriesWithDifferentTimes) {
  query::Matrix matrix(4);
  matrix[0].floats = {{{1000}, 1}, {{2500}, 2}, {{4000}, 3}};
  matrix[1].floats = {{{500}, 4}, {{2500}, 5}, {{9000}, 6}};
  matrix[2].floats = {{{-1500}, 7}, {{9000}, 8}, {{9001}, 9}};
  matrix[3].floats = {{{1000}, 0}, {{3000}, 0}};
  std::string out;
  AppendResult(out, query::Value{matrix});
  EXPECT_EQ(out, R"([{"metric":{},"values":[[1,"1"],[2.500,"2"],[4,"3"]]},)"
                 R"({"metric":{},"values":[[0.500,"4"],[2.500,"5"],[9,"6"]]},)"
                 R"({"metric":{},"values":[[-1.500,"7"],[9,"8"],[9.001,"9"]]},)"
                 R"({"metric":{},"values":[[1,"0"],[3,"0"]]}])");
}

TEST(ValueJson, Histogram) {
  Histogram h;
  h.schema = 0;
  h.count = 6;
  h.sum = 3.5;
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.positive_spans = {{0, 1}, {1, 1}};
  h.positive_buckets = {2, 1};
  h.negative_spans = {{1, 2}};
  h.negative_buckets = {0, 2};
  std::string out;
  AppendHistogram(out, h);
  EXPECT_EQ(out, R"({"count":"6","sum":"3.5","buckets":[[1,"-4","-2","2"],)"
                 R"([3,"-0.001","0.001","1"],[0,"0.5","1","2"],[0,"2","4","1"]]})");
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.custom_values = {5, 10};
  custom.positive_spans = {{0, 3}};
  custom.positive_buckets = {1, 0, 2};
  out.clear();
  AppendHistogram(out, custom);
  EXPECT_EQ(out, R"({"count":"0","sum":"0","buckets":[[3,"-Inf","5","1"],[0,"10","+Inf","2"]]})");
}

}  // namespace
}  // namespace tocsin::http
