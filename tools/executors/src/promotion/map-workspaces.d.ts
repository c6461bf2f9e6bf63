declare module '@npmcli/map-workspaces' {
  /** Name of each workspace package -> its absolute folder. */
  export default function mapWorkspaces(options: { cwd: string; pkg: object }): Promise<Map<string, string>>;
}
