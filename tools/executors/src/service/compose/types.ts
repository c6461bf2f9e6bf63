import type { ServiceBundle } from '../types.ts';

export interface DeriveInput {
  bundle: Pick<ServiceBundle, 'project' | 'compose' | 'images'> & {
    config: Pick<ServiceBundle['config'], 'http' | 'databases' | 'migrations' | 'volumes'>;
  };
  service: string;
  environment: string;
  release: string;
  run: string;
  /** Compose service -> reference by digest. */
  images: Readonly<Record<string, string>>;
  /** Values of the compose file's variables. */
  variables: Readonly<Record<string, string>>;
  /** Containers of each compose service side by side (proxy only). */
  replicas?: number;
  proxy: 'caddy' | 'none';
}

export interface DerivedRelease {
  /** The release's own services: compose project `projectName(...)`. */
  compose: string;
  /** Everything that this project does not build: project `sharedName(...)`. Undefined where there is nothing. */
  accessories: string | undefined;
  /** Compose service of the source -> its names in `compose`: one for each container. */
  keys: Record<string, string[]>;
  /** By `http` service: the address of all its containers together, and of each. */
  addresses: Record<string, { shared: string; each: string[] }>;
  /** To be made where they are missing; they outlive releases. */
  volumes: VolumeSpec[];
  network: string;
}
export interface VolumeSpec {
  name: string;
  driver: string;
  options: Record<string, string>;
}
