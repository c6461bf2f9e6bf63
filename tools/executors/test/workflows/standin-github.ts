import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startGitHub, type TestGitHub } from '../../src/testing/github/index.ts';
import { startIssuer, type TestIssuer } from '../../src/testing/issuer/index.ts';

interface Run {
  id: number;
  file: string;
  event: string;
  ref: string;
  sha: string;
}
interface WorkflowJob {
  environment?: string;
  permissions?: Record<string, string>;
}

/**
 * What act leaves out of GitHub: the API, tokens for jobs that have the right to ask for them, with the environment of the job in them,
 * and the reviewers of environments, who approve at once.
 */
export class StandInGitHub {
  /** Environment -> who approves its jobs. */
  readonly reviewers = new Map<string, string>();
  readonly api: TestGitHub;
  readonly issuer: TestIssuer;
  readonly #server: Server;
  readonly #root: string;
  readonly #remote: string;
  #run: Run | undefined;

  private constructor(root: string, remote: string, api: TestGitHub, issuer: TestIssuer) {
    this.#root = root;
    this.#remote = remote;
    this.api = api;
    this.issuer = issuer;
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const job = searchParams.get('job') ?? '';
      const answer =
        pathname === '/token' ? this.#token(job, searchParams.get('audience') ?? '') : this.#begin(job);
      void Promise.resolve(answer).then((text) => response.end(text));
    });
  }

  /**
   * @param root the clone whose workflows are run
   * @param remote the bare repository that GitHub would hold
   */
  static async start(root: string, remote: string): Promise<StandInGitHub> {
    const standIn = new StandInGitHub(root, remote, await startGitHub(), await startIssuer());
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    Object.assign(standIn.api.state.users, {
      rita: { id: 7, permission: 'write' },
      dev: { id: 12, permission: 'write' },
    });
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  begin(run: Run): void {
    this.#run = run;
    const { id, file, event, ref, sha } = run;
    const path = `.github/workflows/${file}`;
    const branch = ref.replace('refs/heads/', '');
    const more = { attempt: 1, name: file, actor: 'dev', pending: [], approvals: [] };
    this.api.state.runs.push({ id, path, event, branch, sha, ...more });
  }

  /** A comment on an issue; the payload of its event. */
  comment(user: string, body: string): object {
    const { issues, comments } = this.api.state;
    const issue = {
      number: 1,
      title: 'Release',
      body: '',
      state: 'open' as const,
      user,
      labels: [],
      assignees: [],
    };
    if (issues.length === 0) issues.push(issue);
    const [id, at] = [900_001 + comments.length, new Date().toISOString()];
    comments.push({ id, issue: 1, user, body, created_at: at, updated_at: at });
    return { action: 'created', issue: { number: 1 }, comment: { id, body, user: { login: user } } };
  }

  #job(id: string): WorkflowJob {
    const text = readFileSync(join(this.#root, '.github/workflows', this.#run?.file ?? ''), 'utf8');
    return (parse(text) as { jobs: Record<string, WorkflowJob> }).jobs[id] ?? {};
  }

  /** Lines for a job's environment when it begins, after somebody has approved it where somebody has to. */
  #begin(id: string): string {
    this.#look();
    const { environment, permissions = {} } = this.#job(id);
    const user = this.reviewers.get(environment ?? '');
    const run = this.api.state.runs.find((one) => one.id === this.#run?.id);
    if (environment && user)
      run?.approvals.push({ environments: [environment], state: 'approved', user, comment: 'go' });
    if (permissions['id-token'] !== 'write') return '';
    return `ACTIONS_ID_TOKEN_REQUEST_URL=${this.url}/token?job=${id}\nACTIONS_ID_TOKEN_REQUEST_TOKEN=bearer\n`;
  }

  /** What jobs pushed is there for those behind them. */
  #look(): void {
    const git = (...args: string[]) =>
      execFileSync('git', ['--git-dir', this.#remote, ...args], { encoding: 'utf8' }).split('\n');
    this.api.state.commits = git('log', '--format=%H %s', 'main').flatMap((line) => {
      const [sha = '', ...words] = line.split(' ');
      return sha === '' ? [] : [{ sha, message: words.join(' '), author: 'dev' }];
    });
    for (const line of git('for-each-ref', '--format=%(refname) %(objectname) %(*objectname)')) {
      const [ref = '', object = '', peeled] = line.split(' ');
      const sha = peeled || object;
      if (ref.startsWith('refs/tags/')) this.api.state.tags[ref.slice(10)] = sha;
      if (ref.startsWith('refs/heads/')) this.api.state.branches[ref.slice(11)] = { sha };
    }
  }

  async #token(id: string, audience: string): Promise<string> {
    const { environment } = this.#job(id);
    const { id: run = 0, file = '', event = '', ref = '', sha = '' } = this.#run ?? {};
    const workflow = `acme/platform/.github/workflows/${file}@${ref}`;
    const claims = {
      sub: `repo:acme/platform:${environment ? `environment:${environment}` : `ref:${ref}`}`,
      ...(environment ? { environment } : {}),
      ref,
      sha,
      workflow_sha: sha,
      job_workflow_sha: sha,
      run_id: String(run),
      event_name: event,
      workflow_ref: workflow,
      job_workflow_ref: workflow,
    };
    return JSON.stringify({ value: await this.issuer.token(audience, { claims }) });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.issuer.close();
    await this.api.close();
  }
}
