import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended } from './child.ts';
import type { Case, Own } from './matrix.ts';
import { HOME, type Scene } from './scene.ts';

/** Deploys with one fault, and mends what is broken; what the deployer had to say. */
export async function deployBroken(scene: Scene, one: Case): Promise<Ended> {
  const { fault, step, when, own } = one;
  const { leader } = scene;
  const begun = `grep -c '^[^ ]* [^ ]* ${step} began' ${HOME}/journal`;
  const before = Number(await leader.exec(`${begun} || true`));
  // A backup is none of the steps that are taken back, so the journal does not tell of it.
  const isUnderWay =
    step === 'backup' ? `ls -d ${HOME}/backups/.making.* >/dev/null 2>&1` : `[ "$(${begun})" -gt ${before} ]`;
  if (own && 'version' in own) return scene.deploy();
  const child = scene.start({ stopAt: step });
  await child.stopped();
  const underWay = async () => {
    child.go();
    await leader.exec(`
      for _ in $(seq 1500); do
        ${isUnderWay} && exit 0
        sleep 0.02
      done
      exit 1`);
  };
  if (when === 'during') await underWay();
  switch (fault) {
    case 'killed':
      await child.kill();
      break;
    case 'hung up':
      await leader.hangUp();
      break;
    case 'cut off':
      await leader.cut();
      child.go();
      await sleep(3_000);
      await scene.quiet();
      await leader.mend();
      break;
    case 'engine stopped':
      await leader.stopEngine();
      break;
    case 'disk full':
      await leader.fillDisk();
      break;
    case 'own':
      await breakStep(scene, own as Own);
  }
  child.go();
  const ended = await child.ended;
  if (fault === 'engine stopped') await leader.startEngine();
  if (fault === 'disk full') {
    await scene.expectAnswer();
    await leader.freeDisk();
  }
  if (own) await mendStep(scene, own);
  return ended;
}

const ledgerLock = (scene: Scene) =>
  join(scene.flow.root, '.sluice/local/ledger.git/refs/heads/sluice/ledger.lock');

async function breakStep(scene: Scene, own: Own): Promise<void> {
  if ('host' in own) await scene.leader.exec(own.host);
  if ('ledger' in own) await writeFile(ledgerLock(scene), '');
  if ('registry' in own) {
    const path = /\/v2\/acme\/web\/(manifests|blobs)\//;
    const fault =
      own.registry === 'refuses'
        ? ({ do: 'answer', status: 403, body: { errors: [{ code: 'DENIED', message: 'denied' }] } } as const)
        : ({ do: 'answer', status: 500 } as const);
    scene.flow.proxy().rules.push({ path, times: Infinity, fault });
  }
}

async function mendStep(scene: Scene, own: Own): Promise<void> {
  if ('host' in own && own.mend !== '') await scene.leader.exec(own.mend);
  if ('ledger' in own) await rm(ledgerLock(scene));
  if ('registry' in own) scene.flow.proxy().rules.length = 0;
}
