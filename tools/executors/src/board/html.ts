import { createHash } from 'node:crypto';
import type { PageFiles } from './bundle.ts';

const head = (parts: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sluice board</title>
<link rel="icon" href="data:,">
${parts}
</head>
<body>
<div id="board"></div>
<noscript>The board needs JavaScript. The same in a terminal: npx nx status</noscript>
`;

/** What a page may do: its own code and style, talk to where it came from, and nothing else. */
const RULES = {
  'default-src': "'none'",
  'img-src': 'data:',
  'base-uri': "'none'",
  'form-action': "'none'",
};

/** The rules of the served page, sent as a header. */
export const SERVED_POLICY = policy({
  ...RULES,
  'script-src': "'self'",
  'style-src': "'self'",
  'connect-src': "'self'",
  'frame-ancestors': "'none'",
});

/** The page that the server gives. */
export function servedPage(): string {
  return `${head('<link rel="stylesheet" href="page.css">')}<script src="page.js"></script>
</body>
</html>
`;
}

/** One file with everything in it. Its code and style run by their hashes; the data is text that no browser runs. */
export function staticPage({ script, style }: PageFiles, data: unknown): string {
  const code = script.replaceAll('</script', '<\\/script');
  const rules = policy({ ...RULES, 'script-src': hashOf(code), 'style-src': hashOf(style) });
  const meta = `<meta http-equiv="Content-Security-Policy" content="${rules}">`;
  return `${head(`${meta}\n<style>${style}</style>`)}<script type="application/json" id="data">${jsonText(data)}</script>
<script>${code}</script>
</body>
</html>
`;
}

/** JSON that cannot end the element that it stands in. */
function jsonText(data: unknown): string {
  return JSON.stringify(data)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026');
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function policy(rules: Record<string, string>): string {
  return Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}
