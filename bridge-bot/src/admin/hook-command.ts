import type { Bot, MessageContext } from '../sdk/bot.ts';
import type { Hook } from '../storage/hook-store.ts';
import { DIALECTS } from '../webhooks/adapters/adapter.ts';
import { isDialect } from '../webhooks/adapters/find-adapter.ts';
import { bold, code, lines, list, plain, type Rich } from '../webhooks/adapters/rich-text.ts';
import type { HookRegistry } from '../webhooks/inbound/hook-registry.ts';

const MAX_NAME_CHARACTERS = 60;
const USAGE = lines(
  bold('Webhooks into this room'),
  list([
    code('!hook create <name> [dialect]'),
    code('!hook list'),
    code('!hook sign <id or name> [secret]'),
    code('!hook delete <id or name>'),
  ]),
  plain(`Dialects: ${DIALECTS.join(', ')}. Without one, each request is recognised by what it looks like.`),
);

type Deps = { bot: Bot; hooks: HookRegistry; publicUrl: string };

/** `!hook …`: makes, shows and removes the hooks of the room it is said in, for those who may change the room's settings. */
export function addHookCommand({ bot, hooks, publicUrl }: Deps): void {
  async function answer(message: MessageContext, [verb, ...args]: readonly string[]): Promise<Rich> {
    const { roomId, sender } = message;
    if (!(await message.isSenderModerator())) return plain('Only those who may change the settings of this room may do that.');
    const known = args[0] === undefined ? undefined : hooks.find(roomId, args[0]);
    switch (verb) {
      case 'create':
        return create(roomId, sender, args);
      case 'list':
        return listHooks(hooks.list(roomId));
      case 'sign':
        if (known === undefined) return plain('There is no such hook in this room.');
        return tellSigning(known, hooks.requireSignature(known.hookId, args[1]));
      case 'delete':
        if (known === undefined) return plain('There is no such hook in this room.');
        hooks.delete(known.hookId);
        return plain(`Deleted the hook ${known.name}. Its address no longer works.`);
      default:
        return USAGE;
    }
  }

  function create(roomId: string, createdBy: string, [name, dialect]: readonly string[]): Rich {
    if (name === undefined || name === '' || name.length > MAX_NAME_CHARACTERS) return USAGE;
    if (dialect !== undefined && !isDialect(dialect)) return lines(plain(`"${dialect}" is no dialect known here.`), USAGE);
    if (hooks.find(roomId, name) !== undefined) return plain(`There is a hook named ${name} in this room already.`);
    const { hook, secret } = hooks.create({ roomId, name, dialect, createdBy });
    const url = `${publicUrl}/hooks/${hook.hookId}/${secret}${dialect === undefined ? '' : `/${dialect}`}`;
    return lines(
      plain(`Made the hook ${name}. Whoever has its address can write into this room:`),
      code(url),
      plain('It is shown this once. Keep it where it is used, and delete the hook when it leaks.'),
    );
  }

  bot.command('!hook', async (message, args) => void (await message.reply(await answer(message, args))), {
    about: 'webhooks into this room: create, list, sign, delete',
  });
}

function listHooks(all: readonly Hook[]): Rich {
  if (all.length === 0) return plain('This room has no hooks.');
  return list(
    all.map(({ hookId, name, dialect, signingSecret, createdBy }) => {
      const signed = signingSecret === undefined ? '' : ', signed';
      return `${name} (${hookId}): ${dialect ?? 'any dialect'}${signed}, made by ${createdBy}`;
    }),
  );
}

function tellSigning({ name }: Hook, secret: string): Rich {
  return lines(
    plain(`From now on ${name} takes only what is signed with this secret (GitLab: its secret token):`),
    code(secret),
    plain('It is shown this once.'),
  );
}
