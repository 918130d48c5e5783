import { COMMON, everywhere, type KnownClient } from './client.ts';

export const codex: KnownClient = {
  ...COMMON,
  name: 'codex',
  title: 'Codex',
  places: everywhere('${CODEX_HOME:-~/.codex}/config.toml'),
  list: 'mcp_servers',
  isDesktop: false,
  http: (url) => ({ url, bearer_token_env_var: 'REA_TOKEN' }),
};
