import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CrashingImport } from './crashing-import.ts'
import { flowOf, methods, type Setup, transitionsOf } from './flows.ts'
import { Site } from './site.ts'
import { PacedSource } from './source.ts'
import { Tally } from './tally.ts'

/** The long mode: CRASH_KILLS=5000. */
const kills = Number(process.env['CRASH_KILLS'] ?? 300)
/** Kills after which it is given up to hit a transition that is hard to hit. */
const most = Math.max(3 * kills, 600)
/** After so many faults more of them say nothing new. */
const enough = 8

const setups: readonly Setup[] = (['serial', 'parallel'] as const).flatMap((engine) =>
  [['near'], ['near', 'far']].map((stores) => ({ engine, stores })),
)
const tally = new Tally()
const sites = new Set<Site>()
const cache = mkdtempSync(path.join(tmpdir(), 'glimpse-crash-cache-'))

beforeAll(
  async () => {
    process.env['NODE_COMPILE_CACHE'] = cache
    for (const setup of setups)
      for (const method of methods) tally.want(flowOf(method, setup), transitionsOf(method, setup))
    const source = await PacedSource.open()
    await Promise.all(setups.map((setup) => crashSite(setup, source)))
    source.close()
    console.log(String(tally))
  },
  60_000 + kills * 4_000,
)

afterAll(async () => {
  for (const site of sites) await site.close()
  delete process.env['NODE_COMPILE_CACHE']
  rmSync(cache, { recursive: true, force: true })
})

it('whatever was accepted is finished, once, with the right bytes and nothing left over, whenever it is killed', () => {
  expect(tally.faults).toEqual([])
})

it(`the service was killed ${kills} times, and each method in each engine`, () => {
  expect(tally.killCount).toBeGreaterThanOrEqual(kills)
  expect(tally.kills.size).toBe(setups.length * methods.length)
})

it('downloads that were cut off went on where they were', () => {
  expect(tally.resumedDownloads).toBeGreaterThan(0)
})

it('a kill came after every transition of every flow', () => {
  expect(tally.missed()).toEqual([])
})

/** Imports by all methods in turn, until there were kills enough. */
async function crashSite(setup: Setup, source: PacedSource): Promise<void> {
  const begin = async (): Promise<Site> => {
    const site = await Site.make(setup, otherDisk(), () => (tally.restarts += 1))
    sites.add(site)
    // What a process compiles is kept when it ends by itself.
    await (await site.living()).stop('SIGTERM')
    return site
  }
  let site = await begin()
  for (let turn = 0; wantsMore(setup); turn++) {
    const one = new CrashingImport(site, methods[turn % methods.length]!, tally, source)
    try {
      await one.run()
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      const fault = `${String(one)}\n  ${text}`
      tally.faults.push(fault)
      console.error(fault)
      await site.close()
      site = await begin()
    }
  }
  await site.close()
}

function wantsMore(setup: Setup): boolean {
  if (tally.faults.length >= enough || tally.killCount >= most) return false
  if (tally.killCount < kills) return true
  return methods.some((method) => tally.missed(flowOf(method, setup)).length > 0)
}

/** A folder on another disk than the temporary one, where Linux has one in memory. Source: shm_overview(7). */
function otherDisk(): string {
  const memory = '/dev/shm'
  return statSync(memory, { throwIfNoEntry: false }) ? memory : tmpdir()
}
