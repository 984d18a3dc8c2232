#!/usr/bin/env python3
"""The page of a run: it holds what -o json and -o jsonl say, needs nobody, and takes no text for markup."""
import base64
import hashlib
import html.parser
import json
import os
import re
import zlib

import harness

ONE_ATTEMPT = {"AWS_MAX_ATTEMPTS": "1"}
HOSTILE = ["</script><script>alert(1)</script>", "<!--<script>", "\u202egnp.exe", "back\\slash\nline", "x" * 256, "\U0001f9ea", "\x1d\x1e"]


class Page(html.parser.HTMLParser):
    """The scripts, the style, the policy, and everything that would be asked for elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.data, self.scripts, self.styles, self.links, self.policy = {}, [], [], [], None
        self.inside = self.tag = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [value for key, value in attrs if key in ("src", "href", "action", "data", "srcset", "poster") or key.startswith("on")]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        if tag == "script":
            self.inside = values.get("id", "")
            if not self.inside:
                self.scripts.append("")
        elif tag == "style":
            self.inside = None
            self.styles.append("")
        self.tag = tag

    def handle_endtag(self, tag):
        self.tag = None

    def handle_data(self, data):
        if self.tag == "style":
            self.styles[-1] += data
        elif self.tag == "script" and self.inside:
            self.data[self.inside] = self.data.get(self.inside, "") + data
        elif self.tag == "script":
            self.scripts[-1] += data

    def document(self):
        return json.loads(self.data["run"])

    def rows(self):
        columns = self.document()["columns"]
        rows = []
        text = zlib.decompress(base64.b64decode(self.data["rows"])).decode()
        for block in filter(None, text.split("\x1e")):
            parts = [part[:-1].split("\n") for part in block.split("\x1d")[:-1]]
            assert len(parts) == len(columns) and len({len(part) for part in parts}) == 1
            rows += [dict(row) for row in zip(*([(column["key"], self.value(column, value)) for value in part] for column, part in zip(columns, parts)))]
        return [{key: value for key, value in row.items() if value} for row in rows]

    @staticmethod
    def value(column, text):
        prefix = column["prefix"]
        if text.startswith("\\="):
            prefix, text = "", text[2:]
        text = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
        return prefix + text if text else ""


def source(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


class Report(harness.Case):
    def page(self, run="@latest"):
        file = os.path.join(self.dir, "run.html")
        done = self.tmflow("show", run, "-o", "html", "--output-file", file)
        self.assertEqual((done.code, done.out), (0, ""), done.err)
        with open(file, encoding="utf-8") as f:
            text = f.read()
        self.found_nowhere(text.encode(), "the page")
        self.assertEqual(self.tmflow("show", run, "-o", "html").out, text)
        return Page(text)

    def needs_nobody(self, page):
        self.assertEqual(page.links, [])
        self.assertEqual((len(page.scripts), len(page.styles)), (1, 1))
        self.assertIn("default-src 'none'", page.policy)
        self.assertIn("script-src " + source(page.scripts[0]), page.policy)
        self.assertIn("style-src " + source(page.styles[0]), page.policy)
        self.assertNotIn("unsafe", page.policy)

    def agrees(self, page, run="@latest"):
        wanted = self.tmflow("show", run, "-o", "json").json
        found = page.document()
        for key in ("runId", "status", "summary", "startTime", "stopTime"):
            self.assertEqual(found["run"].get(key), wanted.get(key), key)
        self.assertEqual(found["calls"], wanted.get("calls", {}))
        for outcome, reasons in wanted.get("reasons", {}).items():
            for reason, count in reasons.items():
                self.assertEqual(sum(r["count"] for r in found["reasons"] if (r["outcome"], r["reason"]) == (outcome, reason)), count)
        rows = [json.loads(line) for line in self.tmflow("show", run, "--outcomes", "-o", "jsonl").out.splitlines()]
        order = lambda row: (row.get("account", ""), row.get("region", ""), row["instanceId"], row.get("networkInterfaceId", ""))
        self.assertEqual(sorted(page.rows(), key=order), sorted(rows, key=order))
        self.assertEqual(found["rows"], len(rows))
        return found

    def test_a_run_with_failures(self):
        sim = self.sim("--fault", "500:CreateTrafficMirrorSession@0.4", instances=2500)
        with open(harness.BACKFILL, encoding="utf-8") as f:
            text = re.sub(r"MaxAttempts: \d+", "MaxAttempts: 0", f.read())
        workflow = self.write("impatient.yaml", re.sub(r"AnyFailed\.\$: States.*", "AnyFailed: false", text))
        done = self.tmflow("run", workflow, "--config", sim.config, "--history", "-q", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual(done.code, 5, done.err)
        page = self.page()
        self.needs_nobody(page)
        found = self.agrees(page)
        self.assertGreater(found["rows"], 2048)  # more than one block
        failed = [row for row in page.rows() if row["outcome"] == "failed"]
        self.assertEqual(sum(group["count"] for group in found["failures"]), len(failed))
        group = found["failures"][0]
        self.assertEqual((group["error"], group["operation"]), ("InternalError", "ec2:CreateTrafficMirrorSession"))
        self.assertLessEqual({*group["requestIds"]}, {row["requestId"] for row in failed})
        names = {state["name"]: state for state in found["graph"]["states"]}
        self.assertEqual(names["DescribePage"]["mark"], "done")
        self.assertGreater(names["EnsureEach"]["scopes"][0]["states"][0]["entered"], 100)
        self.assertGreater(sum(sample.get("requests", 0) for sample in found["timeline"]), 100)
        self.assertEqual(sum(sample.get("pages", 0) for sample in found["timeline"]), found["calls"]["DescribeInstances"]["requests"])
        self.assertEqual(sum(sample.get("failed", 0) for sample in found["timeline"]), len(failed))
        self.assertEqual({file["title"] for file in found["files"]}, {"configuration", "definition", "input"})

    def test_hostile_names(self):
        sim = self.sim(instances=len(HOSTILE))
        hook = self.write("hook.lua", "local names = {%s}\nlocal n = 0\nreturn {eligible = function(instance)\n"
                          "n = n + 1\nreturn false, names[n] end}\n" % ", ".join('"%s"' % "".join("\\x%02x" % b for b in name.encode()) for name in HOSTILE))
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--hook", hook, "-q", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        page = self.page()
        self.needs_nobody(page)
        causes = "\n".join(row.get("cause", "") for row in page.rows())
        self.assertTrue([name for name in HOSTILE[:4] if name in causes], causes)
        self.assertEqual(page.document()["run"]["status"], "SUCCEEDED")

    def test_parts(self):
        sim = self.sim("--regions", "us-east-1,eu-west-1", instances=40)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--region", "us-east-1,eu-west-1", "-q", sim=sim)
        self.assertIn(done.code, (0, 5), done.err)
        page = self.page()
        self.needs_nobody(page)
        found = page.document()
        wanted = self.tmflow("show", "@latest", "-o", "json").json
        self.assertEqual(found["run"]["summary"], wanted["summary"])
        self.assertEqual({(part["region"], part["status"]) for part in found["parts"]}, {(part["region"], part["status"]) for part in wanted["parts"]})
        self.assertEqual({row["region"] for row in page.rows()}, {"us-east-1", "eu-west-1"})
        self.assertEqual(len(page.rows()), sum(wanted["summary"].values()))

    def test_what_cannot_be_written(self):
        self.tmflow("run", self.write("w.yaml", "StartAt: A\nStates: {A: {Type: Succeed}}\n"), "-q")
        self.agrees(self.page())
        done = self.tmflow("show", "@latest", "-o", "html", "--output-file", os.path.join(self.dir, "no", "such", "folder.html"))
        self.assertEqual((done.code, done.out), (2, ""), done.err)
        self.assertIn("no/such/folder.html", done.err)
        done = self.tmflow("show", "nobody", "-o", "html")
        self.assertEqual(done.out, "")
        self.assertIn("nobody", done.err)
        done = self.tmflow("runs", "-o", "html")
        self.assertEqual(done.code, 2)
        self.assertIn("-o takes one of text, json, jsonl, not", done.err)


if __name__ == "__main__":
    harness.main()
