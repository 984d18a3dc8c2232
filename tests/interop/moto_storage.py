"""Makes users with keys, buckets and objects in a moto server; the second user may not read, the third not write. argv: the end point, a folder whose files
become objects (one that ends with .gz says so in its Content-Encoding, but below inventory/), how many more there are to be listed. Writes the keys as JSON.
With argv: the end point, key, secret, prefix: writes the objects with that prefix, {key: [content type, text]}."""
import json
import os
import sys

import boto3

url = sys.argv[1]
if len(sys.argv) == 5:
    s3 = boto3.client("s3", aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3], region_name="us-east-1", endpoint_url=url)
    objects = {o["Key"]: s3.get_object(Bucket="data", Key=o["Key"]) for o in s3.list_objects_v2(Bucket="data", Prefix=sys.argv[4])["Contents"]}
    print(json.dumps({key: [o["ContentType"], o["Body"].read().decode()] for key, o in objects.items()}))
    sys.exit()
folder, listed = sys.argv[2], int(sys.argv[3])
keys = dict(aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1", endpoint_url=url)
iam = boto3.client("iam", **keys)


def user(name, effect, action="s3:GetObject"):
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    statements = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": effect, "Action": action, "Resource": "*"}]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return key


# The first nine calls are not checked (INITIAL_NO_AUTH_ACTION_COUNT); all others are, signature and policy.
key, narrow, reader = user("tmflow", "Allow"), user("narrow", "Deny"), user("reader", "Deny", "s3:PutObject")
keys.update(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
s3 = boto3.client("s3", **keys)
s3.create_bucket(Bucket="data")
for place, _, names in os.walk(folder):
    for name in names:
        path = os.path.join(place, name)
        at = os.path.relpath(path, folder)
        packed = name.endswith(".gz") and not at.startswith("inventory/")
        with open(path, "rb") as file:
            s3.put_object(Bucket="data", Key=at, Body=file.read(), **({"ContentEncoding": "gzip"} if packed else {}))
for n in range(listed):
    s3.put_object(Bucket="data", Key=f"list/{n:04} ä+%.csv", Body=b"x")
print(json.dumps({"keyId": key["AccessKeyId"], "secret": key["SecretAccessKey"],
                  **{name: [k["AccessKeyId"], k["SecretAccessKey"]] for name, k in (("narrow", narrow), ("reader", reader))}}))
