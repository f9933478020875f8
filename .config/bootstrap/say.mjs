const SHOW_AFTER_MS = 1_000;
const SHOW_EVERY_MS = 10_000;

/** Tells the person at the terminal; standard output stays the command's own. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Does something that may take long, and says so while it does. */
export async function saying(what, work) {
  const startedAt = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  let told = false;
  const tell = () => {
    say(told ? `${what} … ${seconds()}` : `${what} …`);
    told = true;
  };
  const first = setTimeout(tell, SHOW_AFTER_MS);
  const again = setInterval(tell, SHOW_EVERY_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(again);
    if (told) say(`${what}: done in ${seconds()}`);
  }
}
