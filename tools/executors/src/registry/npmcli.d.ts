declare module '@npmcli/arborist' {
  export interface Node {
    version: string;
    integrity: string | null;
    package: Record<string, unknown>;
    path: string;
    children: Map<string, Node>;
  }
  export default class Arborist {
    constructor(options: Record<string, unknown>);
    reify(options?: { add?: string[]; save?: boolean }): Promise<Node>;
  }
}
