"""--organization: all active accounts and their enabled regions, as coverage, audit, doctor and runs see them."""
import fcntl
import os
import re
import shutil
import time

import harness
import services

FIRST = 123456789012
REGIONS = "us-east-1,eu-west-1"


def account(n):
    """Account n of the simulator: 0 stands in the root, odd ones in the unit below it, even ones in the unit below that."""
    return str(FIRST + n)


class Organization(harness.Case):
    def world(self, *options, accounts=5, instances=20):
        return self.sim("--accounts", str(accounts), "--regions", REGIONS, *options, instances=instances)

    def ask(self, sim, command, *args, code=0, role="mirror", region=None, **named):
        words = [command, "--organization", "--assume-role", role, "-o", "json", *args]
        if region:
            words += ["--region", region]
        done = self.tmflow(*words, sim=sim, **named)
        self.assertEqual(done.code, code, done.err + done.out)
        return done

    def coverage(self, sim, *args, **named):
        return self.ask(sim, "coverage", "--config", sim.config, "--by", "account,region", *args, **named)

    def places(self, document):
        return {(g["by"]["account"], g["by"]["region"]): g["interfaces"] for g in document["groups"]}

    def expect(self, accounts, regions=REGIONS):
        return {(account(n), region) for n in accounts for region in regions.split(",")}

    # --- which accounts ---

    def test_every_account_in_every_enabled_region(self):
        sim = self.world()
        places = self.places(self.coverage(sim).json)
        self.assertEqual(set(places), self.expect(range(5)))
        # The same places, one by one, add up to the same.
        one = self.tmflow("coverage", "--config", sim.config, "-o", "json", "--region", "eu-west-1", "--account", account(3), "--assume-role",
                          "arn:aws:iam::{account}:role/mirror", "--by", "account,region", sim=sim).json
        self.assertEqual(self.places(one)[(account(3), "eu-west-1")], places[(account(3), "eu-west-1")])

    def test_pages_of_accounts(self):
        sim = self.world(accounts=43, instances=2)
        places = self.places(self.coverage(sim, "--region", "us-east-1").json)
        self.assertEqual({a for a, _ in places}, {account(n) for n in range(43)})

    def test_suspended_accounts_are_told_and_left_out(self):
        sim = self.world("--suspend-account", account(2))
        done = self.coverage(sim)
        self.assertEqual(set(self.places(done.json)), self.expect([0, 1, 3, 4]))
        self.assertIn(f"tmflow: account {account(2)} (account-3) is left out: it is SUSPENDED\n", done.err)
        self.assertNotIn(account(1), done.err)
        self.assertEqual(done.json["failed"], [])

    def test_units_and_what_is_below_them(self):
        sim = self.world()
        for args, accounts in ((["--unit", "ou-ex01-inner001"], [2, 4]), (["--unit", "ou-ex01-members1"], [1, 2, 3, 4]), (["--unit", "r-ex01"], range(5)),
                               (["--unit", "ou-ex01-inner001,ou-ex01-members1"], [1, 2, 3, 4]), (["--exclude", f"{account(0)},ou-ex01-inner001"], [1, 3]),
                               (["--unit", "ou-ex01-members1", "--exclude", account(3)], [1, 2, 4])):
            self.assertEqual(set(self.places(self.coverage(sim, *args).json)), self.expect(accounts), args)
        done = self.coverage(sim, "--unit", "ou-ex01-nowhere1", code=1)
        self.assertIn("ou-ex01-nowhere1", done.err)
        self.assertIn("ParentNotFoundException", done.out)
        done = self.coverage(sim, "--exclude", "r-ex01", code=2)
        self.assertIn("no active account is left", done.err)

    # --- which regions ---

    def test_regions_that_are_not_enabled(self):
        sim = self.world("--disable-region", f"{account(1)}/eu-west-1")
        done = self.coverage(sim)
        self.assertEqual(set(self.places(done.json)), self.expect(range(5)) - {(account(1), "eu-west-1")})
        self.assertNotIn("is left out", done.err)
        done = self.coverage(sim, region="eu-west-1")
        self.assertEqual(set(self.places(done.json)), self.expect([0, 2, 3, 4], "eu-west-1"))
        self.assertIn(f"tmflow: eu-west-1 of account {account(1)} is left out: the region is not enabled\n", done.err)
        done = self.coverage(sim, "--unit", "ou-ex01-members1", "--exclude", f"{account(3)},ou-ex01-inner001", region="eu-west-1", code=2)
        self.assertIn("no account has one of the regions enabled", done.err)

    def test_regions_that_an_account_does_not_tell(self):
        sim = self.world()
        sim.ask(f"/_sim/faults?account={account(4)}", {"faults": ["refuse:UnauthorizedOperation:DescribeRegions@1"]})
        done = self.coverage(sim, code=1)
        self.assertEqual(set(self.places(done.json)), self.expect(range(4)))
        self.assertEqual([(f["account"], f["error"]) for f in done.json["failed"]], [(account(4), "UnauthorizedOperation")])
        # What --region says is asked for even so.
        done = self.coverage(sim, region="us-east-1")
        self.assertEqual(set(self.places(done.json)), self.expect(range(5), "us-east-1"))

    # --- what fails ---

    def test_a_denied_account_holds_up_no_other(self):
        sim = self.world("--deny-role", account(1))
        done = self.coverage(sim, code=1)
        self.assertEqual(set(self.places(done.json)), self.expect([0, 2, 3, 4]))
        failed, = done.json["failed"]
        self.assertEqual((failed["account"], failed["error"]), (account(1), "TMFlow.Credentials"))
        self.assertIn("AccessDenied", failed["cause"])
        audit = self.ask(sim, "audit", code=1).json
        self.assertEqual([f["account"] for f in audit["failed"]], [account(1)])
        self.assertEqual({f["account"] for f in audit["findings"]}, {account(n) for n in (0, 2, 3, 4)})

    def test_keys_that_may_not_list_the_organization(self):
        sim = self.world()
        sim.ask("/_sim/faults", {"faults": ["refuse:AccessDeniedException:ListAccounts@1"]})
        done = self.coverage(sim, code=1)
        self.assertIn("management account or of a delegated administrator", done.err)
        self.assertEqual(done.json["error"], "AccessDeniedException")

    def test_throttled_lists(self):
        sim = self.world("--fault", "throttle:ListAccounts@0.3", "--fault", "throttle:DescribeRegions@0.3", accounts=43, instances=2)
        self.assertEqual(len(self.places(self.coverage(sim).json)), 86)

    # --- runs ---

    def run_all(self, sim, *args, config=None, **named):
        words = ["run", harness.BACKFILL, "--config", config or sim.config, "--organization", "--assume-role", "mirror", "-o", "json"]
        return self.tmflow(*words, *args, sim=sim, **named)

    def test_a_run_over_all_of_it(self):
        sim = self.world("--deny-role", account(1), "--suspend-account", account(2), accounts=4)
        done = self.run_all(sim, "--region", REGIONS)
        self.assertEqual(done.code, 5, done.err)
        self.assertIn("SUSPENDED", done.err)
        parts = {(p["account"], p["region"]): p["status"] for p in done.json["parts"]}
        self.assertEqual(parts, {place: "FAILED" if place[0] == account(1) else "SUCCEEDED" for place in self.expect([0, 1, 3])})
        found = self.coverage(sim, code=1).json
        self.assertEqual(found["classes"]["missing"], 0)
        self.assertEqual(found["classes"]["mirrored"], done.json["summary"]["created"])
        self.assertGreater(done.json["summary"]["created"], 0)
        again = self.run_all(sim, "--region", REGIONS, "--dry-run").json
        self.assertEqual(again["summary"].get("created", 0), 0)

    def test_more_places_than_run_at_once(self):
        """202 places: two wait in the store until others are over. One that is interrupted before its turn is started by the resume."""
        sim = self.sim("--accounts", "101", "--regions", REGIONS, "--single-subnet", "--scenario", "vpcs", "--plain", instances=1)
        done = self.run_all(sim)
        self.assertEqual(done.code, 0, done.err[-2000:])
        self.assertNotIn("not checked against AWS", done.err)
        self.assertEqual((len(done.json["parts"]), {p["status"] for p in done.json["parts"]}), (202, {"SUCCEEDED"}))
        created = done.json["summary"]["created"]
        self.assertEqual(created, sum(sim.ask(f"/_sim/report?account={account(n)}&region={r}")["sessions"]["live"] for n in range(101) for r in REGIONS.split(",")))
        self.assertEqual(created, 202)

    def test_more_places_than_run_at_once_are_looked_at_before(self):
        sim = self.sim("--accounts", "101", "--regions", REGIONS, "--single-subnet", "--scenario", "vpcs", "--plain", instances=1)
        with open(sim.config, encoding="utf-8") as f:
            good = f.read()
        bad = re.sub(r"filterId: \S+", "filterId: tmf-0000000000000dead", good, count=1)
        self.assertNotEqual(good, bad)
        # A file that all go by may mean another place's filter: one warning, however many places there are.
        done = self.run_all(sim, "--dry-run", config=self.write("shared.yaml", bad))
        self.assertEqual(done.code, 0, done.err[-2000:])
        self.assertEqual(len(re.findall(r"shared\.yaml:.*tmf-0000000000000dead", done.err)), 1, done.err[-2000:])
        # A place's own file may not, and nothing is started anywhere.
        for n in range(101):
            for region in REGIONS.split(","):
                self.write(f"{account(n)}-{region}.yaml", bad if (n, region) == (100, "eu-west-1") else good)
        runs = self.tmflow("runs", "-o", "json").json
        done = self.run_all(sim, config=os.path.join(self.dir, "{account}-{region}.yaml"))
        self.assertEqual(done.code, 2, done.err[-2000:])
        self.assertIn(f"tmflow: looked up in {account(100)} eu-west-1\n", done.err)
        self.assertEqual(self.tmflow("runs", "-o", "json").json, runs)

    def test_parts_whose_turn_had_not_come_are_started_by_a_resume(self):
        sim = self.sim("--accounts", "101", "--regions", REGIONS, "--single-subnet", "--scenario", "vpcs", "--plain", "--fault", "delay:60000:DescribeInstances@1", instances=1)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--organization", "--assume-role", "mirror", "-o", "json", sim=sim)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None and not self.tmflow("runs", "-o", "json").json:
            time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.kill()
        process.communicate()
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", "@latest", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err[-2000:])
        self.assertEqual((len(done.json["parts"]), {p["status"] for p in done.json["parts"]}), (202, {"SUCCEEDED"}))
        self.assertEqual(done.json["summary"]["created"], 202)

    # --- the doctor ---

    def checks(self, done):
        """Those of each place; of the whole under None."""
        places = {}
        for check in done.json["checks"]:
            place = (check["account"], check["region"]) if "region" in check else None
            self.assertNotIn(check["name"], places.setdefault(place, {}))
            places[place][check["name"]] = check
        return places

    def failed(self, places):
        return {place: {name for name, check in checks.items() if check["status"] == "fail"} for place, checks in places.items()}

    def test_doctor_in_every_place(self):
        sim = self.world(accounts=3)
        done = self.ask(sim, "doctor", "--config", sim.config, code=1)
        places = self.checks(done)
        self.assertEqual(set(places) - {None}, self.expect(range(3)))
        self.assertEqual(set(places[None]), {"state-directory"})
        for (account_, region), checks in ((p, c) for p, c in places.items() if p):
            self.assertIn(f"in account {account_}", checks["identity"]["seen"])
            self.assertIn(region, checks["region"]["seen"])
        # What the rules name is there in one place each, and the others say so.
        one = self.tmflow("doctor", "--config", sim.config, "-o", "json", sim=sim, env={"AWS_REGION": "us-east-1"}).json["checks"]
        same = {c["name"]: c["status"] for c in one if c["name"] not in ("state-directory", "settings", "credentials")}
        there = places[(account(0), "us-east-1")]
        self.assertEqual(set(there), set(same))
        elsewhere = {name for name, status in same.items() if there[name]["status"] != status}
        self.assertTrue(elsewhere)
        for name in elsewhere:
            self.assertIn(name.split(":")[0], ("filter", "target"))
            self.assertEqual((same[name], there[name]["status"]), ("fail", "warn"))
            self.assertIn("another account or region", there[name]["remedy"])
        # In one place a permission is missing.
        before = self.failed(places)
        sim.ask(f"/_sim/faults?account={account(1)}&region=eu-west-1", {"faults": ["refuse:UnauthorizedOperation:CreateTrafficMirrorSession@1"]})
        after = self.failed(self.checks(self.ask(sim, "doctor", "--config", sim.config, code=1)))
        self.assertEqual({p: after[p] - before[p] for p in after if after[p] != before[p]},
                         {(account(1), "eu-west-1"): {"permission:ec2:CreateTrafficMirrorSession"}})

    def test_doctor_where_a_role_is_denied_or_a_file_is_wrong(self):
        sim = self.world("--deny-role", account(1), accounts=3)
        shutil.copy(sim.config, os.path.join(self.dir, "us-east-1.yaml"))
        self.write("eu-west-1.yaml", "vpcs: nothing\n")
        config = os.path.join(self.dir, "{region}.yaml")
        places = self.checks(self.ask(sim, "doctor", "--config", config, region=REGIONS, code=1))
        self.assertEqual(set(places) - {None}, self.expect(range(3)))
        for n in (0, 2):
            self.assertEqual(set(places[(account(n), "eu-west-1")]), {"place"})
            self.assertIn("eu-west-1.yaml", places[(account(n), "eu-west-1")]["place"]["seen"])
            self.assertEqual(places[(account(n), "us-east-1")]["identity"]["status"], "pass")
        self.assertEqual(places[(account(1), "us-east-1")]["identity"]["status"], "fail")
        self.assertIn("AccessDenied", places[(account(1), "us-east-1")]["identity"]["seen"])
        # Without --region the denied account is one place.
        places = self.checks(self.ask(sim, "doctor", "--config", sim.config, code=1))
        self.assertEqual({p for p in places if p and p[0] == account(1)}, {(account(1), "us-east-1")})
        self.assertIn("AccessDenied", places[(account(1), "us-east-1")]["place"]["seen"])

    def test_doctor_for_people_and_by_other_lists(self):
        sim = self.world(accounts=2)
        done = self.tmflow("doctor", "--config", sim.config, "--region", REGIONS, sim=sim)
        self.assertRegex(done.out, r"(?m)^pass  state-directory: .*\nus-east-1: [0-9]+ pass, [0-9]+ warn, [0-9]+ fail$")
        self.assertRegex(done.out, r"(?m)^2 accounts and regions: [0-9]+ pass, [0-9]+ warn, [0-9]+ fail$")
        self.assertNotIn("pass  identity", done.out)
        accounts = self.write("accounts.yaml", f"""assumeRole: arn:aws:iam::{{account}}:role/mirror
accounts:
  - {{id: '{account(1)}', regions: [us-east-1, eu-west-1]}}
""")
        done = self.tmflow("doctor", "--config", sim.config, "--accounts", accounts, "-o", "json", sim=sim)
        self.assertEqual(set(self.checks(done)) - {None}, self.expect([1]))
        done = self.tmflow("doctor", "--config", sim.config, "--accounts", accounts, "--account", account(0), "-o", "json", sim=sim)
        self.assertEqual(done.code, 2)
        self.assertIn("--accounts", done.json["cause"])

    def test_words_that_do_not_go_together(self):
        sim = self.world(accounts=1)
        for args, said in ((["--assume-role", "arn:aws:iam::123456789012:role/one"], "needs --assume-role"), ([], "needs --assume-role"),
                           (["--assume-role", "mirror", "--account", account(0)], "not together with --account"),
                           (["--assume-role", "mirror", "--unit", "members"], "--unit takes ids"), (["--assume-role", "mirror", "--unit", account(0)], "--unit takes ids"),
                           (["--assume-role", "mirror", "--exclude", "ou-1,,"], "empty name")):
            for command in ("coverage", "audit"):
                done = self.tmflow(command, "--config", sim.config, "--organization", *args, sim=sim)
                self.assertEqual(done.code, 2, done.err)
                self.assertIn(said, done.err)
        done = self.tmflow("coverage", "--config", sim.config, "--unit", "ou-ex01-members1", sim=sim)
        self.assertEqual(done.code, 2)
        self.assertIn("only with --organization", done.err)
        done = self.tmflow("coverage", "--run", "@latest", "--organization", sim=sim)
        self.assertEqual(done.code, 2)


