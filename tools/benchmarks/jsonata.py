"""Expressions in JSONata beside the npm package `jsonata`, both parsed once and evaluated for a while in one process."""
import json
import os
import statistics
import subprocess
import sys
import time

from .common import KIB, PROGRAMS, ROOT, Row, harness, high_water_kib

sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
import interop  # noqa: E402

SECONDS, SECONDS_QUICK = 0.5, 0.1
ORDERS = 200
RANGE = 10_000_000
RANGE_MIB_MAX = 32  # of the process that sums it


def order(number):
    return {"id": f"order-{number:04}", "customer": {"name": f"Customer {number % 17}", "country": ["AT", "DE", "FR", "IT"][number % 4]},
            "placed": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T10:15:30.000Z", "paid": number % 3 != 0,
            "lines": [{"sku": f"SKU-{number * 7 % 40}", "price": (number * 13 + line * 7) % 97 + 0.5, "quantity": line % 4 + 1} for line in range(number % 5 + 1)]}


DATA = {"account": {"owner": {"name": "Ada", "email": "ada@example.com"}}, "numbers": list(range(1000)), "orders": [order(n) for n in range(ORDERS)],
        "text": "The quick brown fox jumps over the lazy dog. " * 20, "a": {"b": {"c": {"d": 1}}}}

PATHS = [
    "account.owner.name", "a.b.c.d", "orders[0].id", "orders[-1].lines[0].price", "$.account.owner", "orders.id", "orders.lines.sku", "orders.lines.price[$ > 50]",
    "orders[paid].customer.name", "orders[customer.country = 'AT'].lines[quantity > 1].sku", "orders.customer.*", "**.sku",
]
CASES = {
    "path": PATHS,
    "group": ["orders{customer.country: $count($)}", "orders.lines{sku: $sum(quantity)}", "orders{customer.name: lines.price}"],
    "sort": ["orders^(customer.name).id", "orders.lines^(>price, sku).sku", "$sort(numbers, function($a, $b) { $a < $b })", "$sort(orders.id)"],
    "map and reduce": ["$map(numbers, function($n) { $n * 2 })", "$filter(numbers, function($n, $i) { $n % 2 = 0 and $i > 10 })",
                       "$reduce(numbers, function($sum, $n) { $sum + $n })", "orders.{'id': id, 'total': $sum(lines.(price * quantity))}",
                       "$sum(orders.lines.(price * quantity))", "orders@$o.lines[price > 90].{'id': $o.id, 'sku': sku}", "orders#$i[$i < 5].{'number': $i, 'id': id}",
                       "orders.lines.{'sku': sku, 'of': %.id}", "$ ~> |orders|{'paid': true}, ['lines']|", "(\n  $fib := function($n) { $n < 2 ? $n : $fib($n - 1) + $fib($n - 2) };\n  $fib(12)\n)"],
    "strings": ["$uppercase(account.owner.name)", "account.owner.name & ' <' & account.owner.email & '>'", "$join(orders.id, ', ')", "$split(text, ' ')",
                "orders.$substringAfter(id, '-')", "$string(orders[0])", "$length(text)", "$pad(account.owner.name, 20, '.')", "$formatNumber(1234.5678, '#,##0.00')"],
    "regular expressions": ["$match(text, /\\w+/)", "$replace(text, /(\\w+) (\\w+)/, '$2 $1')", "orders[id ~> /9$/].id", "$contains(text, /lazy/)", "$split(text, /[ .]+/)"],
    "dates": ["$toMillis('2024-03-27T15:43:15.123Z')", "$fromMillis(1510067557121)", "$fromMillis(1510067557121, '[FNn], [D1o] [MNn] [Y] at [h#1]:[m01] [P]')",
              "orders.$toMillis(placed)", "$toMillis('27/03/2024 15:43', '[D]/[M]/[Y] [H]:[m]')"],
}

# As workflows have them: what an expression costs while its workflow is kept.
KEPT = [
    "$states.input.order.customerId", "$states.result.Payload", "{'orderId': $states.input.orderId, 'status': 'FAILED', 'reason': $states.errorOutput.Cause}",
    "$exists($states.input.detail.instance-id) and $states.input.detail.state = 'running'", "$states.context.Execution.Name & '-' & $string($states.context.Map.Item.Index)",
    "$filter($states.result.Reservations.Instances, function($instance) { $instance.State.Name = 'running' })", "$merge([$states.input, {'attempt': $attempt + 1}])",
    "$states.input.orders[status = 'open'].{'id': orderId, 'total': $sum(items.(price * quantity))}", "$count($states.result.Items) > 0 ? $states.result.Items[0].name : 'unknown'",
    "$map($states.input.instanceIds, function($id, $index) { {'InstanceId': $id, 'Name': 'mirror-' & $index} })", "$toMillis($states.context.State.EnteredTime) + 3600 * 1000",
]


def measured(words, seconds, lines):
    done = subprocess.run([*words, str(seconds)], input=lines, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def peak_kib(words):
    """The peak of a process that ends well, looked at while it runs: what wait4 says counts this Python too."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, high_water_kib(process.pid))
            time.sleep(0.001)
    if process.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    return peak


def asked(exprs):
    return "".join(json.dumps({"expr": expr, "data": DATA}) + "\n" for expr in exprs)


def rows(sizes):
    seconds = SECONDS if sizes.calls >= 5000 else SECONDS_QUICK
    program = [os.path.join(PROGRAMS, "bench_jsonata")]
    cases = [(kind, expr) for kind, exprs in CASES.items() for expr in exprs]
    # What npm's jsonata gives is its own form of values; ours is made into a document for the engine, which is measured apart.
    alone = asked(f"({expr}; true)" for _, expr in cases)
    ours, theirs = measured(program, seconds, alone), measured(interop.node_words("jsonata_time.cjs"), seconds, alone)
    whole = measured(program, seconds, asked(expr for _, expr in cases))
    kept = measured(program, 0, asked(f"false ? ({expr})" for expr in KEPT))
    times = {}
    for (kind, expr), mine, other, document in zip(cases, ours, theirs, whole, strict=True):
        times.setdefault(kind, []).append(other["ns"] / mine["ns"])
        yield Row(f"  {' '.join(expr.split())[:34]:34} npm {other['ns'] / 1e3:9.2f}  document {document['ns'] / 1e3:7.2f}", mine["ns"] / 1e3, "us", digits=2)
    every = [ratio for ratios in times.values() for ratio in ratios]
    for kind, ratios in times.items():
        yield Row(f"JSONata, times faster than npm's jsonata, median: {kind}", statistics.median(ratios), digits=1)
    yield Row("... of all, the median", statistics.median(every), bound=10, at_least=True, digits=1)
    yield Row("... of all, the least", min(every), bound=1, at_least=True, digits=1)
    yield Row("... a plain path with its document", max(document["ns"] for document in whole[:2]), "ns", bound=1000)
    yield Row("... bytes parsed, times the text: of expressions of workflows", sum(one["parsed"] for one in kept) / sum(one["text"] for one in kept), bound=8, digits=1)
    yield Row("... of all these, which are shorter", sum(one["parsed"] for one in whole) / sum(one["text"] for one in whole), digits=1)
    yield Row(f"... $sum([1..{RANGE:,}]), peak memory", peak_kib([harness.TMFLOW, "eval", f"$sum([1..{RANGE}])"]) / KIB, "MiB", bound=RANGE_MIB_MAX, digits=1)
