/** A deliberate type error: `npm run check` fails unless the compiler, under our settings, finds it. */
export const canary: string = 42;
