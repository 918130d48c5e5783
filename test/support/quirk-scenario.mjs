/** What the servers with a quirk have in common: one tool, one resource, one log message for each call. */

const TOOL = { name: 'echo', inputSchema: { type: 'object' } };

/**
 * The result of a request, or null for a method that is not known.
 *
 * @param {string} quirk
 * @param {{ method: string, params?: any }} request
 */
export function resultOf(quirk, { method, params }) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: VERSIONS[quirk] ?? params.protocolVersion,
        capabilities: without({ tools: {}, resources: {}, logging: {} }, UNDECLARED[quirk]),
        serverInfo: { name: quirk, version: '1' },
        ...(quirk === 'more-members' ? { extra: { deep: [1, null, 'x'] }, _meta: { a: 1 } } : {}),
      };
    case 'tools/list':
      return quirk === 'pages' && params?.cursor === undefined
        ? { tools: [{ ...TOOL, name: 'first' }], nextCursor: 'more' }
        : { tools: [TOOL] };
    case 'tools/call':
      return {
        content: [{ type: 'text', text: `${TEXTS[quirk] ?? 'echo'} ${params.arguments.text}` }],
      };
    case 'resources/list':
      return { resources: [{ uri: `quirk://${quirk}`, name: 'one' }] };
    case 'resources/templates/list':
      return { resourceTemplates: [] };
    case 'resources/read':
      return { contents: [{ uri: params.uri, text: 'read' }] };
    case 'ping':
      return quirk === 'ping-unknown' ? null : {};
    default:
      return null;
  }
}

/** @param {string} quirk */
export function note(quirk) {
  return {
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level: 'info', data: quirk },
  };
}

/**
 * @param {Record<string, object>} capabilities
 * @param {string | undefined} name
 */
function without(capabilities, name) {
  return Object.fromEntries(Object.entries(capabilities).filter(([key]) => key !== name));
}

const UNDECLARED = {
  'tools-undeclared': 'tools',
  'resources-undeclared': 'resources',
  'logging-undeclared': 'logging',
};
const VERSIONS = { 'version-2024-10-07': '2024-10-07', 'version-2024-11-05': '2024-11-05' };
const TEXTS = { 'lone-surrogate': '\ud800', 'line-separators': '\u2028\u2029\ufeff' };
