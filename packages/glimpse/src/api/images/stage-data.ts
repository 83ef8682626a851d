import { stageImage } from '../../usecases/stage-image.ts'
import type { Answer, Call } from '../route.ts'
import { announcedSize } from './announced-size.ts'

/** `PUT /v2/images/ID/stage` */
export async function handleStageData({ parts, context, params, headers, data }: Call): Promise<Answer> {
  const size = announcedSize(headers)
  await stageImage(parts, context, params['id']!, data, size === undefined ? {} : { size })
  return { status: 204 }
}
