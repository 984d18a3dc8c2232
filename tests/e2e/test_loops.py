#!/usr/bin/env python3
"""What stands behind a load balancer that is mirrored to is never a source: members of target groups of all kinds, appliances behind a gateway
load balancer's endpoint. A permission that is denied is warned of once, and the run goes on."""
import json

import harness

ELB_CALLS = ("DescribeTargetGroups", "DescribeTargetHealth", "DescribeVpcEndpoints", "DescribeVpcEndpointServiceConfigurations")


class Loops(harness.Case):
    def world(self, *options):
        """A plain VPC whose given targets have members, and a rule for it with the n-th target."""
        sim = self.sim("--plain", "--vpcs", "1", "--members", "3", "--gateway", *options, instances=120)
        self.known = sim.ask("/_sim/world")
        return sim

    def config(self, *targets):
        """The VPC's instances to the first target; the others by rules that match nothing here."""
        world = self.known
        rules = [f"  - {{tagList: [{{Key: none, Value: n{n}}}], filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][target]}}}\n"
                 for n, target in enumerate(targets[1:])]
        return self.write("loops.yaml", ("tags:\n" + "".join(rules) if rules else "") +
                          f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, "
                          f"targetId: {world['GivenTargets'][targets[0]]}}}\n")

    def members(self, *targets):
        return {i for target in targets for i in self.known["Members"][self.known["GivenTargets"][target]]}

    def rows(self, run="@latest"):
        done = self.tmflow("show", run, "--outcomes", "-o", "jsonl")
        return {r["instanceId"]: r for r in map(json.loads, done.out.splitlines())}

    def calls(self, sim):
        actions = sim.report()["actions"]
        return {name: actions[name]["calls"] for name in ELB_CALLS if name in actions}

    def excluded(self, run="@latest"):
        return {i: r["targetId"] for i, r in self.rows(run).items() if r.get("reason") == "target-member"}

    def test_members_of_all_kinds(self):
        sim = self.world()
        config = self.config(0)
        done = self.backfill(sim, config=config)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(set(self.excluded()), self.members(0))
        self.assertEqual(len(self.members(0)), 9)   # of instances, of addresses, behind the inner load balancer
        self.assertEqual(set(self.excluded().values()), {self.known["GivenTargets"][0]})
        self.assertEqual(self.calls(sim), {"DescribeTargetGroups": 2, "DescribeTargetHealth": 4})
        verdict = sim.expected(config)
        self.assertTrue(verdict["ok"], verdict)
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_members_by_their_ipv6_address(self):
        sim = self.world("--ipv6")
        self.assertEqual(self.backfill(sim, config=self.config(0)).code, 0)
        self.assertEqual(set(self.excluded()), self.members(0))
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_appliances_behind_an_endpoint(self):
        sim = self.world()
        self.assertEqual(self.backfill(sim, config=self.config(1, 2)).code, 0)
        self.assertEqual(set(self.excluded()), self.members(1, 2))
        self.assertEqual(set(self.excluded().values()), {self.known["GivenTargets"][1], self.known["GivenTargets"][2]})
        self.assertEqual(self.calls(sim), {"DescribeVpcEndpoints": 1, "DescribeVpcEndpointServiceConfigurations": 1,
                                           "DescribeTargetGroups": 2, "DescribeTargetHealth": 2})
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_a_target_that_only_a_session_leads_to(self):
        """Somebody else's session fills a load balancer whose target no rule names."""
        sim = self.world("--no-auth", "--foreign-share", "0.1")
        foreign = {s["trafficMirrorTargetId"] for s in sim.every_session()}
        others = [n for n, target in enumerate(self.known["GivenTargets"]) if target in foreign]
        mine = next(n for n in range(3) if n not in others)
        self.assertTrue(self.members(*others), "the world has no session to a load balancer with members")
        self.assertEqual(self.backfill(sim, config=self.config(mine)).code, 0)
        self.assertEqual(set(self.excluded()), self.members(mine, *others))
        self.assertEqual(set(self.excluded().values()) - {self.known["GivenTargets"][mine]}, foreign)
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_sessions_of_the_configuration_itself_do_not_count(self):
        """They move with the rule, and what stood behind its former target is mirrored by the same run."""
        sim = self.world()
        self.assertEqual(self.backfill(sim, config=self.config(0)).code, 0)
        config = self.config(1)
        self.assertEqual(self.backfill(sim, config=config).code, 0)
        self.assertEqual(set(self.excluded()), self.members(1))
        plan = self.backfill(sim, "--dry-run", config=config)
        self.assertEqual(set(plan.json["summary"]) & {"created", "updated"}, set(), plan.json["summary"])

    def test_only_load_balancers_that_rules_use(self):
        sim = self.sim("--single-subnet", "--plain", "--members", "3", "--gateway", instances=20)
        self.assertEqual(self.backfill(sim).code, 0)
        self.assertEqual(self.calls(sim), {})

    def test_dry_run_and_explain_say_the_same(self):
        sim = self.world()
        config = self.config(0)
        plan = self.backfill(sim, "--dry-run", config=config)
        self.assertEqual(plan.code, 0, plan.err)
        self.assertEqual(set(self.excluded(plan.json["runId"])), self.members(0))
        one = min(self.members(0))
        answer = self.tmflow("explain", one, "--config", config, "-o", "json", sim=sim).json
        self.assertEqual(answer["excluded"], {"reason": "target-member", "targetId": self.known["GivenTargets"][0]})
        text = self.tmflow("explain", one, "--config", config, sim=sim)
        self.assertIn("target-member", text.out)

    def test_denied(self):
        for fault, needs, found in (("refuse:AccessDenied:DescribeTargetGroups@1", "elasticloadbalancing:DescribeTargetGroups", 0),
                                    ("refuse:AccessDenied:DescribeTargetHealth@1", "elasticloadbalancing:DescribeTargetHealth", 0),
                                    ("refuse:UnauthorizedOperation:DescribeNetworkInterfaces@1", "ec2:DescribeNetworkInterfaces", 6)):
            with self.subTest(fault=fault):
                sim = self.world("--fault", fault)
                done = self.backfill(sim, config=self.config(0), state=needs.replace(":", "-"))
                self.assertEqual(done.code, 0, done.err)
                self.assertEqual(done.err.count("members.unknown"), 1, done.err)
                self.assertIn(needs, done.err)
                self.assertRegex(done.err, r"members\.unknown run=\S+ .* request_id=\S+ effect=")
                self.assertEqual(done.json["summary"].get("excluded", 0), found)

    def test_passing_errors_are_asked_again(self):
        sim = self.world("--fault", "throttle:DescribeTargetGroups@#1", "--fault", "500:DescribeTargetHealth@#1")
        done = self.backfill(sim, config=self.config(0))
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(set(self.excluded()), self.members(0))

    def test_a_load_balancer_that_nobody_answers_for(self):
        sim = self.world()
        done = self.tmflow("run", harness.BACKFILL, "--config", self.config(0), "-o", "json", sim=sim,
                           env={"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"})
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("members.unknown", done.err)


if __name__ == "__main__":
    harness.main()
