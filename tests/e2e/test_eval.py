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

    def test_states(self):
        self.assertEqual(self.value("{% $states.input.a + $v %}", "--states", "--input", '{"a": 1}', "--variables", '{"v": 2}'), 3)
        self.assertEqual(self.value("$states", "--states"), {"input": {}, "context": {}})
        self.assertEqual(self.value("$states.result", "--states", "--variables", '{"states": {"result": 7}}'), 7)
        self.assertEqual(self.value("$states.input.a[b = 1].c", "--states", "--input", '{"a": [{"b": 1, "c": "x"}]}'), "x")
        for expression, position in (("phone.number", 5), ("$.a", 1), ("1 + $$", 6), ("$eval('1')", 5)):
            error = self.value(expression, "--states", "--input", "{}", code=1)["error"]
            self.assertEqual(error["code"], "UNSUPPORTED_JSONATA_EXPRESSION", error)
            self.assertEqual(error["position"], position, error)
        self.assertEqual(self.tmflow("eval", "1", "--states", "--query-language", "jsonpath").code, 2)

    def test_functions_of_step_functions(self):
        for expression, value in (("$range(0, 9, 3)", [0, 3, 6, 9]), ("$range(1, 9, 9)", 1), ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
                                  ("$partition([0], 1)", [[0]]), ("$parse('[1, {\"a\": null}]')", [1, {"a": None}]), ("$random(42)", 0.7275636800328681),
                                  ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1")):
            self.assertEqual(self.value(expression), value, expression)
        self.assertRegex(self.value("$uuid()"), "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        for expression, code in (("$range(1, 2, 0)", "D3201"), ("$range(1, 1e9, 1)", "D3202"), ("$partition([1], 0)", "D3203"),
                                 ("$hash('a', 'CRC')", "D3204"), ("$parse('{')", "D3205")):
            self.assertEqual(self.value(expression, code=1)["error"]["code"], code, expression)

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
        self.assertIn("S0203", done.err)
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
