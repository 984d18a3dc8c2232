"""Expressions of tests/fuzz/jsonata_pairs.py have the same value, or the same error, as with the npm package `jsonata`.

TMFLOW_JSONATA_PAIRS says how many (default 4,000), TMFLOW_JSONATA_SEED with which seed the first batch is drawn. What differs and
is meant to is in EXPLAINED, each kind with its reason; anything else fails.
"""
import collections
import json
import os
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
    """Registers a predicate over (expression, our error's code, theirs): code "" where there is none."""
    def register(predicate):
        EXPLAINED.append((reason, predicate))
        return predicate
    return register


@explained("the package fails with an error of JavaScript's, or of its guards")
def _of_javascript(expr, ours, theirs):
    return theirs in ("own", "D1011", "D1012")


@explained("the package does not check what a partial application of its own functions is called with")
def _partial(expr, ours, theirs):
    return "(?, " in expr and ours == "T0410"


@explained("the package writes separators of an irregular picture outside the digits")
def _irregular(expr, ours, theirs):
    return any(picture in expr for picture in ("#,##,##0", "###,###.#,#", "0,0,0")) and (ours, theirs) == ("", "")


@explained("the package takes a slash behind [] for a regular expression")
def _slash(expr, ours, theirs):
    return "[]" in expr and theirs.startswith("S03")


@explained("a % without a parent is found by one of the two only: the package looks at fewer, or more, steps before it")
def _parent(expr, ours, theirs):
    return "%" in expr and "S0217" in (ours, theirs)


@explained("of two faults of the syntax the other is told")
def _two_faults(expr, ours, theirs):
    return ours.startswith("S02") and theirs.startswith("S02")


@explained("a number that is not finite, which JSON cannot hold, ends in its own error")
def _not_finite(expr, ours, theirs):
    return (ours in ("D3001", "D1001") or theirs == "D1001") and any(operator in expr for operator in ("/", "%"))


@explained("the package formats numbers from 10^21 on with JavaScript's exponent among the digits")
def _exponent(expr, ours, theirs):
    return "$formatNumber" in expr and any(large in expr for large in ("1e21", "1e300", "$power(")) and (ours, theirs) == ("", "")


@explained("the package evaluates the members of an object or array at once: of several faults it tells the one that is there first")
def _members(expr, ours, theirs):
    return ("{" in expr or "[" in expr) and ours != "" and theirs != ""


@explained("a function as the replacement of a text: the package appends the function itself")
def _replacement(expr, ours, theirs):
    return "$replace(" in expr and ours == "D3012" and theirs == ""


@explained("the package does not write all digits of a number beyond 2^53")
def _digits(expr, ours, theirs):
    return "$formatBase" in expr and (ours, theirs) == ("", "")


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
                why = next((reason for reason, holds in EXPLAINED if holds(question["expr"], code(ours), code(theirs))), None)
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
