import { truncate } from 'node:fs/promises'
import path from 'node:path'
import { GlimpseClient, type TaskView } from '@glimpse/client'
import type { LogLine } from '../../harness/service.ts'
import { aimAnywhere, aimAtRarest } from './aims.ts'
import { checkActive, checkNothingRanTwice, checkReverted, type Kill } from './checks.ts'
import { flowOf, type Method, transitionsOf } from './flows.ts'
import type { Life } from './life.ts'
import { hitsOf, newTask, nothingStored, snapshotOf } from './records.ts'
import { anyOf, chance, type Sample, samples } from './samples.ts'
import type { Site } from './site.ts'
import type { PacedSource } from './source.ts'
import type { Tally } from './tally.ts'

/** Milliseconds in which a task that nobody kills has to end. */
const patience = 60_000

const properties = { name: 'crash', disk_format: 'raw', container_format: 'bare' }

/** One import of one image, whose service is killed again and again until it lets the import end. */
export class CrashingImport {
  readonly #site: Site
  readonly #method: Method
  readonly #tally: Tally
  readonly #source: PacedSource
  readonly #sample: Sample = anyOf(samples)
  readonly #url: string
  /** Whether something is wrong with its data at first, so that it is reverted. */
  readonly #fails: boolean = chance(0.15)
  readonly #kills: Kill[] = []
  readonly #lives: Life[] = []
  #image = ''
  #task: string | null = null

  constructor(site: Site, method: Method, tally: Tally, source: PacedSource) {
    this.#site = site
    this.#method = method
    this.#tally = tally
    this.#source = source
    const broken = this.#fails && method !== 'glance-direct'
    this.#url = source.offer({ sample: this.#sample, pace: anyOf([0, 150, 400]), ranges: chance(0.7), broken })
  }

  /** What it was, what happened to it, and what the last life said of failures. */
  toString(): string {
    const kills = this.#kills.map(({ stored }) => hitsOf(stored).join(' + '))
    const { lines = [], stderr = '' } = this.#lives.at(-1) ?? {}
    const complaints = lines.filter(({ level }) => level >= 50).slice(-3)
    return [
      `${this.#site.setup.engine} ${this.#flow}, ${this.#sample.bytes.length} bytes${this.#fails ? ', to fail' : ''}`,
      `image ${this.#image}, task ${this.#task}, killed at [${kills.join(', ')}]`,
      ...complaints.map((line) => JSON.stringify(line)),
      ...(stderr.includes('Error') ? [stderr] : []),
    ].join('\n  ')
  }

  /** @throws Error that says what is wrong. */
  async run(): Promise<void> {
    await this.#prepare(clientOf(await this.#site.living()))
    for (let lethal = 0.95; ; lethal = 0.6) {
      const life = this.#nextLife(chance(lethal))
      const ended = await this.#untilEnd(life)
      if (ended) {
        await this.#check(clientOf(life), ended)
        break
      }
      const code = await life.ended
      if (code !== null) throw new Error(`the service ended by itself, with ${code}`)
      this.#noteKill()
    }
    this.#tally.imported(this.#group, this.#lives.filter((life) => life.lines.some(this.#isResumed)).length)
    this.#source.withdraw(this.#url)
  }

  readonly #isResumed = (line: LogLine): boolean => line.task === this.#task && 'resumedAt' in line

  get #flow(): string {
    return flowOf(this.#method, this.#site.setup)
  }

