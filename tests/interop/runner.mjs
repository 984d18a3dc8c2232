// Runs a machine with aws-local-stepfunctions: DEFINITION INPUT, both files. Writes {"output", "seconds"}: processor time of the run alone.
import { readFileSync } from 'node:fs';
import { StateMachine } from 'aws-local-stepfunctions';

const [definition, input] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const machine = new StateMachine(definition, { validationOptions: { noValidate: true } });
const before = process.cpuUsage();
const output = await machine.run(input).result;
const used = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ output, seconds: (used.user + used.system) / 1e6 }));
