import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Setup } from './flows.ts'
import { Life } from './life.ts'

interface Place {
  readonly stateDir: string
  /** A folder on another disk, if there is one. */
  readonly elsewhere: string
  readonly folders: ReadonlyMap<string, string>
  readonly onStart: () => void
}

/** Where one service lives, again and again. */
export class Site {
  readonly setup: Setup
  readonly database: string
  readonly staging: string
  /** Of the stores, by their ids. */
  readonly folders: ReadonlyMap<string, string>
  /** Tasks that are known. */
  readonly tasks = new Set<string>()
  /** Milliseconds that a start takes, more or less. */
  startUp = 800
  readonly #stateDir: string
  readonly #elsewhere: string
  readonly #onStart: () => void
  #life: Life | null = null

  private constructor(setup: Setup, { stateDir, elsewhere, folders, onStart }: Place) {
    this.setup = setup
    this.folders = folders
    this.database = path.join(stateDir, 'glimpse.sqlite')
    this.staging = path.join(stateDir, 'staging')
    this.#stateDir = stateDir
    this.#elsewhere = elsewhere
    this.#onStart = onStart
  }

  /** @param elsewhere a folder for the stores after the first, on another disk if there is one: copies take longer. */
  static async make(setup: Setup, elsewhere: string, onStart: () => void): Promise<Site> {
    const stateDir = await mkdtemp(path.join(tmpdir(), 'glimpse-crash-'))
    const far = await mkdtemp(path.join(elsewhere, 'glimpse-crash-'))
    const folders = new Map(setup.stores.map((store, index) => [store, path.join(index === 0 ? stateDir : far, store)]))
    const sections = [...folders].map(([store, folder]) => `[${store}]\nfilesystem_store_datadir = ${folder}\n`)
    const lines = [
      '[DEFAULT]',
      `enabled_backends = ${setup.stores.map((store) => `${store}:file`).join(', ')}`,
      '[glance_store]',
      `default_backend = ${setup.stores[0]}`,
      '[taskflow_executor]',
      `engine_mode = ${setup.engine}`,
      '[import_filtering_opts]',
      'allowed_hosts = [127.0.0.1]',
      'allowed_ports = []',
      ...sections,
    ]
    await writeFile(path.join(stateDir, 'glance-api.conf'), lines.join('\n'))
    return new Site(setup, { stateDir, elsewhere: far, folders, onStart })
  }

  /** The life that is, or a new one. */
  life(): Life {
    if (this.#life?.alive) return this.#life
    this.#life = new Life(path.join(this.#stateDir, 'glance-api.conf'), this.#stateDir)
    this.#onStart()
    return this.#life
  }

  /** One that listens. */
  async living(): Promise<Life> {
    const begun = performance.now()
    const isNew = !this.#life?.alive
    const life = this.life()
    const address = await life.listening
    if (isNew) this.startUp = performance.now() - begun
    if (address !== null) return life
    throw new Error(`the service did not start: ${life.stderr}`)
  }

  fileOf(store: string, image: string): string {
    return path.join(this.folders.get(store) ?? `there is no store ${store}`, image)
  }

  async close(): Promise<void> {
    if (this.#life?.alive) await this.#life.stop('SIGKILL')
    for (const folder of [this.#stateDir, this.#elsewhere]) await rm(folder, { recursive: true, force: true })
  }
}
