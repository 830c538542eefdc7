# SPDX-License-Identifier: Apache-2.0
"""Takes out of an ABI what an older record need not know, so that abidiff can demand equality.

Only structs that begin with `uint32_t size` may grow, and the descriptor of a module, whose size
stands behind its magic; and only by whole members behind the old end. In both a reserved member,
which was 0, may get a name. Everything else stays in and is then a difference. (The suppressions of abidiff 2.2 do not serve: has_data_member_inserted_at =
end also hides members that were renamed, swapped or retyped.)
Arguments: RECORD.abi NOW.abi. Writes NOW without what has grown to stdout.
"""
import re
import sys
import xml.etree.ElementTree as xml

DESCRIPTOR = "koine_module"


def structs(tree):
    return {s.get("name"): s for s in tree.iter("class-decl") if s.get("name").startswith("koine_")}


def member_type(member):
    return member.find("var-decl").get("type-id")


def grows(struct, name_of_type):
    first = struct.find("data-member")
    if struct.get("name") == DESCRIPTOR:
        return True
    return (
        first is not None
        and first.find("var-decl").get("name") == "size"
        and name_of_type.get(member_type(first)) == "uint32_t"
    )


def cut(old, new):
    end = int(old.get("size-in-bits"))
    behind = [m for m in new.findall("data-member") if int(m.get("layout-offset-in-bits")) >= end]
    if behind:
        for member in behind:
            new.remove(member)
        new.set("size-in-bits", str(end))


def offset(member):
    return member.get("layout-offset-in-bits")


def unname(old, new):
    """What was reserved is called so again; another type or place of it is left to abidiff."""
    reserved = {}
    for member in old.findall("data-member"):
        name = member.find("var-decl").get("name")
        if re.fullmatch(r"reserved\d*", name):
            reserved[offset(member)] = name
    for member in new.findall("data-member"):
        if offset(member) in reserved:
            member.find("var-decl").set("name", reserved[offset(member)])


def embedded(tree, growing):
    """A struct inside another cannot grow: the members behind it would move."""
    ids = {s.get("id"): name for name, s in structs(tree).items() if name in growing}
    return [
        (name, ids[member_type(m)])
        for name, s in structs(tree).items()
        for m in s.findall("data-member")
        if member_type(m) in ids
    ]


def main(record_path, now_path):
    record, now = xml.parse(record_path).getroot(), xml.parse(now_path).getroot()
    name_of_type = {t.get("id"): t.get("name") for t in record.iter("typedef-decl")}
    olds, news = structs(record), structs(now)
    growing = {name for name, struct in olds.items() if grows(struct, name_of_type)}
    for outer, inner in embedded(now, growing):
        sys.exit(
            f"struct {outer} holds a struct {inner} by value: {inner} may grow (it begins with its "
            f"size), which would move what stands behind it. Hold a pointer instead."
        )
    for name in growing & news.keys():
        cut(olds[name], news[name])
        unname(olds[name], news[name])
    sys.stdout.write(xml.tostring(now, encoding="unicode"))


main(*sys.argv[1:])
