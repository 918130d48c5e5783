import { COMMON, everywhere, type KnownClient } from './client.ts';

export const lmStudio: KnownClient = {
  ...COMMON,
  name: 'lm-studio',
  title: 'LM Studio',
  places: everywhere('~/.lmstudio/mcp.json', '~/.cache/lm-studio/mcp.json'),
};
