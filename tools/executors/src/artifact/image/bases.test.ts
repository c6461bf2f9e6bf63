import { describe, expect, it } from 'vitest';
import type { SluiceError } from '../../foundation/index.ts';
import { basesOf, pinBases, type DockerfileOptions } from './bases.ts';
import { instructions } from './dockerfile.ts';

const using = (change: Partial<DockerfileOptions> = {}): DockerfileOptions => ({
  file: 'Dockerfile',
  args: {},
  ...change,
});
const references = (text: string, change?: Partial<DockerfileOptions>): string[] =>
  basesOf(text, using(change)).uses.map(({ reference, platform }) =>
    platform ? `${reference} (${platform})` : reference,
  );

describe('the images that a Dockerfile stands on', () => {
  it.each<[string, string, string[], Partial<DockerfileOptions>?]>([
    ['one', 'FROM debian:12', ['debian:12']],
    ['in lower case, named', 'from debian:12 as Base\nFROM base', ['debian:12']],
    ['none', 'FROM scratch\nCOPY x /', []],
    ['several, each once', 'FROM a:1\nFROM b\nFROM a:1 AS c', ['a:1', 'b']],
    ['a registry with a port', 'FROM 127.0.0.1:5000/x/y:1', ['127.0.0.1:5000/x/y:1']],
    ['a digest', `FROM a@sha256:${'0'.repeat(64)}`, [`a@sha256:${'0'.repeat(64)}`]],
    [
      'a stage is none',
      'FROM a AS one\nFROM one AS two\nCOPY --from=one /x /\nFROM two\nCOPY --from=0 /x /',
      ['a'],
    ],
    ['an image that has the name of a later stage', 'FROM b\nFROM a AS b', ['b', 'a']],
    ['COPY from an image', 'FROM a\nCOPY --chown=1:1 --from=tools:2 /bin/x /bin/', ['a', 'tools:2']],
    [
      'a mount from an image',
      'FROM a\nRUN --mount=type=bind,from=tools:3,target=/x --network=none make',
      ['a', 'tools:3'],
    ],
    ['ARG with a default', 'ARG TAG=12\nFROM debian:${TAG}', ['debian:12']],
    ['ARG with a value given', 'ARG TAG=12\nFROM debian:$TAG', ['debian:13'], { args: { TAG: '13' } }],
    [
      'a value without an ARG does not count',
      'FROM debian:${TAG:-12}',
      ['debian:12'],
      { args: { TAG: '13' } },
    ],
    ['ARG of an ARG, quoted', 'ARG A=1 B="x-${A}"\nARG C=\'$A\'\nFROM i:${B}${C:+-c}', ['i:x-1-c']],
    ['ARG after FROM is another one', 'ARG T=1\nFROM a:$T\nARG T=2\nFROM b:$T', ['a:1', 'b:1']],
    ['a default within a default', 'FROM ${A:-${B:-c}}', ['c']],
    [
      'a platform',
      'FROM --platform=$BUILDPLATFORM a AS x\nFROM --platform=linux/arm64 b',
      ['a (linux/amd64)', 'b (linux/arm64)'],
      { predefined: { BUILDPLATFORM: 'linux/amd64' } },
    ],
    ['a platform that is not known', 'FROM --platform=$BUILDPLATFORM a', ['a']],
    [
      "the builder's own arguments",
      'FROM a-${TARGETARCH}',
      ['a-arm64'],
      { predefined: { TARGETARCH: 'arm64' } },
    ],
    ['nothing behind the target', 'FROM a AS one\nFROM b AS two\nFROM c', ['a', 'b'], { target: 'TWO' }],
    ['a target by number', 'FROM a\nFROM b', ['a'], { target: '0' }],
    ['lines that go on, with comments in between', 'FROM \\\n # why\n\n  a \\\n  AS x\nFROM x', ['a']],
    ['another escape', '# escape=`\nFROM a `\n AS x\nFROM x', ['a']],
    ['comments that are no directives', '# hello\n# escape=`\nFROM a\nRUN x \\\nFROM b', ['a']],
    ['a here-document', 'FROM a\nRUN <<EOF cat <<-"TWO"\nFROM b\nEOF\nFROM c\n\tTWO\nFROM d', ['a', 'd']],
    ['a here-document that never ends is none', 'FROM a\nRUN x <<EOF\nFROM b', ['a', 'b']],
    ['a byte order mark, Windows line ends', '\uFEFFFROM a\r\nRUN x \\\r\n  y\r\nFROM b\r\n', ['a', 'b']],
  ])('%s', (_, text, expected, change) => {
    expect(references(text, change)).toEqual(expected);
  });

  it('the bottom of the target is what its layers begin with', () => {
    const text = 'FROM a AS build\nFROM b AS base\nFROM base AS web\nFROM scratch AS empty\nFROM build';
    const bottom = (target?: string) => basesOf(text, using(target ? { target } : {})).bottom;
    expect([bottom(), bottom('web'), bottom('empty')]).toEqual(['a', 'b', undefined]);
  });

  it('knows whether the time of the sources is asked for', () => {
    expect(basesOf('FROM a\nARG X SOURCE_DATE_EPOCH', using()).wantsEpoch).toBe(true);
    expect(basesOf('FROM a\nARG MY_SOURCE_DATE_EPOCH', using()).wantsEpoch).toBe(false);
  });

  it.each([
    ['RUN x\nFROM a', 'Dockerfile:1: RUN stands before the first FROM'],
    ['# nothing', 'Dockerfile:1: it has no FROM'],
    ['FROM a\nFROM $X', 'Dockerfile:2: FROM $X names no image: an ARG of it has no value'],
    ['FROM a b', 'Dockerfile:1: FROM takes one image, and maybe AS with a name'],
    ['FROM a\nFROM', 'Dockerfile:2: FROM takes one image'],
  ])('%j is refused', (text, problem) => {
    expect(() => basesOf(text, using())).toThrow(problem);
  });

  it('a target that is not there is refused', () => {
    const error = (() => {
      try {
        return basesOf('FROM a AS b', using({ target: 'c' }));
      } catch (thrown) {
        return thrown as SluiceError;
      }
    })();
    expect(error).toMatchObject({ code: 'DOCKERFILE_INVALID', message: 'Dockerfile:1: it has no stage "c"' });
  });
});

