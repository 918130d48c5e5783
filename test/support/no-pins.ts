/** For parts that need the pins of definitions and whose tests are not about them. */
import { DefinitionPins } from '#src/main/catalog/pins.ts';
import { DefinitionStore } from '#src/main/pins/definition-store.ts';

export function noPins(): DefinitionPins {
  return new DefinitionPins({
    mode: 'off',
    store: new DefinitionStore({ stateDir: null, warn: () => {} }),
    texts: null,
    judge: { judge: (items) => Promise.resolve(items.map(() => [])) },
    catalog: () => ({ names: [], toolsOf: () => [], exposedTools: () => [] }),
    onSettled: () => {},
    onHeld: () => {},
    onLate: () => {},
  });
}
