/** For parts that need logins and whose tests are not about them: nobody has logged in. */
import type { Logins } from '#src/main/logins/logins.ts';

export const NO_LOGINS: Pick<Logins, 'serve'> = {
  serve: (holder) => {
    holder.giveToken({ token: null, problem: null });
    return Promise.resolve();
  },
};
