/**
 * A binary heap: `push` and `pop` in logarithmic time, the smallest first by `compare`.
 */
export function createHeap<T>(compare: (a: T, b: T) => number) {
  const items: T[] = [];
  const isLess = (a: number, b: number): boolean => compare(items[a] as T, items[b] as T) < 0;
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [items[b] as T, items[a] as T];
  };
  return {
    push(item: T): void {
      items.push(item);
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isLess(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    pop(): T | undefined {
      if (items.length < 2) return items.pop();
      swap(0, items.length - 1);
      const smallest = items.pop();
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        if (left >= items.length) return smallest;
        const right = left + 1;
        const least = right < items.length && isLess(right, left) ? right : left;
        if (!isLess(least, at)) return smallest;
        swap(at, least);
        at = least;
      }
    },
  };
}
