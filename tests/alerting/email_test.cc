#include <gtest/gtest.h>

#include "alerting/notify/mime.h"
#include "storage/model/duration.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

TEST(Mime, Addresses) {
  using List = std::vector<std::string>;
  EXPECT_EQ(*ParseAddressList("Ops <ops@example.org>, two@example.org"),
            (List{"ops@example.org", "two@example.org"}));
  EXPECT_EQ(*ParseAddressList("\"Last, First\" <a@b.c>"), List{"a@b.c"});
  EXPECT_FALSE(ParseAddressList("").ok());
  EXPECT_FALSE(ParseAddressList("nobody").ok());
  EXPECT_FALSE(ParseAddressList("a b@c.d").ok());
  EXPECT_FALSE(ParseAddressList("a@b.c\r\nRCPT TO:<x@y.z>").ok());
}

TEST(Mime, Headers) {
  EXPECT_EQ(CanonicalHeaderName("x-SITE"), "X-Site");
  EXPECT_EQ(EncodeHeader("plain [1]"), "plain [1]");
  EXPECT_EQ(EncodeHeader("S firing \xc3\xbc"), "=?UTF-8?q?S_firing_=C3=BC?=");
  EXPECT_EQ(EncodeHeader("a\r\nBcc: x@y.z"), "=?UTF-8?q?a=0D=0ABcc:_x@y.z?=");
  const std::string encoded = EncodeHeader(std::string(100, 'x') + "\xc3\xbc");
  for (size_t at = 0; at < encoded.size();) {
    const size_t end = std::min(encoded.find(' ', at), encoded.size());
    EXPECT_LE(end - at, 75u);
    at = end + 1;
  }
  EXPECT_EQ(FormatMailDate(*ParseRfc3339("2026-01-02T03:04:05Z")),
            "Fri, 02 Jan 2026 03:04:05 +0000");
}

TEST(Mime, QuotedPrintable) {
  const std::string mail = BuildMail(
      {{"X", "y"}}, {{"text/plain", "caf\xc3\xa9 = \n.dot\n" + std::string(80, 'x')}}, "b");
  EXPECT_NE(mail.find("caf=C3=A9 =3D=20\r\n.dot\r\n" + std::string(75, 'x') + "=\r\nxxxxx\r\n"),
            std::string::npos)
      << mail;
  EXPECT_TRUE(mail.starts_with("X: y\r\nContent-Type: multipart/alternative;"));
  EXPECT_TRUE(mail.ends_with("\r\n--b--\r\n"));
}

const std::string kMail = R"(
global:
  smtp_smarthost: 'mail.local:587'
  smtp_from: 'Edge <am@example.org>'
  smtp_hello: edge1
  smtp_auth_username: user
  smtp_auth_password: 'pa ss'
  smtp_auth_identity: ident
route: {receiver: mail, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers:
- name: mail
  email_configs:
  - to: 'Ops <ops@example.org>, two@example.org'
    send_resolved: true
)";

Alert Mail() {
  Alert a = Harness::Make({{"alertname", "Mail"}, {"instance", "i<1>"}});
  a.annotations = Labels({{"summary", "x & y"}});
  return a;
}

TEST(Email, DefaultHtmlAndServer) {
  Harness h;
  h.Start(kMail);
  h.Fire(Mail());
  h.RunTo(0.5);
  ASSERT_EQ(h.mailer.sent().size(), 1u);
  const auto& [server, message] = h.mailer.sent()[0];
  EXPECT_EQ(server.host, "mail.local");
  EXPECT_EQ(server.port, 587);
  EXPECT_EQ(server.hello, "edge1");
  EXPECT_EQ(server.username, "user");
  EXPECT_EQ(server.password, "pa ss");
  EXPECT_EQ(server.identity, "ident");
  EXPECT_TRUE(server.require_tls);
  EXPECT_FALSE(server.implicit_tls);
  EXPECT_EQ(message.from, "am@example.org");
  EXPECT_EQ(message.to, (std::vector<std::string>{"ops@example.org", "two@example.org"}));
  for (const char* want :
       {"Subject: [FIRING:1] Mail (i<1>)\r\n", "From: Edge <am@example.org>\r\n",
        "To: Ops <ops@example.org>, two@example.org\r\n", "Message-Id: <", "Date: Tue, 14 Nov 2023",
        "MIME-Version: 1.0\r\n", "Content-Type: text/html; charset=UTF-8\r\n", "i&lt;1&gt;",
        "x &amp; y", "[1] Firing", "1 alert for"}) {
    EXPECT_NE(message.data.find(want), std::string::npos) << want << "\n" << message.data;
  }
  EXPECT_EQ(message.data.find("text/plain"), std::string::npos);
}

TEST(Email, TextHeadersAndThreads) {
  Harness h;
  h.Start(R"(
route: {receiver: mail, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers:
- name: mail
  email_configs:
  - to: ops@example.org
    from: edge@example.org
    smarthost: 'localhost:465'
    html: ''
    text: 'T {{ .GroupLabels.alertname }}'
    headers: {subject: 'S {{ .Status }}', x-site: '7'}
    threading: {enabled: true}
)");
  h.Fire(Mail());
  h.RunTo(0.5);
  ASSERT_EQ(h.mailer.sent().size(), 1u);
  EXPECT_TRUE(h.mailer.sent()[0].first.implicit_tls);
  const std::string& data = h.mailer.sent()[0].second.data;
  for (const char* want : {"Subject: S firing\r\n", "X-Site: 7\r\n", "T Mail\r\n",
                           "-2023-11-14@alertmanager>\r\n", "In-Reply-To: <alert-"}) {
    EXPECT_NE(data.find(want), std::string::npos) << want << "\n" << data;
  }
  EXPECT_EQ(data.find("text/html"), std::string::npos);
}

TEST(Email, SmtpErrorsAreTriedAgain) {
  Harness h;
  h.Start(kMail);
  h.mailer.SetResult(Error(ErrorCode::kIo, "451 try later"));
  h.Fire(Mail());
  h.RunTo(2);
  EXPECT_GE(h.mailer.sent().size(), 3u);
  h.mailer.SetResult(OkStatus());
  h.RunTo(5);
  const size_t sent = h.mailer.sent().size();
  h.RunTo(20);
  EXPECT_EQ(h.mailer.sent().size(), sent);
}

}  // namespace
}  // namespace tocsin::alerting
