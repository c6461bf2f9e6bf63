/** Whether a host (`name[:port]`) is this machine: the only one that is trusted over an open line. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);
