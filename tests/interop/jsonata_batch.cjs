// Evaluates with the npm package jsonata what `tmflow eval --batch` evaluates: {"id", "expr", "data"} a line, an answer a line.
// A failure without a code is JavaScript's own, not one of the language: {"error": {"own": TEXT}}.
const jsonata = require('jsonata');
const readline = require('readline');

const GUARDS = { stack: 300, timeout: 2000 };

// What JSON has no form for: functions are "", numbers that are not finite null.
function plain(key, value) {
  const called = typeof value === 'function' || (value && (value._jsonata_lambda || value._jsonata_function));
  return called ? '' : value;
}

async function answer(question) {
  try {
    const result = await jsonata(question.expr, GUARDS).evaluate(question.data);
    return JSON.stringify({ id: question.id, result }, plain);
  } catch (error) {
    return JSON.stringify({ id: question.id, error: error.code ? { code: error.code, position: error.position } : { own: String(error.message) } });
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write((await answer(JSON.parse(line))) + '\n');
  }
}

main();
