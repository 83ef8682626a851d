import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { FileDriver, openHttpSource, type ResumePoint, Store } from '@glimpse/stores'
import { type Clock, fixed } from '@glimpse/taskflow'
import { jobStatement, SqliteStore } from '@glimpse/taskflow-sqlite'
import { pino } from 'pino'
import type { Stores } from '../../src/data/stores.ts'
import { writeData } from '../../src/data/writing.ts'
import { createRepos, type Repos } from '../../src/db/repos.ts'
import type { Image } from '../../src/domain/image.ts'
import type { JsonObject, Task } from '../../src/domain/task.ts'
import { ConductedExecutor, jobFor } from '../../src/executors/conducted.ts'
import type { FlowRunner, TaskExecutor } from '../../src/executors/executor.ts'
import { TaskLifecycle } from '../../src/executors/lifecycle.ts'
import { plainRunner } from '../../src/executors/plain.ts'
import { downloadRetry } from '../../src/flows/download-retry.ts'
import { jobOf } from '../../src/flows/jobs.ts'
import { makeSteps, type Steps } from '../../src/flows/steps/steps.ts'
import type { Parts } from '../../src/usecases/parts.ts'
import { recover } from '../../src/usecases/recover.ts'
import { UnderWay } from '../../src/usecases/under-way.ts'
import { taskflowRunner } from './engine-runner.ts'

/** How flows run, without anything around them; the clock is for waits between attempts. */
export const runners: Readonly<Record<string, (clock: Clock) => FlowRunner>> = {
  plain: plainRunner,
  'taskflow serial': (clock) => taskflowRunner({ engineMode: 'serial', maxWorkers: 10, clock }),
  'taskflow parallel': (clock) => taskflowRunner({ engineMode: 'parallel', maxWorkers: 10, clock }),
}

/** Every executor and mode that a deployer can choose. */
export const executors = ['plain', 'taskflow serial', 'taskflow parallel'] as const
export type ExecutorName = (typeof executors)[number]

/** Waits that take no time, or never end by themselves. */
export class Waits implements Clock {
  /** Milliseconds of each that was begun. */
  readonly begun: number[] = []
  /** How many were ended by whoever waited. */
  stopped = 0
  readonly #endless: boolean
  readonly #first = Promise.withResolvers<void>()

  constructor({ endless = false }: { readonly endless?: boolean } = {}) {
    this.#endless = endless
  }

  /** Resolves when somebody waits. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  now(): number {
    return Date.now()
  }

  wait(milliseconds: number, ended: () => void): () => void {
    this.begun.push(milliseconds)
    this.#first.resolve()
    const timer = this.#endless ? undefined : setImmediate(ended)
    return () => {
      this.stopped++
      clearImmediate(timer)
    }
  }
}

const data: Buffer = Buffer.from('the data of an image, '.repeat(40_000))
const clock = { now: () => new Date('2026-11-23T12:00:00Z') }
const log = pino({ level: 'silent' })
const intake = { hashAlgo: 'sha512', sizeCap: 10_000_000 }

type NewTask = Pick<Task, 'id' | 'type'> & { input: JsonObject }
type Row = Parameters<typeof jobFor>[0]

interface BenchParts {
  readonly folder: string
  readonly repos: Repos
  readonly flows: SqliteStore | null
  readonly stores: Stores
  readonly waits: Waits
  readonly source: Source
}

/** Everything a task leaves behind, without what differs from run to run. */
export interface EndState {
  readonly task: Pick<Task, 'status' | 'message' | 'result'> & { readonly expires: boolean }
  readonly image: Omit<Image, 'createdAt' | 'updatedAt' | 'locations'> | null
  readonly locations: readonly string[]
  /** For each folder, its files by name with a digest of their bytes. */
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** The service without its HTTP side: a real database, real stores, a real source of downloads. */
export class Bench {
  readonly image = '11111111-2222-3333-4444-555555555555'
  readonly repos: Repos
  readonly stores: Stores
  readonly source: Source
  /** What the users of tasks read, one message after another. */
  readonly said: string[] = []
  readonly #folder: string
  readonly #flows: SqliteStore | null
  readonly #executor: ExecutorName
  readonly #waits: Waits
  /** Executors that were begun and not stopped. */
  readonly #begun: TaskExecutor[] = []

