import { fixed, flow, task, times } from '@glimpse/taskflow'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { runners, Waits } from './bench.ts'

const logger = pino({ level: 'silent' })

/** Two steps, one of which cancels the run while it works; says what happened. */
async function runAndCancel(runner: keyof typeof runners, at: 'before' | 'first' | 'last') {
  const stopping = new AbortController()
  const done: string[] = []
  const step = (name: string) =>
    task({
      name,
      execute: async () => {
        done.push(name)
        if (name === at) stopping.abort('stopped on purpose')
      },
      revert: async () => {
        done.push(`undo ${name}`)
      },
    })
  const steps = flow('two', (f) => {
    f.add(step('first'), {})
    f.add(step('last'), {})
  })
  if (at === 'before') stopping.abort('stopped on purpose')
  const end = await runners[runner]!(new Waits())(
    steps,
    {},
    { id: 'run', listener: {}, logger, signal: stopping.signal },
  )
  return { ...end, done }
}

/** A step and then two that may run in any order, the first of which cancels the run. */
async function cancelAmongOthers(runner: keyof typeof runners) {
  const stopping = new AbortController()
  const left = new Set<string>()
  const step = (name: string) =>
    task({
      name,
      execute: async () => {
        left.add(name)
        if (name === 'one') stopping.abort('stopped on purpose')
      },
      revert: async () => void left.delete(name),
    })
  const steps = flow('f', (f) => {
    f.add(step('first'), {})
    f.unordered('others', (g) => ['one', 'another'].map((name) => g.add(step(name), {})))
  })
  const end = await runners[runner]!(new Waits())(
    steps,
    {},
    { id: 'run', listener: {}, logger, signal: stopping.signal },
  )
  return { ...end, left: [...left] }
}

/** A step that fails, and whose undo is cancelled. */
async function cancelUndo(runner: keyof typeof runners) {
  const stopping = new AbortController()
  const step = task({
    name: 'step',
    execute: () => Promise.reject(new Error('broken on purpose')),
    revert: async () => stopping.abort('stopped on purpose'),
  })
  const options = { id: 'run', listener: {}, logger, signal: stopping.signal }
  return await runners[runner]!(new Waits())(
    flow('one', (f) => f.add(step, {})),
    {},
    options,
  )
}

/** A step that fails each time, and is cancelled while the second attempt is waited for. */
async function cancelWait(runner: keyof typeof runners) {
  const stopping = new AbortController()
  const waits = new Waits({ endless: true })
  const done: string[] = []
  const step = task({
    name: 'step',
    execute: async () => {
      done.push('try')
      throw new Error('broken on purpose')
    },
    revert: async () => {
      done.push('undo')
    },
  })
  const steps = flow('one', (f) => f.linear('part', (g) => g.add(step, {}), times(3, { backoff: fixed(2_000) })))
  const options = { id: 'run', listener: {}, logger, signal: stopping.signal }
  const ending = runners[runner]!(waits)(steps, {}, options)
  await waits.first
  stopping.abort('stopped on purpose')
  return { ...(await ending), done, begun: waits.begun, stopped: waits.stopped }
}

describe.each(Object.keys(runners))('a run that is cancelled, by %s', (runner) => {
  it('before its first step does nothing', async () => {
    const end = await runAndCancel(runner, 'before')
    expect(end).toMatchObject({ done: [], cancelled: 'stopped on purpose', failures: [], revertFailures: [] })
  })

  it('midway undoes what was done, and begins nothing', async () => {
    const end = await runAndCancel(runner, 'first')
    expect(end).toMatchObject({ done: ['first', 'undo first'], cancelled: 'stopped on purpose', failures: [] })
  })

  it('in its last step undoes everything, the last step first', async () => {
    const end = await runAndCancel(runner, 'last')
    const done = ['first', 'last', 'undo last', 'undo first']
    expect(end).toMatchObject({ done, cancelled: 'stopped on purpose', failures: [] })
  })

  it('between two attempts ends at once, without another', async () => {
    const end = await cancelWait(runner)
    expect(end).toMatchObject({ done: ['try', 'undo'], cancelled: 'stopped on purpose', failures: [] })
    expect(end).toMatchObject({ revertFailures: [], begun: [2_000], stopped: 1 })
  })

  it('when everything is being undone has failed by then, with the cause', async () => {
    const end = await cancelUndo(runner)
    expect(end).toMatchObject({ cancelled: null, failures: [{ message: 'broken on purpose' }] })
  })

  it('among steps that may run in any order undoes everything', async () => {
    const end = await cancelAmongOthers(runner)
    expect(end).toMatchObject({ left: [], cancelled: 'stopped on purpose', failures: [], revertFailures: [] })
  })
})
