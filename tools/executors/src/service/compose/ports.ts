import { isMapping, type Mapping } from './parse.ts';
import { textOf } from './lists.ts';

export interface PublishedPort {
  /** Port of the host; undefined where the engine picks a free one. */
  host: string | undefined;
  container: string;
}

/** The ports that a service publishes, in compose's short and long form. */
export function portsOf(service: Mapping): PublishedPort[] {
  const ports = Array.isArray(service['ports']) ? service['ports'] : [];
  return ports.map((port): PublishedPort => {
    if (isMapping(port)) {
      const published = port['published'];
      const host = published === undefined || published === null ? '' : textOf(published);
      return { host: host === '' || host === '0' ? undefined : host, container: textOf(port['target']) };
    }
    // The address before the ports may be IPv6, in brackets.
    const parts = textOf(port)
      .replace(/\/(tcp|udp|sctp)$/, '')
      .replace(/^\[[^\]]*\]:/, '')
      .split(':');
    const host = parts.length > 1 ? parts.at(-2) : '';
    return { host: host === '' || host === '0' ? undefined : host, container: parts.at(-1) ?? '' };
  });
}
