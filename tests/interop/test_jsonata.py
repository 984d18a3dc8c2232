"""Expressions of tests/fuzz/jsonata_pairs.py have the same value, or the same error, as with the npm package `jsonata`.

TMFLOW_JSONATA_PAIRS says how many (default 4,000), TMFLOW_JSONATA_SEED with which seed the first batch is drawn. The cases of
tests/fuzz/jsonata_cases.py are compared as well, with the positions of errors. What differs and is meant to is in EXPLAINED, each kind
with its reason; anything else fails.
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
import jsonata_cases  # noqa: E402
import jsonata_pairs  # noqa: E402

PAIRS = int(os.environ.get("TMFLOW_JSONATA_PAIRS", "4000"))
SEED = int(os.environ.get("TMFLOW_JSONATA_SEED", "1"))
BATCH = 2000            # pairs of one seed
PROGRESS = 50000
RELATIVE = 1e-14        # of numbers, as in jsonata's own suite
NODE_MIB = 192          # a few expressions take any memory there is: they end the process, and the next one goes on behind them
NODE_SECONDS = 120
DIGITS_EXACT = 15       # of a whole number that both write with its digits
NOW_MS = 600000         # between two answers to one question
SHOWN = 20
EXPLAINED = []


def explained(reason):
    """Registers a predicate over (expression, our answer, theirs)."""
    def register(predicate):
        EXPLAINED.append((reason, predicate))
        return predicate
    return register


@explained("the package fails with an error of JavaScript's own")
def _of_javascript(expr, ours, theirs):
    return re.search(r"Cannot (create|set|read) propert|is not iterable|(validate|map|split) is not a function|Cannot convert object|Invalid (code point|regular expression)|Invalid array length|circular structure",
                     own(theirs)) is not None


@explained("the package ends at a guard of its own: its stack, its time, its memory")
def _guards(expr, ours, theirs):
    return own(theirs) in ("Maximum call stack size exceeded", "the process has ended") or code(theirs) in ("D1011", "D1012")


@explained("the package does not check what a partial application of its own functions is called with, and cannot parse $string's")
def _partial(expr, ours, theirs):
    return re.search(r"\$\w+\(\?", expr) is not None and (code(ours) in ("T0410", "T0411") or code(theirs) == "S0208" or "$zip(?" in expr)


@explained("the package writes separators of an irregular picture outside the digits, and before those that are fewer than its places")
def _irregular(expr, ours, theirs):
    return re.search("format(Number|Integer).*(#,##,##0|###,###\\.#,#|0,0,0)", expr) is not None and code(ours) in ("", "D3137", "D3141") and code(theirs) in ("", "D3030", "D3137", "D3141")


@explained("the package loses a regular expression left of ?? and ?:, which it evaluates twice")
def _twice(expr, ours, theirs):
    return re.search(r"/\w*[^?]*\)\s*(\?\?|\?:)", expr) is not None and code(theirs) != "D1001"


@explained("a number that is not finite is D1001 wherever the package looks whether it is a number, also as a condition; in a document both write null")
def _not_finite(expr, ours, theirs):
    return re.search(r"[/%*]|\$power|\$parseInteger|e300|e308", expr) is not None and ({code(ours), code(theirs)} & {"D3001", "D1001"} or re.search("NaN|Infinity", str(theirs)) is not None)


@explained("a time or a zone that is not a number is NaN in all that the package writes of it")
def _no_time(expr, ours, theirs):
    return re.search(r"\$fromMillis\(1e20|\$fromMillis\(.*, '[^+\-0-9]*'\)$", expr) is not None


@explained("the package formats numbers beyond 2^53 with JavaScript's exponent, or the noise of its doubles, among the digits")
def _large(expr, ours, theirs):
    return re.search(r"format(Number|Integer|Base)", expr) is not None and re.search(r"e21|e300|\$power\(|9007199254740993|toMillis", expr) is not None


@explained("V8's power is off by a unit in the last place, which a text shows")
def _power(expr, ours, theirs):
    return "$power(" in expr and code(ours) == code(theirs) == "" and re.search(r"e\+\d\d", str(ours)) is not None


@explained("JavaScript takes the years below 100 for those of the last century: weeks of them")
def _first_century(expr, ours, theirs):
    return "-62135596800000" in expr and re.search(r"\[[XxWwd]", expr) is not None


@explained("both complete a date by the time at which they evaluate")
def _now(expr, ours, theirs):
    mine, other = ours.get("result"), theirs.get("result")
    return "$toMillis(" in expr and code(ours) == code(theirs) == "" and isinstance(mine, int) and isinstance(other, int) and abs(mine - other) < NOW_MS


@explained("the package evaluates the members of an object or array at once: of several faults it tells one that stands behind")
def _members(expr, ours, theirs):
    mine, other = (answer.get("error", {}).get("position") for answer in (ours, theirs))
    return re.search(r"[{\[]", expr) is not None and code(ours) and code(theirs) and (mine is None or other is None or mine < other)


@explained("a function of the package is an object: it has members, and may be the update of a transform")
def _function(expr, ours, theirs):
    return re.search(r"\|(\$sum|function\(\$x\)\{\$x\})\||\(\$sum\)\.\$spread", expr) is not None


@explained("a function as the replacement of a text: the package appends the function itself")
def _replacement(expr, ours, theirs):
    return "$replace(" in expr and code(ours) == "D3012" and code(theirs) == ""


@explained("the package cuts pairs of surrogates in two, where a pattern or an empty separator may")
def _surrogates(expr, ours, theirs):
    return ("/./" in expr or re.search("[\U00010000-\U0010ffff]|\\\\ud83d", expr + str(ours) + str(theirs)) is not None) and re.search(r'/|""|base64', expr) is not None


@explained("an array constructor with a predicate or a group as the first step: the package goes on with its only value as if that were an array")
def _constructor(expr, ours, theirs):
    return re.search(r"\]\s*(@\$\w+)?\s*[\[{]", expr) is not None


@explained("a group amid a path, or behind @: the package groups with the value of the step, not with its variables")
def _group(expr, ours, theirs):
    return re.search(r"\}\s*(\[\])?\s*(\[[^\]]*\])?\s*[.^)\]]|@\$\w+(\[[^\]]*\])?\{", expr) is not None


@explained("a text that only begins as a number of another base is NaN to the package, not D3030")
def _other_base(expr, ours, theirs):
    return "0x1F" in expr and "$number" in expr and code(ours) == "D3030"


@explained("parseInt of JavaScript reads hexadecimal digits")
def _hexadecimal(expr, ours, theirs):
    return "$parseInteger" in expr and "0x1F" in expr


@explained("JavaScript lists keys that are whole numbers before the others")
def _order(expr, ours, theirs):
    return code(ours) == code(theirs) == "" and flat(ours.get("result")) == flat(theirs.get("result"))


@explained("the package changes empty arrays of its input, and of copies that it makes")
def _changed(expr, ours, theirs):
    return code(ours) == code(theirs) == "" and "[null]" in json.dumps(theirs) and flat(emptied(ours.get("result")), "[]") == flat(emptied(theirs.get("result")), "[]")


@explained("[] behind what is no name, or with @, # and ^, keeps an array of one here, but not always in the package")
def _kept(expr, ours, theirs):
    return "[]" in expr and re.search(r"[@#^]", expr) is not None and code(ours) == code(theirs) == "" and flat(ours.get("result"), "[] ") == flat(theirs.get("result"), "[] ")


@explained("Buffer of Node.js ends at some characters that are not of Base64, and passes over others")
def _base64(expr, ours, theirs):
    return "base64decode" in expr and code(ours) == code(theirs) == ""


@explained("the order of a shuffled array")
def _shuffle(expr, ours, theirs):
    return "$shuffle(" in expr or "$shuffle" in expr and code(ours) == code(theirs)


def flat(value, without=""):
    """The characters of a result, in no order; numbers as Python writes them, large ones as doubles."""
    text = json.dumps(json.loads(json.dumps(value), parse_int=lambda digits: float(digits) if len(digits) > DIGITS_EXACT else int(digits)))
    return sorted(character for character in text if character not in without)


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


def misplaced(question, ours, theirs):
    """Both fail by one code, but tell another position. Where the package tells none, or what `~> $f` left at $f, nothing is compared."""
    if code(ours) in ("", "own") or code(ours) != code(theirs) or re.search(r"~> \$\w+$|[@#] |^'\\u", question["expr"]):
        return False
    return theirs["error"].get("position") is not None and ours["error"]["position"] != theirs["error"]["position"]


class Jsonata(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.words = interop.node_words("jsonata_batch.cjs", f"--max-old-space-size={NODE_MIB}")

    def compare(self, questions, reasons, different):
        for question, ours, theirs in zip(questions, tmflow(questions), package(self.words, questions), strict=True):
            self.assertEqual((ours["id"], theirs["id"]), (question["id"],) * 2)
            if same(ours, theirs):
                continue
            why = next((reason for reason, holds in EXPLAINED if holds(question["expr"], ours, theirs)), None)
            if why is None:
                different.append((question, ours, theirs))
            else:
                reasons[why] += 1

    def judge(self, total, reasons, different):
        for reason, count in reasons.most_common():
            print(f"{count:6} {reason}")
        print(f"{total:,} pairs, {sum(reasons.values())} differ as explained, {len(different)} otherwise", flush=True)
        for question, ours, theirs in sorted(different, key=lambda d: len(d[0]["expr"]))[:SHOWN]:
            print("-", question["expr"], "\n  data  ", json.dumps(question["data"]), "\n  tmflow", json.dumps(ours), "\n  jsonata", json.dumps(theirs))
        self.assertEqual(len(different), 0)

    def test_pairs(self):
        reasons, different, total = collections.Counter(), [], 0
        for seed in range(SEED, SEED + (PAIRS + BATCH - 1) // BATCH):
            questions = list(jsonata_pairs.pairs(seed, min(BATCH, PAIRS - total)))
            total += len(questions)
            self.compare(questions, reasons, different)
            if total % PROGRESS == 0:
                print(f"{total:,} pairs, {sum(reasons.values())} explained, {len(different)} otherwise", flush=True)
        self.judge(total, reasons, different)

    def test_cases(self):
        reasons, different, questions = collections.Counter(), [], list(jsonata_cases.cases())
        for at in range(0, len(questions), BATCH):
            self.compare(questions[at:at + BATCH], reasons, different)
        self.judge(len(questions), reasons, different)

    def test_positions_of_errors(self):
        questions = list(jsonata_cases.cases())
        for at in range(0, len(questions), BATCH):
            part = questions[at:at + BATCH]
            wrong = [both for both in zip(part, tmflow(part), package(self.words, part), strict=True) if misplaced(*both)]
            self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
