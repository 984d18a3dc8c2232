#!/usr/bin/env python3
"""Keys that last for three seconds, from every place that can give others: a run of twice that time goes on with fresh ones, in time."""
import datetime
import os
import re
import stat
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qs

import fakes
import harness

LIFE_SECONDS = 3
ROLE = "arn:aws:iam::123456789012:role/mirror"
EXPIRED = "<Response><Errors><Error><Code>RequestExpired</Code><Message>the keys are too old</Message></Error></Errors></Response>"


class Issuer:
    """Gives out keys, each of a life of its own, and knows how long they are good."""

    def __init__(self, case):
        self.case, self.ends, self.lock = case, {}, threading.Lock()

    def issue(self, life=LIFE_SECONDS):
        """(id, secret, token, expiration)"""
        with self.lock:
            number = len(self.ends)
            # The expiration is told in whole seconds.
            end = int(time.time() + life) if life else None
            self.ends[f"ASIAISSUED{number}"] = end
        secret, token = f"secret-of-the-issue-{number}", f"token-of-the-issue-{number}"
        self.case.secrets.update((secret.encode(), token.encode()))
        told = datetime.datetime.fromtimestamp(end or 4102444800, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"ASIAISSUED{number}", secret, token, told

    def end(self, key_id):
        self.ends[key_id] = 0

    def is_good(self, key_id, signed_at):
        return key_id in self.ends and (self.ends[key_id] is None or signed_at < self.ends[key_id])


class Expiry(harness.Case):
    def setUp(self):
        super().setUp()
        self.issuer, self.refused, self.used = Issuer(self), [], set()

    def fake(self, answer):
        fake = fakes.Fake(answer)
        self.addCleanup(fake.stop)
        return fake

    def gate(self, sim):
        """EC2 behind a check of how old the keys were when they signed, however late that comes here."""
        def answer(request):
            key_id = re.search(r"Credential=(\w+)/", request.headers["Authorization"])[1]
            self.used.add(key_id)
            signed = datetime.datetime.strptime(request.headers["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
            if not self.issuer.is_good(key_id, signed):
                self.refused.append(key_id)
                return 400, EXPIRED
            forwarded = urllib.request.Request(sim.url + request.path, data=request.body.encode(),
                                               headers={"Content-Type": request.headers["Content-Type"]})
            try:
                with urllib.request.urlopen(forwarded, timeout=60) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as refusal:
                return refusal.code, refusal.read().decode()
        return self.fake(answer)

    def run_through(self, env, *args):
        sim = self.sim("--plain", "--no-auth", "--buckets", "--bucket-scale", "4", instances=180)
        world = sim.ask("/_sim/world?limit=1")
        config = self.write("expiry.yaml", "vpcs:\n" + "".join(
            f"  - {{vpcId: {vpc}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n" for vpc in world["Vpcs"]))
        env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": "", "AWS_REGION": "us-east-1",
               "AWS_ENDPOINT_URL_EC2": self.gate(sim).url, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": sim.url, **env}
        done = self.tmflow("run", harness.BACKFILL, "--config", config, "-o", "json", "--log-level", "debug", *args, sim=sim, env=env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["summary"], {"created": 180})

    def goes_on(self, env, *args):
        self.run_through(env, *args)
        self.assertEqual(self.refused, [])
        self.assertGreaterEqual(len(self.used), 3)

    def json_keys(self, **named):
        key_id, secret, token, expires = self.issuer.issue()
        return fakes.keys(key_id, secret, token, expires, **named)

    def sts(self):
        def answer(request):
            operation = parse_qs(request.body)["Action"][0]
            return 200, fakes.sts_keys(operation, *self.issuer.issue())
        return self.fake(answer)

    def test_container(self):
        self.goes_on({"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.fake(lambda request: (200, self.json_keys())).url + "/keys"})

    def test_instance(self):
        """Keys so short of their end are taken for those of a service in trouble, and used until AWS refuses them."""
        def answer(request):
            if request.path == "/latest/api/token":
                return 200, "token"
            return 200, self.json_keys(Code="Success") if request.path.endswith("/mirror") else "mirror"
        self.run_through({"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.fake(answer).url, "AWS_EC2_METADATA_DISABLED": ""})
        self.assertGreaterEqual(len(self.used), 2)
        self.assertLess(set(self.refused), self.used)

    def test_role(self):
        self.goes_on({"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "secret-of-the-base",
                      "AWS_ENDPOINT_URL_STS": self.sts().url}, "--assume-role", ROLE)

    def test_role_of_a_profile(self):
        config = self.write("aws-config", f"[profile mirror]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n")
        container = self.fake(lambda request: (200, self.json_keys()))
        self.goes_on({"AWS_CONFIG_FILE": config, "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + "/keys",
                      "AWS_ENDPOINT_URL_STS": self.sts().url}, "--profile", "mirror")
        self.assertGreaterEqual(len(container.requests), 3)

    def test_web_identity(self):
        self.goes_on({"AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", "eyJ.of-the-cluster.sig"), "AWS_ROLE_ARN": ROLE,
                      "AWS_ENDPOINT_URL_STS": self.sts().url})

    def test_process(self):
        fake = self.fake(lambda request: (200, self.json_keys(token_name="SessionToken", Version=1)))
        path = self.write("give-keys", f"#!/bin/sh\nexec curl -s --noproxy '*' {fake.url}/keys\n")
        os.chmod(path, stat.S_IRWXU)
        config = self.write("aws-config", f"[profile p]\ncredential_process = {path}\n")
        self.goes_on({"AWS_CONFIG_FILE": config, "AWS_PROFILE": "p"})

    def test_shared_file(self):
        """Keys that another program writes: the end of the old ones is not known ahead, the new ones are found once AWS refuses them."""
        path = os.path.join(self.dir, "aws-credentials")

        def write_fresh():
            key_id, secret, token, _ = self.issuer.issue(life=None)
            self.write("aws-credentials.new", f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
                       f"aws_session_token = {token}\n")
            os.replace(path + ".new", path)

        self.written.add(path)
        write_fresh()
        timer = threading.Timer(LIFE_SECONDS, lambda: (write_fresh(), self.issuer.end("ASIAISSUED0")))
        timer.start()
        self.addCleanup(timer.cancel)
        self.run_through({"AWS_SHARED_CREDENTIALS_FILE": path})
        self.assertEqual(self.used, {"ASIAISSUED0", "ASIAISSUED1"})
        self.assertEqual(set(self.refused), {"ASIAISSUED0"})

    def test_keys_that_end_without_others(self):
        """An interruption and no failure of any instance: with fresh keys the run goes on where it was."""
        for refusal in ("RequestExpired", "ExpiredToken", "InvalidClientTokenId", "UnrecognizedClientException"):
            with self.subTest(refusal):
                sim = self.sim("--plain", "--seed", "7", instances=300)
                sim.ask("/_sim/faults", {"faults": [f"refuse:{refusal}@#60+"]})
                run = f"keys-{refusal.lower()}"
                done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--run-id", run, "-o", "json", sim=sim)
                self.assertEqual(done.code, 3, done.err)
                self.assertEqual((done.json["status"], done.json["error"]), ("INTERRUPTED", refusal))
                self.assertNotIn("failed", done.json["summary"])
                self.assertIn(f"renew the credentials (profile default), then continue with `tmflow resume {run}`", done.err)
                self.assertLess(sim.report()["requests"], 200)
                sim.ask("/_sim/faults", {"faults": []})
                done = self.tmflow("resume", run, "-o", "json", sim=sim)
                self.assertEqual(done.code, 0, done.err)
                self.assertNotIn("error", done.json)
                self.assertTrue(sim.expected()["ok"])
                sim.stop()

    def test_a_workflow_that_names_the_error(self):
        sim = self.sim("--plain", instances=5)
        sim.ask("/_sim/faults", {"faults": ["refuse:ExpiredToken@#1+"]})
        workflow = self.write("named.yaml", """StartAt: Page
States:
  Page: {Type: Task, Resource: tmflow:describe-page, Catch: [{ErrorEquals: [ExpiredToken], Next: Said}], End: true}
  Said: {Type: Pass, Result: said, End: true}
""")
        done = self.tmflow("run", workflow, "--config", sim.config, "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["output"]), (0, "said"), done.err)


if __name__ == "__main__":
    harness.main()