class Rounds(services.Case):
    """reconcile --organization."""

    def reconcile(self, sim, *args, every="1h"):
        return self.spawn(["reconcile", harness.BACKFILL, "--every", every, "--config", sim.config, "--organization", "--assume-role", "mirror",
                           "--log-level", "info", "-o", "json", *args], self.keys(sim))

    def until(self, process, pattern, count=1):
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = re.findall(pattern, self.said(process))
            if len(found) >= count:
                return found
            self.assertIsNone(process.poll(), self.said(process))
            time.sleep(0.05)
        self.fail(self.said(process))

    def end(self, process):
        process.terminate()
        return process.wait(60)

    def parts(self, sim):
        """Of the last run: {(account, region): part}."""
        run = self.tmflow("runs", "-o", "json", sim=sim).json[0]
        return {(p["account"], p["region"]): p for p in self.tmflow("show", run["runId"], "-o", "json", sim=sim).json["parts"]}

    def hold(self, *places):
        """As another process that reconciles them; files to be closed."""
        locks = os.path.join(self.dir, "state", "locks")
        os.makedirs(locks, mode=0o700, exist_ok=True)
        held = []
        for account_, region in places:
            held.append(open(os.path.join(locks, f"reconcile-{account_}-{region}.lock"), "w", encoding="utf-8"))
            fcntl.flock(held[-1], fcntl.LOCK_EX)
            held[-1].write("elsewhere 4711\n")
            held[-1].flush()
        return held

    def test_a_round_in_every_account(self):
        sim = self.sim("--accounts", "4", "--regions", REGIONS, "--deny-role", account(1), "--suspend-account", account(2), instances=20)
        process = self.reconcile(sim)
        code, = set(self.until(process, r"reconcile\.round.* code=(\d+)"))
        self.assertEqual(code, "5")     # the denied account's part fails, and no round for it
        places = [(account(n), region) for n in (0, 3) for region in REGIONS.split(",")]
        self.assertEqual({place: part["status"] for place, part in self.parts(sim).items()},
                         {**{place: "SUCCEEDED" for place in places}, (account(1), "us-east-1"): "FAILED"})
        query = f"account={account(3)}&region=eu-west-1"
        self.assertGreater(sim.ask(f"/_sim/report?{query}")["sessions"]["live"], 0)
        self.assertEqual(self.end(process), 0)
        with open(sim.config, "rb") as f:
            self.assertTrue(sim.ask(f"/_sim/expected?{query}", f.read())["ok"])

    def test_a_place_that_another_process_reconciles_is_left_to_it(self):
        sim = self.sim("--accounts", "2", "--regions", REGIONS, instances=10)
        places = [(account(n), region) for n in range(2) for region in REGIONS.split(",")]
        held = self.hold(places[2])
        process = self.reconcile(sim)
        self.until(process, r"reconcile\.next")
        self.assertEqual(self.end(process), 0)
        parts = self.parts(sim)
        self.assertEqual({place: part["status"] for place, part in parts.items()}, {place: "FAILED" if place == places[2] else "SUCCEEDED" for place in places})
        self.assertIn("is held by pid 4711 on elsewhere", parts[places[2]]["cause"])
        runs = len(self.tmflow("runs", "-o", "json", sim=sim).json)
        # Where it has all of them the round is left out, and leaves no run.
        held += self.hold(places[0], places[1], places[3])
        process = self.reconcile(sim, every="1s")
        self.assertEqual(set(self.until(process, r"reconcile\.round.* code=(\d+)", 2)), {"4"})
        self.assertRegex(self.said(process), "failures=0")
        self.assertEqual(self.end(process), 0)
        self.assertEqual(len(self.tmflow("runs", "-o", "json", sim=sim).json), runs)
        for lock in held:
            lock.close()
        process = self.reconcile(sim)
        self.until(process, r"reconcile\.round.* code=0")
        self.assertEqual(self.end(process), 0)
        self.assertEqual({part["status"] for part in self.parts(sim).values()}, {"SUCCEEDED"})


if __name__ == "__main__":
    harness.main()
