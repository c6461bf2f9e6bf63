/**
 * The proxy in front of all services of a host. Another than Caddy is two files:
 *
 * 1. here, one that makes a `ProxyFiles` of a release: pure;
 * 2. in `phases/`, a shell file with these functions, which know nothing of releases but those files:
 *    proxy_ensure FOLDER              makes it run as the release in FOLDER needs it
 *    proxy_switch FOLDER PERCENT      sends so many of the requests to the release in FOLDER, the others where they went
 *    proxy_drain FOLDER SECONDS       waits until no request is at any other release
 *    proxy_settle FOLDER              nothing but this release is known from now on
 *    proxy_restore SERVICE ENVIRONMENT   everything as the release in `current` needs it, or nothing of the service
 *    proxy_serving SERVICE ENVIRONMENT   releases that get requests
 *    proxy_probe FOLDER ADDRESS PATH  asks one container: prints the body and, right behind it, the status
 *    proxy_maintenance FILE           answers everything with this page, or with "" as before
 *
 * All are safe to repeat, and hold after a restart or a power cut.
 */
export type ProxyFiles = Record<string, string>;

export interface ProxyInput {
  service: string;
  environment: string;
  ports: { http: number; https: number };
  /** Names that the proxy answers for, by HTTPS; without any it answers for all by HTTP. */
  hostnames: readonly string[];
  routes: readonly ProxyRoute[];
}
export interface ProxyRoute {
  /** Compose service; names the route together with service and environment. */
  name: string;
  /** Prefix of the paths that go there. */
  path: string;
  /** `name:port` on the proxy's network. */
  address: string;
}
