import { expect, it } from 'vitest';
import type { ServiceBundle } from '../../service/types.ts';
import { assetsOf } from './checks.ts';
import { smokeFile } from './compose.ts';
import { smoke } from './smoke.ts';

const bundle = (compose: string, smokeCompose?: string) =>
  ({
    project: 'web',
    compose,
    ...(smokeCompose ? { smokeCompose } : {}),
    config: {
      http: { web: { port: 8080 } },
      smoke: { checks: [{ service: 'web', path: '/', status: 200 }] },
    },
  }) as unknown as ServiceBundle;

it('has nothing to try where sluice.json says nothing, and starts nothing', async () => {
  const bare = { ...bundle('services: {}'), config: { http: {}, secrets: [] } };
  const run = () => Promise.reject(new Error('something was started'));
  const input = { artifact: { bundle: bare }, env: {}, stage: 'staging', run };
  await expect(smoke(input as never)).rejects.toMatchObject({ code: 'SMOKE_NOT_CONFIGURED', exit: 2 });
});

it('pins the images, takes ports on loopback alone, and names nothing that could be taken', () => {
  const text =
    'services: { web: { build: ., image: x, container_name: y, restart: always, ports: ["80:8080"], environment: { A: "$A" } }, db: { image: db, ports: ["5432"] } }';
  const { text: made } = smokeFile(bundle(text), { web: 'r/web@sha256:1' }, { A: 'it$s' });
  expect(made).toContain('"image": "r/web@sha256:1"');
  expect(made).toContain('"127.0.0.1::8080"');
  expect(made).toContain('"A": "it$$s"');
  expect(made).not.toMatch(/container_name|restart|build|80:8080|5432/);
});

it('says which variables are missing, and takes the smoke test’s own file where there is one', () => {
  const own = 'services: { web: { image: x, command: "$GONE ${ALSO}" } }';
  expect(() => smokeFile(bundle('services: {}', own), {}, {})).toThrow(/GONE.*ALSO/);
});

it('finds the assets of a page, and no others', () => {
  const html =
    '<script src="/a.js"></script><link rel="stylesheet" href="b.css"><img src="https://cdn.example.com/c.png"><a href="/page">x</a><link href="#">';
  expect(assetsOf(html, '/shop/')).toEqual(['/a.js', '/shop/b.css']);
});
