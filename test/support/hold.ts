/** A call of the tool `hold` of the echo fixture: in flight for as long as the test needs it to be. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './rea-process.ts';
import { until } from './wait-for.ts';

export class Hold {
  /** What the tool is called with. */
  readonly args: { readonly file: string } = { file: join(makeDirectory(), 'end') };

  /** Resolves once the server has the call. */
  async begun(): Promise<void> {
    await until(() => existsSync(`${this.args.file}.begun`), { what: 'a call to be held' });
  }

  /** Has the server answer `held`. */
  end(): void {
    writeFileSync(this.args.file, '');
  }
}
