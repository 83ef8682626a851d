import { getEventListeners } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { GlimpseClient } from '../src/index.ts'
import { converse, failureOf } from './service.ts'

const task = { id: 't1', type: 'import', status: 'pending', input: {}, result: null, message: '' }
const half = { ...task, status: 'processing', message: '50 %' }
const done = { ...task, status: 'success', result: { image_id: 'i1' }, message: '' }

async function untilTimerIsSet(): Promise<void> {
  while (vi.getTimerCount() === 0) await new Promise(setImmediate)
}

describe('tasks', () => {
  it('are created', async () => {
    const { client, seen } = await converse([{ status: 201, body: task }])
    const wanted = { type: 'import', input: { import_from: 'http://example.org/a' } }
    expect(await client.tasks.create(wanted)).toEqual(task)
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/v2/tasks', body: JSON.stringify(wanted) })
  })

  it('are shown', async () => {
    const { client, seen } = await converse([{ body: task }])
    expect(await client.tasks.show('t1')).toEqual(task)
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/v2/tasks/t1' })
  })
})

describe('waiting for a task', () => {
  it('ends with its success, and tells every change once', async () => {
    const answers = [{ body: task }, { body: half }, { body: half }, { body: done }]
    // Without the signal: what listens to it at the end would else also be what fetch leaves there.
    const { client, seen } = await converse(answers, {
      fetch: (url, init) => fetch(url, { ...init, signal: null }),
    })
    const told: string[] = []
    const onUpdate = ({ status, message }: { status: string; message: string }): unknown => told.push(status + message)
    const { signal } = new AbortController()
    expect(await client.tasks.waitFor('t1', { onUpdate, intervalMs: 0, signal })).toEqual(done)
    expect(told).toEqual(['pending', 'processing50 %', 'success'])
    expect(seen).toHaveLength(4)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends with its failure, which is an answer', async () => {
    const failed = { ...task, status: 'failure', message: 'no space left' }
    const { client, seen } = await converse([{ body: failed }])
    expect(await client.tasks.waitFor('t1')).toEqual(failed)
    expect(seen).toHaveLength(1)
  })

  it('ends at once when aborted, however long the interval', async () => {
    const { client, seen } = await converse([{ body: half }])
    const stop = new AbortController()
    const reason = new Error('enough')
    const onUpdate = (): unknown => setImmediate(() => stop.abort(reason))
    const options = { signal: stop.signal, intervalMs: 2 ** 31 - 1, onUpdate }
    expect(await failureOf(client.tasks.waitFor('t1', options))).toBe(reason)
    expect(seen).toHaveLength(1)
  })

  it('ends when aborted by the one who is told', async () => {
    const { client, seen } = await converse([{ body: half }])
    const stop = new AbortController()
    const options = { signal: stop.signal, intervalMs: 0, onUpdate: () => stop.abort() }
    await expect(client.tasks.waitFor('t1', options)).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen).toHaveLength(1)
  })

  it('asks again when the interval is over, and leaves no timer behind when aborted', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    let asked = 0
    const ask = async (): Promise<Response> => Response.json({ ...half, message: `${++asked}` })
    const client = new GlimpseClient({ endpoint: 'http://127.0.0.1', fetch: ask })
    const stop = new AbortController()
    const wait = failureOf(client.tasks.waitFor('t1', { signal: stop.signal }))
    await untilTimerIsSet()
    await vi.advanceTimersByTimeAsync(999)
    expect(asked).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await untilTimerIsSet()
    expect(asked).toBe(2)
    stop.abort()
    expect(vi.getTimerCount()).toBe(0)
    expect(await wait).toMatchObject({ name: 'AbortError' })
  })

  it('ends with the refusal of a question', async () => {
    const { client } = await converse([{ body: half }, { status: 404 }])
    await expect(client.tasks.waitFor('t1', { intervalMs: 0 })).rejects.toMatchObject({ status: 404 })
  })

  it.each([-1, Number.NaN, Infinity, 2 ** 31])('refuses an interval of %d', async (intervalMs) => {
    const { client, seen } = await converse([{ body: half }])
    const message = `intervalMs is ${intervalMs}: 0 to 2147483647 milliseconds are allowed`
    await expect(client.tasks.waitFor('t1', { intervalMs })).rejects.toThrow(new RangeError(message))
    expect(seen).toEqual([])
  })
})
