#!/usr/bin/env python3
"""tmflow graph: DOT, Mermaid and SVG of a workflow, coloured by a run."""
import os
import re
import shutil
import signal
import subprocess
import unittest
import xml.etree.ElementTree

import harness

EVERYTHING = r"""
StartAt: Decide
States:
  Decide:
    Type: Choice
    Choices:
      - {Variable: $.n, NumericLessThanEquals: 3, Next: Each}
      - And:
          - {Variable: $.name, StringEquals: 'a "b" <c>'}
          - Or: [{Variable: $.x, IsPresent: true}, {Not: {Variable: $.x, IsNull: false}}]
        Next: Both
      - {Variable: $.t, TimestampGreaterThanPath: $.limit, Next: Later}
    Default: Over
  Each:
    Type: Map
    ItemsPath: $.items
    MaxConcurrency: 7
    ItemProcessor:
      StartAt: Do
      States:
        Do: {Type: Task, Resource: tmflow:log, Next: Check}
        Check: {Type: Choice, Choices: [{Variable: $, NumericEquals: 2, Next: Bad}], Default: Good}
        Bad: {Type: Fail, Error: Mine}
        Good: {Type: Pass, End: true}
    Catch: [{ErrorEquals: [Mine, Yours, Theirs, Ours], Next: Later}]
    Next: Over
  Both:
    Type: Parallel
    Branches:
      - {StartAt: Left, States: {Left: {Type: Pass, End: true}}}
      - {StartAt: Right, States: {Right: {Type: Pass, End: true}}}
    End: true
  Later: {Type: Wait, Seconds: 1, Next: Over}
  Over: {Type: Succeed}
"""


