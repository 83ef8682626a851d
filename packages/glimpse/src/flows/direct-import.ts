import { type Flow, flow } from '@glimpse/taskflow'
import { fillStores } from './fill-stores.ts'
import type { FlowParts } from './flow-parts.ts'

export interface DirectImport {
  readonly image: string
  readonly task: string
  /** Whether every store must take the data, or one is enough. */
  readonly allMustSucceed: boolean
}

/** Import method `glance-direct`: the data was staged before. After a failure it still is. */
export const directImport = ({ steps }: FlowParts, stores: readonly string[]): Flow<DirectImport, unknown> =>
  flow<DirectImport>('direct-import', (f, { image, task, allMustSucceed }) => {
    f.add(steps.markImporting, { image, task, from: 'uploading', stores })
    const staged = f.add(steps.openStaged, { image, task })
    fillStores(f, steps, stores, { image, task, staged, allMustSucceed })
    f.add(steps.activate, { image, task, staged })
    f.add(steps.unstage, { image })
  })
