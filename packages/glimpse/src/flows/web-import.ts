import { type Flow, flow } from '@glimpse/taskflow'
import { fillStores } from './fill-stores.ts'
import type { FlowParts } from './flow-parts.ts'

export interface WebImport {
  readonly image: string
  readonly task: string
  readonly uri: string
  /** Whether every store must take the data, or one is enough. */
  readonly allMustSucceed: boolean
}

/** Import method `web-download`: the service fetches the data itself. */
export const webImport = ({ steps, downloadRetry }: FlowParts, stores: readonly string[]): Flow<WebImport, unknown> =>
  flow<WebImport>('web-import', (f, { image, task, uri, allMustSucceed }) => {
    f.add(steps.markImporting, { image, task, from: 'queued', stores })
    const staged = f.linear('fetch', (g) => g.add(steps.download, { image, uri }), downloadRetry)
    fillStores(f, steps, stores, { image, task, staged, allMustSucceed })
    f.add(steps.activate, { image, task, staged })
    f.add(steps.unstage, { image })
  })
