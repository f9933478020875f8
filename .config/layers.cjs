// Who may import whom. Read top-down: each floor may use the floors below it, never the other way.
const H = 'homeserver/src';
const followers = ['sync', 'federation', 'push', 'appservices', 'search'];
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', comment: 'type-only imports count too', from: {}, to: { circular: true } },
    {
      name: 'packages-meet-in-federation-spec',
      severity: 'error',
      from: { path: '^(homeserver|client|bridge-bot)/' },
      to: { path: '^(homeserver|client|bridge-bot)/', pathNot: '^$1/|^client/src/matrix/|^homeserver/test/kit/' },
    },
    {
      name: 'federation-spec-is-pure',
      severity: 'error',
      from: { path: '^federation-spec/src', pathNot: '^federation-spec/src/crypto/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'federation-spec-knows-no-one',
      severity: 'error',
      from: { path: '^federation-spec/' },
      to: { path: '^(homeserver|client|bridge-bot)/' },
    },
    {
      name: 'platform-is-the-ground',
      severity: 'error',
      from: { path: `^${H}/platform` },
      to: { path: `^${H}/(config|storage|domain|edge)` },
    },
    { name: 'storage-knows-no-domain', severity: 'error', from: { path: `^${H}/storage` }, to: { path: `^${H}/(domain|edge)` } },
    { name: 'domain-knows-no-edge', severity: 'error', from: { path: `^${H}/domain` }, to: { path: `^${H}/edge` } },
    { name: 'edge-asks-the-domain', severity: 'error', from: { path: `^${H}/edge` }, to: { path: `^${H}/storage` } },
    {
      name: 'writers-know-no-followers',
      severity: 'error',
      from: { path: `^${H}/domain`, pathNot: `^${H}/domain/(${followers.join('|')})/` },
      to: { path: `^${H}/domain/(${followers.join('|')})/` },
    },
    {
      name: 'followers-know-not-each-other',
      severity: 'error',
      from: { path: `^${H}/domain/(${followers.join('|')})/` },
      to: { path: `^${H}/domain/(${followers.join('|')})/`, pathNot: `^${H}/domain/$1/` },
    },
    {
      name: 'sql-only-in-storage',
      severity: 'error',
      from: { path: `^${H}`, pathNot: `^${H}/storage/` },
      to: { path: '(^|/)node_modules/postgres/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sockets-only-at-the-edge',
      severity: 'error',
      from: { path: `^${H}/(domain|storage)/` },
      to: { path: '^(node:)?(http|https|tls)$|node_modules/(koa|@koa|undici|uWebSockets)' },
    },
    {
      name: 'matrix-core-knows-no-vue',
      severity: 'error',
      from: { path: '^client/src/matrix/' },
      to: { path: 'node_modules/(vue|pinia|vue-router|@vue)/|^client/src/(stores|features|views|ui)/' },
    },
    {
      name: 'matrix-core-runs-anywhere',
      severity: 'error',
      comment: 'the bot runs it in Node by type stripping',
      from: { path: '^client/src/matrix/' },
      to: { path: '\\.(vue|css|wasm)$|[?](url|worker|raw)$' },
    },
    {
      name: 'ui-knows-no-matrix',
      severity: 'error',
      from: { path: '^client/src/ui/' },
      to: { path: '^client/src/(matrix|stores|features|views)/|^federation-spec/' },
    },
    {
      name: 'features-meet-in-stores',
      severity: 'error',
      from: { path: '^client/src/features/([^/]+)/' },
      to: { path: '^client/src/features/', pathNot: '^client/src/features/$1/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.vue'],
    },
  },
};
