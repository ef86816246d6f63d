// One notification template rendered outside a notification, to try it out.
#pragma once

#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/json.h"
#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::alerting {

struct TemplateRenderRequest {
  std::vector<std::string> globs;  // files with definitions, beside the built-in ones
  std::string text;
  bool html = false;
  JsonValue data;  // as the body of a webhook; null: an example
  Timestamp now;   // for the example
};

// kInvalidArgument names file, line and action.
Result<std::string> RenderTemplate(const TemplateRenderRequest& request, const FileSystem& files);

}  // namespace tocsin::alerting