describe('pinning', () => {
  it('replaces every base, and keeps every line where it was', () => {
    const text = [
      'ARG T=12',
      'FROM --platform=$BUILDPLATFORM \\',
      '  debian:${T} AS one',
      'RUN echo debian:${T} --from=tools:1',
      'COPY \\',
      '  --from=tools:1 /x /',
      'RUN --mount=from=tools:1,target=/t \\',
      '  make',
      'FROM debian:${T}',
      'COPY --from=one /x /',
    ].join('\n');
    const pins = new Map([
      ['debian:12', 'debian@sha256:1'],
      ['tools:1', 'tools@sha256:2'],
    ]);
    const pinned = pinBases(text, using(), pins);
    expect(pinned.split('\n')).toEqual([
      'ARG T=12',
      'FROM --platform=$BUILDPLATFORM debian@sha256:1 AS one',
      '',
      'RUN echo debian:${T} --from=tools:1',
      'COPY \\',
      '  --from=tools@sha256:2 /x /',
      'RUN --mount=from=tools@sha256:2,target=/t \\',
      '  make',
      'FROM debian@sha256:1',
      'COPY --from=one /x /',
    ]);
    expect(instructions(pinned).map(({ first }) => first)).toEqual(
      instructions(text).map(({ first }) => first),
    );
  });

  it('leaves a Dockerfile alone that stands on nothing', () => {
    const text = 'FROM scratch\r\nCOPY x /\r\n';
    expect(pinBases(text, using(), new Map())).toBe(text);
  });
});
