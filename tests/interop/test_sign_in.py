"""Profiles that sign in by a browser, beside boto3: both ask the same services the same things, and leave the same files."""
import base64
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import unittest
from urllib.parse import parse_qsl, urlsplit

import fakes
import harness
import interop

KEY, SECRET, TOKEN = "ASIAEXAMPLE", "wJalrXUtnFEMI/of/the/session", "session+token/of=="
ACCOUNT = "123456789012"
START_URL = "https://corp.awsapps.com/start"
SSO_SESSION = (f"[profile work]\nregion = us-east-1\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = Net Admin\n"
               f"[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = {START_URL}\n")
SSO_LEGACY = (f"[profile work]\nregion = us-east-1\nsso_start_url = {START_URL}\nsso_region = eu-central-1\n"
              f"sso_account_id = {ACCOUNT}\nsso_role_name = ReadOnly\n")
LOGIN = f"arn:aws:iam::{ACCOUNT}:user/ana"
LOGIN_PROFILE = f"[profile work]\nregion = us-east-1\nlogin_session = {LOGIN}\n"
COMPARED_HEADERS = ("x-amz-sso_bearer_token", "content-type")

# What boto3 finds, with the requests' own signatures left out: the keys only.
BOTO3 = """
import boto3, json
keys = boto3.Session().get_credentials().get_frozen_credentials()
print(json.dumps([keys.access_key, keys.secret_key, keys.token]))
"""


def time(**ahead):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class SignIn(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("boto3")

    def answer(self, request):
        if request.path == "/token":
            return 200, json.dumps({"accessToken": "second", "expiresIn": 28800, "tokenType": "Bearer", "refreshToken": "r2"})
        if request.path == "/v1/token":
            return 200, json.dumps({"accessToken": {"accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN},
                                    "expiresIn": 900, "refreshToken": "r2", "tokenType": "aws_sigv4"})
        return 200, json.dumps({"roleCredentials": {"accessKeyId": KEY, "secretAccessKey": SECRET, "sessionToken": TOKEN,
                                                    "expiration": 4070908800000}})

    def home(self, config, cache):
        """A home directory with the shared file and one token, {path below ~/.aws: object}."""
        home = os.path.join(self.dir, "home")
        shutil.rmtree(home, ignore_errors=True)
        for path, text in {"config": config, **{path: json.dumps(token) for path, token in cache.items()}}.items():
            path = os.path.join(home, ".aws", path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        return home

    def kept(self, home, path):
        with open(os.path.join(home, ".aws", path), encoding="utf-8") as f:
            token = json.load(f)
        for holder in (token, token["accessToken"]):
            if isinstance(holder, dict):
                holder.pop("expiresAt", None)
        return token

    def compare(self, config, path, token):
        """Both programs with the same files; what they asked, and what they left."""
        found = []
        for program in ("boto3", "tmflow"):
            fake = fakes.Fake(self.answer)
            self.addCleanup(fake.stop)
            home = self.home(config, {path: token})
            sim = self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", instances=5)
            env = {**self.environment(sim), "HOME": home, "AWS_PROFILE": "work", "AWS_ENDPOINT_URL_SSO": fake.url,
                   "AWS_ENDPOINT_URL_SSO_OIDC": fake.url, "AWS_ENDPOINT_URL_SIGNIN": fake.url, "AWS_ENDPOINT_URL_EC2": sim.url,
                   "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": sim.url}
            for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE",
                         "AWS_SHARED_CREDENTIALS_FILE"):
                env.pop(name, None)
            command = ([self.python, "-c", BOTO3] if program == "boto3" else
                       [harness.TMFLOW, "run", harness.BACKFILL, "--config", sim.config, "--dry-run", "-o", "json"])
            done = subprocess.run(command, env=env, cwd=harness.ROOT, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            found.append((fake.requests, self.kept(home, path)))
        shutil.rmtree(home)
        (theirs, their_file), (ours, our_file) = found
        self.assertEqual([self.asked(r) for r in ours], [self.asked(r) for r in theirs])
        self.assertEqual(our_file, their_file)
        return ours, theirs

    def asked(self, request):
        headers = {name: value for name, value in request.headers.items() if name.lower() in COMPARED_HEADERS}
        body = json.loads(request.body) if request.body else None
        url = urlsplit(request.path)
        return request.method, url.path, sorted(parse_qsl(url.query)), {name.lower(): value for name, value in headers.items()}, body

    def sso_token(self, **more):
        return {"startUrl": START_URL, "region": "eu-central-1", "accessToken": "first", "expiresAt": time(hours=4), **more}

    def registered(self):
        return {"clientId": "client", "clientSecret": "registered", "refreshToken": "r1", "registrationExpiresAt": time(days=60)}

    def test_session(self):
        path = f"sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json"
        ours, _ = self.compare(SSO_SESSION, path, self.sso_token(**self.registered()))
        self.assertEqual(len(ours), 1)

    def test_session_refreshed(self):
        path = f"sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json"
        for expires in (time(minutes=10), time(minutes=-5)):
            ours, _ = self.compare(SSO_SESSION, path, {**self.sso_token(**self.registered()), "expiresAt": expires})
            self.assertEqual([r.method for r in ours], ["POST", "GET"])

    def test_legacy(self):
        path = f"sso/cache/{hashlib.sha1(START_URL.encode()).hexdigest()}.json"
        self.compare(SSO_LEGACY, path, self.sso_token())

    def test_login(self):
        pem = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        path = f"login/cache/{hashlib.sha256(LOGIN.encode()).hexdigest()}.json"
        token = {"accessToken": {"accessKeyId": "ASIAOLD", "secretAccessKey": "old", "sessionToken": "old", "accountId": ACCOUNT,
                                 "expiresAt": time(minutes=-1)},
                 "tokenType": "aws_sigv4", "refreshToken": "r1", "clientId": "arn:aws:signin:::devtools/same-device", "dpopKey": pem}
        ours, theirs = self.compare(LOGIN_PROFILE, path, token)
        proofs = [r[0].headers["DPoP"].split(".") for r in (ours, theirs)]
        self.assertEqual(*[decoded(proof[0]) for proof in proofs])
        self.assertEqual(*[sorted(decoded(proof[1])) for proof in proofs])
        self.assertEqual(*[len(proof[2]) for proof in proofs])


if __name__ == "__main__":
    unittest.main(verbosity=2)
