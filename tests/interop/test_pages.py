"""The pages in a real browser: what they say is what -o json says, by mouse and keyboard, in both themes, narrow and wide; axe-core finds no
violation, the console is silent, nothing elsewhere is asked for, and hostile names are text."""
import json
import os
import re
import shutil
import unittest
import urllib.parse

import harness
import interop

HOSTILE = ['<script>alert(1)</script>"\'', "\u202egnp.exe", "x" * 256, "\U0001f9ea</td>"]
SHOTS = os.path.join(interop.DIR, "screenshots")
WIDTHS = (360, 1440, 2560)


def chromium():
    path = shutil.which("chromium")
    if path is None:
        interop.missing("chromium (tools/setup interop)")
    return path


class Pages(harness.Case):
    @classmethod
    def setUpClass(cls):
        chromium()
        interop.node_packages()
        os.makedirs(SHOTS, exist_ok=True)

    def look(self, pages):
        seen = json.loads(interop.node("pages.cjs", chromium(), SHOTS, stdin=json.dumps(pages)))
        for page in seen:
            self.assertEqual(page["violations"], [], page["name"])
            self.assertEqual(page["console"], [], page["name"])
            self.assertEqual(page["failed"], [], page["name"])
            self.assertFalse(page["wide"], f"{page['name']} is wider than its window")
            self.assertTrue(os.path.getsize(os.path.join(SHOTS, page["name"] + ".png")) > 5000)
        return {page["name"]: page for page in seen}

    def both(self, name, url, **more):
        """A page in each theme and width."""
        return [{"name": f"{name}-{'dark' if dark else 'light'}-{width}", "url": url, "dark": dark, "width": width, **more}
                for dark in (False, True) for width in WIDTHS]

    def a_run(self):
        sim = self.sim("--fault", "500:CreateTrafficMirrorSession@0.4", instances=300)
        with open(harness.BACKFILL, encoding="utf-8") as f:
            text = re.sub(r"MaxAttempts: \d+", "MaxAttempts: 0", f.read())
        workflow = self.write("impatient.yaml", re.sub(r"AnyFailed\.\$: States.*", "AnyFailed: false", text))
        names = ", ".join('"%s"' % "".join("\\x%02x" % b for b in name.encode()) for name in HOSTILE)
        hook = self.write("hook.lua", "local names = {%s}\nlocal n = 0\nreturn {eligible = function(instance)\nn = n + 1\nreturn n > #names, names[n] end}\n" % names)
        done = self.tmflow("run", workflow, "--config", sim.config, "--hook", hook, "--history", "-q", sim=sim, env={"AWS_MAX_ATTEMPTS": "1"})
        self.assertEqual(done.code, 5, done.err)
        return sim

    def test_report(self):
        self.a_run()
        shown = self.tmflow("show", "@latest", "-o", "json").json
        rows = [json.loads(line) for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()]
        file = os.path.join(self.dir, "run.html")
        self.assertEqual(self.tmflow("show", "@latest", "-o", "html", "--output-file", file).code, 0)
        url = "file://" + os.path.abspath(file)
        failed = [row for row in rows if row["outcome"] == "failed"]
        name = next(row["name"] for row in rows if row["outcome"] == "created")
        find = {"name": "report-search", "url": url, "steps": [{"on": "input[type=search]", "type": name}],
                "values": {"rows": "document.querySelector('.rows').getAttribute('aria-rowcount')"}}
        choose = {"name": "report-choose", "url": url, "steps": [{"on": "#items select", "choose": "failed"}],
                  "values": {"rows": "document.querySelector('.rows').getAttribute('aria-rowcount')"}}
        sort = {"name": "report-sort", "url": url, "steps": [{"focus": "#items [role=columnheader]:nth-child(2) button"}, {"press": "Enter"}, {"press": "Enter"}],
                "values": {"names": "[...document.querySelectorAll('#items .row')].map(row => row.children[1].textContent)",
                           "sort": "document.querySelector('#items [role=columnheader]:nth-child(2)').getAttribute('aria-sort')"}}
        seen = self.look(self.both("report", url, values={"scripts": "window.alerted || 0"}) + [find, choose, sort])
        for page in seen.values():
            self.assertEqual({urllib.parse.urlsplit(r).scheme for r in page["requests"]}, {"file"}, page["requests"])
            self.assertEqual(len(page["requests"]), 1)
        text = seen["report-light-1440"]["text"]
        self.assertIn(f"SUCCEEDED, {len(failed)} of {len(rows)} failed", text)
        for outcome, count in shown["summary"].items():
            self.assertRegex(text, rf"{outcome}\s+{count}\b")
        self.assertIn("InternalError", text)
        self.assertEqual(seen["report-search"]["values"]["rows"], str(1 + len([row for row in rows if name in json.dumps(row)])))
        self.assertEqual(seen["report-choose"]["values"]["rows"], str(1 + len(failed)))
        self.assertEqual(seen["report-sort"]["values"]["sort"], "descending")
        names = seen["report-sort"]["values"]["names"]
        self.assertEqual(names, sorted((row.get("name", "") for row in rows), reverse=True)[:len(names)])

    def test_live(self):
        sim = self.a_run()
        run = self.tmflow("show", "@latest", "-o", "json").json
        process = self.start("ui")
        self.addCleanup(process.kill)
        entry = process.stdout.readline().strip()
        address = urllib.parse.urlsplit(entry)
        here = f"{address.scheme}://{address.netloc}"
        page = f"{entry}#/run/{run['runId']}"
        whole = "document.querySelector('#failures') && document.querySelector('#items tbody').children.length > 0"
        state = {"name": "live-state", "url": page, "until": "document.querySelectorAll('#history tbody tr').length > 0",
                 "steps": [{"focus": "#graph g[role=button]"}, {"press": "Enter", "pause": 1500}],
                 "values": {"events": "document.querySelector('#history').innerText"}}
        keys = {"name": "live-keys", "url": page, "until": "document.querySelectorAll('#history tbody tr').length > 0",
                "steps": [{"focus": "#graph g[role=button]"}, {"press": "ArrowDown"}, {"press": "ArrowRight"}, {"press": "ArrowUp"}, {"press": "Enter", "pause": 1500}],
                "values": {"events": "document.querySelector('#history').innerText", "stops": "document.querySelectorAll('#graph g[tabindex=\"0\"]').length"}}
        came = {"name": "live-came", "url": entry, "until": "document.querySelector('#graph')", "steps": [{"focus": "tbody a"}, {"press": "Enter", "pause": 2000}],
                "values": {"focus": "document.activeElement.tagName"}}
        none = {"name": "runs-none", "url": entry, "steps": [{"on": ".tools select", "choose": "FAILED"}],
                "values": {"said": "document.querySelector('[role=status]').textContent", "focus": "document.activeElement.tagName"}}
        seen = self.look(self.both("runs", entry, until="document.querySelector('tbody tr')") + self.both("live", page, until=whole) + [state, keys, came, none])
        self.assertIn("events of DescribePage", seen["live-keys"]["values"]["events"])
        self.assertEqual(seen["live-keys"]["values"]["stops"], 1)
        self.assertEqual(seen["live-came"]["values"]["focus"], "H1")
        self.assertEqual(seen["runs-none"]["values"], {"said": "none", "focus": "BODY"})
        again = self.tmflow("run", os.path.join(self.dir, "impatient.yaml"), "--config", sim.config, "-q", "-o", "json", sim=sim).json["runId"]
        compare = {"url": f"{entry}#/run/{again}", "steps": [{"click": "#compare button", "pause": 1500}], "until": "document.querySelector('tbody tr')",
                   "values": {"hash": "location.hash"}}
        seen.update(self.look([{**compare, "name": "compare-light-1440"}, {**compare, "name": "compare-dark-360", "dark": True, "width": 360}]))
        self.assertEqual(seen["compare-dark-360"]["values"]["hash"], f"#/compare/{run['runId']}/{again}")
        self.assertRegex(seen["compare-light-1440"]["text"], r"failed tags\[\d\] .*InternalError\s+(present|created) ")
        for one in seen.values():
            self.assertEqual({r[:len(here)] for r in one["requests"]}, {here}, one["requests"])
        self.assertIn(run["runId"], seen["runs-light-1440"]["text"])
        text = seen["live-light-1440"]["text"]
        self.assertIn(f"SUCCEEDED, {run['summary']['failed']} of {sum(run['summary'].values())} failed", text)
        for outcome, count in run["summary"].items():
            self.assertRegex(text, rf"{outcome}\s+{count}\b")
        self.assertIn("events of FirstPage", seen["live-state"]["values"]["events"])

    def test_live_filter(self):
        """What is rare is found although it is many pages behind, by a choice as by a search, and the page says so once."""
        self.large_run("large")
        rows = [json.loads(line) for line in self.tmflow("show", "large", "--outcomes", "-o", "jsonl").out.splitlines()]
        rare = next(row for row in rows if row["instanceId"] == "i-z011000")
        self.assertEqual(len([row for row in rows if row["outcome"] == rare["outcome"]]), 1)
        process = self.start("ui")
        self.addCleanup(process.kill)
        page = process.stdout.readline().strip() + "#/run/large"
        found = {"url": page, "until": "document.querySelector('#items [role=status]').textContent.startsWith('1 shown')",
                 "values": {"rows": "[...document.querySelectorAll('#items tbody tr')].map(row => row.children[0].textContent)"}}
        none = {"name": "live-search-none", "url": page, "steps": [{"on": "#items input", "type": "nobody"}, {"press": "Enter"}],
                "until": "document.querySelector('#items [role=status]').textContent === 'none'",
                "values": {"more": "document.querySelector('#items > div:last-child > button').hidden"}}
        pages = [{"name": "live-choose", **found, "steps": [{"on": "#items select", "choose": rare["outcome"]}]},
                 {"name": "live-search", **found, "steps": [{"on": "#items input", "type": "I-Z011000"}, {"press": "Enter"}]}, none]
        more = {"name": "live-more", "url": page, "steps": [{"click": "#items > div:last-child > button", "pause": 0}] * 2,
                "until": "document.querySelectorAll('#items tbody tr').length >= 200",
                "values": {"rows": "[...document.querySelectorAll('#items tbody tr')].map(row => row.children[0].textContent)"}}
        seen = self.look(pages + [more])
        self.assertEqual(seen["live-choose"]["values"]["rows"], ["i-z011000"])
        self.assertEqual(seen["live-search"]["values"]["rows"], ["i-z011000"])
        self.assertTrue(seen["live-search-none"]["values"]["more"])
        names = seen["live-more"]["values"]["rows"]
        self.assertEqual(len(names), len(set(names)))

    def test_coverage(self):
        sim = self.a_run()
        file = os.path.join(self.dir, "coverage.html")
        done = self.tmflow("coverage", "--config", sim.config, "-o", "html", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        with open(file, "w", encoding="utf-8") as f:
            f.write(done.out)
        wanted = self.tmflow("coverage", "--config", sim.config, "-o", "json", sim=sim).json
        seen = self.look(self.both("coverage", "file://" + os.path.abspath(file)))
        text = seen["coverage-light-1440"]["text"]
        for name, count in wanted["classes"].items():
            if count > 0:
                self.assertRegex(text, rf"(?s){name}\W+{count}\b|\b{count}\W+{name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
