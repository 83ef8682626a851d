import { mkdirSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type Logger, pino } from 'pino'
import { createApp } from './app.ts'
import type { Config } from './config/config.ts'
import { ConfigError } from './config/errors.ts'
import { loadConfig } from './config/load.ts'
import { ServiceError } from './domain/errors.ts'

export interface ServeOptions {
  readonly configFile: readonly string[]
  readonly configDir: readonly string[]
  readonly stateDir?: string
  readonly host?: string
  readonly port?: string
}

/** Serves until it is told to stop. Returns the exit code: 1, and the reason on stderr, when it cannot start. */
export async function serve(options: ServeOptions): Promise<0 | 1> {
  try {
    const { config, warnings } = loadConfig({
      files: options.configFile,
      dirs: options.configDir,
      env: process.env,
      overrides: overridesOf(options),
      ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
    })
    const log = pino({ level: config.log.debug ? 'debug' : 'info' }, logTarget(config))
    for (const warning of warnings) log.warn(warning)
    await run(config, log)
    return 0
  } catch (error) {
    if (!isForOperator(error)) throw error
    process.stderr.write(`glimpse: ${error.message}\n`)
    return 1
  }
}

async function run(config: Config, log: Logger): Promise<void> {
  const toldToStop = firstSignal()
  await mkdir(path.dirname(config.database.file), { recursive: true })
  const app = await createApp(config, log)
  const { tasks, images, files } = app.recovered
  if (tasks + images + files > 0) log.warn(app.recovered, 'put right what an earlier process left unfinished')
  const address = await app.server.listen({ host: config.listen.host, port: config.listen.port })
  log.info({ address, executor: config.tasks.executor, stateDir: config.stateDir }, 'listening')
  process.stderr.write(howToTalk(address, config))
  const signal = await toldToStop
  log.info({ signal }, 'stopping')
  await app.close()
}

/** Resolves with the first signal to stop, heard from now on; a second one ends the process as it is. */
function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const signals = ['SIGTERM', 'SIGINT'] as const
  const hear = (signal: NodeJS.Signals): void => {
    for (const other of signals) process.off(other, hear)
    resolve(signal)
  }
  for (const signal of signals) process.on(signal, hear)
  return promise
}

function overridesOf({ host, port }: ServeOptions): Record<string, string> {
  return {
    ...(host === undefined ? {} : { 'DEFAULT.bind_host': host }),
    ...(port === undefined ? {} : { 'DEFAULT.bind_port': port }),
  }
}

/** Bytes of log that wait for a place which takes none; what comes then is lost. */
const logBacklog = 1 << 20

/** Images are served also when the log cannot be written, on a full disk say: that is said once, on stderr. */
function logTarget({ log: { file } }: Config): ReturnType<typeof pino.destination> {
  if (file !== null) mkdirSync(path.dirname(file), { recursive: true })
  const target = pino.destination({ dest: file === null ? 1 : openSync(file, 'a'), maxLength: logBacklog })
  let told = false
  target.on('error', ({ message }: Error) => {
    if (!told) process.stderr.write(`glimpse: the log cannot be written: ${message}\n`)
    told = true
  })
  return target
}

function isForOperator(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof ServiceError) return true
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E')
}

function howToTalk(address: string, { stateDir }: Config): string {
  return `
Glimpse serves the OpenStack Images API v2 at ${address}, with its data in ${stateDir}.
Talk to it with the OpenStack client (no Keystone needed; the token may be anything):

  alias glimpse-cli='openstack --os-auth-type admin_token --os-token x --os-endpoint ${address}/v2'
  glimpse-cli image create --disk-format qcow2 --file disk.qcow2 my-image
  glimpse-cli image list

`
}
