#!/usr/bin/env python3
"""botocore verifies our signatures of random requests, and the rates of our adaptive pacer after random replies:
test_botocore.py SIGN_REQUESTS ADAPTIVE_RATES. Other ones each time: TMFLOW_SEED=N does those of a failed run again. Exit 77 where botocore is not installed."""
import json
import math
import os
import random
import subprocess
import sys
import time
from urllib.parse import quote

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    import botocore.retries.adaptive
    import botocore.retries.bucket
    import botocore.retries.throttling
except ImportError:
    print("SKIP: python3-botocore is not installed (tools/setup test)")
    sys.exit(77)

REQUESTS = 300
TRACES, REPLIES = 20, 200
SERVICES = ("ec2", "sts", "states", "sqs", "s3")
REGIONS = ("us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1")
TEXT = "abcXYZ019-_.~ !*'();:@&=+$,/?#[]%\"<>\\^`{|}äß€\u3042"


def words(rng, alphabet, least, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(least, most)))


def random_path(rng):
    """As sent: percent-encoded once; with dots and empty segments to be normalised. The last one has no dots: where RFC 3986 leaves a
    slash there, botocore drops it."""
    segments = [rng.choice((quote(words(rng, TEXT, 0, 8), safe="-_.~"), ".", "..", "")) for _ in range(rng.randint(0, 5))]
    return "/" + "/".join(segments + [quote(words(rng, "abc019 ~", 0, 8), safe="-_.~")])


def random_query(rng):
    pairs = [quote(words(rng, TEXT, 1, 6), safe="-_.~") + "=" + quote(words(rng, TEXT, 0, 6), safe="-_.~")
             for _ in range(rng.randint(0, 4))]
    return "&".join(pairs)


def random_headers(rng, host):
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    for i in range(rng.randint(0, 4)):
        headers[rng.choice(("X-Amz-Target", "x-amzn-query-mode", "X-Custom", "My-header")) + "-" + str(i)] = \
            rng.choice(("", "  ")) + "  ".join(words(rng, "aZ09,;=./-", 1, 6) for _ in range(rng.randint(1, 3))) + rng.choice(("", " "))
    return headers


def random_request(rng):
    service = rng.choice(SERVICES)
    host = f"{service}.{rng.choice(REGIONS)}.amazonaws.com" + rng.choice(("", ":4566"))
    return {
        "method": rng.choice(("GET", "POST", "PUT")), "host": host, "path": random_path(rng), "query": random_query(rng),
        "headers": list(random_headers(rng, host).items()), "body": words(rng, TEXT + "\n", 0, 200),
        "region": rng.choice(REGIONS), "service": service, "s3": service == "s3", "wallMs": rng.randint(0, 4_000_000_000) * 1000,
        "accessKeyId": words(rng, "ABCDEFGHIJ0123456789", 16, 20), "secret": words(rng, "abcXYZ019+/=", 30, 50),
        "token": rng.choice((None, words(rng, "abcXYZ019+/=", 100, 900))),
    }


def signed_by_botocore(asked):
    credentials = botocore.credentials.Credentials(asked["accessKeyId"], asked["secret"], asked["token"])
    kind = botocore.auth.S3SigV4Auth if asked["s3"] else botocore.auth.SigV4Auth
    signer = kind(credentials, asked["service"], asked["region"])
    url = "https://" + asked["host"] + asked["path"] + ("?" + asked["query"] if asked["query"] else "")
    request = botocore.awsrequest.AWSRequest(asked["method"], url, dict(asked["headers"]), asked["body"].encode())
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(asked["wallMs"] // 1000))
    if asked["token"]:
        request.headers["X-Amz-Security-Token"] = asked["token"]
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if asked["s3"]:
        request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return canonical, (f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}")


def verify_signatures(program, rng):
    asked = [random_request(rng) for _ in range(REQUESTS)]
    lines = "".join(json.dumps({k: v for k, v in a.items() if v is not None}) + "\n" for a in asked)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == REQUESTS, done.stderr
    for one, ours in zip(asked, answers):
        canonical, authorization = signed_by_botocore(one)
        if ours["authorization"] != authorization:
            sys.exit(f"{one}\nbotocore:\n{canonical}\n{authorization}\nours:\n{ours['canonical']}\n{ours['authorization']}")
    print(f"{REQUESTS} requests signed as botocore {botocore.__version__} signs them")


class Clock:
    def __init__(self, ms):
        self.ms = ms

    def current_time(self):
        return self.ms / 1000


class Detector:
    def is_throttling_error(self, throttled):
        return throttled


def rates_of_botocore(start_ms, replies):
    clock = Clock(start_ms)
    bucket = botocore.retries.bucket.TokenBucket(max_rate=1, clock=clock)
    meter = botocore.retries.adaptive.RateClocker(clock)
    curve = botocore.retries.throttling.CubicCalculator(starting_max_rate=0, start_time=clock.current_time())
    limiter = botocore.retries.adaptive.ClientRateLimiter(curve, meter, bucket, Detector(), clock)
    for clock.ms, throttled in replies:
        limiter.on_receiving_response(throttled=throttled)
        yield meter.measured_rate, bucket.max_rate, bucket.max_capacity, bucket.available_capacity


def verify_rates(program, rng):
    for _ in range(TRACES):
        start_ms = now_ms = rng.randint(0, 10_000_000)
        pause_ms, chance = rng.choice((20, 200, 2000)), rng.choice((0.01, 0.1, 0.5))
        replies = []
        for _ in range(REPLIES):
            now_ms += rng.randint(0, pause_ms)
            replies.append((now_ms, rng.random() < chance))
        lines = f"{start_ms}\n" + "".join(f"{ms} {int(throttled)}\n" for ms, throttled in replies)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
        ours = [tuple(float(word) for word in line.split()) for line in done.stdout.splitlines()]
        assert len(ours) == REPLIES, done.stderr
        for reply, got, wanted in zip(replies, ours, rates_of_botocore(start_ms, replies)):
            if not all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) for a, b in zip(got, wanted)):
                sys.exit(f"after {reply} of {lines}botocore: {wanted}, ours: {got}")
    print(f"{TRACES} times {REPLIES} replies limit the rate as botocore {botocore.__version__} limits it")


def main():
    seed = int(os.environ.get("TMFLOW_SEED") or random.SystemRandom().randrange(2**32))
    print(f"TMFLOW_SEED={seed} {botocore.__file__}", flush=True)
    rng = random.Random(seed)
    verify_signatures(sys.argv[1], rng)
    verify_rates(sys.argv[2], rng)


if __name__ == "__main__":
    main()