  /** Where its kills are counted. */
  get #group(): string {
    const { engine, stores } = this.#site.setup
    return `${this.#method}, ${engine}, ${stores.length} ${stores.length === 1 ? 'store' : 'stores'}`
  }

  async #prepare(client: GlimpseClient): Promise<void> {
    if (this.#method !== 'import') this.#image = (await client.images.create(properties)).id
    if (this.#method !== 'glance-direct') return
    const { bytes } = this.#sample
    await client.images.stage(this.#image, bytes)
    if (this.#fails) await truncate(path.join(this.#site.staging, this.#image), bytes.length - 1)
  }

  /** The life that is, or a new one, whose end may be set. */
  #nextLife(isLethal: boolean): Life {
    const life = this.#site.life()
    if (!this.#lives.includes(life)) this.#lives.push(life)
    if (isLethal) this.#aimAt(life)
    return life
  }

  #aimAt(life: Life): void {
    const isRestart = this.#kills.length > 0
    if (isRestart && chance(0.08)) life.killIn(Math.random() * this.#site.startUp)
    else if (this.#task === null && chance(0.15)) life.killIn(Math.random() * 25)
    else if (chance(this.#tally.missed(this.#flow).length > 0 ? 0.8 : 0.5)) life.aim(aimAtRarest(this.#aiming))
    else life.aim(aimAnywhere(this.#fails))
  }

  get #aiming() {
    const steps = this.#kills.at(-1)?.stored.steps ?? []
    return {
      transitions: transitionsOf(this.#method, this.#site.setup),
      over: steps.filter(({ state }) => state === 'SUCCESS').map(({ name }) => name),
      hitsAt: (transition: string) => this.#tally.hitsAt(this.#flow, transition),
    }
  }

  /** The task as it ended; null when the service was killed before that was heard of. */
  async #untilEnd(life: Life): Promise<TaskView | null> {
    const signal = AbortSignal.timeout(patience)
    try {
      if ((await life.listening) === null) throw new Error('the service did not start')
      const client = clientOf(life)
      if (this.#task === null) await this.#submit(client)
      const ended = await client.tasks.waitFor(this.#task!, { intervalMs: 10, signal })
      life.aim(null)
      return life.doomed ? null : ended
    } catch (error) {
      if (life.doomed) return null
      if (!signal.aborted) throw error
      const said = life.lines.slice(-12).map((line) => JSON.stringify(line))
      throw new Error(`the task did not end in ${patience} ms:\n${said.join('\n')}`, { cause: error })
    }
  }

  async #submit(client: GlimpseClient): Promise<void> {
    if (this.#method === 'import') {
      const input = { import_from: this.#url, import_from_format: 'raw', image_properties: properties }
      await client.tasks.create({ type: 'import', input })
    } else {
      const uri = this.#method === 'web-download' ? this.#url : undefined
      await client.images.import(this.#image, { method: this.#method, uri, stores: this.#site.setup.stores })
    }
    this.#findTask()
    if (this.#task === null) throw new Error('an accepted task is not in the database')
  }

  /** A task may be accepted although nobody was told. */
  #findTask(): void {
    const { database, tasks } = this.#site
    const found = newTask(database, tasks)
    if (!found) return
    tasks.add(found.id)
    this.#task = found.id
    this.#image = found.image
  }

  #noteKill(): void {
    if (this.#task === null) this.#findTask()
    const stored = this.#task === null ? nothingStored : snapshotOf(this.#site.database, this.#task)
    this.#tally.killed(this.#flow, this.#group, hitsOf(stored))
    this.#kills.push({ stored, lives: this.#lives.length })
  }

  async #check(client: GlimpseClient, { status, message }: TaskView): Promise<void> {
    checkNothingRanTwice(this.#kills, this.#lives, this.#task!)
    if (!this.#fails) {
      if (status !== 'success') throw new Error(`the task ended in ${status}: ${message}`)
    } else {
      const isToldWhy = /^step (download|open-staged) failed: /.test(message)
      if (status !== 'failure' || !isToldWhy)
        throw new Error(`the task should fail, and ended in ${status}: ${message}`)
      await checkReverted(client, this.#site, this.#image, this.#method === 'import')
      await this.#retry(client)
    }
    await checkActive(client, this.#site, this.#image, this.#sample)
  }

  /** With what was wrong put right. */
  async #retry(client: GlimpseClient): Promise<void> {
    this.#source.mend(this.#url)
    if (this.#method === 'glance-direct') await client.images.stage(this.#image, this.#sample.bytes)
    await this.#submit(client)
    const { status, message } = await client.tasks.waitFor(this.#task!, { intervalMs: 10 })
    if (status !== 'success') throw new Error(`the second try ended in ${status}: ${message}`)
  }
}

function clientOf({ address }: Life): GlimpseClient {
  return new GlimpseClient({ endpoint: address! })
}
