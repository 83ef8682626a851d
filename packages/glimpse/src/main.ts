import { Command } from 'commander'

/** The command line. Commands load their parts when they run, so that `--help` costs nothing. */
const program = new Command('glimpse')
  .description('An image service that speaks the OpenStack Images API v2')
  .version('0.1.0')

program
  .command('serve')
  .description('serve the Images API')
  .option('--config-file <file>', 'a configuration file (may be repeated; later ones win)', collect, [])
  .option('--config-dir <folder>', 'a folder of *.conf files, read after the files', collect, [])
  .option('--state-dir <folder>', 'where database, images and staged data go (default: ./data)')
  .option('--host <address>', 'address to listen on (DEFAULT.bind_host)')
  .option('--port <number>', 'port to listen on, 0 for a free one (DEFAULT.bind_port)')
  .action(async (options) => {
    const { serve } = await import('./serve.ts')
    process.exitCode = await serve(options)
  })

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

await program.parseAsync()
