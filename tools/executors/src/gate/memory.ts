/** What was looked up once; a look-up that is under way is shared. A failed one is not kept. */
export class Memory<T> {
  readonly #found = new Map<string, Promise<T>>();

  of(key: string, look: () => Promise<T>): Promise<T> {
    let found = this.#found.get(key);
    if (!found) {
      found = look();
      this.#found.set(key, found);
      found.catch(() => this.#found.delete(key));
    }
    return found;
  }
}
