"""Reads many course ids, good and bad, with our parser and with opaque_keys, and prints where they differ.

For the interpreter of an environment that has opaque_keys.
"""

import json
import random

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from trackside.courses import parse, parse_ourselves

SEED = 7
COUNT = 60_000
PIECES = (
    "course-v1:", "library-v1:", "slashes:", "lib:", "a", "b", "édX", "+", "+", "/", "/", "branch@", "version@",
    "type@", "block@", "519665f6223ebd6980884f2b", "519665F6223ebd6980884f2b", "519", "x", "%", "~", ".", ":", "-",
    "_", "\n", " ", "@", "٣", "", "0", "+branch@", "+version@", "a+b+c", "a/b/c", "course-v1:a+b+c",
)  # fmt: skip


def theirs(text: str) -> tuple[str, str] | None:
    try:
        key = CourseKey.from_string(text)
    except InvalidKeyError:
        return None
    return str(key), key.org or ""


def main() -> None:
    chance = random.Random(SEED)
    courses, differing = 0, []
    for _ in range(COUNT):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))
        text = chance.choice(("", "course-v1:a+b+c", "library-v1:a+b", "course-v1:a+b+c")) + text
        want = theirs(text)
        courses += want is not None
        # a version alone names no course that an event could be of
        if not (parse_ourselves(text) == want == parse(text)) and not text.startswith("course-v1:version@"):
            differing.append((text, want, parse_ourselves(text)))
    print(json.dumps({"courses": courses, "differing": differing}))


if __name__ == "__main__":
    main()
