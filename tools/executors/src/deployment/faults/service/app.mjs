// The service of the fault matrix: it answers with its version, keeps rows in PostgreSQL, and goes wrong as its image says.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';

const { MODE = 'good', VERSION = '0', AFTER = '0', DATABASE_PASSWORD = '', GREETING = '' } = process.env;

/** One simple query, in the database's own protocol: its rows, as texts of their first columns. */
function query(sql) {
  const text = (value) => Buffer.from(`${value}\0`);
  const message = (type, ...parts) => {
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(4);
    head.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), head, body]);
  };
  return new Promise((resolve, reject) => {
    const socket = connect(5432, 'db');
    const rows = [];
    let rest = Buffer.alloc(0);
    let asked = false;
    socket.setTimeout(3_000, () => socket.destroy(new Error('the database does not answer')));
    socket.on('error', reject);
    const names = ['user', 'postgres', 'database', 'shop', ''].map(text);
    socket.write(message('', Buffer.from([0, 3, 0, 0]), ...names));
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length > 4 && rest.length > rest.readInt32BE(1)) {
        const type = String.fromCharCode(rest[0]);
        const body = rest.subarray(5, rest.readInt32BE(1) + 1);
        rest = rest.subarray(rest.readInt32BE(1) + 1);
        if (type === 'R' && body.readInt32BE(0) === 3) socket.write(message('p', text(DATABASE_PASSWORD)));
        else if (type === 'D') rows.push(body.subarray(6, 6 + Math.max(0, body.readInt32BE(2))).toString());
        else if (type === 'E') return void socket.destroy(new Error(body.toString().replaceAll('\0', ' ')));
        else if (type === 'Z' && asked) return void (socket.end(), resolve(rows));
        else if (type === 'Z') {
          asked = true;
          socket.write(message('Q', text(sql)));
        }
      }
    });
  });
}

if (process.argv[2] === 'migrate') {
  await query('CREATE TABLE IF NOT EXISTS note (text text PRIMARY KEY)');
  await query(`CREATE TABLE IF NOT EXISTS since_${VERSION} (id int)`);
  if (MODE === 'migration') throw new Error('this migration cannot work, because the test says so');
  process.exit(0);
}
if (MODE === 'crash') throw new Error('cannot start, because the test says so');

let asked = 0;
async function ready() {
  if (MODE === 'never') return false;
  asked += 1;
  if (MODE === 'later' && asked > Number(AFTER)) return false;
  return (await query('SELECT 1')).length === 1;
}
const answers = {
  '/readyz': async () => ((await ready()) ? 'ready' : undefined),
  '/notes': async () => (await query('SELECT text FROM note ORDER BY text')).join('\n'),
  '/kept': () => readFileSync('/kept/file', 'utf8'),
  '/greeting': () => GREETING,
  '/': () => VERSION,
};
createServer(async (request, response) => {
  let answer;
  try {
    answer = await answers[request.url]?.();
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
  }
  response.statusCode = answer === undefined ? 503 : 200;
  response.end(answer ?? 'not now');
}).listen(3000);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
