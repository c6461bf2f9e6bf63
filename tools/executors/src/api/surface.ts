import { dirname, join, relative, resolve, sep } from 'node:path';
import type * as TypeScript from 'typescript';

type Ts = typeof TypeScript;

/** What a package can be imported by (`.`, `./money`), and the file with its types, relative to the package. */
export interface Entry {
  name: string;
  types: string;
}
export interface Manifest {
  exports?: unknown;
  types?: unknown;
  typings?: unknown;
}

/** Every entry of a package.json that has types. Those with a pattern (`./*`) are folders of files, and left out. Pure. */
export function entriesOf({ exports, types, typings }: Manifest): Entry[] {
  const root = types ?? typings;
  const fields =
    isObject(exports) && Object.keys(exports).every((key) => key.startsWith('.'))
      ? exports
      : { '.': exports };
  return Object.entries(fields).flatMap(([name, value]) => {
    if (name.includes('*')) return [];
    const found = typesIn(value) ?? (name === '.' && typeof root === 'string' ? root : undefined);
    return found === undefined ? [] : [{ name, types: found }];
  });
}

function typesIn(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(typesIn).find((one) => one !== undefined);
  if (!isObject(value)) return undefined;
  const own = value['types'];
  if (typeof own === 'string') return own;
  return [own, ...Object.values(value)].map(typesIn).find((one) => one !== undefined);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The public API as text: for each entry what it exports, by name, and behind it what those declarations need and the package does not
 * export. Comments, private members and the order in a file are no API. Reads the declarations that the compiler wrote, and nothing of
 * other packages.
 * @param folder of the package
 */
export function surfaceOf(ts: Ts, folder: string, entries: readonly Entry[]): string {
  const files = entries.map(({ types }) => resolve(folder, types));
  const options: TypeScript.CompilerOptions = { noLib: true, types: [], skipLibCheck: true };
  const host = ts.createCompilerHost(options);
  const isOwn = (file: string): boolean => !relative(folder, file).split(sep).includes('..');
  host.resolveModuleNameLiterals = (literals, from) =>
    literals.map(({ text }) => ({
      resolvedModule: text.startsWith('.') ? own(join(dirname(from), text)) : undefined,
    }));
  const own = (path: string): TypeScript.ResolvedModuleFull | undefined => {
    const bare = path.replace(/\.[cm]?[jt]s$/, '');
    const tried = [`${bare}.d.ts`, `${bare}.d.mts`, `${bare}.d.cts`, join(path, 'index.d.ts')];
    const found = tried.find((file) => isOwn(file) && ts.sys.fileExists(file));
    return found
      ? { resolvedFileName: found, extension: ts.Extension.Dts, isExternalLibraryImport: false }
      : undefined;
  };
  const program = ts.createProgram(files, options, host);
  const reader = new Reader(ts, program.getTypeChecker());
  return entries
    .map(({ name }, index) =>
      [`// ${name}`, ...reader.entry(program.getSourceFile(files[index] ?? ''))].join('\n'),
    )
    .join('\n\n');
}

class Reader {
  readonly #ts: Ts;
  readonly #checker: TypeScript.TypeChecker;
  readonly #printer: TypeScript.Printer;

  constructor(ts: Ts, checker: TypeScript.TypeChecker) {
    this.#ts = ts;
    this.#checker = checker;
    this.#printer = ts.createPrinter({ removeComments: true });
  }

  entry(file: TypeScript.SourceFile | undefined): string[] {
    const module = file && this.#checker.getSymbolAtLocation(file);
    if (!module) return [];
    const exported = new Map<TypeScript.Symbol, string[]>();
    const others: string[] = this.#starsOf(module, new Set());
    for (const symbol of this.#checker.getExportsOfModule(module)) {
      const target = this.#target(symbol);
      if (statementsOf(this.#ts, target).length === 0) others.push(this.#elsewhere(symbol));
      else exported.set(target, [...(exported.get(target) ?? []), symbol.name]);
    }
    const shown = [...exported].map(([symbol, names]) => this.#shown(symbol, names));
    const needed = this.#needed([...exported.keys()]);
    const inner = needed.map((symbol) => this.#declared(symbol).join('\n'));
    return [
      ...[...shown, ...others].toSorted(),
      ...(inner.length > 0 ? ['// not exported, and part of the above', ...inner.toSorted()] : []),
    ];
  }

  /** An exported declaration, with the names that it has outside where these are others. */
  #shown(symbol: TypeScript.Symbol, names: string[]): string {
    const renamed = names.filter((name) => name !== symbol.name);
    return [
      ...this.#declared(symbol),
      ...renamed.toSorted().map((name) => `export { ${symbol.name} as ${name} };`),
    ].join('\n');
  }

  #declared(symbol: TypeScript.Symbol): string[] {
    return statementsOf(this.#ts, symbol).map((node) =>
      this.#printer
        .printNode(this.#ts.EmitHint.Unspecified, node, node.getSourceFile())
        .split('\n')
        .filter((line) => !/^\s+private (?!constructor)/.test(line))
        .join('\n')
        .replace(/^export (default )?/, '')
        .replace(/^declare /, ''),
    );
  }

  /** What declarations name of this package's own, and again what those name. */
  #needed(from: readonly TypeScript.Symbol[]): TypeScript.Symbol[] {
    const seen = new Set(from);
    const queue = [...from];
    for (let symbol = queue.pop(); symbol; symbol = queue.pop())
      for (const statement of statementsOf(this.#ts, symbol))
        this.#walk(statement, (found) => {
          if (seen.has(found)) return;
          seen.add(found);
          queue.push(found);
        });
    return [...seen].slice(from.length);
  }

  #walk(node: TypeScript.Node, take: (symbol: TypeScript.Symbol) => void): void {
    if (this.#ts.isIdentifier(node)) {
      const symbol = this.#checker.getSymbolAtLocation(node);
      const target = symbol && this.#target(symbol);
      if (target && statementsOf(this.#ts, target).length > 0) take(target);
    }
    this.#ts.forEachChild(node, (child) => this.#walk(child, take));
  }

  #target(symbol: TypeScript.Symbol): TypeScript.Symbol {
    return symbol.flags & this.#ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  /** What comes from another package, as it is named here. */
  #elsewhere(symbol: TypeScript.Symbol): string {
    let node: TypeScript.Node | undefined = symbol.declarations?.[0];
    while (node && !this.#ts.isExportDeclaration(node) && !this.#ts.isImportDeclaration(node))
      node = node.parent;
    const from = node?.moduleSpecifier;
    const text = from && this.#ts.isStringLiteral(from) ? from.text : '?';
    return `export { ${symbol.name} } from '${text}';`;
  }

  /** `export * from 'elsewhere'`, also behind a file of its own. */
  #starsOf(module: TypeScript.Symbol, seen: Set<TypeScript.Symbol>): string[] {
    if (seen.has(module)) return [];
    seen.add(module);
    const stars = module.exports?.get(this.#ts.InternalSymbolName.ExportStar)?.declarations ?? [];
    return stars.flatMap((star) => {
      const from = this.#ts.isExportDeclaration(star) ? star.moduleSpecifier : undefined;
      if (!from || !this.#ts.isStringLiteral(from)) return [];
      const inner = this.#checker.getSymbolAtLocation(from);
      return inner ? this.#starsOf(inner, seen) : [`export * from '${from.text}';`];
    });
  }
}

/** The statements at the top of a file that declare a symbol; none for what is declared elsewhere, or inside of something. */
function statementsOf(ts: Ts, symbol: TypeScript.Symbol): TypeScript.Node[] {
  const statements = (symbol.declarations ?? []).flatMap((declaration): TypeScript.Node[] => {
    if (ts.isSourceFile(declaration)) return [];
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const isTop = ts.isSourceFile(node.parent);
    return isTop && !ts.isImportDeclaration(node) && !ts.isExportDeclaration(node) ? [node] : [];
  });
  return [...new Set(statements)];
}
