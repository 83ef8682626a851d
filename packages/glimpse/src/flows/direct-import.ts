import { type Flow, flow } from '@glimpse/taskflow'
import type { Steps } from './steps/steps.ts'

export interface DirectImport {
  readonly image: string
  readonly task: string
  /** Whether every store must take the data, or one is enough. */
  readonly allMustSucceed: boolean
}

/** Import method `glance-direct`: the data was staged before. After a failure it still is. */
export const directImport = (steps: Steps, stores: readonly string[]): Flow<DirectImport, unknown> =>
  flow<DirectImport>('direct-import', (f, { image, task, allMustSucceed }) => {
    f.add(steps.markImporting, { image, task, from: 'uploading', stores })
    const staged = f.add(steps.openStaged, { image })
    f.unordered('stores', (g) => {
      for (const store of stores) {
        const name = `import-to-${store}`
        g.add(steps.importToStore, { image, task, staged, store, required: allMustSucceed }, { name })
      }
    })
    f.add(steps.activate, { image, task, staged })
    f.add(steps.unstage, { image })
  })
