import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createRepos, type Repos } from '../../src/db/repos.ts'
import type { Clock } from '../../src/domain/ports.ts'

/** A path in a new folder, which goes when the test ends. */
export async function tempFile(name = 'glimpse.db'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-db-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, name)
}

export interface ManualClock extends Clock {
  at: number
}

/** Stands still until a test moves it. */
export function manualClock(start = '2026-01-02T03:04:05.006Z'): ManualClock {
  return {
    at: Date.parse(start),
    now() {
      return new Date(this.at)
    },
  }
}

export interface TestRepos extends Repos {
  readonly file: string
  readonly clock: ManualClock
}

export async function openRepos(file?: string, clock: ManualClock = manualClock()): Promise<TestRepos> {
  const path = file ?? (await tempFile())
  const repos = await createRepos({ file: path, clock, taskTtlHours: 48 })
  onTestFinished(() => repos.close())
  return { ...repos, file: path, clock }
}
