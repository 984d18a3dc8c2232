// Expressions in JSONata, how long each takes with the npm package: node jsonata_time.cjs SECONDS < CASES, as bench_jsonata.c.
const jsonata = require('jsonata');
const readline = require('readline');

const LAP_MS_MIN = 1;

async function evaluationNs(expression, data, seconds) {
  const start = performance.now();
  let before = start, best = 0, count = 1;
  while (best === 0 || before - start < seconds * 1e3) {
    for (let i = 0; i < count; i++) await expression.evaluate(data);
    const after = performance.now();
    if (after - before < LAP_MS_MIN) count *= 2;
    else if (best === 0 || (after - before) / count < best) best = (after - before) / count;
    before = after;
  }
  return best * 1e6;
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { expr, data } = JSON.parse(line);
    process.stdout.write(JSON.stringify({ ns: await evaluationNs(jsonata(expr), data, Number(process.argv[2])) }) + '\n');
  }
}

main();