  private constructor(executor: ExecutorName, made: BenchParts) {
    this.#executor = executor
    const { folder, repos, flows, stores, waits, source } = made
    this.#waits = waits
    this.#folder = folder
    this.#flows = flows
    this.repos = repos
    this.stores = stores
    this.source = source
    const { tasks } = repos
    const say = tasks.say.bind(tasks)
    tasks.say = async (id, message) => {
      this.said.push(message)
      await say(id, message)
    }
  }

  static async make(
    executor: ExecutorName,
    wrap: (id: string, driver: FileDriver) => Store,
    waits: Waits,
  ): Promise<Bench> {
    const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-executors-'))
    await mkdir(path.join(folder, 'state'))
    const file = path.join(folder, 'state', 'db.sqlite')
    const isPlain = executor === 'plain'
    const jobs = isPlain ? {} : { alsoStore: (task: Row) => jobStatement(jobFor(task), Date.now()) }
    const repos = await createRepos({ file, clock, taskTtlHours: 48, ...jobs })
    const flows = isPlain ? null : await SqliteStore.open({ file })
    const store = (id: string): Store => wrap(id, new FileDriver(path.join(folder, id)))
    const all = new Map(['fast', 'slow'].map((id) => [id, store(id)]))
    const stores = { all, default: all.get('fast')!, staging: store('staging') }
    return new Bench(executor, { folder, repos, flows, stores, waits, source: await Source.start() })
  }

