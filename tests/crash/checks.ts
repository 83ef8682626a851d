import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiError, type GlimpseClient } from '@glimpse/client'
import { filesIn } from '../black-box/support.ts'
import type { Life } from './life.ts'
import { leftIn, type Snapshot } from './records.ts'
import { digest, type Sample } from './samples.ts'
import type { Site } from './site.ts'

/** Milliseconds in which what a task leaves when it has ended has to go. */
const clearing = 4_000

/** What was stored when a life ended, and how many lives there had been. */
export interface Kill {
  readonly stored: Snapshot
  readonly lives: number
}

/** The bytes and all that is said of them; then it is deleted. */
export async function checkActive(client: GlimpseClient, site: Site, id: string, sample: Sample): Promise<void> {
  const { bytes, md5, sha512 } = sample
  const { status, size, checksum, os_hash_value: hash, ...others } = await client.images.show(id)
  const said = JSON.stringify({ status, size, checksum, hash })
  const right = JSON.stringify({ status: 'active', size: bytes.length, checksum: md5, hash: sha512 })
  if (said !== right) throw new Error(`the image should be ${right}, and is ${said}`)
  const locks = Object.entries(others).filter(([key, value]) => key.startsWith('os_glance') && value !== '')
  if (locks.length > 0) throw new Error(`the image is still marked: ${JSON.stringify(locks)}`)
  const files = String(others['stores'])
    .split(',')
    .map((store) => site.fileOf(store, id))
  await checkNothingIsLeft(site, files)
  for (const file of files) {
    if (digest('sha512', await readFile(file)) !== sha512) throw new Error(`${file} has other bytes`)
  }
  await client.images.delete(id)
  await checkNothingIsLeft(site, [])
}

/** The image of a failed import can be imported to again; one that the task has made is gone. */
export async function checkReverted(client: GlimpseClient, site: Site, id: string, isGone: boolean): Promise<void> {
  await checkNothingIsLeft(site, [])
  const status = await client.images.show(id).then(
    (image) => image.status,
    (error: unknown) => (error instanceof ApiError ? String(error.status) : Promise.reject(error)),
  )
  const right = isGone ? '404' : 'queued'
  if (status !== right) throw new Error(`the image of a failed import should be ${right}, and is ${status}`)
}

/** No file, no row and no lock but the files given. The last things are put away after the task has ended. */
async function checkNothingIsLeft({ database, staging, folders }: Site, expected: readonly string[]): Promise<void> {
  const deadline = performance.now() + clearing
  for (;;) {
    const files = await filesIn(staging, ...folders.values())
    const left = [...leftIn(database), ...files.filter((file) => !expected.includes(file))]
    const missing = expected.filter((file) => !files.includes(file))
    if (left.length + missing.length === 0) return
    const names = missing.map((file) => path.basename(file))
    if (performance.now() > deadline) throw new Error(`left: [${left.join(', ')}], missing: [${names.join(', ')}]`)
    await pause(5)
  }
}

/** A step that was over stays as it was stored, but for its revert, and no later life has begun it. */
export function checkNothingRanTwice(kills: readonly Kill[], lives: readonly Life[], task: string): void {
  for (const [index, { stored, lives: past }] of kills.entries()) {
    const over = stored.steps.filter(({ state }) => state === 'SUCCESS')
    const lines = lives
      .slice(past)
      .flatMap((life) => life.lines)
      .filter((line) => line.task === task)
    for (const before of over) {
      const again = lines.find(({ step, state }) => step === before.name && state === 'RUNNING')
      if (again) throw new Error(`step ${before.name} began again although it was over: ${JSON.stringify(again)}`)
      const after = kills[index + 1]?.stored.steps.find(({ name }) => name === before.name)
      if (!after || after.state.startsWith('REVERT') || JSON.stringify(after) === JSON.stringify(before)) continue
      throw new Error(`step ${before.name} was over: ${JSON.stringify(before)}, and then ${JSON.stringify(after)}`)
    }
  }
}
