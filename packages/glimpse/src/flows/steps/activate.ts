import { type Task, task } from '@glimpse/taskflow'
import { ServiceError } from '../../domain/errors.ts'
import type { DataFacts, Image } from '../../domain/image.ts'
import type { StepPorts } from './ports.ts'

export interface Activate {
  readonly image: string
  readonly task: string
  readonly staged: DataFacts
}

/**
 * The image can be used. This is the point of no return: what comes after cannot fail, and reverts of steps before it
 * leave an active image alone.
 */
export function activate({ images }: StepPorts): Task<Activate, void> {
  return task({
    name: 'activate',
    execute: async ({ image, task, staged }: Activate) => {
      const known = await images.find(image)
      if (!known) throw new ServiceError('image-not-found', { id: image })
      if (known.locations.length === 0) throw noneFinished(known)
      const { size, checksum, hashAlgo, hashValue } = staged
      const set = { status: 'active', size, checksum, hashAlgo, hashValue, staged: null, importingStores: [] } as const
      await images.update(image, { set }, { status: ['importing', 'active'], importTask: task })
    },
  })
}

function noneFinished({ failedStores }: Image): Error {
  return new Error(`None of the uploads finished! Failed stores: ${failedStores.toSorted().join(', ')}`)
}
