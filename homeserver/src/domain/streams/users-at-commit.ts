/** The users of all the sets as they are when the batch is committed and somebody reads this: until then people come and go. */
export function usersAtCommit(...sets: readonly Iterable<number>[]): Iterable<number> {
  return {
    *[Symbol.iterator]() {
      for (const users of sets) yield* users;
    },
  };
}
