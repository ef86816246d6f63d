// The files of the pages, compiled into the program from ui/assets. Constant data: any thread.
#pragma once

#include <span>
#include <string_view>

namespace tocsin::http {

struct UiAsset {
  std::string_view name;  // "app.js"
  std::string_view content_type;
  std::string_view content;
};

std::span<const UiAsset> UiAssets();

}  // namespace tocsin::http
