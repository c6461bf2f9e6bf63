import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refused, type Answer, type Call, type Handlers } from './call.ts';
import { deployments } from './deployments.ts';
import { answerProblems, filled, operationOf, requestProblems } from './description.ts';
import { environments } from './environments.ts';
import { graphql } from './graphql.ts';
import { issues } from './issues.ts';
import type { Operation } from './operations.ts';
import { people } from './people.ts';
import { releases } from './releases.ts';
import { repository } from './repository.ts';
import { runs } from './runs.ts';
import { BOT, emptyState, type State } from './state.ts';

const HANDLERS: Handlers = {
  ...repository,
  ...people,
  ...environments,
  ...runs,
  ...issues,
  ...deployments,
  ...releases,
};

export interface GitHubOptions {
  /** `acme` and `platform` unless said. */
  owner?: string;
  repo?: string;
  /** What it holds at first; tests may change `state` at any time as well. */
  state?: Partial<State>;
}
export interface Asked {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
  login: string;
  status: number;
}
/** Which answers are taken over, and how. */
export interface Fault {
  /** Of the operation as the description names it, or of what begins so; all where it is left out. */
  operation?: Operation | (string & {});
  /** How often; once unless said. */
  times?: number;
  /** The status to answer with, or `cut` for a connection that ends without an answer. */
  answer: number | 'cut';
  headers?: Record<string, string>;
  message?: string;
  /** Which of these requests; all without it. */
  when?: (method: string, path: string) => boolean;
  /** The request has its effect, and only the answer is lost. */
  after?: boolean;
}
export interface TestGitHub {
  /** Address of the API, for `github.api`. */
  url: string;
  owner: string;
  repo: string;
  state: State;
  /** Every request, in order. */
  requests: Asked[];
  /** What was against GitHub's description, of requests and of answers; `close` throws where there is any. */
  violations: string[];
  fail(fault: Fault): void;
  /** Nothing goes wrong any more. */
  unfail(): void;
  /** The primary limit: nothing is answered for so many seconds, or the secondary one. */
  limit(kind: 'primary' | 'secondary', seconds: number, times?: number): void;
  /** From now on an operation needs a right that no token has. */
  forbid(operation: Operation, right: string): void;
  close(): Promise<void>;
}

/**
 * GitHub in small, on loopback. Each request and each answer is checked against GitHub's own description of its API:
 * whoever sends a field that does not exist is told so at once, by a 400 that names it.
 */
export async function startGitHub({
  owner = 'acme',
  repo = 'platform',
  state: given,
}: GitHubOptions = {}): Promise<TestGitHub> {
  const state: State = { ...emptyState(owner), ...given };
  const requests: Asked[] = [];
  const violations: string[] = [];
  const faults: Fault[] = [];
  const forbidden = new Map<string, string>();
  let lastId = 100_000;

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      violations.push(`the server of the tests failed: ${String((error as Error).stack)}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = Buffer.concat((await request.toArray()) as Buffer[]);
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    const json = /json/.test(request.headers['content-type'] ?? '') && raw.length > 0;
    const body = json ? (JSON.parse(raw.toString('utf8')) as Record<string, unknown>) : undefined;
    const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const login = token === undefined ? '' : (state.tokens[token] ?? BOT);
    const record: Asked = {
      method: request.method ?? '',
      path: pathname,
      query: Object.fromEntries(searchParams),
      body,
      login,
      status: 0,
    };
    requests.push(record);

    const known =
      method === 'POST' && pathname === '/graphql'
        ? { operation: 'POST /graphql', params: {} }
        : operationOf(method, pathname);
    const name = known?.operation ?? `${method} ${pathname}`;
    const fault = faults.find(
      (one) =>
        name.startsWith(one.operation ?? '') &&
        (one.times ?? 1) > 0 &&
        (one.when?.(method, pathname) ?? true),
    );
    if (fault) fault.times = (fault.times ?? 1) - 1;
    let answer: Answer | undefined;
    if (!fault || fault.after) {
      const call = {
        operation: name as Operation,
        params: known?.params ?? {},
        query: searchParams,
        body: body ?? {},
        raw,
        contentType: request.headers['content-type'] ?? '',
        login,
        state,
        owner,
        repo,
        url,
        now: new Date().toISOString(),
        id: () => (lastId += 1),
      } satisfies Call;
      answer = answerTo(call, known !== undefined, body);
    }
    if (fault?.answer === 'cut') return void response.destroy();
    if (fault)
      answer = {
        ...refused(fault.answer as number, fault.message ?? 'Server Error'),
        ...(fault.headers ? { headers: fault.headers } : {}),
      };
    send(response, record, request.method === 'HEAD', answer ?? refused(500, 'nothing was answered'));
  }

  function answerTo(call: Call, known: boolean, body: unknown): Answer {
    const { operation, params, login } = call;
    if (login === '') return refused(401, 'Requires authentication');
    if ((operation as string) === 'POST /graphql') return { status: 200, body: graphql(call) };
    const handler = HANDLERS[operation];
    if (!known || !handler) {
      violations.push(`${operation} is none of the operations of testing/github/operations.ts`);
      return refused(404, 'Not Found');
    }
    if (
      'owner' in params &&
      `${params['owner']}/${params['repo']}`.toLowerCase() !== `${call.owner}/${call.repo}`.toLowerCase()
    )
      return refused(404, 'Not Found');
    const wrong = requestProblems(operation, call.query, body);
    if (wrong.length > 0) {
      violations.push(...wrong.map((problem) => `${operation}: ${problem}`));
      return refused(400, wrong.join('; '));
    }
    const right = forbidden.get(operation);
    if (right !== undefined)
      return {
        ...refused(403, 'Resource not accessible by integration'),
        headers: { 'x-accepted-github-permissions': right },
      };
    const made = handler(call);
    const answer =
      made.body === undefined
        ? made
        : { ...made, body: made.status < 400 ? filled(operation, made.status, made.body) : made.body };
    violations.push(
      ...answerProblems(operation, answer.status, answer.body).map((problem) => `${operation}: ${problem}`),
    );
    return answer;
  }

  function send(
    response: ServerResponse,
    record: Asked,
    head: boolean,
    { status, body, headers }: Answer,
  ): void {
    record.status = status;
    response.writeHead(status, {
      ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...headers,
    });
    response.end(body === undefined || head ? undefined : JSON.stringify(body));
  }

  return {
    url,
    owner,
    repo,
    state,
    requests,
    violations,
    fail: (fault) => void faults.push(fault),
    unfail: () => void (faults.length = 0),
    limit: (kind, seconds, times = 1) => {
      const reset = String(Math.ceil(Date.now() / 1000) + seconds);
      faults.push(
        kind === 'primary'
          ? {
              answer: 403,
              times,
              message: 'API rate limit exceeded',
              headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
            }
          : {
              answer: 403,
              times,
              message: 'You have exceeded a secondary rate limit',
              headers: { 'retry-after': String(seconds) },
            },
      );
    },
    forbid: (operation, right) => void forbidden.set(operation, right),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0)
        throw new Error(`against GitHub's description:\n${[...new Set(violations)].join('\n')}`);
    },
  };
}
