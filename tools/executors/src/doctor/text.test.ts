import { describe, expect, it } from 'vitest';
import { annotationsOf, formatDiagnosis, summaryOf } from './text.ts';
import type { Checked, Diagnosis } from './types.ts';

const checks: Checked[] = [
  { room: 'tools', title: 'git', verdict: 'ok', said: '2.39.5', ms: 3 },
  {
    room: 'registry',
    title: 'token',
    stage: 'test',
    verdict: 'problem',
    said: 'it is not taken\nthe registry said: 401 <no|way>',
    next: 'export TEST_REGISTRY_TOKEN=<token>',
    code: 'TOKEN_REFUSED',
    ms: 40,
  },
  {
    room: 'registry',
    title: 'packages',
    stage: 'test',
    verdict: 'not checked',
    said: 'packages cannot be read',
    ms: 0,
  },
  {
    room: 'gates',
    title: 'approvals',
    stage: 'test',
    verdict: 'warning',
    said: '1 must approve: 50 % of two',
    next: 'add a person',
    ms: 1,
  },
];
const diagnosis = (over: Partial<Diagnosis> = {}): Diagnosis => ({
  profile: 'live',
  stage: 'test',
  ok: false,
  counts: { ok: 1, warning: 1, problem: 1, 'not checked': 1 },
  checks,
  ...over,
});

describe('the answer of the doctor', () => {
  it('says what is wrong and what mends it, then one line for each check', () => {
    expect(formatDiagnosis(diagnosis())).toBe(
      `PROBLEM registry: token (test), TOKEN_REFUSED
  it is not taken
  the registry said: 401 <no|way>
  next: export TEST_REGISTRY_TOKEN=<token>

warning gates: approvals (test)
  1 must approve: 50 % of two
  next: add a person

check               stage  result
------------------  -----  -----------  ---------------------------
tools: git                 ok           2.39.5
registry: token     test   PROBLEM      it is not taken
registry: packages  test   not checked  packages cannot be read
gates: approvals    test   warning      1 must approve: 50 % of two

1 ok, 1 warning, 1 problem, 1 not checked (stage test, profile live); nothing was changed
Next: the commands above, from the first one on; then this again`,
    );
  });

  it('is short where all is well, and says what the local profile does not look at', () => {
    const [git] = checks as [Checked];
    const counts = { ok: 2, warning: 0, problem: 0, 'not checked': 0 };
    const { stage: _, ...all } = diagnosis({ ok: true, profile: 'local', counts, checks: [git, git] });
    expect(formatDiagnosis(all)).toBe(
      `check       stage  result
----------  -----  ------  ------
tools: git         ok      2.39.5
tools: git         ok      2.39.5

2 ok (profile local); nothing was changed
This is the local profile, with registries on this machine. SLUICE_PROFILE=live npx nx doctor looks at the real ones.`,
    );
  });

  it('is annotations and a table inside GitHub Actions', () => {
    expect(annotationsOf(diagnosis())).toEqual([
      '::error title=registry%3A token (test)::it is not taken%0Athe registry said: 401 <no|way>%0Anext: export TEST_REGISTRY_TOKEN=<token>',
      '::warning title=gates%3A approvals (test)::1 must approve: 50 %25 of two%0Anext: add a person',
    ]);
    expect(summaryOf(diagnosis())).toBe(`### ❌ doctor test

| | check | stage | |
|---|---|---|---|
| ✅ | tools: git |  | 2.39.5 |
| ❌ | registry: token | test | it is not taken<br>the registry said: 401 &lt;no\\|way><br>next: <code>export TEST\\_REGISTRY\\_TOKEN=&lt;token></code> |
| ➖ | registry: packages | test | packages cannot be read |
| ⚠️ | gates: approvals | test | 1 must approve: 50 % of two<br>next: <code>add a person</code> |

`);
  });
});
