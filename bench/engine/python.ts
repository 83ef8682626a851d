/** The real Python TaskFlow, where it is installed (Debian: python3-taskflow). */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Laps } from './rounds.ts'
import type { Shape } from './shapes.ts'

interface PythonRow extends Laps {
  readonly shape: Shape
  readonly tasks: number
}

/** Version, and microseconds a task. */
export interface PythonFigures {
  readonly version: string
  readonly rows: readonly PythonRow[]
}

/** The second is Debian's own, where another Python comes first in PATH. */
const pythons = ['python3', '/usr/bin/python3']
/** Shape, tasks, runs: its best run counts. A line of 1,000 takes some ten seconds. */
const asked = ['linear:10:9', 'linear:100:3', 'linear:1000:1', 'unordered:10:9', 'unordered:100:5', 'unordered:1000:2']

const call = promisify(execFile)

/** Null where there is none. */
export async function measurePython(): Promise<PythonFigures | null> {
  for (const python of pythons) {
    try {
      await call(python, ['-c', 'import taskflow'])
    } catch {
      continue
    }
    const script = fileURLToPath(new URL('peer.py', import.meta.url))
    const { stdout } = await call(python, [script, ...asked], { timeout: 120_000 })
    return JSON.parse(stdout) as PythonFigures
  }
  return null
}
