import { flow, task } from '@glimpse/taskflow'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { runners } from './bench.ts'

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
  const end = await runners[runner]!(steps, {}, { id: 'run', listener: {}, logger, signal: stopping.signal })
  return { ...end, done }
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
})
