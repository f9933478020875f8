export type Cleanup = AsyncDisposable & {
  /** Remembers something to dispose of, and gives it back. */
  use<T extends AsyncDisposable>(resource: T): T;
  defer(work: () => Promise<unknown>): void;
  run(): Promise<void>;
  /** Runs `work`; cleans up at once when it throws. */
  guard<T>(work: () => Promise<T>): Promise<T>;
};

/** Collects what must be put away, and does so in reverse order: what `AsyncDisposableStack` does in newer Nodes. */
export function createCleanup(): Cleanup {
  const tasks: (() => PromiseLike<unknown>)[] = [];
  const run = async () => {
    for (const task of tasks.splice(0).reverse()) await task();
  };
  return {
    use: (resource) => {
      tasks.push(() => resource[Symbol.asyncDispose]());
      return resource;
    },
    defer: (work) => void tasks.push(work),
    run,
    guard: async (work) => {
      try {
        return await work();
      } catch (error) {
        await run();
        throw error;
      }
    },
    [Symbol.asyncDispose]: run,
  };
}
