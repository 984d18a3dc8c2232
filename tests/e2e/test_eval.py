#!/usr/bin/env python3
"""`tmflow eval`: one expression, or with --batch one a line."""
import json
import os
import subprocess

import harness


class Eval(harness.Case):
    def value(self, *words, code=0):
        done = self.tmflow("eval", *words, "-o", "json")
        self.assertEqual(done.code, code, done.err)
        return json.loads(done.out) if done.out else None

    def test_jsonata(self):
        orders = '{"orders": [{"price": 2, "quantity": 3}, {"price": 1.5, "quantity": 2}]}'
        self.assertEqual(self.value("$sum(orders.(price * quantity))", "--input", orders), 9)
        self.assertEqual(self.value("$who & '!'", "--variables", '{"who": "World"}'), "World!")

    def test_jsonpath(self):
        self.assertEqual(self.value("$.a[1]", "--input", '{"a": [1, 2]}', "--query-language", "jsonpath"), 2)
        self.assertEqual(self.value("States.Format('{} {}', $x, 1)", "--variables", '{"x": "a"}', "--query-language", "jsonpath"), "a 1")
        error = self.value("$.b", "--input", "{}", "--query-language", "jsonpath", code=1)
        self.assertEqual(error["error"]["code"], "States.Runtime")

    def test_undefined_is_nothing(self):
        self.assertIsNone(self.value("nothing.there"))
        self.assertEqual(self.value("null"), None)

    def test_input_from_a_file(self):
        path = os.path.join(self.dir, "input.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a:\n  - b: 1\n  - b: 2\n")
        self.assertEqual(self.value("a.b", "--input", path), [1, 2])

    def test_a_fault_is_an_answer(self):
        self.assertEqual(self.value("1 + 'a'", code=1), {"error": {
            "code": "T2002", "message": "the right side of + must be a number", "position": 3}})
        done = self.tmflow("eval", "a.[")
        self.assertEqual(done.code, 1)
        self.assertIn("S0207", done.err)
        self.assertEqual(done.out, "")

    def test_wrong_usage(self):
        for words in ((), ("1", "--batch"), ("1", "--query-language", "xpath"), ("1", "--variables", "[1]"), ("1", "--input", "/nonexistent")):
            self.assertEqual(self.tmflow("eval", *words).code, 2, words)

    def test_batch(self):
        lines = ['{"id": 1, "expr": "a + 1", "data": {"a": 2}}', '{"id": "x", "expr": "$v", "variables": {"v": [true]}}',
                 '{"id": 3, "expr": "nothing"}', '{"id": 4, "expr": "1 +"}', "no JSON", '{"id": 6}',
                 '{"id": 7, "expr": "$encodeUrl(\\"\\ud800\\")"}', '{"id": 8, "expr": "\\"\\ud83d\\ude00\\""}']
        done = subprocess.run([harness.TMFLOW, "eval", "--batch"], input="\n".join(lines), capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(answers[:3], [{"id": 1, "result": 3}, {"id": "x", "result": [True]}, {"id": 3}])
        self.assertEqual([answer["error"]["code"] for answer in answers[3:7]], ["S0207", "TMFlow.InvalidInput", "TMFlow.InvalidInput", "D3140"])
        self.assertEqual(answers[7], {"id": 8, "result": "\U0001f600"})


if __name__ == "__main__":
    harness.main()
