// Asks @cloud-copilot/iam-simulate, an evaluator of IAM policies that knows AWS's service authorization reference, about each
// {"policy", "action", "resource", "context"} of standard input, a JSON list. Writes the list of results: "Allowed",
// "ImplicitlyDenied", or {"errors": ...} for a policy, action, resource or condition key that AWS does not have.
const {runSimulation} = require('@cloud-copilot/iam-simulate');

const account = '123456789012';

async function ask({policy, action, resource, context}) {
  const answer = await runSimulation({
    request: {
      principal: `arn:aws:iam::${account}:role/tmflow`,
      action,
      resource: {resource, accountId: account},
      contextVariables: context,
    },
    identityPolicies: [{name: 'exported', policy}],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {});
  if (answer.resultType === 'error') {
    return {errors: answer.errors};
  }
  return answer.overallResult ?? answer.result.analysis.result;
}

let text = '';
process.stdin.on('data', (piece) => { text += piece; });
process.stdin.on('end', async () => {
  const results = [];
  for (const question of JSON.parse(text)) {
    results.push(await ask(question));
  }
  console.log(JSON.stringify(results));
});
