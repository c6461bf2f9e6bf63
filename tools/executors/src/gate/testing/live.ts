import { createHash } from 'node:crypto';
import { afterAll } from 'vitest';
import { openLedger, type Ledger, type LedgerRecord, type RecordBody } from '../../ledger/index.ts';
import type { Signer } from '../../ledger/types.ts';
import type { Repository } from '../../git/index.ts';
import type { GateOptions, GitHubOptions, Profile, Stage } from '../../pipeline/types.ts';
import { makeApproval } from '../approve.ts';
import { evaluateGate } from '../evaluate.ts';
import { planHash } from '../plan-hash.ts';
import { loadPolicy } from '../policy.ts';
import type { GateDecision, GateInput, GateItem, Item } from '../types.ts';
import { nxJson, World } from './world.ts';

export const HOUR = 3_600_000;
type Approved = Extract<RecordBody, { type: 'approved' }>;

let template: Promise<Live> | undefined;
afterAll(async () => (await template)?.remove());

/** A package that stands in `test` of a live pipeline and wants into `public`, behind the gate. */
export class Live extends World {
  repo!: Repository;
  ledger!: Ledger;
  identity = '';
  profile: Profile = 'live';
  source = '';
  signers = '';
  gate: GateOptions | undefined;
  github: Partial<GitHubOptions> | undefined;
  /** Options beside those of the packages. */
  more: Record<string, unknown> = {};
  now = new Date();

  static async make(gate: GateOptions, profile: Profile = 'live'): Promise<Live> {
    template ??= Live.#template();
    const first = await template;
    const live = new Live(first);
    const { now, source, signers } = first;
    Object.assign(live, { profile, gate, now, source, signers });
    live.commit(live.policyFiles());
    live.push();
    await live.#begin();
    return live;
  }

