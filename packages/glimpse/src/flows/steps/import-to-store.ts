import { type Task, type TaskContext, task } from '@glimpse/taskflow'
import { discard, explained } from '../../data/writing.ts'
import type { DataFacts } from '../../domain/image.ts'
import { byteMeter } from './meter.ts'
import { undo } from './ownership.ts'
import type { StepPorts } from './ports.ts'

export interface ImportToStore {
  readonly image: string
  readonly task: string
  readonly staged: DataFacts
  readonly store: string
  /** False: the import goes on without this store when it fails. */
  readonly required: boolean
}

/** Whether the store has the data now, and if not, why. */
export interface StoreOutcome {
  readonly stored: boolean
  readonly cause: string | null
}

/** Puts the staged data into one store: by a link where both are on one file system, else by a copy. */
export function importToStore(ports: StepPorts): Task<ImportToStore, StoreOutcome> {
  const { images } = ports
  return task({
    name: 'import-to-store',
    execute: async (args: ImportToStore, context): Promise<StoreOutcome> => {
      try {
        await copyToStore(ports, args, context)
        return { stored: true, cause: null }
      } catch (error) {
        if (args.required || context.signal.aborted) throw explained(error)
        const cause = error instanceof Error ? error.message : String(error)
        context.logger.warn(
          { image: args.image, store: args.store, cause },
          'a store failed; the import goes on without',
        )
        await leaveStore(ports, args, context)
        return { stored: false, cause }
      }
    },
    revert: async (args, outcome) => {
      const active = (await images.find(args.image))?.status === 'active'
      if (!active) await dropFromStore(ports, args, !outcome.ok)
    },
  })
}

async function copyToStore(ports: StepPorts, args: ImportToStore, context: TaskContext): Promise<void> {
  const { images, stores } = ports
  const store = stores.all.get(args.store)
  if (!store) throw new Error(`there is no store '${args.store}'; there are ${[...stores.all.keys()].join(', ')}`)
  const onProgress = byteMeter(context, args.staged.size)
  await discard(store, args.image)
  await store.copyFrom(stores.staging, args.image, { signal: context.signal, onProgress })
  const change = {
    addLocations: [{ store: store.id, url: store.url(args.image) }],
    leaveImporting: [store.id],
  }
  await images.update(args.image, change, { status: ['importing'], importTask: args.task })
}

/** A store that the import can do without cannot stop it, not even by keeping what it has of the image. */
async function leaveStore(ports: StepPorts, args: ImportToStore, { logger }: TaskContext): Promise<void> {
  await forgetStore(ports, args, true)
  try {
    await discardFrom(ports, args)
  } catch (error) {
    logger.error({ err: error, image: args.image, store: args.store }, 'data that no image has is left in a store')
  }
}

/** Takes the location away first: nobody may be sent to data that is going. */
async function dropFromStore(ports: StepPorts, args: ImportToStore, failed: boolean): Promise<void> {
  await forgetStore(ports, args, failed)
  await discardFrom(ports, args)
}

async function forgetStore({ images }: StepPorts, args: ImportToStore, failed: boolean): Promise<void> {
  const change = {
    removeLocations: [args.store],
    leaveImporting: [args.store],
    addFailed: failed ? [args.store] : [],
  }
  await undo(images, args.image, change, { importTask: args.task })
}

async function discardFrom({ stores }: StepPorts, { image, store: id }: ImportToStore): Promise<void> {
  const store = stores.all.get(id)
  if (store) await discard(store, image)
}
