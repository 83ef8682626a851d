import { Command } from 'commander'
import type { PurgeCommand } from './db-commands.ts'
import type { ConfigOptions } from './operator.ts'
import type { ServeOptions } from './serve.ts'

/** The command line. Commands load their parts when they run, so that `--help` costs nothing. */
const program = new Command('glimpse')
  .description('An image service that speaks the OpenStack Images API v2')
  .version('0.1.0')

configurable(program.command('serve'))
  .description('serve the Images API')
  .option('--host <address>', 'address to listen on (DEFAULT.bind_host)')
  .option('--port <number>', 'port to listen on, 0 for a free one (DEFAULT.bind_port)')
  .action(async (options: ServeOptions) => {
    const { serve } = await import('./serve.ts')
    process.exitCode = await serve(options)
  })

const db = program.command('db').description('look after the database')

configurable(db.command('sync'))
  .description('bring the schema up to date; no service may run')
  .action(async (options: ConfigOptions) => {
    const { syncDatabase } = await import('./db-commands.ts')
    process.exitCode = await syncDatabase(options)
  })

configurable(db.command('check'))
  .description('say what is in the database and in the stores, and what is wrong (exit code 1); changes nothing')
  .action(async (options: ConfigOptions) => {
    const { checkDatabase } = await import('./db-commands.ts')
    process.exitCode = await checkDatabase(options)
  })

configurable(db.command('purge'))
  .description('remove for good the rows of deleted images and ended tasks; no service may run')
  .option('--age-in-days <number>', 'how long ago they were deleted or ended, at least', '30')
  .option('--max-rows <number>', 'how many rows go at most', '100')
  .action(async (options: PurgeCommand) => {
    const { purgeDatabase } = await import('./db-commands.ts')
    process.exitCode = await purgeDatabase(options)
  })

function configurable(command: Command): Command {
  return command
    .option('--config-file <file>', 'a configuration file (may be repeated; later ones win)', collect, [])
    .option('--config-dir <folder>', 'a folder of *.conf files, read after the files', collect, [])
    .option('--state-dir <folder>', 'where database, images and staged data go (default: ./data)')
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

await program.parseAsync()
