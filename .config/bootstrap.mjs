#!/usr/bin/env node
// Runs every npm script of this repository, on a bare clone too: plain JavaScript without packages, for any Node from 20 on.
import { buildClient } from './bootstrap/build-client.mjs';
import { COMMANDS } from './bootstrap/commands.mjs';
import { findNode } from './bootstrap/find-node.mjs';
import { installPackages } from './bootstrap/install-packages.mjs';
import { runForeground } from './bootstrap/run.mjs';
import { say } from './bootstrap/say.mjs';

/**
 * 1. Find a Node that can run the TypeScript directly.
 * 2. Install the packages when they are not those of the lock file.
 * 3. Build the web client when the command needs it and it is not that of the sources.
 * 4. Run the command, pass signals on to it, and end as it ends.
 */
async function main([name = '', ...args]) {
  const command = COMMANDS[name];
  if (command === undefined) {
    say(`There is no command "${name}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
    return 1;
  }
  const node = await findNode(); // 1.
  await installPackages(node); // 2.
  if (command.needsClient) await buildClient(node); // 3.
  return await runForeground(node, command.steps(args)); // 4.
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
