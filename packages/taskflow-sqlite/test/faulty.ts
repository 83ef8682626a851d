// Processes whose disk fails at a chosen call, or is slow: see faults.c.
import { execFile, execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const source = fileURLToPath(new URL('./faults.c', import.meta.url))

/** Why there can be none here, as the end of a test's name; empty where there can. */
export const faultRefusal: string = ((): string => {
  if (process.platform !== 'linux') return ' (skipped: the disk is made to fail by LD_PRELOAD, which needs Linux)'
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return ''
  } catch {
    return ' (skipped: there is no C compiler, cc)'
  }
})()

const call = promisify(execFile)

/** Runs a program of this folder so, on files in a part of the given folder; gives what it says at its end, in JSON. */
export async function runFaulty(program: string, folder: string, ...args: readonly string[]): Promise<unknown> {
  const [library, control, stores] = ['faults.so', 'control', 'stores'].map((name) => join(folder, name))
  await call('cc', ['-shared', '-fPIC', '-O1', '-o', library!, source, '-ldl'])
  writeFileSync(control!, new Int32Array([-1, 0, 0]))
  const env = { ...process.env, LD_PRELOAD: library, FAULTS_CONTROL: control, FAULTS_FOLDER: stores }
  const flags = ['--conditions=@glimpse/source', '--disable-warning=ExperimentalWarning']
  const file = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await call(process.execPath, [...flags, file, stores!, ...args], { env })
  return JSON.parse(stdout)
}

/** Within such a process: what its disk is to do from now on. */
export class FaultControl {
  readonly #file: number = openSync(String(process.env['FAULTS_CONTROL']), 'r+')

  /** After so many calls that succeed, one fails with this errno. */
  failAfter(calls: number, errno: number): void {
    writeSync(this.#file, new Int32Array([calls, errno]), 0, 8, 0)
  }

  /** @returns whether a call was made to fail since. */
  heal(): boolean {
    const left = new Int32Array(1)
    readSync(this.#file, left, 0, 4, 0)
    writeSync(this.#file, new Int32Array([-1]), 0, 4, 0)
    return left[0]! < 0
  }

  slowSyncs(microseconds: number): void {
    writeSync(this.#file, new Int32Array([microseconds]), 0, 4, 8)
  }

  close(): void {
    closeSync(this.#file)
  }
}