  async close(): Promise<void> {
    this.source.close()
    await Promise.all(this.#begun.map((executor) => executor.stop('the test is over')))
    await this.#flows?.close()
    await this.repos.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async addImage(): Promise<void> {
    const { image: id } = this
    await this.repos.images.create({ id, name: 'disk', owner: null, diskFormat: 'raw', containerFormat: 'bare' })
  }

  async stage(): Promise<void> {
    const { images } = this.repos
    await images.update(this.image, { set: { status: 'uploading' } })
    const staged = await writeData(this.stores.staging, this.image, Readable.from([data]), intake)
    await images.update(this.image, { set: { staged, size: staged.size } })
  }

  /** Accepts and runs one task to its end. */
  async run(task: NewTask, change: (steps: Steps) => Steps = (steps) => steps): Promise<void> {
    const executor = await this.start(task, change)
    await executor.drain()
    await executor.stop('the test is over')
  }

  /** Accepts one task, and begins to run it. */
  async start(task: NewTask, change: (steps: Steps) => Steps = (steps) => steps): Promise<TaskExecutor> {
    const lock = task.type === 'import' ? undefined : { image: this.image, expected: { importTask: null } }
    const row = { ...task, owner: null, imageId: this.image, requestId: 'req-1', userId: null }
    const accepted = await this.repos.tasks.accept(row, lock)
    const executor = await this.executor(change)
    executor.submit(accepted)
    return executor
  }

  /** An executor that has begun to work, as at the start of the service. */
  async executor(
    change: (steps: Steps) => Steps = (steps) => steps,
    waits: Waits = this.#waits,
  ): Promise<TaskExecutor> {
    const { images, tasks } = this.repos
    const steps = change(makeSteps({ images, stores: this.stores, intake, openSource: openSource(this.source.port) }))
    const parts = { steps, downloadRetry: downloadRetry(3, fixed(2_000)), defaultStore: 'fast' }
    const common = { images, tasks, clock, log, concurrency: 4, jobOf: (each: Row) => jobOf(each, parts) }
    const engineMode = this.#executor === 'taskflow serial' ? 'serial' : 'parallel'
    const executor = this.#flows
      ? new ConductedExecutor({ ...common, store: this.#flows, engineMode, maxWorkers: 10, engineClock: waits })
      : new TaskLifecycle({ ...common, runFlow: plainRunner(waits) })
    this.#begun.push(executor)
    await executor.start()
    return executor
  }

  /** Does what a start does after the process died. */
  async recover(): Promise<void> {
    const { images, tasks } = this.repos
    const executor = { keeps: () => Promise.resolve(false) } as unknown as TaskExecutor
    await recover({ images, tasks, stores: this.stores, log, executor, underWay: new UnderWay() } as Parts)
  }

  async endState(task: string): Promise<EndState> {
    const { status, message, result, expiresAt } = (await this.repos.tasks.find(task))!
    const image = await this.repos.images.find(this.image)
    const { createdAt: _created, updatedAt: _updated, locations = [], ...rest } = image ?? ({} as Partial<Image>)
    return {
      task: {
        status,
        message: message.replaceAll(String(this.source.port), 'PORT'),
        result,
        expires: expiresAt !== null,
      },
      image: image ? ({ ...rest, failedStores: image.failedStores.toSorted() } as EndState['image']) : null,
      locations: locations.map(({ store }) => store).toSorted(),
      files: {
        fast: await this.#files('fast'),
        slow: await this.#files('slow'),
        staging: await this.#files('staging'),
      },
    }
  }

  async #files(folder: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    const place = path.join(this.#folder, folder)
    for (const name of (await readdir(place).catch((): string[] => [])).toSorted()) {
      found[name] = createHash('sha256')
        .update(await readFile(path.join(place, name)))
        .digest('hex')
    }
    return found
  }
}

function openSource(port: number) {
  const filter = {
    allowedSchemes: ['http'],
    disallowedSchemes: [],
    allowedHosts: ['127.0.0.1'],
    disallowedHosts: [],
    allowedPorts: [port],
    disallowedPorts: [],
  }
  return (uri: string, signal: AbortSignal, from?: ResumePoint) =>
    openHttpSource(uri, { filter, signal, from, idleTimeoutMs: 10_000, totalTimeoutMs: 60_000 })
}

/** `shaky` fails twice, in two ways, and then is good. */
export type SourceKind =
  | 'good'
  | 'shaky'
  | 'busy'
  | 'limited'
  | 'mute'
  | 'cut-off'
  | 'moved'
  | 'endless'
  | 'huge'
  | 'missing'

/** A web server with one good image and every kind of bad one. */
export class Source {
  readonly port: number
  /** How often it was asked. */
  requests = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.prependListener('request', () => this.requests++)
  }

  static async start(): Promise<Source> {
    let shaky = 0
    const server = createServer((request, response) => {
      if (request.url === '/shaky') request.url = ['/busy', '/cut-off', '/good'][shaky++]
      if (request.url === '/good') return void response.writeHead(200, { 'content-length': data.length }).end(data)
      if (request.url === '/cut-off') {
        response.writeHead(200, { 'content-length': data.length })
        return void response.write(data.subarray(0, 500_000), () => response.destroy())
      }
      if (request.url === '/busy') return void response.writeHead(503).end()
      if (request.url === '/limited') return void response.writeHead(429).end()
      if (request.url === '/mute') return void request.socket.destroy()
      if (request.url === '/moved') return void response.writeHead(302, { location: 'http://169.254.169.254/x' }).end()
      if (request.url === '/endless') return sendForever(response)
      if (request.url === '/huge') {
        response.writeHead(200, { 'content-length': 900_719_925_474_099 })
        return sendForever(response)
      }
      response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return new Source(server)
  }

  url(what: SourceKind): string {
    return `http://127.0.0.1:${this.port}/${what}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

function sendForever(response: NodeJS.WritableStream & { destroyed?: boolean }): void {
  const chunk = Buffer.alloc(65_536)
  const more = (): void => {
    if (!response.destroyed) response.write(chunk, () => setImmediate(more))
  }
  more()
}
