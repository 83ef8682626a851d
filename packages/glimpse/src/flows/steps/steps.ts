import { activate } from './activate.ts'
import { createImage } from './create-image.ts'
import { download } from './download.ts'
import { importToStore } from './import-to-store.ts'
import { markImporting } from './mark-importing.ts'
import { openStaged } from './open-staged.ts'
import type { StepPorts } from './ports.ts'
import { unstage } from './unstage.ts'

/** Every step there is. */
export function makeSteps(ports: StepPorts) {
  return {
    activate: activate(ports),
    createImage: createImage(ports),
    download: download(ports),
    importToStore: importToStore(ports),
    markImporting: markImporting(ports),
    openStaged: openStaged(ports),
    unstage: unstage(ports),
  }
}

export type Steps = ReturnType<typeof makeSteps>
