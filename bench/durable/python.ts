/** The real Python TaskFlow on SQLite, where it is installed with what it needs for that (SQLAlchemy and its utils). */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface PythonStored {
  readonly version: string
  readonly rows: readonly { readonly shape: string; readonly tasks: number; readonly tasksPerSecond: number }[]
}

/** The second is Debian's own, where another Python comes first in PATH. */
const pythons = ['python3', '/usr/bin/python3']

const call = promisify(execFile)

/** Null where there is none. */
export async function measurePythonStored(folder: string): Promise<PythonStored | null> {
  for (const python of pythons) {
    try {
      await call(python, ['-c', 'import taskflow.persistence.backends.impl_sqlalchemy'])
    } catch {
      continue
    }
    const script = fileURLToPath(new URL('peer.py', import.meta.url))
    const { stdout } = await call(python, [script, folder, 'linear:40', 'unordered:40'], { timeout: 120_000 })
    return JSON.parse(stdout) as PythonStored
  }
  return null
}
