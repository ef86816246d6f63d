#!/usr/bin/env python3
"""Plants one violation of each kind in a small tree and expects lint.py to find exactly it."""
import os
import subprocess
import sys
import tempfile

LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "lint",
                    "lint.py")

CLEAN = {
    "CMakeLists.txt": "", "README.md": "", "LICENSE": "", "docs/a.md": "", "configs/a.yml": "",
    "tests/a.cc": "", "bench/a.cc": "", "rules/r.cc": "", "alerting/a.cc": "", "ingest/i.cc": "",
    "http/h.cc": "", "tools/t.cc": "",
    "storage/base/CMakeLists.txt": "tocsin_library(storage/base PUBLIC log.h SOURCES log.cc)",
    "storage/base/log.h": "", "storage/base/log_line.h": "",
    "storage/base/log.cc": '#include "storage/base/log_line.h"\n#include <spdlog/spdlog.h>\n',
    "storage/CMakeLists.txt": "tocsin_library(storage PUBLIC db.h DEPS storage/base)",
    "storage/db.h": '#include "storage/base/log.h"\n',
    "query/CMakeLists.txt": "tocsin_library(query PUBLIC engine.h DEPS storage)",
    "query/engine.h": '#include "storage/db.h"\n#include "storage/base/log.h"\n',
}

# check, file, what is written into it, what must be said
PLANTED = [
    ("homes", "query/engine.h", "#include <spdlog/spdlog.h>\n", "<spdlog/spdlog.h> may only be"),
    ("homes", "storage/db.h", "#include <yaml-cpp/yaml.h>\n", "<yaml-cpp/yaml.h> may only be"),
    ("includes", "storage/db.h", '#include "query/engine.h"\n', "storage may not see query"),
    ("includes", "storage/db.h", '#include "storage/base/log_line.h"\n',
     "storage/base/log_line.h is private to storage/base"),
    ("includes", "storage/db.h", '#include "tests/support/x.h"\n', "nothing may include tests/"),
    ("words", "query/engine.h", "auto t = std::chrono::steady_clock::now();\n", "take the time"),
    ("words", "query/engine.h", "time_t t = time(nullptr);\n", "take the time"),
    ("words", "query/engine.h", "time_t t = std::time(&now);\n", "take the time"),
    ("words", "query/engine.h", "using Wall = std::chrono::system_clock;\n", "take the time"),
    ("words", "query/engine.h", 'F("http://x", std::clock());\n', "take the time"),
    ("homes", "query/engine.h", "#include <sys/socket.h>\n", "<sys/socket.h> may only be"),
    ("words", "query/engine.h", "std::thread worker;\n", "only the root makes threads"),
    ("words", "query/engine.h", "std::this_thread::sleep_for(x);\n", "wait on a Scheduler"),
    ("words", "query/engine.h", "std::mt19937 generator;\n#include <regex>\n", "use Regex"),
    ("words", "tests/a.cc", "// TO" + "DO: later\n", "do it, or open an issue"),
    ("layout", "common/x.h", "", "does not belong into the top level"),
]


def run(check, files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([sys.executable, LINT, check], text=True, capture_output=True,
                              check=False, env={**os.environ, "TOCSIN_LINT_ROOT": root})


def main():
    failures = []
    for check in ("homes", "includes", "words", "layout"):
        clean = run(check, CLEAN)
        if clean.returncode != 0:
            failures.append(f"{check} on a clean tree: {clean.stdout}{clean.stderr}")
    for check, name, text, expected in PLANTED:
        result = run(check, {**CLEAN, name: CLEAN.get(name, "") + text})
        if result.returncode != 1 or expected not in result.stdout:
            failures.append(f"{check} missed {text!r} in {name}: {result.stdout}{result.stderr}")
    print("\n".join(failures) or f"{len(PLANTED)} planted violations found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
