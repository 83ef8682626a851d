import { HttpSourceError } from '@glimpse/stores'
import { Engine, fixed, flow, task } from '@glimpse/taskflow'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/domain/errors.ts'
import { downloadRetry } from '../../src/flows/download-retry.ts'
import { passing } from '../../src/flows/steps/source-down.ts'

const passes = { retryable: true }

/** How often a download is attempted that fails so each time. */
async function attemptsOf(error: unknown, allowed = 3): Promise<{ attempts: number; message: string }> {
  let attempts = 0
  const download = task({
    name: 'download',
    execute: () => {
      attempts++
      throw passing(error) as Error
    },
  })
  const fetch = flow('f', (f) => f.linear('fetch', (g) => g.add(download, {}), downloadRetry(allowed, fixed(0))))
  const engine = new Engine(fetch)
  await expect(engine.run({})).rejects.toThrow()
  return { attempts, message: engine.failures[0]!.message }
}

describe('a download is tried again when its source', () => {
  it.each([
    ['refuses the connection', new HttpSourceError('connect', 'nothing listens there', passes)],
    ['is silent for too long', new HttpSourceError('timeout', 'the source sent nothing for 60 s', passes)],
    ['says that it is busy', new HttpSourceError('status', 'the source answered 503', passes)],
    ['breaks off', new HttpSourceError('truncated', 'the source closed the connection', passes)],
  ])('%s', async (_, error) => {
    expect(await attemptsOf(error)).toEqual({ attempts: 3, message: error.message })
  })
})

describe('a download is not tried again when', () => {
  it.each([
    ['its URL makes no sense', new HttpSourceError('invalid-url', 'no URL')],
    ['its address is refused', new HttpSourceError('refused', 'the address 10.0.0.1 is private')],
    ['its host does not exist', new HttpSourceError('connect', 'there is no host of that name')],
    ['the source does not have it', new HttpSourceError('status', 'the source answered 404 Not Found')],
    ['it is redirected too often', new HttpSourceError('redirects', 'the source redirected more than 5 times')],
    ['it is stopped', new HttpSourceError('aborted', 'the download was aborted')],
    ['it is too large', new ServiceError('too-large', { reason: 'too much' })],
    ['there is no room for it', new Error('Image storage media is full')],
  ])('%s', async (_, error) => {
    expect(await attemptsOf(error)).toEqual({ attempts: 1, message: error.message })
  })
})

it('a download is attempted once where the deployer wants no more', async () => {
  const busy = new HttpSourceError('status', 'the source answered 503', passes)
  expect(await attemptsOf(busy, 1)).toMatchObject({ attempts: 1 })
})
