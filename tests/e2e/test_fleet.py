"""One run over several accounts and regions."""
import json
import os
import signal
import time

import harness

ACCOUNTS = "123456789012,123456789013,123456789014"
REGIONS = "us-east-1,eu-west-1"
ROLE = "arn:aws:iam::{account}:role/mirror-{region}"
DENIED = ("123456789014", "eu-west-1")


class Fleet(harness.Case):
    def world(self, *options):
        return self.sim("--accounts", "3", "--regions", REGIONS, *options, instances=60)

    def run_all(self, sim, *args, **named):
        return self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--region", REGIONS, "--account", ACCOUNTS,
                           "--assume-role", ROLE, "-o", "json", *args, sim=sim, **named)

    def as_asked(self, sim, account, region):
        with open(sim.config, "rb") as f:
            verdict = sim.ask(f"/_sim/expected?account={account}&region={region}", f.read())
        self.assertTrue(verdict["ok"], (account, region, verdict))
        return verdict["expectedSessions"]

    def test_a_denied_role_fails_its_part_only(self):
        sim = self.world("--deny-role", f"{DENIED[0]}/mirror-{DENIED[1]}")
        done = self.run_all(sim)
        self.assertEqual(done.code, 5, done.err)
        document = done.json
        self.assertEqual(document["status"], "SUCCEEDED")
        self.assertEqual(len(document["parts"]), 6)
        sessions = 0
        for part in document["parts"]:
            place = part["account"], part["region"]
            if place == DENIED:
                self.assertEqual((part["status"], part["error"]), ("FAILED", "TMFlow.Credentials"))
                self.assertIn("AccessDenied", part["cause"])
                self.assertIn("sts:AssumeRole", part["cause"])
            else:
                self.assertEqual(part["status"], "SUCCEEDED", part)
                sessions += self.as_asked(sim, *place)
        self.assertGreater(sessions, 0)
        self.assertEqual(document["summary"]["created"], sessions)

        shown = self.tmflow("show", "@latest", sim=sim)
        self.assertEqual(shown.code, 0)
        for place in ("123456789012  us-east-1", "123456789014  eu-west-1       FAILED"):
            self.assertIn(place, shown.out)
        self.assertIn("--retry-failed", shown.out)
        self.assertNotIn("calls", document)
        calls = self.tmflow("show", "@latest", "-o", "json", sim=sim).json["calls"]
        self.assertEqual(calls["CreateTrafficMirrorSession"]["replies"]["200"], sessions)
        self.assertRegex(shown.out, r"\n  calls to AWS +requests .*\n")
        rows = [json.loads(line) for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl", sim=sim).out.splitlines()]
        self.assertEqual(len({(row["account"], row["region"]) for row in rows}), 5)
        self.assertEqual(sum(document["summary"].values()), len(rows))

        # Parts do not show among the runs, and are resumed as a whole only.
        runs = self.tmflow("runs", "-o", "json", sim=sim).json
        self.assertEqual([run["runId"] for run in runs], [document["runId"]])
        refused = self.tmflow("resume", document["parts"][0]["runId"], sim=sim)
        self.assertEqual(refused.code, 2)
        self.assertIn("is a part", refused.err)

        # The headline says so, too.
        self.assertIn("SUCCEEDED, 1 of 6 parts failed", shown.out.splitlines()[0])

    def test_what_is_missing_in_one_place_starts_nothing_in_any(self):
        sim = self.world()
        world = {region: sim.ask(f"/_sim/world?region={region}&limit=1") for region in REGIONS.split(",")}
        for region, there in world.items():
            self.write(f"{region}.yaml", "vpcs:\n  - vpcId: %s\n    filterId: %s\n    targetId: %s\n" % (
                there["Vpcs"][0], "tmf-0123456789abcdef0" if region == "eu-west-1" else there["Filters"][0], there["GivenTargets"][0]))
        words = ("run", harness.BACKFILL, "--config", os.path.join(self.dir, "{region}.yaml"), "--region", REGIONS)
        for options in ((), ("--dry-run",), ("-o", "json")):
            done = self.tmflow(*words, *options, sim=sim)
            self.assertEqual(done.code, 2, done.err)
            self.assertRegex(done.err, r"eu-west-1\.yaml:3:15: error: traffic mirror filter not found in this account and region: tmf-0")
            self.assertIn("looked up in eu-west-1\n", done.err)
            self.assertNotIn("us-east-1.yaml", done.err)
        self.assertEqual([d["code"] for d in done.json["diagnostics"]], ["NOT_FOUND_IN_AWS"])
        self.assertEqual(self.tmflow("runs", "-o", "json", sim=sim).json, [])
        done = self.tmflow(*words, "--no-online-check", sim=sim)
        self.assertIn("SUCCEEDED, ", done.out.splitlines()[0])
        self.assertEqual(done.code, 5, done.err)

    def test_a_part_that_failed_is_tried_again(self):
        sim = self.world()
        # The first AssumeRole of all is refused, as long as it lasts.
        failing = self.run_all(sim, env={"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"})
        self.assertEqual(failing.code, 1, failing.err)
        document = failing.json
        self.assertEqual(document["status"], "FAILED")
        self.assertIn("all 6 parts failed", document["cause"])
        again = self.tmflow("resume", "@latest", "-o", "json", sim=sim)
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual(again.json["status"], "SUCCEEDED")
        for account in ACCOUNTS.split(","):
            for region in REGIONS.split(","):
                self.as_asked(sim, account, region)

    def test_killed_and_resumed(self):
        sim = self.world("--fault", "delay:10@1")
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--region", REGIONS, "--account", ACCOUNTS,
                             "--assume-role", ROLE, "-o", "json", "-q", sim=sim)
        self.until_signals_are_caught(process)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        done = self.tmflow("resume", "@latest", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(done.json["parts"]), 6)
        for account in ACCOUNTS.split(","):
            for region in REGIONS.split(","):
                self.as_asked(sim, account, region)

    def test_interrupted(self):
        sim = self.world("--fault", "delay:30@1")
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--region", REGIONS, "--account", ACCOUNTS,
                             "--assume-role", ROLE, "-o", "json", "-q", sim=sim)
        self.until_signals_are_caught(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 3, err)
        self.assertEqual(json.loads(out)["status"], "INTERRUPTED")
        self.assertEqual(self.tmflow("resume", "@latest", "-o", "json", sim=sim).code, 0)

    def test_a_file_of_accounts(self):
        sim = self.world()
        accounts = self.write("accounts.yaml", """
assumeRole: arn:aws:iam::{account}:role/tmflow
regions: [us-east-1]
accounts:
  - id: "123456789012"
  - id: "123456789013"
    assumeRole: arn:aws:iam::123456789013:role/other
    regions: [us-east-1, eu-west-1]
""")
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--accounts", accounts, "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        places = [(part["account"], part["region"]) for part in done.json["parts"]]
        self.assertEqual(places, [("123456789012", "us-east-1"), ("123456789013", "eu-west-1"), ("123456789013", "us-east-1")])
        # A rule is for one of the accounts: that the others have nothing for it is said of them, not of the run.
        said = [line for line in done.err.splitlines() if "took no instance in" in line]
        self.assertGreater(len(said), 0)
        self.assertEqual({line.partition(" took no instance in ")[2] for line in said} - {" ".join(place) for place in places}, set())

    def test_several_regions_of_the_own_account(self):
        sim = self.world()
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--region", REGIONS, "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual([part.get("account") for part in done.json["parts"]], [None, None])
        for region in REGIONS.split(","):
            self.as_asked(sim, "123456789012", region)

    def test_what_is_refused(self):
        sim = self.world()
        bad = self.write("accounts.yaml", "acounts: []\naccounts:\n  - {id: 123, rol: x}\n")
        refused = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--accounts", bad, sim=sim)
        self.assertEqual(refused.code, 2)
        self.assertIn('accounts.yaml:1:1: error: unknown key "acounts" (did you mean "accounts"?)', refused.err)
        self.assertIn("accounts.yaml:3:", refused.err)
        for args, says in ((["--account", "12", "--assume-role", ROLE], "12 digits"),
                           (["--account", ACCOUNTS], "--assume-role"),
                           (["--region", "us-east-1,"], "empty name"),
                           (["--region", "us-east-1,us-east-1"], "given twice"),
                           (["--account", ACCOUNTS, "--accounts", bad], "not together")):
            refused = self.tmflow("run", harness.BACKFILL, "--config", sim.config, *args, sim=sim)
            self.assertEqual(refused.code, 2, args)
            self.assertIn(says, refused.err)
        plain = self.write("plain.yaml", "StartAt: A\nStates:\n  A: {Type: Succeed}\n")
        refused = self.tmflow("run", plain, "--region", REGIONS, sim=sim)
        self.assertEqual(refused.code, 2)
        self.assertEqual(self.tmflow("runs", "-o", "json", sim=sim).json, [])


if __name__ == "__main__":
    harness.main()