  /** Everything but the gate, made once: keys, sources, and 1.0.0 on its way. */
  static async #template(): Promise<Live> {
    const live = new Live();
    live.signers = ['ci', 'alice', 'bob', 'carol'].map((name) => live.line(name)).join('');
    live.key('mallory');
    live.source = live.commit({ ...live.policyFiles(), 'libs/money/index.ts': '1' });
    live.push();
    await live.#begin();
    await live.publish('1.0.0', live.source);
    return live;
  }

  async #begin(): Promise<void> {
    this.repo = await this.repository();
    this.identity = await this.repo.identity();
    this.ledger = await this.open();
  }

  open(): Promise<Ledger> {
    return openLedger({
      repository: this.repo,
      branch: 'sluice/ledger',
      remote: 'origin',
      push: true,
      repositoryIdentity: this.identity,
      requireSignature: false,
    });
  }

  line(name: string, options = ''): string {
    return `${name}@acme.example ${options}${this.key(name)}\n`;
  }

  policyFiles(): Record<string, string> {
    return {
      'nx.json': nxJson({
        gate: this.gate,
        ...(this.github ? { github: this.github } : {}),
        more: this.more,
      }),
      '.sluice/allowed_signers': this.signers,
    };
  }

  item(version = '1.0.0'): GateItem {
    const integrity = `sha512-${createHash('sha512').update(version).digest('base64')}`;
    return { project: 'money', name: '@acme/money', version, integrity, root: 'libs/money' };
  }

  /** The item as records name it. */
  named(version = '1.0.0'): Item {
    const { project, name, integrity } = this.item(version);
    return { project, name, version, integrity };
  }

  /** Into the first stage and on to `test`, recorded by CI. */
  async publish(version: string, commit: string, signer: string | null = 'ci', at = this.now): Promise<void> {
    const item = this.named(version);
    const { root } = this.item(version);
    await this.record(
      [
        {
          ...item,
          root,
          type: 'published',
          pipeline: 'packages',
          stage: 'first',
          registry: 'first.registry.example.com',
          shasum: '00',
          size: 1,
          tag: 'latest',
          source: { commit, dirty: false },
          tools: {},
          dependencies: {},
        },
      ],
      signer,
      at,
    );
    await this.promoted(version, 'test', { from: 'first' }, signer, at);
  }

  async promoted(
    version: string,
    stage: string,
    more: object,
    signer: string | Signer | null = 'ci',
    at = this.now,
  ): Promise<void> {
    const item = this.named(version);
    const body = {
      ...item,
      type: 'promoted' as const,
      pipeline: 'packages' as const,
      stage,
      registry: `${stage}.registry.example.com`,
      from: 'test',
      tag: 'latest',
      verified: 'bytes' as const,
      planHash: 'p',
      policy: this.git(this.clone, 'rev-parse', 'refs/remotes/origin/main'),
      approvals: [],
      gate: [],
      ...more,
    };
    await this.record([body], signer, at);
  }

  async record(
    bodies: RecordBody[] | ((head: string | null) => RecordBody[]),
    signer: string | Signer | null,
    at = this.now,
  ): Promise<LedgerRecord[]> {
    const make = typeof bodies === 'function' ? bodies : () => bodies;
    const options = {
      run: 'test',
      now: at,
      ...(signer ? { signer: typeof signer === 'string' ? await this.signer(signer) : signer } : {}),
    };
    return (await this.ledger.append((state) => make(state.head), options)).appended;
  }

  /** An approval of a version by a person; `change` makes it another one than it ought to be. */
  async approve(
    name: string | null,
    change: (body: Approved) => Approved = (body) => body,
    at = this.now,
  ): Promise<LedgerRecord> {
    const policy = this.git(this.clone, 'rev-parse', 'refs/remotes/origin/main');
    const item = this.named();
    const plan = {
      pipeline: 'packages' as const,
      stage: 'public',
      registry: 'public.registry.example.com',
      repository: this.identity,
      items: [item],
    };
    const [record] = await this.record(
      (ledgerHead) => [change(makeApproval({ plan, policy, ledgerHead, now: at }))],
      name,
      at,
    );
    return record as LedgerRecord;
  }

  /** The same approval with its plan hash made to fit. */
  rehashed(body: Approved): Approved {
    return { ...body, planHash: planHash({ ...body, repository: this.identity }) };
  }

  /** Puts a file on the ledger's branch behind our back, as somebody who may push there can. */
  async smuggle(edit: (folder: string) => void | Promise<void>): Promise<void> {
    const folder = `${this.root}/smuggler-${this.#smuggled++}`;
    this.git(this.root, 'clone', '--quiet', '--branch', 'sluice/ledger', this.remote, folder);
    await edit(folder);
    this.git(folder, 'add', '-A');
    this.git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'smuggled');
    this.git(folder, 'push', '--quiet', '--force', 'origin', 'HEAD:sluice/ledger');
    await this.ledger.refresh();
  }
  #smuggled = 0;

  async input(more: Partial<GateInput> = {}): Promise<GateInput> {
    const stage: Stage = {
      pipeline: 'packages',
      name: 'public',
      index: 2,
      before: 'test',
      registry: 'https://public.registry.example.com',
      kind: 'generic',
      identity: 'public.registry.example.com',
      tokenEnv: 'T',
      access: 'public',
      tag: 'latest',
      verify: 'bytes',
      visibleWithinMs: 1,
    };
    return {
      policy: await loadPolicy({ repository: this.repo, profile: this.profile, remote: 'origin' }),
      stage,
      from: 'test',
      items: [this.item()],
      state: await this.ledger.refresh(),
      ledger: this.ledger,
      repository: this.repo,
      profile: this.profile,
      now: this.now,
      ...more,
    };
  }

  /** What the gate says about the first item. */
  async decide(more: Partial<GateInput> = {}): Promise<GateDecision> {
    const decisions = await evaluateGate(await this.input(more));
    return [...decisions.values()][0] as GateDecision;
  }

  /** The ledger's head at the remote: nothing was written while it stays. */
  head(): string {
    return this.git(this.root, '--git-dir', this.remote, 'rev-parse', 'sluice/ledger');
  }
}
