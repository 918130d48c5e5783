import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

export const claudeCode: KnownClient = {
  ...COMMON,
  name: 'claude-code',
  title: 'Claude Code',
  places: everywhere('${CLAUDE_CONFIG_DIR:-~}/.claude.json'),
  projectFile: '.mcp.json',
  isDesktop: false,
  http: (url) => ({ type: 'http', url, headers: bearer('${REA_TOKEN}') }),
};
