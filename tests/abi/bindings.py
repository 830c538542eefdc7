# SPDX-License-Identifier: Apache-2.0
"""Whether a part of the ABI that was written down in Rust says what the record says: members, their
order, offsets, sizes, and the values of constants. Knows the forms of examples/modules/redact/koine.rs.
Arguments: RECORD (without .abi and .constants), FILE.rs.
"""
import re
import sys
import xml.etree.ElementTree as xml

RENAMED = {"kind": "type"}  # a keyword there


def recorded_structs(path):
    for struct in xml.parse(path).getroot().iter("class-decl"):
        members = [
            (m.find("var-decl").get("name"), int(m.get("layout-offset-in-bits")) // 8)
            for m in struct.findall("data-member")
        ]
        yield struct.get("name"), (int(struct.get("size-in-bits") or 0) // 8, members)


def written_structs(text):
    """abi_struct! { Name: SIZE { member: type = OFFSET, … } }"""
    text = re.sub(r"//.*", "", text)
    for match in re.finditer(r"abi_struct!\s*\{\s*(\w+):\s*(\d+)\s*\{(.*?)\n?\s*\}\s*\}", text, re.S):
        name, size, body = match.groups()
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        members = re.findall(r"(\w+):[^=]*?=\s*(\d+),", body.replace("->", ""), re.S)
        yield "koine_" + snake, (int(size), [(RENAMED.get(m, m), int(o)) for m, o in members])


def recorded_constants(path):
    for line in open(path):
        _, name, value = line.rstrip("\n").split(" ", 2)
        yield name, value.strip('"') if value[0] == '"' else int(value.rstrip("u"), 0)


def written_constants(text):
    for name, kind, value in re.findall(r"pub const (\w+): ([^=]+?) = (.+);", text):
        if kind == "&[u8]":
            yield "KOINE_" + name, re.fullmatch(r'b"(.*?)(?:\\0)?"', value).group(1)
        elif kind in ("i32", "u32", "u16"):
            yield "KOINE_" + name, int(value.replace("_", ""), 0)


def differences(kind, recorded, written):
    for name, value in written:
        if recorded.get(name) != value:
            yield f"{kind} {name}: {value}, recorded {recorded.get(name, 'nothing')}"


def main(record, path):
    text = open(path).read()
    structs, constants = list(written_structs(text)), list(written_constants(text))
    declared = len(re.findall(r"^abi_struct!", text, re.M))
    if len(structs) != declared or len(constants) < 10:
        sys.exit(f"{path}: {len(structs)} structs of {declared} and {len(constants)} constants read")
    problems = [
        *differences("struct", dict(recorded_structs(record + ".abi")), structs),
        *differences("constant", dict(recorded_constants(record + ".constants")), constants),
    ]
    if problems:
        sys.exit(f"{path} differs from {record}:\n  " + "\n  ".join(problems))
    print(f"{path}: {len(structs)} structs and {len(constants)} constants as recorded")


main(*sys.argv[1:])
