#!/usr/bin/env python3
"""tmflow init, and the way of a new user: a profile that signs in by a browser, an empty directory, and from there to a plan."""
import hashlib
import json
import os
import re
import shutil
import subprocess

import fakes
import harness

HOSTILE = "x\nvpcs: [evil]\x85subnets: [evil]\u2028tags: [evil]\u2029exclude: evil \" \\ # \ufeff\u202e\x7f"
KEY, SECRET, TOKEN = "ASIAEXAMPLE", "wJalrXUtnFEMI/of/the/session", "session+token/of=="


def uncommented(text, lines):
    """The text with the # off the choices whose line has the word."""
    return re.sub(rf"(?m)^( *)# (- \{{.*{lines}.*)$", r"\1\2", text)


class Init(harness.Case):
    def init(self, sim, *args, **named):
        path = os.path.join(self.dir, "new.yaml")
        return path, self.tmflow("init", "--output-file", path, *args, sim=sim, **named)

    def text(self, path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def valid(self, text, *args, sim=None):
        done = self.tmflow("validate", self.write("changed.yaml", text), *args, sim=sim)
        self.assertEqual(done.code, 0, done.out + done.err + text)

    def test_choices(self):
        sim = self.sim("--no-auth")
        path, done = self.init(sim)
        self.assertEqual(done.code, 0, done.err)
        text = self.text(path)
        world = sim.ask("/_sim/world")
        for kind in ("Vpcs", "Subnets", "TrafficMirrorFilters", "TrafficMirrorTargets"):
            rows = sim.query("Describe" + kind)
            ids = [e.text for e in rows.iter() if e.tag in ("vpcId", "subnetId", "trafficMirrorFilterId", "trafficMirrorTargetId")]
            self.assertTrue(ids)
            for one in ids:
                self.assertIn(one, text)
        # As it stands it is valid and mirrors nothing; the first filter has rules.
        self.valid(text, "--online", sim=sim)
        self.assertNotRegex(text, r"(?m)^  filterId: .*no rules")
        done = self.tmflow("run", harness.BACKFILL, "--config", path, "--dry-run", "-o", "json", sim=sim)
        self.assertEqual(done.json["summary"].get("created", 0), 0, done.out)
        # Each kind of choice is valid as soon as its # is gone, and what it says of instances is true.
        for word in ("Key:", "subnetId", "vpcId"):
            changed = uncommented(text, word)
            self.assertNotEqual(changed, text)
            self.valid(changed, "--online", sim=sim)
        vpc, count = re.search(r"# - \{vpcId: (vpc-\w+), <<: \*mirror-to\} # (\d+) instances", text).groups()
        alive = [i for i in world["Instances"] if i.get("VpcId") == vpc and i["State"] != "terminated"]
        self.assertEqual(int(count), len(alive))
        # Nothing was changed.
        asked = set(sim.report()["actions"]) - {"GetCallerIdentity"}
        self.assertEqual({a for a in asked if not a.startswith("Describe")}, set())

    def test_an_account_with_nothing(self):
        sim = self.sim("--no-auth", instances=5)
        for operation, text in (("DescribeVpcs", "<vpcSet/>"), ("DescribeSubnets", "<subnetSet/>"), ("DescribeInstances", "<reservationSet/>"),
                                ("DescribeTrafficMirrorFilters", "<trafficMirrorFilterSet/>"),
                                ("DescribeTrafficMirrorTargets", "<trafficMirrorTargetSet/>")):
            sim.answer(operation, text)
        path, done = self.init(sim)
        self.assertEqual(done.code, 0, done.err)
        self.valid(self.text(path))
        self.assertIn("There are no VPCs in this region", self.text(path))
        # What it names is not there, which is seen before anything is started.
        done = self.tmflow("run", harness.BACKFILL, "--config", path, "-o", "json", sim=sim)
        self.assertEqual(done.code, 2, done.out)

    def test_what_must_not_be_listed_is_said(self):
        sim = self.sim("--no-auth", instances=5)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeTrafficMirrorTargets@1"]})
        path, done = self.init(sim, "-o", "json")
        self.assertEqual(done.json["denied"], ["ec2:DescribeTrafficMirrorTargets"])
        self.assertIn("could not be listed: ec2:DescribeTrafficMirrorTargets is denied", self.text(path))
        self.valid(self.text(path))
        sim.ask("/_sim/faults", {"faults": ["refuse:AuthFailure:DescribeVpcs@1"]})
        _, done = self.init(sim, "--force", "-o", "json")
        self.assertEqual((done.code, done.json["error"]), (1, "AuthFailure"))

    def test_hostile_tags(self):
        sim = self.sim("--no-auth", instances=5)
        said = HOSTILE.replace("\x85", "&#x85;").replace("\n", "&#10;").replace("\"", "&quot;")
        sim.change("DescribeVpcs", r"<tagSet/?>(.*?</tagSet>)?", f"<tagSet><item><key>Name</key><value>{said}</value></item></tagSet>".replace("\\", r"\\"))
        sim.change("DescribeInstances", r"<tagSet><item><key>[^<]*</key><value>[^<]*",
                   f"<tagSet><item><key>{said}</key><value>{said}".replace("\\", r"\\"), count=0)
        path, done = self.init(sim)
        self.assertEqual(done.code, 0, done.err)
        text = self.text(path)
        self.valid(text)
        changed = uncommented(text, "Key:")
        self.assertIn("vpcs: [evil]", changed)  # in quotes
        self.valid(changed)
        for line in text.splitlines():
            self.assertTrue(not line.lstrip().startswith(("vpcs: [", "subnets: [", "tags: [")), line)
        # The tag is read back as it is: instances match by it.
        done = self.tmflow("run", harness.BACKFILL, "--config", os.path.join(self.dir, "changed.yaml"), "--dry-run", "-o", "json", sim=sim)
        self.assertGreater(done.json["summary"].get("created", 0), 0, done.out)

    def test_hostile_ids(self):
        """An endpoint that is not AWS may give anything for an id."""
        sim = self.sim("--no-auth", instances=5)
        said = "}&#10;  - {vpcId: vpc-evil, filterId: tmf-evil, targetId: tmt-evil"
        for kind, element in (("Vpcs", "vpcId"), ("Subnets", "subnetId"), ("TrafficMirrorFilters", "trafficMirrorFilterId"),
                              ("TrafficMirrorTargets", "trafficMirrorTargetId"), ("TrafficMirrorTargets", "type")):
            with self.subTest(element=element):
                sim.change("Describe" + kind, f"<{element}>[^<]*</{element}>", f"<{element}>{said}</{element}>")
                path, done = self.init(sim, "--force")
                self.assertEqual(done.code, 0, done.err)
                text = self.text(path)
                self.assertIn("evil", text)
                self.assertNotRegex(text, r"(?m)^ *- \{vpcId")
                if element not in ("trafficMirrorFilterId", "trafficMirrorTargetId"):  # those count, and are refused
                    self.valid(text)
                sim.answer("Describe" + kind, "")

    def test_what_has_no_id(self):
        sim = self.sim("--no-auth", instances=5)
        for kind, element in (("Vpcs", "vpcId"), ("Subnets", "subnetId"), ("TrafficMirrorFilters", "trafficMirrorFilterId"),
                              ("TrafficMirrorTargets", "trafficMirrorTargetId")):
            with self.subTest(element=element):
                sim.change("Describe" + kind, f"<{element}>[^<]*</{element}>", "")
                _, done = self.init(sim, "--force", "-o", "json")
                self.assertEqual((done.code, done.json["error"]), (1, "TMFlow.InvalidReply"), done.err)
                self.assertIn(f"{kind} without {element[0].upper()}{element[1:]}", done.json["cause"])
                sim.answer("Describe" + kind, "")

    def test_nothing_is_overwritten(self):
        sim = self.sim(instances=5)
        path = self.write("new.yaml", "mine\n")
        _, done = self.init(sim)
        self.assertEqual((done.code, self.text(path)), (2, "mine\n"))
        self.assertIn("--force", done.err)
        self.assertEqual(sim.report()["actions"], {})
        _, done = self.init(sim, "--force")
        self.assertEqual(done.code, 0, done.err)
        self.valid(self.text(path))

    def test_standard_output(self):
        sim = self.sim(instances=5)
        done = self.tmflow("init", "--output-file", "-", sim=sim)
        self.valid(done.out)
        done = self.tmflow("init", "--output-file", "-", "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["error"]), (2, "TMFlow.InvalidInput"))
        done = self.tmflow("init", "--output-file", os.path.join(self.dir, "no", "folder.yaml"), sim=sim)
        self.assertEqual(done.code, 2)


class NewUser(harness.Case):
    """Installed, a profile of IAM Identity Center as `aws configure sso` leaves it, and an empty directory."""

    def profile(self, home):
        cache = os.path.join(home, ".aws", "sso", "cache")
        os.makedirs(cache)
        with open(os.path.join(home, ".aws", "config"), "w", encoding="utf-8") as out:
            out.write("[profile work]\nregion = us-east-1\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = mirror\n"
                      "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://corp.awsapps.com/start\n")
        token = os.path.join(cache, hashlib.sha1(b"corp").hexdigest() + ".json")
        with open(token, "w", encoding="utf-8") as out:
            json.dump({"accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"}, out)
        self.secrets.update((b"sso-token", SECRET.encode(), TOKEN.encode()))

    def test_from_nothing_to_a_plan(self):
        fake = fakes.Fake(lambda request: (200, json.dumps({"roleCredentials": {
            "accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN, "expiration": 4070908800000}})))
        self.addCleanup(fake.stop)
        sim = self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", instances=100)
        home, work = (os.path.abspath(os.path.join(self.dir, name)) for name in ("home", "work"))
        prefix = os.path.abspath(harness.scratch())  # not searched for secrets: the program names a signature's beginning
        self.addCleanup(shutil.rmtree, prefix)
        done = subprocess.run(["cmake", "--install", harness.BUILD, "--prefix", prefix], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.profile(home)
        os.mkdir(work)
        env = {k: v for k, v in self.environment().items() if not k.startswith("AWS_")}
        env.update(HOME=home, AWS_PROFILE="work", AWS_ENDPOINT_URL=sim.url, AWS_ENDPOINT_URL_SSO=fake.url,
                   PATH=os.path.join(prefix, "bin") + os.pathsep + env["PATH"])

        def types(command):
            done = subprocess.run(["sh", "-c", command], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False, timeout=harness.RUN_SECONDS)
            self.found_nowhere((done.stdout + done.stderr).encode(), command)
            return done

        done = types("tmflow init")
        self.assertEqual(done.returncode, 0, done.stderr)
        file = re.search(r"wrote (\S+):", done.stdout)[1]
        self.assertEqual(file, "config/us-east-1.yaml")
        with open(os.path.join(work, file), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(work, file), "w", encoding="utf-8") as f:
            f.write(uncommented(text, "vpcId"))
        # The line that init ends with, then the plan.
        done = types(f"tmflow doctor --config {file} -o json")
        self.assertEqual([c for c in json.loads(done.stdout)["checks"] if c["name"] == "credentials" and c["status"] != "pass"], [])
        done = types(f"tmflow run backfill --config {file} --dry-run -q")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"plan: .*[1-9]\d* sessions to create.*nothing was changed")
        self.assertEqual(sim.report()["ok"], True)
        self.assertEqual({r.headers["x-amz-sso_bearer_token"] for r in fake.requests}, {"sso-token"})
        shutil.rmtree(home)  # the AWS tools keep their secrets there


if __name__ == "__main__":
    harness.main()
