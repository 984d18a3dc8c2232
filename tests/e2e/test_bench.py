#!/usr/bin/env python3
"""tools/bench, in small: each of its parts runs to its end, and what it counts is within its bounds. Times and memory are not looked at: here they are a debug build's."""
import math
import os
import sys

import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tools"))
from benchmarks import awkward, boto3_race, client, engine, fleets, organization, paced, serving  # noqa: E402
from benchmarks.common import QUICK  # noqa: E402

SIZES = QUICK._replace(fleets=(500, 4000), mirrored=(4000,), rounds=2000, items=1000, branches=100, paced=100, missing=200, boto3_sample=50,
                       calls=50, starts=1, tasks=50, organizations=((3, 1000),))


class Parts(harness.Case):
    def rows_of(self, part):
        rows = list(part.rows(SIZES))
        self.assertTrue(rows)
        self.assertEqual([row.name for row in rows if not math.isfinite(row.value)], [])
        return rows

    def test_engine(self):
        self.rows_of(engine)

    def test_fleets(self):
        counted = [row for row in self.rows_of(fleets) if row.name.endswith("all mirrored: calls an instance")]
        self.assertEqual(len(counted), len(SIZES.mirrored))
        for row in counted:
            self.assertLessEqual(row.value, row.bound, row.name)

    def test_organization(self):
        calls, = (row for row in self.rows_of(organization) if row.name == "... calls an instance")
        self.assertGreater(calls.value, 0.009)

    def test_client(self):
        self.rows_of(client)

    def test_serving(self):
        self.rows_of(serving)

    def test_paced(self):
        self.rows_of(paced)

    def test_awkward(self):
        for row in self.rows_of(awkward)[1:]:  # the first is a time
            self.assertLessEqual(row.value, row.bound, row.name)

    def test_boto3(self):
        if not boto3_race.is_there():
            self.skipTest("python3-boto3 is not installed (tools/setup bench)")
        self.rows_of(boto3_race)


if __name__ == "__main__":
    harness.main()
