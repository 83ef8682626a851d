import { type Flow, flow } from '@glimpse/taskflow'
import type { Steps } from './steps/steps.ts'

export interface WebImport {
  readonly image: string
  readonly task: string
  readonly uri: string
  /** Whether every store must take the data, or one is enough. */
  readonly allMustSucceed: boolean
}

/** Import method `web-download`: the service fetches the data itself. */
export const webImport = (steps: Steps, stores: readonly string[]): Flow<WebImport, unknown> =>
  flow<WebImport>('web-import', (f, { image, task, uri, allMustSucceed }) => {
    f.add(steps.markImporting, { image, task, from: 'queued', stores })
    const staged = f.add(steps.download, { image, uri })
    f.unordered('stores', (g) => {
      for (const store of stores) {
        const name = `import-to-${store}`
        g.add(steps.importToStore, { image, task, staged, store, required: allMustSucceed }, { name })
      }
    })
    f.add(steps.activate, { image, task, staged })
    f.add(steps.unstage, { image })
  })
