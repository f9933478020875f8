export type Closers = {
  push(close: () => Promise<unknown> | unknown): void;
  /**
   * Closes everything, the last opened first. What fails to close does not keep the rest open.
   *
   * @throws all failures together, at the end
   */
  closeAll(): Promise<void>;
};

/** Remembers how to close what was opened. */
export function createClosers(): Closers {
  const closers: (() => Promise<unknown> | unknown)[] = [];
  return {
    push: (close) => void closers.push(close),
    async closeAll() {
      const failures: unknown[] = [];
      for (const close of closers.splice(0).reverse()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, `did not close in order: ${failures.join('; ')}`);
    },
  };
}
