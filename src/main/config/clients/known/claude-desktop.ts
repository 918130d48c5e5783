import { COMMON, inSettings, type KnownClient } from './client.ts';

export const claudeDesktop: KnownClient = {
  ...COMMON,
  name: 'claude-desktop',
  title: 'Claude Desktop',
  places: inSettings('Claude/claude_desktop_config.json'),
};
