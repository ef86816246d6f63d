#!/usr/bin/env python3
"""Groups the sources of a library so that each group compiles as one file.

unity.py SIZE FILE...  prints a line per group of at least two: the files, joined by ";".

Files share a group when no name that one keeps to itself (in an unnamed namespace, by a macro, by a
using declaration) is spoken of in another: then each means the same as compiled alone. It reads the
house's formatting (declarations of namespaces start at column 0), not C++; what it gets wrong is a
compiler error in a sanitizer build, and the way out is a better name.
"""
import re
import sys

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
UNNAMED = re.compile(r'^namespace \{$(.*?)^\}  // namespace$', re.S | re.M)
DECLARED = re.compile(r'(\w+)\s*(?:[({=\[;]|$)')
TYPE = re.compile(r'\b(?:struct|class|enum class|enum|using|union)\s+(\w+)')
USING = re.compile(r'^\s*using\s+(?:namespace\s+)?(?:\w+::)*(\w+)\s*[;=]', re.M)
MACRO = re.compile(r'^#define\s+(\w+)', re.M)
PLAIN_WORDS = set("auto bool char const constexpr double enum float inline int int32_t int64_t long "
                  "noexcept operator override return sizeof size_t static template uint16_t "
                  "uint32_t uint64_t uint8_t unsigned using void".split())
# A name after . -> :: is looked up elsewhere.
SPOKEN = re.compile(r'(?<![\w.>:])(\w+)')


def own_names(text):
    names = set(USING.findall(text)) | set(MACRO.findall(text))
    for body in UNNAMED.findall(text):
        for line in COMMENT_OR_TEXT.sub(" ", body).splitlines():
            if line and (line[0].isalpha() or line[0] == "_"):
                names.update(TYPE.findall(line))
                names.update(DECLARED.findall(line))
    return {name for name in names if not name[0].isdigit()} - PLAIN_WORDS


def read(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return own_names(text), set(SPOKEN.findall(COMMENT_OR_TEXT.sub(" ", text)))


def group(files, size):
    groups = []
    for path in files:
        own, spoken = read(path)
        for members in groups:
            if len(members) < size and all(
                    not (own & their_spoken) and not (their_own & spoken)
                    for _, their_own, their_spoken in members):
                members.append((path, own, spoken))
                break
        else:
            groups.append([(path, own, spoken)])
    return [[path for path, _, _ in members] for members in groups]


def main():
    for members in group(sys.argv[2:], int(sys.argv[1])):
        if len(members) > 1:
            print(";".join(members))


if __name__ == "__main__":
    main()
