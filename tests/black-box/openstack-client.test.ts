import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeQcow2 } from '../../harness/qcow2.ts'
import { hasProgram } from '../run/tools.ts'
import { importAndWait, newImage, Program, type Site, Stage } from './support.ts'

/** Where programs must be there (CI=true) the tests run, and fail, without it. */
const missing = !hasProgram('openstack') && process.env['CI'] !== 'true'
const why = missing ? ' (skipped: the program openstack is not here; Debian: python3-openstackclient)' : ''

const stage = new Stage()
const image = makeQcow2(randomBytes(1 << 20))
const checksum = createHash('md5').update(image).digest('hex')
const formats = ['--disk-format', 'qcow2', '--container-format', 'bare']

let site: Site
let folder: string
let file: string

/** What `openstack image show` and `create` print as JSON. */
interface Shown {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly size?: number
  readonly checksum?: string
  readonly tags: readonly string[]
  readonly properties: Readonly<Record<string, unknown>>
}

describe.skipIf(missing)(`the openstack client${why}`, () => {
  beforeAll(async () => {
    folder = await stage.folder()
    file = path.join(folder, 'disk.qcow2')
    await writeFile(file, image)
    site = await stage.serve('[DEFAULT]\nlimit_param_default = 2\n')
  })
  afterAll(() => stage.close())

  it('uploads a qcow2 file, and shows the image by id and by name', async () => {
    const { id } = await ask('image', 'create', ...formats, '--file', file, 'uploaded')
    const byId = await ask('image', 'show', id)
    expect(byId).toMatchObject({ id, name: 'uploaded', status: 'active', size: image.length, checksum })
    expect(byId.properties).toMatchObject({ os_hash_algo: 'sha512', os_hash_value: expect.any(String) as string })
    expect(await ask('image', 'show', 'uploaded')).toEqual(byId)
  })

  it('lists all images, page after page, and filters them', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await newImage(site.client, name)
    const named = (images: readonly { readonly Name: string }[]): string[] => images.map(({ Name }) => Name)
    expect(named(await list('--status', 'queued'))).toEqual(['page-1', 'page-2', 'page-3'])
    expect(named(await list('--name', 'page-2'))).toEqual(['page-2'])
    // The newest comes first, so older ones are behind the marker; the client itself sorts what comes.
    expect(named(await list('--status', 'queued', '--marker', 'page-3'))).toEqual(['page-1', 'page-2'])
    expect(named(await list('--status', 'queued', '--limit', '1'))).toEqual(['page-3'])
  })

  it('sets a name, a property and a tag, and unsets a property', async () => {
    const { id } = await newImage(site.client, 'before')
    await run(
      'image',
      'set',
      '--name',
      'after',
      '--property',
      'os_distro=debian',
      '--tag',
      'tested',
      '--min-disk',
      '3',
      id,
    )
    const set = await ask('image', 'show', 'after')
    expect(set).toMatchObject({ id, tags: ['tested'], properties: { os_distro: 'debian' }, min_disk: 3 })
    await run('image', 'unset', '--property', 'os_distro', id)
    const unset = await ask('image', 'show', id)
    expect(unset.properties).not.toHaveProperty('os_distro')
  })

  it('saves what was uploaded, byte for byte', async () => {
    const { id } = await ask('image', 'create', ...formats, '--file', file, 'saved')
    await expectSaved(id)
  })

  it('deletes by id and by name, and then finds nothing', async () => {
    const [first, second] = [await newImage(site.client, 'gone-1'), await newImage(site.client, 'gone-2')]
    await run('image', 'delete', first.id, 'gone-2')
    for (const gone of [first.id, 'gone-2'])
      expect(await refusal('image', 'show', gone)).toBe(`No Image found for ${gone}`)
    const left = await list()
    expect(left.filter(({ ID }) => ID === first.id || ID === second.id)).toEqual([])
  })

  it('imports by glance-direct, and the task of it is seen', async () => {
    const { id } = await ask('image', 'create', ...formats, '--file', file, '--import', 'imported')
    const [task] = await site.client.images.tasks(id)
    await site.client.tasks.waitFor(task!.id, { intervalMs: 20 })
    expect(await ask('image', 'show', id)).toMatchObject({ status: 'active', checksum, size: image.length })
    await expectTaskListed(task!.id, 'glance-direct')
    await expectSaved(id)
  })

  it('makes an image that a web-download fills, then shows it active and saves it', async () => {
    const source = await stage.holdSource(image)
    source.release()
    const { id, status } = await ask('image', 'create', ...formats, 'fetched')
    expect(status).toBe('queued')
    const task = await importAndWait(site.client, id, { method: 'web-download', uri: source.url })
    expect(task).toMatchObject({ status: 'success', image_id: id })
    expect(await ask('image', 'show', 'fetched')).toMatchObject({ status: 'active', checksum, size: image.length })
    await expectTaskListed(task.id, 'web-download')
    await expectSaved(id)
  })

  it('says readably why the service refuses', async () => {
    const kept = await ask('image', 'create', ...formats, 'kept')
    await run('image', 'set', '--protected', 'kept')
    expect(await refusal('image', 'delete', 'kept')).toContain(`Image ${kept.id} is protected and cannot be deleted.`)
    expect(await refusal('image', 'show', 'never-made')).toBe('No Image found for never-made')
    const again = await refusal('image', 'create', ...formats, '--id', kept.id, 'again')
    expect(again).toContain(`Image ID ${kept.id} already exists!`)
    const asked = site.client.images.import(kept.id, {
      method: 'web-download',
      uri: 'http://127.0.0.1/x',
      stores: ['tape'],
    })
    await expect(asked).rejects.toMatchObject({ status: 409, explanation: "Unknown store 'tape'; the stores are file" })
  })

  it('works without a token, given the endpoint without /v2', async () => {
    const none = ['--os-auth-type', 'none', '--os-endpoint', site.service.address]
    const { id } = await newImage(site.client, 'open')
    const shown = await openstack([...none, 'image', 'show', '-f', 'json', 'open'])
    expect({ ...shown, stdout: (JSON.parse(shown.stdout) as Shown).id }).toEqual({ code: 0, stdout: id, stderr: '' })
  })
})

