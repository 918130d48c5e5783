/** The page, loaded with the first `rea ui`: few gateways are ever looked at in a browser. */
import { errorText } from '../../shared/platform/errno.ts';
import type { PageDoor } from '../operator/control-options.ts';

/** @param load a load that fails is tried anew by whoever asks next. */
export function pageDoor(load: () => Promise<PageDoor>): PageDoor {
  let loading: Promise<PageDoor> | null = null;
  return {
    open: async () => {
      loading ??= load();
      const mine = loading;
      let page: PageDoor;
      try {
        page = await mine;
      } catch (error) {
        if (loading === mine) loading = null;
        // Node 20 remembers, for as long as it lives, that it had no file descriptor for a module.
        const why = errorText(error);
        return {
          ok: false,
          message: `the page cannot be loaded: ${why}; if it stays so, restart rea`,
        };
      }
      return page.open();
    },
    // One that could not be loaded has nothing to close.
    close: async () => (await loading?.catch(() => null))?.close(),
  };
}
