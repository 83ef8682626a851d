import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ConfigError } from '../../src/config/errors.ts'
import { type LoadedConfig, type LoadRequest, loadConfig } from '../../src/config/load.ts'

/** A folder of configuration files that goes away with its `using` block. */
export class ConfigFolder implements Disposable {
  readonly dir: string = mkdtempSync(path.join(tmpdir(), 'glimpse-config-'))

  path(name: string): string {
    return path.join(this.dir, name)
  }

  write(name: string, text: string): string {
    mkdirSync(path.dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  /** Loads `text` as the one file `glance-api.conf`, with the state folder `state` beside it. */
  load(text: string, request: Partial<LoadRequest> = {}): LoadedConfig {
    const files = [this.write('glance-api.conf', text)]
    return loadConfig({ files, env: {}, overrides: {}, stateDir: this.path('state'), ...request })
  }

  /** The problems of such a load, without the folder's name. */
  problems(text: string, request: Partial<LoadRequest> = {}): string[] {
    try {
      this.load(text, request)
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map((problem) => problem.replaceAll(`${this.dir}/`, ''))
      throw error
    }
    return []
  }

  /** The warnings of such a load, without the folder's name. */
  warnings(text: string, request: Partial<LoadRequest> = {}): string[] {
    return this.load(text, request).warnings.map((warning) => warning.replaceAll(`${this.dir}/`, ''))
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
