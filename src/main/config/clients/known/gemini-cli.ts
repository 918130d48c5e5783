import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

export const geminiCli: KnownClient = {
  ...COMMON,
  name: 'gemini-cli',
  title: 'Gemini CLI',
  places: everywhere('~/.gemini/settings.json'),
  isDesktop: false,
  http: (httpUrl) => ({ httpUrl, headers: bearer('${REA_TOKEN}') }),
};
