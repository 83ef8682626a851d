import type { Handle, Scope } from '@glimpse/taskflow'
import type { DataFacts } from '../domain/image.ts'
import type { Steps } from './steps/steps.ts'

export interface Filling {
  readonly image: Handle<string>
  readonly task: Handle<string>
  readonly staged: Handle<DataFacts>
  /** Whether every store must take the data, or one is enough. */
  readonly allMustSucceed: Handle<boolean>
}

/** Puts the staged data into every store, at the same time where the executor can. */
export function fillStores(f: Scope, steps: Steps, stores: readonly string[], filling: Filling): void {
  const { allMustSucceed: required, ...data } = filling
  f.unordered('stores', (g) => {
    for (const store of stores) g.add(steps.importToStore, { ...data, store, required }, { name: `import-to-${store}` })
  })
}
