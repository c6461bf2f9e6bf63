import { createHash } from 'node:crypto';
import { notFound, ok, page, refused, text, userOf, type Answer, type Call, type Handlers } from './call.ts';
import type { Release } from './state.ts';

const RELEASES = '/repos/{owner}/{repo}/releases';
type Asset = Release['assets'][number];

export const releases = {
  [`GET ${RELEASES}`]: (call: Call) =>
    page(call, call.state.releases.toReversed(), (one) => shape(call, one)),
  [`POST ${RELEASES}`]: (call: Call) => {
    const { state, body } = call;
    const {
      tag_name: tag,
      draft = false,
      prerelease = false,
    } = body as { tag_name: string; draft?: boolean; prerelease?: boolean };
    // Drafts have no claim on their tag: GitHub takes any number of them.
    if (!draft && state.releases.some((one) => one.tag === tag && !one.draft))
      return refused(422, 'Validation Failed', [
        { resource: 'Release', code: 'already_exists', field: 'tag_name' },
      ]);
    const release: Release = {
      id: call.id(),
      tag,
      target: text(body['target_commitish'], state.repository.defaultBranch),
      name: text(body['name']) || null,
      body: text(body['body']),
      draft,
      prerelease,
      latest: false,
      assets: [],
    };
    state.releases.push(release);
    settle(call, release, body['make_latest']);
    return ok(shape(call, release), 201);
  },
  [`GET ${RELEASES}/latest`]: (call: Call) =>
    one(
      call,
      call.state.releases.find(({ latest }) => latest),
    ),
  [`GET ${RELEASES}/tags/{tag}`]: (call: Call) =>
    one(
      call,
      call.state.releases.find(({ tag, draft }) => tag === call.params['tag'] && !draft),
    ),
  [`GET ${RELEASES}/{release_id}`]: (call: Call) => one(call, byId(call)),
  [`PATCH ${RELEASES}/{release_id}`]: (call: Call) => {
    const release = byId(call);
    if (!release) return notFound();
    const { name, body, draft, prerelease, tag_name: tag } = call.body as Record<string, never>;
    const given = { name, body, draft, prerelease, tag };
    Object.assign(
      release,
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    );
    settle(call, release, call.body['make_latest']);
    return ok(shape(call, release));
  },

  [`GET ${RELEASES}/{release_id}/assets`]: (call: Call) => {
    const release = byId(call);
    return release ? page(call, release.assets, (asset) => assetShape(call, release, asset)) : notFound();
  },
  [`POST ${RELEASES}/{release_id}/assets`]: (call: Call) => {
    const release = byId(call);
    if (!release) return notFound();
    const name = text(call.query.get('name'));
    if (release.assets.some((asset) => asset.name === name))
      return refused(422, 'Validation Failed', [
        { resource: 'ReleaseAsset', code: 'already_exists', field: 'name' },
      ]);
    const asset: Asset = {
      id: call.id(),
      name,
      label: call.query.get('label'),
      type: call.contentType,
      bytes: call.raw,
      state: 'uploaded',
    };
    release.assets.push(asset);
    return ok(assetShape(call, release, asset), 201);
  },
  [`GET ${RELEASES}/assets/{asset_id}`]: (call: Call) =>
    withAsset(call, (release, asset) => ok(assetShape(call, release, asset))),
  [`DELETE ${RELEASES}/assets/{asset_id}`]: (call: Call) =>
    withAsset(call, (release, asset) => {
      release.assets = release.assets.filter((other) => other !== asset);
      return { status: 204 };
    }),

  'POST /repos/{owner}/{repo}/attestations': (call) => {
    const { bundle } = call.body as { bundle: { dsseEnvelope?: { payload?: string } } };
    const statement = parsed(Buffer.from(bundle.dsseEnvelope?.payload ?? '', 'base64').toString());
    const subjects = (statement as { subject?: { digest?: Record<string, string> }[] })?.subject ?? [];
    const digests = subjects.flatMap(({ digest }) =>
      Object.entries(digest ?? {}).map(([algorithm, value]) => `${algorithm}:${value}`),
    );
    if (digests.length === 0) return refused(422, 'Invalid bundle');
    const id = call.id();
    for (const subject of digests) call.state.attestations.push({ id, subject, bundle });
    return ok({ id }, 201);
  },
  'GET /repos/{owner}/{repo}/attestations/{subject_digest}': (call) => {
    const found = call.state.attestations.filter(({ subject }) => subject === call.params['subject_digest']);
    const { status, headers, body } = page(
      call,
      found,
      ({ bundle }) => ({ bundle, repository_id: call.state.repository.id }),
      'attestations',
    );
    return {
      status,
      ...(headers ? { headers } : {}),
      body: { attestations: (body as { attestations: unknown }).attestations },
    };
  },
} satisfies Handlers as Handlers;

/** A release that becomes public makes its tag where there is none, which a release of ours must never do. */
function settle({ state }: Call, release: Release, makeLatest: unknown): void {
  if (release.draft) return;
  state.tags[release.tag] ??= state.branches[release.target]?.sha ?? release.target;
  if (release.prerelease || makeLatest === 'false') return;
  for (const other of state.releases) other.latest = other === release;
}

function byId(call: Call): Release | undefined {
  return call.state.releases.find(({ id }) => String(id) === call.params['release_id']);
}

function one(call: Call, release: Release | undefined): Answer {
  return release ? ok(shape(call, release)) : notFound();
}

function withAsset(call: Call, answer: (release: Release, asset: Asset) => Answer): Answer {
  for (const release of call.state.releases)
    for (const asset of release.assets)
      if (String(asset.id) === call.params['asset_id']) return answer(release, asset);
  return notFound();
}

function shape(call: Call, release: Release): unknown {
  const at = `${call.url}/repos/${call.owner}/${call.repo}/releases/${release.id}`;
  const place = release.draft ? `untagged-${release.id}` : release.tag;
  return {
    id: release.id,
    url: at,
    upload_url: `${at}/assets{?name,label}`,
    html_url: `https://github.com/${call.owner}/${call.repo}/releases/tag/${encodeURIComponent(place)}`,
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    body: release.body,
    draft: release.draft,
    prerelease: release.prerelease,
    author: userOf(call, call.login),
    assets: release.assets.map((asset) => assetShape(call, release, asset)),
    created_at: call.now,
    published_at: release.draft ? null : call.now,
  };
}

function assetShape(call: Call, release: Release, asset: Asset): unknown {
  return {
    id: asset.id,
    name: asset.name,
    label: asset.label,
    state: asset.state,
    content_type: asset.type,
    size: asset.bytes.length,
    digest: `sha256:${createHash('sha256').update(asset.bytes).digest('hex')}`,
    uploader: userOf(call, call.login),
    browser_download_url: `https://github.com/${call.owner}/${call.repo}/releases/download/${encodeURIComponent(release.tag)}/${asset.name}`,
    created_at: call.now,
    updated_at: call.now,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
