"""Expressions of tests/fuzz/jsonata_pairs.py have the same value, or the same error, as with the npm package `jsonata`.

TMFLOW_JSONATA_PAIRS says how many (default 4,000), TMFLOW_JSONATA_SEED with which seed the first batch is drawn. What differs and
is meant to is in EXPLAINED, each kind with its reason; anything else fails.
"""
import collections
import json
import os
import re
import subprocess
import sys
import unittest

import harness
import interop

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "fuzz"))
import jsonata_pairs  # noqa: E402

PAIRS = int(os.environ.get("TMFLOW_JSONATA_PAIRS", "4000"))
SEED = int(os.environ.get("TMFLOW_JSONATA_SEED", "1"))
BATCH = 2000            # pairs of one seed
RELATIVE = 1e-14        # of numbers, as in jsonata's own suite
NODE_MIB = 192          # a few expressions take any memory there is: they end the process, and the next one goes on behind them
NODE_SECONDS = 120
SHOWN = 20
EXPLAINED = []


def explained(reason):
    """Registers a predicate over (expression, our answer, theirs)."""
    def register(predicate):
        EXPLAINED.append((reason, predicate))
        return predicate
    return register


@explained("the package fails with a TypeError of JavaScript's")
def _of_javascript(expr, ours, theirs):
    return re.search(r"Cannot (create|set|read) propert|is not iterable|(validate|map) is not a function|Cannot convert object", own(theirs)) is not None


@explained("the package ends at a guard of its own: its stack, its time, its memory")
def _guards(expr, ours, theirs):
    return own(theirs) in ("Maximum call stack size exceeded", "the process has ended") or code(theirs) in ("D1011", "D1012")


@explained("the package does not check what a partial application of its own functions is called with")
def _partial(expr, ours, theirs):
    return "(?, " in expr and code(ours) == "T0410"


@explained("the package writes separators of an irregular picture outside the digits")
def _irregular(expr, ours, theirs):
    return re.search("formatNumber.*(#,##,##0|###,###\\.#,#|0,0,0)", expr) is not None and code(ours) in ("", "D3137") and code(theirs) in ("", "D3030", "D3137")


@explained("the package takes a slash behind [] or the ) of a sort for a regular expression")
def _slash(expr, ours, theirs):
    return re.search(r"[\])]\s*/", expr) is not None and code(theirs).startswith("S03")


@explained("the package loses a regular expression left of ?? and ?:, which it evaluates twice")
def _twice(expr, ours, theirs):
    return re.search(r"/\w*[^?]*\)\s*(\?\?|\?:)", expr) is not None


@explained("a % without a parent is found by one of the two only: the package looks at fewer, or more, steps before it")
def _parent(expr, ours, theirs):
    return "%" in expr and "S0217" in (code(ours), code(theirs)) or re.search(r"\*\[%", expr) is not None


@explained("of two faults of the syntax the other is told")
def _two_faults(expr, ours, theirs):
    return code(ours).startswith("S02") and code(theirs).startswith("S02")


@explained("a number that is not finite, which JSON cannot hold, ends in its own error, or is cast to one by the package")
def _not_finite(expr, ours, theirs):
    return ({code(ours), code(theirs)} & {"D3001", "D1001"} or "NaN" in str(theirs)) and re.search(r" [/%] ", expr) is not None


@explained("the package formats numbers beyond 2^53 with JavaScript's exponent, or the noise of its doubles, among the digits")
def _large(expr, ours, theirs):
    return re.search(r"format(Number|Integer|Base)", expr) is not None and re.search(r"e21|e300|\$power\(|9007199254740993|toMillis", expr) is not None


@explained("the package evaluates the members of an object or array at once: of several faults it tells one that stands behind")
def _members(expr, ours, theirs):
    mine, other = (answer.get("error", {}).get("position") for answer in (ours, theirs))
    return re.search(r"[{\[]", expr) is not None and code(ours) and code(theirs) and (mine is None or other is None or mine < other)


@explained("a function as the replacement of a text: the package appends the function itself")
def _replacement(expr, ours, theirs):
    return "$replace(" in expr and code(ours) == "D3012" and code(theirs) == ""


@explained("the package cuts pairs of surrogates in two, where a pattern or an empty separator may")
def _surrogates(expr, ours, theirs):
    return re.search("[\U00010000-\U0010ffff]|\\\\ud83d", expr + str(ours) + str(theirs)) is not None and re.search(r'/|""|base64', expr) is not None


@explained("an array constructor with a predicate or a group as the first step: the package goes on with its only value as if that were an array")
def _constructor(expr, ours, theirs):
    return re.search(r"\]\s*(@\$\w+)?\s*[\[{]", expr) is not None


