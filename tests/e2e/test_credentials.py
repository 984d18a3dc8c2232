#!/usr/bin/env python3
"""Keys from every place, with the services that give them on loopback; TLS and proxies on the way."""
import hashlib
import json
import os
import pty
import shutil
import ssl
import stat
import subprocess
import sys
import threading
from urllib.parse import parse_qs

import fakes
import harness

KEY, SECRET, TOKEN = "ASIAEXAMPLE", "wJalrXUtnFEMI/of/the/session", "session+token/of=="
NOBODY = 65534
ROLE = "arn:aws:iam::123456789012:role/mirror"


class Credentials(harness.Case):
    def setUp(self):
        super().setUp()
        self.secrets.update((SECRET.encode(), TOKEN.encode()))

    def fake(self, answer, **tls):
        fake = fakes.Fake(answer, **tls)
        self.addCleanup(fake.stop)
        return fake

    def backfill_with(self, env, *args, sim=None, workflow=harness.BACKFILL):
        """Runs a backfill against a simulator that takes the session's keys only."""
        sim = sim or self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", instances=20)
        env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": "",
               "AWS_ENDPOINT_URL_EC2": sim.url, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": sim.url, **env}
        return self.tmflow("run", workflow, "--config", sim.config, "-o", "json", "--log-level", "debug", *args,
                           sim=sim, env=env)

    def succeeds(self, done):
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["status"], "SUCCEEDED")

    def sts(self, **tls):
        def answer(request):
            operation = parse_qs(request.body)["Action"][0]
            return 200, fakes.sts_keys(operation, KEY, SECRET, TOKEN)
        return self.fake(answer, **tls)

    # --- places ---

    def test_container(self):
        fake = self.fake(lambda request: (200, fakes.keys(KEY, SECRET, TOKEN)))
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": fake.url + "/keys",
               "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": self.write("token", "Basic token-of-the-agent")}
        self.secrets.add(b"token-of-the-agent")
        self.succeeds(self.backfill_with(env))
        self.assertEqual([(r.method, r.path, r.headers["Authorization"]) for r in fake.requests],
                         [("GET", "/keys", "Basic token-of-the-agent")])

    def imds(self):
        def answer(request):
            if request.path == "/latest/api/token":
                return 200, "token-of-the-instance"
            if request.headers["X-aws-ec2-metadata-token"] != "token-of-the-instance":
                return 401, ""
            return 200, {"/latest/meta-data/placement/region": fakes.REGION,
                         "/latest/meta-data/iam/security-credentials/": "mirror",
                         "/latest/meta-data/iam/security-credentials/mirror": fakes.keys(KEY, SECRET, TOKEN, Code="Success"),
                         }[request.path]
        self.secrets.add(b"token-of-the-instance")
        return self.fake(answer)

    def test_instance_with_its_region(self):
        fake = self.imds()
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": fake.url, "AWS_EC2_METADATA_DISABLED": "", "AWS_REGION": ""}
        self.succeeds(self.backfill_with(env))
        self.assertEqual(fake.requests[0].method, "PUT")
        self.assertIn("/latest/meta-data/placement/region", [r.path for r in fake.requests])

    SSO_CONFIG = ("[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = mirror\n"
                  "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://corp.awsapps.com/start\n")

    def sso_home(self, expires):
        """A home directory as `aws configure sso` and `aws sso login` leave it."""
        home = os.path.join(self.dir, "home")
        cache = os.path.join(home, ".aws", "sso", "cache")
        os.makedirs(cache)
        with open(os.path.join(home, ".aws", "config"), "w", encoding="utf-8") as out:
            out.write(self.SSO_CONFIG)
        token = os.path.join(cache, hashlib.sha1(b"corp").hexdigest() + ".json")
        with open(token, "w", encoding="utf-8") as out:
            json.dump({"accessToken": "first-sso-token", "expiresAt": expires, "refreshToken": "sso-refresh",
                       "clientId": "client", "clientSecret": "sso-client-secret",
                       "registrationExpiresAt": "2099-01-01T00:00:00Z"}, out)
        self.secrets.update((b"first-sso-token", b"second-sso-token", b"sso-refresh", b"sso-client-secret"))
        return home, token

    def test_identity_center(self):
        def answer(request):
            if request.path == "/token":
                return 200, json.dumps({"accessToken": "second-sso-token", "expiresIn": 28800, "tokenType": "Bearer"})
            return 200, json.dumps({"roleCredentials": {"accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN,
                                                        "expiration": 4070908800000}})
        fake = self.fake(answer)
        home, token = self.sso_home("2020-01-01T00:00:00Z")
        env = {"HOME": home, "AWS_PROFILE": "work", "AWS_ENDPOINT_URL_SSO": fake.url, "AWS_ENDPOINT_URL_SSO_OIDC": fake.url,
               "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
        self.succeeds(self.backfill_with(env))
        self.assertEqual([r.path for r in fake.requests],
                         ["/token", "/federation/credentials?account_id=123456789012&role_name=mirror"])
        self.assertEqual(fake.requests[1].headers["x-amz-sso_bearer_token"], "second-sso-token")
        with open(token, encoding="utf-8") as kept:
            self.assertEqual(json.load(kept)["accessToken"], "second-sso-token")
        shutil.rmtree(home)  # the AWS tools keep their secrets there

    def test_identity_center_when_nobody_is_signed_in(self):
        home, token = self.sso_home("2020-01-01T00:00:00Z")
        os.unlink(token)
        env = {"HOME": home, "AWS_PROFILE": "work", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
        done = self.backfill_with(env)
        self.assertNotEqual(done.code, 0)
        self.assertIn("run `aws sso login --profile work`", done.err)

    def test_role_of_a_profile(self):
        sts = self.sts()
        config = self.write("aws-config", f"[profile mirror]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = ext\n"
                            "services = dev\n[services dev]\nsts =\n  endpoint_url = " + sts.url + "\n")
        base = self.write("aws-credentials", "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = secret-of-the-base\n")
        self.secrets.add(b"secret-of-the-base")
        env = {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": base}
        self.succeeds(self.backfill_with(env, "--profile", "mirror"))
        asked = parse_qs(sts.requests[0].body)
        self.assertEqual((asked["RoleArn"], asked["ExternalId"]), ([ROLE], ["ext"]))
        self.assertIn("Credential=AKIDBASE/", sts.requests[0].headers["Authorization"])

    # --- tmflow config ---

    def test_config(self):
        config = self.write("aws-config", "[profile work]\nregion = eu-west-3\nretry_mode = adaptive\n")
        keys = self.write("aws-credentials", "[work]\naws_access_key_id = AKIDEXAMPLEWXYZ\naws_secret_access_key = secret-of-work\n")
        self.secrets.update((b"secret-of-work", b"AKIDEXAMPLEWXYZ"))
        self.written.discard(config)
        env = {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": keys, "AWS_PROFILE": "work", "AWS_USE_FIPS_ENDPOINT": "true"}
        done = self.tmflow("config", "--config", "mine.yaml", "-o", "json", env=env)
        self.assertEqual(done.code, 0, done.err)
        rows = {row["name"]: (row["value"], row["source"]) for row in done.json["settings"]}
        self.assertEqual(rows["profile"], ("work", "AWS_PROFILE"))
        self.assertEqual(rows["region"], ("eu-west-3", config + ":2"))
        self.assertEqual(rows["retry_mode"], ("adaptive", config + ":3"))
        self.assertEqual(rows["use_fips_endpoint"], ("true", "AWS_USE_FIPS_ENDPOINT"))
        self.assertEqual(rows["max_attempts"][1], "default")
        self.assertEqual(rows["access key id"], ("****************WXYZ", "shared credentials file"))
        self.assertEqual(rows["configuration"], ("mine.yaml", "--config"))
        text = self.tmflow("config", "--region", "us-east-2", env=env)
        self.assertRegex(text.out, r"(?m)^region +us-east-2 +--region$")

    def test_config_without_keys(self):
        done = self.tmflow("config", env={"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "", "HOME": self.dir})
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"(?m)^region +- +not set$")
        self.assertIn("  environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set\n", done.out)

    def device(self):
        """A profile whose role wants the code of an MFA device; what the STS was asked, and the environment."""
        sts = self.sts()
        config = self.write("aws-config", f"[profile mirror]\nrole_arn = {ROLE}\nsource_profile = base\n"
                            "mfa_serial = arn:aws:iam::123456789012:mfa/ana\n")
        base = self.write("aws-credentials", "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = secret-of-the-base\n")
        self.secrets.add(b"secret-of-the-base")
        return sts, {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": base, "AWS_PROFILE": "mirror",
                     "AWS_ENDPOINT_URL_STS": sts.url}

    def test_code_of_a_device(self):
        sts, env = self.device()
        self.succeeds(self.backfill_with(env, "--mfa-token", "123456"))
        asked = parse_qs(sts.requests[0].body)
        self.assertEqual((asked["SerialNumber"], asked["TokenCode"]), (["arn:aws:iam::123456789012:mfa/ana"], ["123456"]))

    def test_code_that_nobody_gives(self):
        sts, env = self.device()
        environment = {**self.environment(), **env}
        done = subprocess.run([harness.TMFLOW, "explain", "i-0", "--region", "us-east-1", "--config", "config/example.yaml"], env=environment,
                              cwd=harness.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              start_new_session=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("give it with --mfa-token", done.stderr)
        self.assertEqual(sts.requests, [])

    def test_code_from_the_terminal(self):
        sts, env = self.device()
        sim = self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", instances=20)
        environment = {**self.environment(sim), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": "",
                       "AWS_ENDPOINT_URL_EC2": sim.url, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": sim.url, **env}
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(harness.ROOT)
            os.execve(harness.TMFLOW, ["tmflow", "run", harness.BACKFILL, "--config", sim.config], environment)
        said = b""
        while b"mfa/ana: " not in said:
            said += os.read(terminal, 4096)
        os.write(terminal, b"654321\n")
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            said += part
        self.assertEqual(os.waitpid(pid, 0)[1], 0, said)
        os.close(terminal)
        self.assertEqual(parse_qs(sts.requests[0].body)["TokenCode"], ["654321"])

    def test_assume_role(self):
        sts = self.sts()
        env = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "secret-of-the-base", "AWS_ENDPOINT_URL_STS": sts.url}
        self.secrets.add(b"secret-of-the-base")
        self.succeeds(self.backfill_with(env, "--assume-role", ROLE))
        self.assertRegex(parse_qs(sts.requests[0].body)["RoleSessionName"][0], "^tmflow-[0-9A-Z]{26}$")

    def test_web_identity(self):
        sts = self.sts()
        env = {"AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", "eyJ.of-the-cluster.sig\n"), "AWS_ROLE_ARN": ROLE,
               "AWS_ENDPOINT_URL_STS": sts.url}
        self.secrets.add(b"of-the-cluster")
        self.succeeds(self.backfill_with(env))
        self.assertIsNone(sts.requests[0].headers["Authorization"])

    def test_process(self):
        path = self.write("give keys", "#!/bin/sh\necho noise-with-secret >&2\nprintf '%s' '" +
                          fakes.keys(KEY, SECRET, TOKEN, token_name="SessionToken", Version=1) + "'\n")
        self.secrets.add(b"noise-with-secret")
        config = self.write("aws-config", f"[profile p]\ncredential_process = \"{path}\" arg\n")
        done = self.backfill_with({"AWS_CONFIG_FILE": config, "AWS_PROFILE": "p"})
        self.assertEqual(done.code, 2)
        self.assertIn("Permission denied", done.err)  # not executable
        os.chmod(path, stat.S_IRWXU)
        self.succeeds(self.backfill_with({"AWS_CONFIG_FILE": config, "AWS_PROFILE": "p"}))

    def test_malformed_answers(self):
        for status, body in ((200, "<html>" + SECRET), (200, '{"AccessKeyId": "' + SECRET + '"}'), (403, SECRET)):
            fake = self.fake(lambda request, status=status, body=body: (status, body))
            done = self.backfill_with({"AWS_CONTAINER_CREDENTIALS_FULL_URI": fake.url + "/keys"})
            self.assertEqual(done.code, 2, done.err)
            self.assertEqual(done.json["error"], "TMFlow.Credentials")

    def test_denied_role(self):
        denied = ("<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole"
                  "</Message></Error><RequestId>r-1</RequestId></ErrorResponse>")
        sts = self.fake(lambda request: (403, denied))
        env = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL_STS": sts.url}
        done = self.backfill_with(env, "--assume-role", ROLE)
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("AccessDenied", done.json["cause"])
        self.assertIn("r-1", done.json["cause"])

    # --- services that lead elsewhere, say nothing, or cannot be read ---

    def places(self, url):
        """The environment and options by which keys are asked for at url, by place."""
        base = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "secret-of-the-base", "AWS_ENDPOINT_URL_STS": url}
        self.secrets.add(b"secret-of-the-base")
        return {
            "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/keys"}, ()),
            "instance": ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": ""}, ()),
            "role": (base, ("--assume-role", ROLE)),
            "web identity": ({"AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", "eyJ.of-the-cluster.sig"), "AWS_ROLE_ARN": ROLE,
                              "AWS_ENDPOINT_URL_STS": url}, ()),
        }

    def test_redirects_are_not_followed(self):
        """Neither by what gives keys nor by EC2's own client: keys and signatures go nowhere else."""
        decoy = self.imds()
        sim = self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", instances=5)
        once = self.write("once.yaml", "StartAt: A\nStates: {A: {Type: Task, Resource: tmflow:describe-page, Parameters: {}, End: true}}\n")
        for status in (301, 302, 303, 307, 308):
            fake = self.fake(lambda request, status=status: (status, "", {"Location": decoy.url + request.path}))
            for place, (env, words) in self.places(fake.url).items():
                done = self.backfill_with({"AWS_MAX_ATTEMPTS": "1", **env}, *words, sim=sim)
                self.assertEqual(done.code, 2, (place, status, done.err))
                self.assertEqual(done.json["error"], "TMFlow.Credentials")
            before = len(fake.requests)
            done = self.backfill_with({"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
                                       "AWS_ENDPOINT_URL_EC2": fake.url, "AWS_MAX_ATTEMPTS": "1"}, sim=sim, workflow=once)
            self.assertEqual(done.code, 1, done.err)
            self.assertGreater(len(fake.requests), before)
        self.assertEqual(decoy.requests, [])

    def test_a_redirected_role_of_the_instance(self):
        """The token is given by the right service, the rest by another."""
        decoy = self.imds()
        fake = self.fake(lambda request: (200, "token-of-the-instance") if request.method == "PUT" else
                         (302, "", {"Location": decoy.url + request.path}))
        done = self.backfill_with({"AWS_EC2_METADATA_SERVICE_ENDPOINT": fake.url, "AWS_EC2_METADATA_DISABLED": ""})
        self.assertEqual(done.code, 2, done.err)
        self.assertGreater(len(fake.requests), 1)
        self.assertEqual(decoy.requests, [])

    def test_silence(self):
        """A service that takes the request and says nothing is given up, and named."""
        over = threading.Event()
        fake = self.fake(lambda request: (200 if over.wait(60) else 200, ""))
        self.addCleanup(over.set)
        sim = self.sim(instances=5)
        places = self.places(fake.url)
        for place, words in (("container", r"container"), ("instance", r"no instance metadata service")):
            done = self.backfill_with(places[place][0], sim=sim)
            self.assertEqual(done.code, 2, done.err)
            self.assertRegex(done.json["cause"], words)
        self.assertGreaterEqual(len(fake.requests), 3 + 1)

    def as_another(self, env, *args):
        """Runs tmflow as a user who is not root, from whom no mode can be kept."""
        os.chmod(self.dir, 0o755)
        state = os.path.join(self.dir, "others-state")
        os.makedirs(state, exist_ok=True)
        os.chmod(state, 0o777)
        env = {**self.environment(), "TMFLOW_STATE_DIR": os.path.join(state, "state"), "AWS_REGION": fakes.REGION, **env}
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            done = subprocess.run([harness.TMFLOW, "run", harness.BACKFILL, "-o", "json", *args], env=env, cwd="/", capture_output=True,
                                  text=True, check=False, timeout=harness.RUN_SECONDS, **user)
        except PermissionError:
            self.skipTest("nobody else may run " + harness.TMFLOW)
        self.found_nowhere((done.stdout + done.stderr).encode(), "what tmflow says")
        return harness.Result(done.returncode, done.stdout, done.stderr)

    def test_modes(self):
        """A file that may not be read is named and no empty one; a program that may not be run neither."""
        config = self.write("one.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        os.chmod(config, 0o644)
        program = self.write("give-keys", "#!/bin/sh\n")
        os.chmod(program, 0o644)
        of_process = self.write("process-config", f"[default]\ncredential_process = {program}\n")
        os.chmod(of_process, 0o644)
        closed = self.write("closed", f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
        os.chmod(closed, 0)
        self.addCleanup(os.chmod, closed, 0o600)
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/keys"}
        for env, path in (({"AWS_CONFIG_FILE": closed}, closed), ({"AWS_SHARED_CREDENTIALS_FILE": closed}, closed),
                          ({"AWS_WEB_IDENTITY_TOKEN_FILE": closed, "AWS_ROLE_ARN": ROLE}, closed),
                          ({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": closed, **container}, closed),
                          ({"AWS_CONFIG_FILE": of_process}, program)):
            done = self.as_another(env, "--config", config)
            self.assertEqual(done.code, 2, (env, done.err))
            self.assertIn(path, done.json["cause"])
            self.assertIn("Permission denied", done.json["cause"])

    # --- the way there ---

    def certificate(self, name, subject):
        """A certificate of its own authority; the paths of certificate and key."""
        certificate, key = os.path.join(self.dir, name + ".pem"), os.path.join(self.dir, name + ".key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=" + subject, "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        return certificate, key

    def over_tls(self, sts, **env):
        env = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL_STS": sts.url,
               "AWS_MAX_ATTEMPTS": "1", **env}
        return self.backfill_with(env, "--assume-role", ROLE)

    def test_tls_is_verified(self):
        ours, others = self.certificate("ours", "IP:127.0.0.1"), self.certificate("others", "DNS:other.example")
        sts = self.sts(tls=ours)
        self.succeeds(self.over_tls(sts, AWS_CA_BUNDLE=ours[0]))
        refusals = ((sts, {}), (sts, {"AWS_CA_BUNDLE": others[0]}), (self.sts(tls=others), {"AWS_CA_BUNDLE": others[0]}))
        for server, env in refusals:
            before = len(server.requests)
            done = self.over_tls(server, **env)
            self.assertEqual(done.code, 2, done.err)
            self.assertRegex(done.json["cause"], "SSL|certificate")
            self.assertEqual(len(server.requests), before)

    def test_tls_before_1_2_is_refused(self):
        ours = self.certificate("ours", "IP:127.0.0.1")
        with self.assertWarns(DeprecationWarning):
            sts = self.sts(tls=ours, tls_version=ssl.TLSVersion.TLSv1_1)
        done = self.over_tls(sts, AWS_CA_BUNDLE=ours[0])
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("SSL", done.json["cause"])
        self.succeeds(self.over_tls(self.sts(tls=ours, tls_version=ssl.TLSVersion.TLSv1_2), AWS_CA_BUNDLE=ours[0]))

    def test_proxy(self):
        """What is AWS's goes by way of the proxy, what NO_PROXY names does not, and metadata never."""
        proxy = self.fake(lambda request: (403, ""))
        metadata = self.fake(lambda request: (200, fakes.keys(KEY, SECRET, TOKEN)))
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata.url + "/keys", "HTTPS_PROXY": proxy.url, "http_proxy": proxy.url,
               "NO_PROXY": "", "no_proxy": "", "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL_STS": "https://sts.example"}
        done = self.backfill_with(env, "--assume-role", ROLE)
        self.assertEqual(done.code, 2, done.err)
        self.assertEqual(len(metadata.requests), 1)
        self.assertEqual([(r.method, r.path) for r in proxy.requests], [("CONNECT", "sts.example:443")])
        self.succeeds(self.backfill_with({**env, "NO_PROXY": "127.0.0.1"}))
        self.assertEqual(len(proxy.requests), 1)

    def test_custom_end_points_exclude_switches(self):
        for switch in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
            done = self.backfill_with({"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "s", switch: "true"})
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(switch, done.json["cause"])


if __name__ == "__main__":
    sys.modules["harness"].main()
