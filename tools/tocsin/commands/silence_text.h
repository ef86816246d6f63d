// Silences of the API as a table.
#pragma once

#include <string>

#include "tools/tocsin/commands/alertmanager_session.h"

namespace tocsin::commands {

std::string FormatSilences(const AlertmanagerSession& session, JsonValue::Array silences);

}  // namespace tocsin::commands