@explained("a group amid a path, or behind @: the package groups with the value of the step, not with its variables")
def _group(expr, ours, theirs):
    return re.search(r"\}\s*(\[\])?\s*(\[[^\]]*\])?\s*[.^)\]]|@\$\w+(\[[^\]]*\])?\{", expr) is not None


@explained("parseInt of JavaScript reads hexadecimal digits")
def _hexadecimal(expr, ours, theirs):
    return "$parseInteger" in expr and "0x1F" in expr


@explained("JavaScript lists keys that are whole numbers before the others")
def _order(expr, ours, theirs):
    return code(ours) == code(theirs) == "" and flat(ours.get("result")) == flat(theirs.get("result"))


@explained("the package changes empty arrays of its input, and of copies that it makes")
def _changed(expr, ours, theirs):
    return code(ours) == code(theirs) == "" and "[null]" in json.dumps(theirs) and flat(ours.get("result"), "[]") == flat(emptied(theirs.get("result")), "[]")


@explained("[] behind what is no name, or with @, # and ^, keeps an array of one here, but not always in the package")
def _kept(expr, ours, theirs):
    return "[]" in expr and re.search(r"[@#^]", expr) is not None and code(ours) == code(theirs) == "" and flat(ours.get("result"), "[] ") == flat(theirs.get("result"), "[] ")


@explained("Buffer of Node.js ends at some characters that are not of Base64, and passes over others")
def _base64(expr, ours, theirs):
    return "base64decode" in expr and code(ours) == code(theirs) == ""


def flat(value, without=""):
    """The characters of a result, in no order; numbers as Python writes them."""
    return sorted(character for character in json.dumps(value, default=str) if character not in without)


def emptied(value):
    """The value with [] for each [null]."""
    if isinstance(value, list):
        return [] if value == [None] else [emptied(element) for element in value]
    return {key: emptied(member) for key, member in value.items()} if isinstance(value, dict) else value


def own(answer):
    return answer.get("error", {}).get("own", "")


def equal(a, b):
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b or abs(a - b) <= RELATIVE * max(abs(a), abs(b))
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(value, b[key]) for key, value in a.items())
    return a == b


def code(answer):
    error = answer.get("error")
    return "" if error is None else "own" if "own" in error else error["code"]


def same(ours, theirs):
    if "error" in ours or "error" in theirs:
        return code(ours) == code(theirs)
    return ("result" in ours) == ("result" in theirs) and equal(ours.get("result"), theirs.get("result"))


def tmflow(questions):
    done = subprocess.run([harness.TMFLOW, "eval", "--batch"], input="".join(json.dumps(q) + "\n" for q in questions), capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def package(words, questions):
    """The answers of the npm package. A question that ends its process is answered in its place."""
    answers = []
    while len(answers) < len(questions):
        rest = questions[len(answers):]
        try:
            text = subprocess.run(words, input="".join(json.dumps(q) + "\n" for q in rest), capture_output=True, text=True,
                                  timeout=NODE_SECONDS).stdout
        except subprocess.TimeoutExpired as late:
            text = (late.stdout or b"").decode()
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        answers.extend(lines)
        if len(lines) < len(rest):
            answers.append({"id": rest[len(lines)]["id"], "error": {"own": "the process has ended"}})
    return answers


class Jsonata(unittest.TestCase):
    def test_pairs(self):
        words = interop.node_words("jsonata_batch.cjs", f"--max-old-space-size={NODE_MIB}")
        reasons, different, total = collections.Counter(), [], 0
        for seed in range(SEED, SEED + (PAIRS + BATCH - 1) // BATCH):
            questions = list(jsonata_pairs.pairs(seed, min(BATCH, PAIRS - total)))
            total += len(questions)
            for question, ours, theirs in zip(questions, tmflow(questions), package(words, questions), strict=True):
                self.assertEqual((ours["id"], theirs["id"]), (question["id"],) * 2)
                if same(ours, theirs):
                    continue
                why = next((reason for reason, holds in EXPLAINED if holds(question["expr"], ours, theirs)), None)
                if why is None:
                    different.append((question, ours, theirs))
                else:
                    reasons[why] += 1
        for reason, count in reasons.most_common():
            print(f"{count:6} {reason}")
        print(f"{total:,} pairs, {sum(reasons.values())} differ as explained, {len(different)} otherwise")
        for question, ours, theirs in sorted(different, key=lambda d: len(d[0]["expr"]))[:SHOWN]:
            print("-", question["expr"], "\n  data  ", json.dumps(question["data"]), "\n  tmflow", json.dumps(ours), "\n  jsonata", json.dumps(theirs))
        self.assertEqual(len(different), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
