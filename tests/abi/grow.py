# SPDX-License-Identifier: Apache-2.0
"""Appends members to every struct of the ABI headers that may grow, in place, as a later minor would.
Arguments: RECORD.abi, the headers. Says how many structs that were.
"""
import re
import sys
import xml.etree.ElementTree as xml


def growing(record):
    """Those that begin with their size, and the descriptor, whose size stands behind its magic."""
    for struct in xml.parse(record).getroot().iter("class-decl"):
        first = struct.find("data-member/var-decl")
        if first is not None and first.get("name") in ("size", "magic"):
            yield struct.get("name")


def main(record, *headers):
    left = set(growing(record))
    total = len(left)
    for path in headers:
        text = open(path).read()
        for name in sorted(left):
            grown, found = re.subn(
                rf"(\bstruct {name} \{{\n.*?)(\n\}};)", r"\1\n    uint64_t grown[32];\2", text, count=1, flags=re.S
            )
            if found:
                text = grown
                left.remove(name)
        open(path, "w").write(text)
    if left:
        sys.exit(f"not found in the headers: {', '.join(sorted(left))}")
    print(total)


main(*sys.argv[1:])
