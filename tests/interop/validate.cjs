// Reads a list of definitions as JSON; writes, for each, what the two validators have against it.
const asl = require('asl-validator');
const { getLanguageService, TextDocument } = require('amazon-states-language-service');

const service = getLanguageService({});

async function serviceFaults(definition) {
  const text = JSON.stringify(definition, null, 2);
  const document = TextDocument.create('file:///workflow.asl.json', 'json', 1, text);
  const diagnostics = await service.doValidation(document, service.parseJSONDocument(document));
  return diagnostics.map((d) => `${d.range.start.line + 1}: ${d.message}`);
}

async function main() {
  const definitions = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const answers = [];
  for (const definition of definitions) {
    const answer = asl(definition);
    answers.push({
      'asl-validator': answer.isValid ? [] : answer.errors.map((e) => e.message || JSON.stringify(e)),
      'amazon-states-language-service': await serviceFaults(definition),
    });
  }
  process.stdout.write(JSON.stringify(answers));
}

main();
