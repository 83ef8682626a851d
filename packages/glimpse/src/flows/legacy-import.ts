import { type Flow, flow } from '@glimpse/taskflow'
import type { NewImage } from '../domain/image.ts'
import type { FlowParts } from './flow-parts.ts'

export interface LegacyImport {
  readonly image: NewImage
  readonly task: string
  readonly uri: string
}

/** Task type `import`: makes an image and fills it from a URL. After a failure there is no image. */
export const legacyImport = ({ steps, downloadRetry, defaultStore: store }: FlowParts): Flow<LegacyImport, unknown> =>
  flow<LegacyImport>('import', (f, { image: wanted, task, uri }) => {
    const image = f.add(steps.createImage, { image: wanted, task })
    f.add(steps.markImporting, { image, task, from: 'queued', stores: [store] })
    const staged = f.linear('fetch', (g) => g.add(steps.download, { image, uri }), downloadRetry)
    f.add(steps.importToStore, { image, task, staged, store, required: true })
    f.add(steps.activate, { image, task, staged })
    f.add(steps.unstage, { image })
  })
