/** For parts that need logins and whose tests are not about them: nobody has logged in. */
import type { Logins } from '#src/main/logins/logins.ts';

export const NO_LOGINS: Pick<Logins, 'serve'> = {
  serve: (holder, { incarnation }) => {
    const { lane: server, endpoint } = holder.config;
    const url = endpoint?.url ?? null;
    holder.giveToken({ token: null, problem: null, over: true, server, url, incarnation });
    return Promise.resolve();
  },
};
