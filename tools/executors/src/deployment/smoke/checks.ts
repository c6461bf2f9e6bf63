import { request } from 'undici';

export interface Check {
  path: string;
  status: number;
  body?: string;
  contentType?: string;
}

/** What is wrong with an answer, in words; undefined where nothing is. */
export async function check(base: string, wanted: Check, signal: AbortSignal): Promise<string | undefined> {
  const answer = await ask(base + wanted.path, signal);
  if (typeof answer === 'string') return `${wanted.path}: ${answer}`;
  if (answer.status !== wanted.status) return `${wanted.path}: HTTP ${answer.status}, not ${wanted.status}`;
  if (wanted.contentType !== undefined && !answer.type.startsWith(wanted.contentType))
    return `${wanted.path}: is ${answer.type || 'of no type'}, not ${wanted.contentType}`;
  if (wanted.body !== undefined && !answer.text.includes(wanted.body))
    return `${wanted.path}: does not contain "${wanted.body}"`;
  if (!answer.type.startsWith('text/html')) return undefined;
  for (const asset of assetsOf(answer.text, wanted.path)) {
    const found = await ask(base + asset, signal);
    if (typeof found === 'string') return `${asset} (asked for by ${wanted.path}): ${found}`;
    if (found.status !== 200) return `${asset} (asked for by ${wanted.path}): HTTP ${found.status}`;
    // A server that answers every path with its page has not got the asset.
    if (found.type.startsWith('text/html')) return `${asset} (asked for by ${wanted.path}): is a page`;
  }
  return undefined;
}

async function ask(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; type: string; text: string } | string> {
  try {
    const { statusCode, headers, body } = await request(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    });
    return { status: statusCode, type: String(headers['content-type'] ?? ''), text: await body.text() };
  } catch (error) {
    if (signal.aborted) throw signal.reason as Error;
    const { code, message } = error as { code?: string; message: string };
    return `no answer (${code ?? message})`;
  }
}

/** Scripts, styles and pictures of the same server that a page names. Pure. */
export function assetsOf(html: string, path: string): string[] {
  const tags = html.matchAll(/<(?:script|link|img)\b[^>]*?\b(?:src|href)\s*=\s*["']([^"']+)["']/gi);
  const page = new URL(path, 'http://page.invalid');
  const found = [...tags].flatMap(([, address = '']) => {
    const url = URL.canParse(address, page) ? new URL(address, page) : undefined;
    return url?.origin === page.origin && url.pathname !== page.pathname ? [url.pathname + url.search] : [];
  });
  return [...new Set(found)];
}
