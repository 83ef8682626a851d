import { mkdirSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type Logger, pino } from 'pino'
import { type App, createApp } from './app.ts'
import type { Config } from './config/config.ts'
import { type ConfigOptions, configOf, forOperator } from './operator.ts'

export interface ServeOptions extends ConfigOptions {
  readonly host?: string
  readonly port?: string
}

/** Serves until it is told to stop. Returns the exit code: 1, and the reason on stderr, when it cannot start. */
export async function serve(options: ServeOptions): Promise<0 | 1> {
  return await forOperator(async () => {
    const { config, warnings } = configOf(options, overridesOf(options))
    const log = pino({ level: config.log.debug ? 'debug' : 'info' }, logTarget(config))
    for (const warning of warnings) log.warn(warning)
    await run(config, log)
    return 0
  })
}

async function run(config: Config, log: Logger): Promise<void> {
  const toldToStop = firstSignal()
  await mkdir(path.dirname(config.database.file), { recursive: true })
  const app = await createApp(config, log)
  const { tasks, images, files } = app.recovered
  if (tasks + images + files > 0) log.warn(app.recovered, 'put right what an earlier process left unfinished')
  const address = await listen(app, config)
  log.info({ address, executor: config.tasks.executor, stateDir: config.stateDir }, 'listening')
  app.sweeper.start()
  process.stderr.write(howToTalk(address, config))
  const signal = await toldToStop
  log.info({ signal }, 'stopping')
  await app.close()
}

/** One that cannot listen has nothing to do, and would work on its jobs for ever. */
async function listen(app: App, { listen: { host, port } }: Config): Promise<string> {
  try {
    return await app.server.listen({ host, port })
  } catch (error) {
    await app.close()
    throw error
  }
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

function howToTalk(address: string, { stateDir }: Config): string {
  return `
Glimpse serves the OpenStack Images API v2 at ${address}, with its data in ${stateDir}.
Talk to it with the OpenStack client (no Keystone needed; the token may be anything):

  alias glimpse-cli='openstack --os-auth-type admin_token --os-token x --os-endpoint ${address}/v2'
  glimpse-cli image create --disk-format qcow2 --file disk.qcow2 my-image
  glimpse-cli image list

`
}