class Graph(harness.Case):
    def graph(self, *args, path=None, **named):
        done = self.tmflow("graph", path or self.path, *args, **named)
        self.assertEqual(done.code, 0, done.err)
        return done.out

    def setUp(self):
        super().setUp()
        self.path = self.write("w.yaml", EVERYTHING)

    def nodes(self, dot):
        """Name of each state to what stands in its node."""
        found = re.findall(r"^ *s\d+ \[label=<<b>([^<]+)</b>(.*)\];$", dot, re.M)
        return dict(found)

    def test_dot(self):
        dot = self.graph()
        nodes = self.nodes(dot)
        self.assertEqual(set(nodes), {"Decide", "Each", "Do", "Check", "Bad", "Good", "Both", "Left", "Right", "Later", "Over"})
        self.assertIn("shape=diamond", nodes["Decide"])
        self.assertIn("for each of $.items, 7 at once", nodes["Each"])
        self.assertIn("tmflow:log", nodes["Do"])
        for label in ("$.n &lt;= 3", "$.name == &quot;a \\&quot;b\\&quot; &lt;c&gt;&quot; and ($.x is present or",
                      "$.t &gt; $.limit", "otherwise", "Mine<br/>Yours<br/>Theirs<br/>and 1 more"):
            self.assertIn(label, dot)
        self.assertEqual(dot.count("subgraph cluster_"), 2)
        dashed = [line for line in dot.splitlines() if "style=dashed" in line]
        self.assertEqual(len(dashed), 1)
        self.assertIn("Mine", dashed[0])

    def test_edges_that_lead_back(self):
        """They are drawn from bottom to top, so they are written the other way round."""
        dot = self.graph(path=self.write("loop.yaml", """
StartAt: A
States:
  B: {Type: Choice, Choices: [{Variable: $, IsNull: true, Next: A}], Default: C}
  A: {Type: Pass, Next: B}
  C: {Type: Succeed}
"""))
        self.assertRegex(dot, r"s1 -> s0 \[dir=forward")
        self.assertRegex(dot, r"s1 -> s0 \[dir=back, label=< \$ is null >")

    @unittest.skipUnless(shutil.which("dot"), "SKIP: Graphviz is not installed")
    def test_graphviz_reads_it(self):
        for path in (self.path, *(os.path.join(harness.ROOT, "workflows", name) for name in sorted(os.listdir(os.path.join(harness.ROOT, "workflows"))))):
            if not path.endswith(".yaml"):
                continue
            done = subprocess.run(["dot", "-Tplain"], input=self.graph(path=path), capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            svg = xml.etree.ElementTree.fromstring(self.graph("--format", "svg", path=path))
            self.assertEqual(svg.tag, "{http://www.w3.org/2000/svg}svg")
            for name in self.nodes(self.graph(path=path)):
                self.assertIn(name, "".join(svg.itertext()))

    def test_svg_without_graphviz(self):
        done = self.tmflow("graph", self.path, "--format", "svg", env={"PATH": self.dir})
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("Graphviz is not installed", done.err)
        failing = os.path.join(self.dir, "dot")
        with open(failing, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexit 3\n")
        os.chmod(failing, 0o755)
        done = self.tmflow("graph", self.path, "--format", "svg", env={"PATH": self.dir})
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("dot failed", done.err)

    def test_mermaid(self):
        text = self.graph("--format", "mermaid")
        lines = [line.strip() for line in text.splitlines()]
        self.assertEqual(lines[0], "flowchart TD")
        self.assertEqual(sum(line.startswith("subgraph ") for line in lines), lines.count("end"))
        self.assertIn('s0 -->|"$.n #60;= 3"| s1', lines)
        self.assertRegex(text, r's1 -\.->\|"Mine<br/>Yours<br/>Theirs<br/>and 1 more"\| s\d+')
        self.assertRegex(text, r's\d+\["Do<br/>tmflow:log"\]')
        self.assertNotIn("classDef", text)

    def test_colours_of_a_run(self):
        given = self.write("i.json", '{"n": 1, "items": [1, 2]}')
        done = self.tmflow("run", self.path, "--input", given, "--run-id", "r", "--history", "-q")
        self.assertEqual(done.code, 0, done.err)
        nodes = self.nodes(self.graph("--run", "r"))
        marks = {name: re.search(r'class="(\w+)"', rest).group(1) for name, rest in nodes.items()}
        self.assertEqual(marks, {"Decide": "done", "Each": "caught", "Do": "done", "Check": "done", "Bad": "failed", "Good": "done",
                                 "Both": "untouched", "Left": "untouched", "Right": "untouched", "Later": "done", "Over": "done"})
        self.assertIn("&#215;2", nodes["Do"])
        text = self.graph("--run", "@latest", "--format", "mermaid")
        self.assertIn("class s1 caught", text)
        other = self.write("other.yaml", "StartAt: A\nStates:\n  A: {Type: Succeed}\n")
        done = self.tmflow("graph", other, "--run", "r")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("other states than this workflow", done.err)

    def test_where_an_interrupted_run_stands(self):
        path = self.write("wait.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, Next: B}\n  B: {Type: Wait, Seconds: 1000, End: true}\n")
        for options, first in ([], "untouched"), (["--history"], "done"):
            process = self.start("run", path, "--run-id", "r%d" % len(options), *options)
            self.until_signals_are_caught(process)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            done = self.tmflow("graph", path, "--run", "@latest")
            self.assertEqual("kept no history" in done.err, not options)
            nodes = self.nodes(done.out)
            if 'class="running"' not in nodes["A"]:  # the signal may come that early
                self.assertIn('class="%s"' % first, nodes["A"])
                self.assertIn('class="running"', nodes["B"])

    def test_json_and_faults(self):
        done = self.tmflow("graph", self.path, "-o", "json", "--format", "mermaid")
        self.assertEqual(done.json["format"], "mermaid")
        self.assertIn("flowchart TD", done.json["graph"])
        for args, pattern in (([self.path, "--format", "png"], "dot, mermaid or svg"), ([self.path, "--run", "none"], "no (such )?run"),
                              (["/does/not/exist"], "/does/not/exist")):
            done = self.tmflow("graph", *args, "-o", "json")
            self.assertEqual(done.code, 2)
            self.assertRegex(done.json["cause"] + done.err, pattern)


if __name__ == "__main__":
    harness.main()
