import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** Something that the compiler has against a file. */
export interface Complaint {
  /** Relative to the project's folder. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  /** With everything that the compiler gives as its reasons, indented, one a line. */
  readonly message: string
}

/** A folder of generated sources under tmp/, which the compiler and Node read as they read our own. */
export class Project implements Disposable {
  readonly folder: string

  constructor(name: string) {
    const parent = path.join(root, 'tmp')
    mkdirSync(parent, { recursive: true })
    this.folder = mkdtempSync(path.join(parent, `${name}-`))
    const settings = {
      extends: '../../tsconfig.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['*.ts'],
    }
    this.write('tsconfig.json', JSON.stringify(settings))
  }

  write(file: string, text: string): string {
    const target = path.join(this.folder, file)
    writeFileSync(target, text)
    return target
  }

  /** Everything that the compiler has against the files of the folder, and against what they import. */
  async complaints(): Promise<readonly Complaint[]> {
    return complaintsIn(await this.#tsc('--pretty', 'false'), this.folder)
  }

  /**
   * How many types the compiler instantiates to check the folder and what it imports: the same number on every run and
   * machine, unlike a time.
   */
  async instantiations(): Promise<number> {
    const told = await this.#tsc('--pretty', 'false', '--extendedDiagnostics', '--singleThreaded')
    const [complaint] = complaintsIn(told, this.folder)
    if (complaint) throw new Error(`${complaint.file}:${complaint.line} does not compile: ${complaint.message}`)
    const [, count] = /^Instantiations: +(\d+)$/m.exec(told) ?? []
    if (count === undefined) throw new Error(`tsc tells no number of instantiations: ${told}`)
    return Number(count)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #tsc(...flags: readonly string[]): Promise<string> {
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    execFile(process.execPath, [tsc, '--noEmit', '-p', this.folder, ...flags], { cwd: root }, (error, out, err) => {
      if (error === null || typeof error.code === 'number') resolve(out + err)
      else reject(error)
    })
    return promise
  }
}

function complaintsIn(told: string, folder: string): readonly Complaint[] {
  const heads = [...told.matchAll(/^(\S.*?)\((\d+),(\d+)\): error (TS\d+): (.*(?:\n +.*)*)/gm)]
  if (heads.length === 0 && /error TS\d+/.test(told)) throw new Error(told)
  return heads.map(([, file = '', line, column, code = '', message = '']) => ({
    file: path.relative(folder, path.resolve(root, file)),
    line: Number(line),
    column: Number(column),
    code,
    message: message.replaceAll(`${folder}/`, '').replaceAll(root, ''),
  }))
}
