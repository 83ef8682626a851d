import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync, watch } from 'node:fs'
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GlimpseClient, type ImageView, type ImportRequest, type TaskView } from '@glimpse/client'
import { Service } from '../../harness/service.ts'

/** Lets imports read from servers of this machine, whatever their port. */
const allowLocalSources = '[import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = []\n'

/** A service that runs, and where it keeps its data. */
export interface Site {
  readonly service: Service
  readonly client: GlimpseClient
  readonly stateDir: string
}

/** Everything that a test sets up; all of it is taken down afterwards, last first, whatever became of the test. */
export class Stage {
  readonly #cleanups: (() => unknown)[] = []

  onClose(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  /** One thing that cannot be taken down keeps no other from it. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (const cleanup of this.#cleanups.splice(0).toReversed()) {
      try {
        await cleanup()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'a test could not be cleaned up')
  }

  /** A new folder, as the kernel names it. */
  async folder(): Promise<string> {
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'glimpse-test-')))
    this.onClose(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  /** Starts the service, with local sources allowed; in a new folder, if none is given. */
  async serve(config = '', stateDir?: string): Promise<Site> {
    const folder = stateDir ?? (await this.folder())
    const service = await Service.start({ stateDir: folder, config: `${allowLocalSources}${config}` })
    this.onClose(() => service.stop('SIGKILL'))
    return { service, client: new GlimpseClient({ endpoint: service.address }), stateDir: folder }
  }

  async holdSource(image: Uint8Array): Promise<HeldSource> {
    const source = await HeldSource.open(image)
    this.onClose(() => source.close())
    return source
  }
}

/** A web server with one image that stops in the middle of it until it is told to go on. */
export class HeldSource {
  readonly url: string
  readonly #server: Server
  readonly #image: Uint8Array
  readonly #held = new Set<ServerResponse>()
  #released = false

  private constructor(server: Server, image: Uint8Array) {
    this.#server = server
    this.#image = image
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`
    server.on('request', (_request, response) => this.#answer(response))
  }

  static async open(image: Uint8Array): Promise<HeldSource> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HeldSource(server, image)
  }

  /** Sends the rest to all who wait, and everything to all who come later. */
  release(): void {
    this.#released = true
    for (const response of this.#held) this.#finish(response)
    this.#held.clear()
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(response: ServerResponse): void {
    response.writeHead(200, { 'content-length': this.#image.length })
    response.write(this.#image.subarray(0, this.#middle))
    if (this.#released) this.#finish(response)
    else this.#held.add(response)
  }

  #finish(response: ServerResponse): void {
    response.end(this.#image.subarray(this.#middle))
  }

  get #middle(): number {
    return Math.floor(this.#image.length / 2)
  }
}

/** A program that runs, what it says, and how it ends. */
export class Program {
  stdout = ''
  stderr = ''
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.#child = child
    this.ended = once(child, 'close').then(([code]) => code as number | null)
  }

  /** Resolves with the match once it has said that on stderr. @throws Error when it ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr)
      if (match) return match
      const code = await Promise.race([this.ended, once(this.#child.stderr!, 'data')])
      if (!Array.isArray(code)) throw new Error(`it ended with ${code} and said: ${this.stderr}`)
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal)
    return await this.ended
  }
}

/** Data that stops coming in the middle, until whoever reads it lets go. */
export function holdBody(image: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(image.subarray(0, image.length / 2)) })
}

/** Resolves once a file in the folder, whatever its name, has that many bytes. */
export async function fileGrows(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  const watcher = watch(folder)
  const sizeOf = (name: string): number => statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  const isThere = (): boolean => readdirSync(folder).some((name) => sizeOf(name) >= bytes)
  try {
    while (!isThere()) await once(watcher, 'change')
  } finally {
    watcher.close()
  }
}

/** Paths of all files below the folders, parts too; a folder that is not there has none. */
export async function filesIn(...folders: readonly string[]): Promise<string[]> {
  const listings = folders.map(async (folder) => {
    const entries = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : []
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name))
  })
  return (await Promise.all(listings)).flat().toSorted()
}

/** Where a service without stores of its own configured keeps data. */
export function dataFolders(stateDir: string): { readonly images: string; readonly staging: string } {
  return { images: path.join(stateDir, 'images'), staging: path.join(stateDir, 'staging') }
}

export async function newImage(client: GlimpseClient, name = 'test'): Promise<ImageView> {
  return await client.images.create({ name, disk_format: 'raw', container_format: 'bare' })
}

/** Asks for the import and gives its task, as it is when it was accepted. */
export async function startImport(client: GlimpseClient, id: string, request: ImportRequest): Promise<TaskView> {
  const { requestId } = await client.images.import(id, request)
  const task = (await client.images.tasks(id)).find(({ request_id }) => request_id === requestId)
  if (task) return task
  throw new Error(`image ${id} has no task of the request ${requestId}`)
}

export async function importAndWait(client: GlimpseClient, id: string, request: ImportRequest): Promise<TaskView> {
  const { id: task } = await startImport(client, id, request)
  return await client.tasks.waitFor(task, { intervalMs: 20 })
}

/** Asks for the image until it has the status. */
export async function imageBecomes(client: GlimpseClient, id: string, status: string): Promise<ImageView> {
  for (;;) {
    const image = await client.images.show(id)
    if (image.status === status) return image
  }
}

/** The bytes of the image as a client gets them. */
export async function download(client: GlimpseClient, id: string): Promise<Buffer> {
  return Buffer.from(await (await client.images.download(id)).arrayBuffer())
}
