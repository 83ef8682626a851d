// A run of a few atoms, one of which fails the first time, and what is left of it.
import {
  atom,
  type Backend,
  controller,
  Engine,
  type FlowNode,
  linear,
  TaskFlowError,
  task,
  times,
} from '@glimpse/taskflow'

const steady = task({ name: 'steady', execute: () => 1 })
/** What it gives is longer than a page. */
const flaky = task({
  name: 'flaky',
  execute: (_: object, { attempt }) => {
    if (attempt === 1) throw new Error('not yet')
    return 'x'.repeat(5_000)
  },
})

function smallFlow(): FlowNode {
  const part = [atom(steady, { name: 'second' }), atom(flaky, { name: 'third', provides: 'text' })]
  return linear('small', [atom(steady, { name: 'first' }), linear('part', part, { retry: controller(times(3)) })])
}

/** Begins it, or goes on with it, and runs it as far as it comes; gives the code of the error that stopped it, or null. */
export async function attempt(backend: Backend, id: string): Promise<string | null> {
  try {
    const options = { backend, id }
    const stored = await backend.load(id)
    const engine = stored ? await Engine.resume(smallFlow(), options) : new Engine(smallFlow(), options)
    await engine.run()
    return null
  } catch (error) {
    if (error instanceof TaskFlowError) return error.code
    throw error
  }
}

/** What must be the same in the end, however often it was interrupted. */
export async function endOf(backend: Backend, id: string): Promise<string> {
  const { flow, atoms } = (await backend.load(id)) ?? {}
  const ends = atoms?.map(
    ({ name, state, attempts, result }) => `${name} ${state} ${attempts} ${String(result).length}`,
  )
  return `${flow?.state}: ${ends?.join(', ')}`
}
