#!/usr/bin/env python3
"""Rules of the house that neither the compiler nor the build holds.

lint.py CHECK...   homes     third-party headers only in their home (homes.txt)
                   includes  folders see only what lies below them, and there only public headers
                   words     what may not be written outside its place (words.txt)
                   layout    the folders of the top level
                   lengths   a report, never a failure: long files
Prints file:line: what, and exits 1 when there is anything to say. Needs no .git.
TOCSIN_LINT_ROOT: another tree to look at (the tests of this script use it).
"""
import fnmatch
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("TOCSIN_LINT_ROOT") or os.path.dirname(os.path.dirname(HERE))
FOLDERS = ["storage", "query", "ingest", "rules", "alerting", "http", "tools"]
TOP_LEVEL = set(FOLDERS) | {"CMakeLists.txt", "configs", "tests", "bench", "README.md", "LICENSE",
                            "docs"}
MADE_BY_USE = {"build", "data", "__pycache__"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
SOURCE = (".h", ".cc", ".in")
TEXT = SOURCE + (".py", ".sh", ".cmake", ".txt", ".yml", ".md", ".js", ".css", ".html")


def files_of(folders, endings):
    for folder in folders:
        for path, subfolders, names in os.walk(os.path.join(ROOT, folder)):
            subfolders[:] = sorted(s for s in subfolders if s != "__pycache__")
            for name in sorted(names):
                full = os.path.join(path, name)
                relative = os.path.relpath(full, ROOT)
                if name.endswith(endings) and not relative.startswith("tools/lint/"):
                    yield relative


def lines_of(relative):
    with open(os.path.join(ROOT, relative), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def includes_of(relative):
    for number, line in enumerate(lines_of(relative), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def table(name, separator):
    for line in lines_of(os.path.join(HERE, name)):
        if line and not line.startswith("#"):
            yield [part for part in line.split(separator) if part]


def check_homes():
    homes = [(prefix, patterns) for prefix, *patterns in table("homes.txt", None)]
    for relative in files_of(FOLDERS, SOURCE):
        for number, _, header in includes_of(relative):
            for prefix, patterns in homes:
                if not (header == prefix or (prefix.endswith("/") and header.startswith(prefix))):
                    continue
                if not any(matches(relative, pattern) for pattern in patterns):
                    yield f"{relative}:{number}: <{header}> may only be included in " + \
                        " ".join(patterns)


def matches(path, pattern):
    """fnmatch whose * stays within one folder."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatch, parts, wanted))


def libraries():
    """folder -> (public headers, folders it depends on), from the tocsin_library() calls."""
    found = {}
    for relative in files_of(FOLDERS, ("CMakeLists.txt",)):
        text = "\n".join(line.split("#")[0] for line in lines_of(relative))
        for body in re.findall(r"tocsin_library\(([^)]*)\)", text):
            words = body.split()
            lists, current = {"PUBLIC": [], "SOURCES": [], "DEPS": [], "LINK": []}, None
            for word in words[1:]:
                if word in lists:
                    current = word
                else:
                    lists[current].append(word)
            found[words[0]] = (set(lists["PUBLIC"]), lists["DEPS"])
    return found


def reachable(library, graph, seen):
    for below in graph[library][1]:
        if below not in seen:
            seen.add(below)
            reachable(below, graph, seen)
    return seen


def check_includes():
    graph = libraries()
    by_length = sorted(graph, key=len, reverse=True)

    def owner(path):
        return next((lib for lib in by_length if path.startswith(lib + "/")), None)

    for library in graph:
        if library in reachable(library, graph, set()):
            yield f"{library}/CMakeLists.txt:1: {library} depends on itself"
    below = {library: reachable(library, graph, set()) for library in graph}
    for relative in files_of(FOLDERS, SOURCE):
        mine = owner(relative)
        for number, kind, header in includes_of(relative):
            theirs = owner(header)
            if kind != '"' or theirs is None or mine is None or theirs == mine:
                continue
            if theirs not in below[mine]:
                yield f"{relative}:{number}: {mine} may not see {theirs} ({header})"
            elif header[len(theirs) + 1:] not in graph[theirs][0]:
                yield f"{relative}:{number}: {header} is private to {theirs}"
    for relative in files_of(FOLDERS, SOURCE):
        for number, _, header in includes_of(relative):
            if header.startswith(("tests/", "bench/")):
                yield f"{relative}:{number}: nothing may include {header}"


def check_words():
    for pattern, folders, exempt, instead in table("words.txt", "\t"):
        word = re.compile(pattern)
        for relative in files_of(folders.split(), TEXT):
            if relative in exempt.split():
                continue
            for number, line in enumerate(lines_of(relative), 1):
                code = line if "TODO" in pattern else STRING.sub('""', line).split("//")[0]
                if word.search(code):
                    yield f"{relative}:{number}: {instead}: {line.strip()}"


def check_layout():
    for name in sorted(os.listdir(ROOT)):
        if not name.startswith(".") and name not in TOP_LEVEL | MADE_BY_USE:
            yield f"{name}:1: does not belong into the top level"
    for name in sorted(TOP_LEVEL):
        if not os.path.exists(os.path.join(ROOT, name)):
            yield f"{name}:1: is missing from the top level"


def report_lengths():
    sizes = [(len(lines_of(f)), f) for f in files_of(FOLDERS + ["tests"], (".h", ".cc"))]
    for size, relative in sorted(sizes, reverse=True):
        if size > 400:
            print(f"{size:6} {relative}")


CHECKS = {"homes": check_homes, "includes": check_includes, "words": check_words,
          "layout": check_layout}


def main(names):
    failed = False
    for name in names or sorted(CHECKS):
        if name == "lengths":
            report_lengths()
            continue
        if name not in CHECKS:
            print(__doc__)
            return 2
        for finding in CHECKS[name]():
            failed = True
            print(finding)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
