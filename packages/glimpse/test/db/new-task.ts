import type { NewTask } from '../../src/domain/task.ts'

export function newTask(id: string, rest: Partial<NewTask> = {}): NewTask {
  return {
    id,
    type: 'api_image_import',
    owner: 'p1',
    input: { image_id: 'a', import_req: { method: { name: 'web-download', list: [1, null, true] } } },
    imageId: 'a',
    requestId: 'req-1',
    userId: 'u1',
    ...rest,
  }
}
