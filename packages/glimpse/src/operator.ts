import { TaskFlowError } from '@glimpse/taskflow'
import { ConfigError } from './config/errors.ts'
import { loadConfig } from './config/load.ts'
import { ServiceError } from './domain/errors.ts'

/** Where every command is told its configuration. */
export interface ConfigOptions {
  readonly configFile: readonly string[]
  readonly configDir: readonly string[]
  readonly stateDir?: string
}

/** @throws ConfigError */
export function configOf(
  { configFile, configDir, stateDir }: ConfigOptions,
  overrides: Readonly<Record<string, string>> = {},
): ReturnType<typeof loadConfig> {
  return loadConfig({
    files: configFile,
    dirs: configDir,
    env: process.env,
    overrides,
    ...(stateDir === undefined ? {} : { stateDir }),
  })
}

/** Runs a command and gives its exit code: 1, and the reason on stderr, where an operator can do something about it. */
export async function forOperator(command: () => Promise<0 | 1>): Promise<0 | 1> {
  try {
    return await command()
  } catch (error) {
    if (!isForOperator(error)) throw error
    process.stderr.write(`glimpse: ${error.message}\n`)
    return 1
  }
}

function isForOperator(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof ServiceError) return true
  if (error instanceof TaskFlowError) return error.code === 'storage'
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E')
}
