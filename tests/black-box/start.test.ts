import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GlimpseClient } from '@glimpse/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entry, type LogLine } from '../../harness/service.ts'
import { newImage, Program, Stage } from './support.ts'

const stage = new Stage()
afterEach(() => stage.close())

let folder: string
let stateDir: string
let file: string

beforeEach(async () => {
  folder = await stage.folder()
  stateDir = path.join(folder, 'state')
  file = path.join(folder, 'glance-api.conf')
})

describe('help', () => {
  it('names the command', async () => {
    const { code, stdout } = await finish('--help')
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('serve') as string })
  })

  it('of serve names its options', async () => {
    const { code, stdout } = await finish('serve', '--help')
    expect(code).toBe(0)
    for (const option of ['--config-file', '--config-dir', '--state-dir', '--host', '--port']) {
      expect(stdout).toContain(option)
    }
  })

  it('comes with an unknown command or option, and exit code 1', async () => {
    expect(await finish('serv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("unknown command 'serv'") as string,
    })
    const wrong = await finish('serve', '--prot', '80')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("unknown option '--prot'") as string })
  })
})

describe('serve starts and', () => {
  it('prints how to talk to it, also on a free port', async () => {
    const program = await configure('')
    const [, address = ''] = await program.says(/at (http:\/\/127\.0\.0\.1:\d+),/)
    await program.says(new RegExp(`openstack --os-auth-type admin_token --os-token x --os-endpoint ${address}/v2'`))
    expect(program.stderr).toContain(stateDir)
    const versions = await new GlimpseClient({ endpoint: address }).versions()
    expect(versions.map(({ id }) => id)).toContain('v2.7')
    expect(await program.stop('SIGTERM')).toBe(0)
  })

  it('warns in the log of an option that it does not know, with the line and the one that was meant', async () => {
    const program = await configure('[DEFAULT]\nbind_prot = 80\nworkers = 4\n')
    await program.says(/glimpse-cli image list/)
    await program.stop('SIGTERM')
    const warnings = linesOf(program.stdout).filter(({ level }) => level === 40)
    expect(warnings.map(({ msg }) => msg)).toEqual([
      `${file}:2: [DEFAULT] bind_prot is no option that is known (did you mean [DEFAULT] bind_port?), so it is ignored`,
      expect.stringContaining(`${file}:3: [DEFAULT] workers is no option that is known`),
    ])
  })

  it('logs to log_file, folders and all, and nothing on standard output', async () => {
    const log = path.join(folder, 'new', 'folders', 'glimpse.log')
    const program = await configure(`[DEFAULT]\nlog_file = ${log}\n`)
    const [, address = ''] = await program.says(/at (http:\/\/127\.0\.0\.1:\d+),/)
    await newImage(new GlimpseClient({ endpoint: address }))
    expect(await program.stop('SIGTERM')).toBe(0)
    expect(program.stdout).toBe('')
    const said = linesOf(await readFile(log, 'utf8')).map(({ msg }) => msg)
    expect(said).toEqual(['listening', 'answered', 'stopping'])
  })

  it('listens for other machines when it is told to in so many words', async () => {
    const program = await configure('[DEFAULT]\nbind_host = 0.0.0.0\nallow_unauthenticated_remote = true\n')
    await program.says(/at http:\/\/0\.0\.0\.0:\d+,|at http:\/\/127\.0\.0\.1:\d+,/)
    expect(await program.stop('SIGTERM')).toBe(0)
  })
})

describe('serve does not start, exits with 1 and says why,', () => {
  it('when a value in the file is wrong: where, what was given, what is allowed', async () => {
    await expectRefusal('[DEFAULT]\n# the port\nbind_port = many\n', [
      `${file}:3: [DEFAULT] bind_port = many:`,
      '0 to 65535',
    ])
    await expectRefusal('[task]\ntask_executor = celery\n', [`${file}:2: `, 'taskflow, plain, eventlet'])
  })

  it('when several values are wrong: all of them at once', async () => {
    await expectRefusal('[DEFAULT]\nbind_port = many\ndebug = perhaps\n', [`${file}:2: `, `${file}:3: `])
  })

  it('when its file is not there', async () => {
    const absent = path.join(folder, 'absent.conf')
    const { code, stderr } = await finish('serve', '--config-file', absent, '--state-dir', stateDir, '--port', '0')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `glimpse: the configuration is wrong:\n  the configuration file ${absent} does not exist\n`,
    })
  })

  it('when other machines would be served without a login', async () => {
    await expectRefusal('[DEFAULT]\nbind_host = 0.0.0.0\n', [
      `${file}:2: [DEFAULT] bind_host = 0.0.0.0: nobody has to log in, so only this machine is served`,
      'allow_unauthenticated_remote = true',
    ])
  })

  it('when the port is taken', async () => {
    const other = createServer()
    stage.onClose(() => other.close())
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await finish('serve', '--state-dir', stateDir, '--port', String(port))
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`^glimpse: .*address already in use.*127\\.0\\.0\\.1:${port}\n$`),
      ) as string,
    })
  })

  it('when the database file is no database, and leaves the file alone', async () => {
    const database = path.join(folder, 'notes.txt')
    const text = 'these are my notes, not a database\n'.repeat(100)
    await writeFile(database, text)
    await expectRefusal(`[database]\nconnection = sqlite:///${database}\n`, [
      `Cannot use the database ${database}: the file is no SQLite database; name another file`,
    ])
    expect(await readFile(database, 'utf8')).toBe(text)
  })

  it('when the database is of another program, and leaves it alone', async () => {
    const database = path.join(folder, 'other.sqlite')
    const other = new DatabaseSync(database)
    other.exec('create table notes (text)')
    other.close()
    const before = await readFile(database)
    await expectRefusal(`[database]\nconnection = sqlite:///${database}\n`, [database, 'of another program'])
    expect((await readFile(database)).equals(before)).toBe(true)
  })

  it('when the state folder cannot be made', async () => {
    await writeFile(path.join(folder, 'taken'), '')
    stateDir = path.join(folder, 'taken', 'state')
    await expectRefusal('', [stateDir, 'not a directory'])
  })

  it('when the log file cannot be written', async () => {
    const log = path.join(folder, 'a-folder.log')
    await mkdir(log)
    await expectRefusal(`[DEFAULT]\nlog_file = ${log}\n`, [log])
    expect(await readdir(folder)).not.toContain('state')
  })
})

function glimpse(...args: readonly string[]): Program {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('OS_'))
  const program = new Program(process.execPath, [entry, ...args], Object.fromEntries(others))
  stage.onClose(() => program.stop())
  return program
}

/** `glimpse serve` with that configuration on a free port. */
async function configure(config: string): Promise<Program> {
  await writeFile(file, config)
  return glimpse('serve', '--config-file', file, '--state-dir', stateDir, '--port', '0')
}

async function finish(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = glimpse(...args)
  return { code: await program.ended, stdout: program.stdout, stderr: program.stderr }
}

/** Each line of what it says is for people: no stack of calls. */
async function expectRefusal(config: string, parts: readonly string[]): Promise<void> {
  const args = /bind_port/.test(config) ? [] : ['--port', '0']
  await writeFile(file, config)
  const { code, stdout, stderr } = await finish('serve', '--config-file', file, '--state-dir', stateDir, ...args)
  for (const part of parts) expect(stderr).toContain(part)
  expect({ code, stdout, beginning: stderr.slice(0, 9) }).toEqual({ code: 1, stdout: '', beginning: 'glimpse: ' })
  expect(stderr).not.toMatch(/^ +at /m)
}

function linesOf(text: string): LogLine[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogLine)
}
