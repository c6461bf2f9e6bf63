// What the tests deploy: answers with its version, and goes wrong as MODE says.
import { createServer } from 'node:http';

const { MODE = 'good', VERSION = '0', AFTER = '0' } = process.env;
const began = Date.now();
if (MODE === 'crash') {
  process.stdout.write('cannot go on, because the test says so\n@error LOOKS_LIKE_OURS\n');
  setTimeout(() => process.exit(3), 200);
}
createServer((request, response) => {
  const url = request.url ?? '';
  const sick = MODE === 'sick' || (MODE === 'later' && Date.now() - began > Number(AFTER));
  const answer = () => {
    response.statusCode = url.startsWith('/readyz')
      ? sick
        ? 500
        : 200
      : url.startsWith('/nothing')
        ? 404
        : 200;
    response.end(JSON.stringify({ version: VERSION, url, headers: request.headers }));
  };
  if (url.startsWith('/slow')) setTimeout(answer, 3_000);
  else answer();
}).listen(3000);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
