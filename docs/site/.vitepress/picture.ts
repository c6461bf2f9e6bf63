import { renderMermaidSVG } from 'beautiful-mermaid';

const PADDING = 8;
/** Texts are 13 pixels high, and are 11 at the least. */
const SMALLEST = 11 / 13;

const escape = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('{', '&#123;')
    .replaceAll('"', '&quot;');

/**
 * A diagram of Mermaid as SVG, made while the site is built: no script draws it, and its colours are those of the page (`style.css`).
 * Its title and description are those that Mermaid reads too: `accTitle:` and `accDescr:`.
 * @param id tells it apart from others of its page
 */
export function picture(source: string, id: string): string {
  const said = (name: string): string => {
    const text = new RegExp(`^ *${name}: *(.+)$`, 'm').exec(source)?.[1];
    if (text === undefined) throw new Error(`a picture has no ${name}:\n${source}`);
    return escape(text);
  };
  const svg = renderMermaidSVG(source.replaceAll(/^ *acc(Title|Descr):.*\n/gm, ''), {
    transparent: true,
    padding: PADDING,
    nodeSpacing: 20,
    layerSpacing: 34,
  });
  const width = Number(/viewBox="0 0 ([\d.]+)/.exec(svg)?.[1]);
  const size = `width:100%;max-width:${Math.round(width)}px;min-width:${Math.round(width * SMALLEST)}px`;
  const drawn = svg
    .replace(
      /^<svg [^>]*>\s*<style>[\s\S]*?<\/style>/,
      `<svg viewBox="0 0 ${width} ${bottomOf(svg) + PADDING}" style="${size}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-text">` +
        `<title id="${id}-title">${said('accTitle')}</title><desc id="${id}-text">${said('accDescr')}</desc>`,
    )
    // Several pictures stand on one page, and their arrow heads must not be one another's.
    .replaceAll(/(\bid="|url\(#)(?!picture-)/g, `$1${id}-`)
    .replaceAll(/>\s+</g, '><');
  return `<div class="picture" tabindex="0" role="group" aria-label="${said('accTitle')}">${drawn}</div>\n`;
}

/** Where the lowest thing ends: below it the library leaves room for nothing. */
function bottomOf(svg: string): number {
  const boxes = [...svg.matchAll(/<rect [^>]*?\by="([\d.]+)"[^>]*? height="([\d.]+)"/g)];
  const rounds = [...svg.matchAll(/\bcy="([\d.]+)"[^>]*? ry="([\d.]+)"/g)];
  const corners = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, points = '']) =>
    [...points.matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y)),
  );
  return Math.max(...[...boxes, ...rounds].map(([, y, height]) => Number(y) + Number(height)), ...corners);
}
