// tocsin template render (amtool template render)
#include "alerting/template_render.h"
#include "storage/base/file_system.h"
#include "tools/tocsin/commands/alertmanager_session.h"

namespace tocsin::commands {
namespace {

Result<std::string> Render(const Arguments& arguments) {
  const std::string type = arguments.value("template.type");
  if (type != "text" && type != "html") {
    return InvalidArgument("template type \"" + type + "\": want text or html");
  }
  alerting::TemplateRenderRequest request;
  request.globs = arguments.values("template.glob");
  request.text = arguments.value("template.text");
  request.html = type == "html";
  request.now = CurrentTime();
  if (const std::string file = arguments.value("template.data"); !file.empty()) {
    TOCSIN_ASSIGN(const std::string data, RealFileSystem().ReadFile(file));
    TOCSIN_ASSIGN(request.data, ParseJson(data));
  }
  return alerting::RenderTemplate(request, RealFileSystem());
}

}  // namespace

int TemplateRender(const Arguments& arguments) { return arguments.Finish(Render(arguments)); }

}  // namespace tocsin::commands
