// What one decision of the gate by its rules takes, in microseconds, printed as JSON: for a tool that is asked
// about for the first time since the rules have changed, and for one that was asked about before.
// `node policy-decision.mjs DIST`, where DIST is the directory of a build.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const dist = process.argv[2];
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { byRules } = await load('main/calls/gate/gate.js');
const { NO_RULES } = await load('shared/model/policy.js');

const TOOLS = 2000;
const BATCHES = 60;
const VERBS = ['get', 'list', 'create', 'update', 'delete', 'sync', 'compare', 'order'];
const THINGS = ['issue', 'pullRequest', 'row-of-table', 'calendar_event', 'page', 'file'];

/** A rule set as people write it: a level, and lists in the policy and in the server's entry. */
const rules = {
  ...NO_RULES,
  level: 'L2',
  levelAt: '.rea/policy.yaml:2',
  tools: [
    {
      allow: ['*'],
      deny: ['*__delete_*', 'billing__*', '*__*_admin'],
      allowAt: '.rea/policy.yaml:3',
      denyAt: '.rea/policy.yaml:4',
    },
  ],
};
const server = (at) => ({
  name: 'github',
  tools: { allow: ['*'], deny: ['*secret*', 'merge_*'] },
  tierOverrides: {},
  trusted: false,
  blocked: null,
  rules: { ...rules, places: { ...rules.places, deny: `.rea/registry.yaml:${at}` } },
});

const tools = Array.from({ length: TOOLS }, (_, at) => {
  const key = `${VERBS[at % VERBS.length]}_${THINGS[at % THINGS.length]}_${at}`;
  const definition = {
    name: key,
    description: 'Does what its name says, with a text as long as such texts usually are. '.repeat(
      3,
    ),
    inputSchema: {
      type: 'object',
      properties: { owner: { type: 'string' }, repo: { type: 'string' }, body: { type: 'string' } },
      required: ['owner'],
    },
    ...(at % 2 === 0 ? { annotations: { title: key, readOnlyHint: at % 4 === 0 } } : {}),
  };
  return { key, json: new Uint8Array(Buffer.from(JSON.stringify(definition))) };
});
const subjects = tools.map((tool) => ({
  method: 'tools/call',
  tool,
  name: tool.key,
  approved: false,
}));
const halted = { active: false, reason: null };

function batch(config) {
  const view = { halted, config };
  let refused = 0;
  // Time on a CPU: others on the machine do not count.
  const from = process.cpuUsage();
  for (const subject of subjects) if (byRules(view, subject) !== null) refused += 1;
  const { user, system } = process.cpuUsage(from);
  const micro = (user + system) / subjects.length;
  if (refused === 0 || refused === subjects.length) throw new Error(`${refused} were refused`);
  return micro;
}

const first = [];
const again = [];
for (let at = 0; at < BATCHES; at++) {
  const config = server(at);
  first.push(batch(config));
  again.push(batch(config));
}
const middle = (values) => values.slice(BATCHES / 2).toSorted((a, b) => a - b)[BATCHES / 4];
process.stdout.write(`${JSON.stringify({ first: middle(first), again: middle(again) })}\n`);
