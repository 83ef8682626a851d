import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageId, startService } from './service.ts'

async function serveData(): Promise<number> {
  const web = createServer((_, response) => response.end('data'))
  await new Promise<void>((resolve) => {
    web.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    web.close()
    web.closeAllConnections()
  })
  return (web.address() as AddressInfo).port
}

describe.each(['plain', 'taskflow'])('an import by %s', (kind) => {
  it('that is stopped when its image is active has succeeded', async () => {
    const port = await serveData()
    const { parts, send, createImage, files } = await startService({
      overrides: {
        'task.task_executor': kind,
        'import_filtering_opts.allowed_hosts': '[127.0.0.1]',
        'import_filtering_opts.allowed_ports': `[${port}]`,
      },
    })
    await createImage()
    const { images, stores, executor, tasks } = parts
    const unstage = stores.staging.delete.bind(stores.staging)
    let stopped: Promise<void> | undefined
    Object.assign(stores.staging, {
      delete: async (key: string) => {
        if ((await images.find(key))?.status === 'active') stopped ??= executor.stop('shut down; try again')
        await unstage(key)
      },
    })
    const method = { name: 'web-download', uri: `http://127.0.0.1:${port}/x` }
    await send('POST', `/v2/images/${imageId}/import`, { method })
    await executor.drain()
    await stopped
    const sort = { key: 'id', direction: 'asc' } as const
    expect(stopped).toBeDefined()
    expect(await images.find(imageId)).toMatchObject({ status: 'active', importTask: null })
    expect([await files('fast'), await files('staging')]).toEqual([[imageId], []])
    expect(await tasks.list({ imageId, sort, limit: 5 })).toMatchObject([
      { status: 'success', result: { image_id: imageId }, message: expect.stringContaining('Imported') as unknown },
    ])
  })
})
