import type { CommandHandler, CommandOptions } from './bot.ts';

export type ParsedCommand = { name: string; args: string[]; rest: string };

type Command = { handler: CommandHandler; about: string | undefined };

export type CommandTable = {
  add(name: string, handler: CommandHandler, options?: CommandOptions): void;
  find(text: string): { handler: CommandHandler; command: ParsedCommand } | undefined;
  /** Name and purpose of each command that has one, sorted. */
  list(): { name: string; about: string }[];
};

/** More words than this are no command that anybody typed. */
const MAX_ARGS = 64;

export function createCommandTable(): CommandTable {
  const commands = new Map<string, Command>();
  return {
    add(name, handler, { about } = {}) {
      if (!/^\S+$/.test(name)) throw new Error(`A command is one word; "${name}" is not`);
      commands.set(name.toLowerCase(), { handler, about });
    },
    find(text) {
      const command = parseCommand(text);
      const known = command === undefined ? undefined : commands.get(command.name);
      return known === undefined || command === undefined ? undefined : { handler: known.handler, command };
    },
    list() {
      const listed = [...commands].flatMap(([name, { about }]) => (about === undefined ? [] : [{ name, about }]));
      return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

/** Splits a message into the command's name (lower case), its arguments (quotes hold words together) and all after the name. */
export function parseCommand(text: string): ParsedCommand | undefined {
  const [, name, rest = ''] = /^(\S+)(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? [];
  if (name === undefined) return undefined;
  const args: string[] = [];
  for (const [, quoted, bare] of rest.matchAll(/"([^"]*)"|(\S+)/g)) {
    if (args.length >= MAX_ARGS) break;
    args.push(quoted ?? bare ?? '');
  }
  return { name: name.toLowerCase(), args, rest: rest.trim() };
}
