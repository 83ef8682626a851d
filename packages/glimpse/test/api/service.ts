import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'

export const imageId = '11111111-2222-3333-4444-555555555555'
export const otherId = '99999999-8888-7777-6666-555555555555'
const startedAt = '2026-11-23T12:00:00Z'

/** Stands still until a test moves it. */
interface ManualClock {
  at: number
  now(): Date
}

export interface Service extends App {
  readonly folder: string
  readonly clock: ManualClock
  /** What was logged, one object a line. */
  readonly logged: Readonly<Record<string, unknown>>[]
  readonly request: (options: InjectOptions) => Promise<Response>
  /** Sends JSON. */
  readonly send: (
    method: 'POST' | 'PATCH' | 'PUT',
    url: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<Response>
  /** Registers the image {@link imageId}, ready for data. */
  readonly createImage: (also?: object) => Promise<void>
  /** Gives image data. */
  readonly upload: (data: Buffer | string, id?: string) => Promise<Response>
  /** Names of the files in a store, or in the staging area. */
  readonly files: (store: 'fast' | 'slow' | 'staging') => Promise<string[]>
}

const multi = { 'DEFAULT.enabled_backends': 'fast:file,slow:file', 'glance_store.default_backend': 'fast' }
const single = { 'glance_store.default_store': 'file' }

export interface ServiceOptions {
  /** Whether there are the two stores `fast` and `slow`, or the one of old configurations. */
  readonly multi?: boolean
  readonly overrides?: Readonly<Record<string, string>>
}

/** The whole service on real files, in a folder that goes when the test ends. */
export async function startService({ multi: isMulti = true, overrides = {} }: ServiceOptions = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-api-'))
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const clock: ManualClock = {
    at: Date.parse(startedAt),
    now() {
      return new Date(this.at)
    },
  }
  const stores = isMulti
    ? {
        ...multi,
        'fast.filesystem_store_datadir': join(folder, 'fast'),
        'slow.filesystem_store_datadir': join(folder, 'slow'),
      }
    : { 'glance_store.filesystem_store_datadir': join(folder, 'fast') }
  const { config } = loadConfig({
    files: [],
    searchDirs: [],
    env: {},
    overrides: { ...(isMulti ? {} : single), ...stores, ...overrides },
    stateDir: folder,
  })
  const app = await createApp(config, log, clock)
  onTestFinished(async () => {
    await app.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { ...app, folder, clock, logged, ...clientOf(app, config.stores.stagingDir, folder) }
}

function clientOf({ server }: App, staging: string, folder: string) {
  const request: Service['request'] = (options) => server.inject(options)
  const send: Service['send'] = (method, url, body, headers = {}) =>
    request({ method, url, headers: { 'content-type': 'application/json', ...headers }, payload: JSON.stringify(body) })
  return {
    request,
    send,
    createImage: async (also: object = {}): Promise<void> => {
      const body = { id: imageId, name: 'one', disk_format: 'raw', container_format: 'bare', ...also }
      const answer = await send('POST', '/v2/images', body)
      if (answer.statusCode !== 201) throw new Error(answer.body)
    },
    upload: (data: Buffer | string, id = imageId): Promise<Response> =>
      request({
        method: 'PUT',
        url: `/v2/images/${id}/file`,
        headers: { 'content-type': 'application/octet-stream' },
        payload: data,
      }),
    files: async (store: 'fast' | 'slow' | 'staging'): Promise<string[]> => {
      const found = await readdir(store === 'staging' ? staging : join(folder, store)).catch(() => [])
      return found.toSorted((a, b) => a.localeCompare(b))
    },
  }
}
