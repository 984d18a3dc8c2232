#!/usr/bin/env python3
"""botocore's signer and ours must agree on random requests: test_botocore.py SIGN_REQUESTS. Exit 77 where botocore is not installed."""
import json
import random
import subprocess
import sys
import time
from urllib.parse import quote

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
except ImportError:
    print("SKIP: python3-botocore is not installed (tools/setup test)")
    sys.exit(77)

REQUESTS = 200
SERVICES = ("ec2", "sts", "states", "sqs")
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
    host = f"{rng.choice(SERVICES)}.{rng.choice(REGIONS)}.amazonaws.com" + rng.choice(("", ":4566"))
    return {
        "method": rng.choice(("GET", "POST", "PUT")), "host": host, "path": random_path(rng), "query": random_query(rng),
        "headers": list(random_headers(rng, host).items()), "body": words(rng, TEXT + "\n", 0, 200),
        "region": rng.choice(REGIONS), "service": rng.choice(SERVICES), "wallMs": rng.randint(0, 4_000_000_000) * 1000,
        "accessKeyId": words(rng, "ABCDEFGHIJ0123456789", 16, 20), "secret": words(rng, "abcXYZ019+/=", 30, 50),
        "token": rng.choice((None, words(rng, "abcXYZ019+/=", 100, 900))),
    }


def signed_by_botocore(asked):
    credentials = botocore.credentials.Credentials(asked["accessKeyId"], asked["secret"], asked["token"])
    signer = botocore.auth.SigV4Auth(credentials, asked["service"], asked["region"])
    url = "https://" + asked["host"] + asked["path"] + ("?" + asked["query"] if asked["query"] else "")
    request = botocore.awsrequest.AWSRequest(asked["method"], url, dict(asked["headers"]), asked["body"].encode())
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(asked["wallMs"] // 1000))
    if asked["token"]:
        request.headers["X-Amz-Security-Token"] = asked["token"]
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return canonical, (f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}")


def main():
    rng = random.Random(1)
    asked = [random_request(rng) for _ in range(REQUESTS)]
    lines = "".join(json.dumps({k: v for k, v in a.items() if v is not None}) + "\n" for a in asked)
    done = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == REQUESTS, done.stderr
    for one, ours in zip(asked, answers):
        canonical, authorization = signed_by_botocore(one)
        if ours["authorization"] != authorization:
            sys.exit(f"{one}\nbotocore:\n{canonical}\n{authorization}\nours:\n{ours['canonical']}\n{ours['authorization']}")
    print(f"{REQUESTS} requests signed as botocore {botocore.__version__} signs them")


if __name__ == "__main__":
    main()
