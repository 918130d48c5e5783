import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

export const continueDev: KnownClient = {
  ...COMMON,
  name: 'continue',
  title: 'Continue',
  places: everywhere('~/.continue/config.yaml'),
  isArray: true,
  stdio: ({ command, args }) => ({ name: 'rea', command, args }),
  // It finds the secret in its `.env` file.
  http: (url) => ({
    name: 'rea',
    type: 'streamable-http',
    url,
    requestOptions: { headers: bearer('${{ secrets.REA_TOKEN }}') },
  }),
};