/** Standard input is closed: the client takes it, if there is one, for the data of a new image. */
async function openstack(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('OS_'))
  const program = new Program('sh', ['-c', 'exec openstack "$@" <&-', 'sh', ...args], Object.fromEntries(others))
  stage.onClose(() => program.stop())
  return { code: await program.ended, stdout: program.stdout, stderr: program.stderr }
}

function asAdmin(args: readonly string[]): ReturnType<typeof openstack> {
  const endpoint = `${site.service.address}/v2`
  return openstack(['--os-auth-type', 'admin_token', '--os-token', 'x', '--os-endpoint', endpoint, ...args])
}

/** @throws the test's failure, with what the client said, when it does not succeed */
async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await asAdmin(args)
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
  return stdout
}

async function ask(noun: string, verb: string, ...args: readonly string[]): Promise<Shown> {
  return JSON.parse(await run(noun, verb, '-f', 'json', ...args)) as Shown
}

async function list(...args: readonly string[]): Promise<readonly { readonly ID: string; readonly Name: string }[]> {
  return JSON.parse(await run('image', 'list', '-f', 'json', ...args)) as { ID: string; Name: string }[]
}

/** What the client says when it must fail. */
async function refusal(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await asAdmin(args)
  expect(code).toBe(1)
  return stderr.trim()
}

async function expectSaved(id: string): Promise<void> {
  const copy = path.join(folder, `${id}.copy`)
  await run('image', 'save', '--file', copy, id)
  const hash = createHash('md5').update(await readFile(copy))
  expect(hash.digest('hex')).toBe(checksum)
}

/** The client has no verbs for tasks. */
async function expectTaskListed(id: string, method: string): Promise<void> {
  const { input, type } = await site.client.tasks.show(id)
  expect({ input, type }).toMatchObject({
    type: 'api_image_import',
    input: { import_req: { method: { name: method } } },
  })
  const listed: string[] = []
  for await (const task of site.client.tasks.list()) listed.push(task.id)
  expect(listed).toContain(id)
}
